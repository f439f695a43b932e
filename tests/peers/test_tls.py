"""TLS towards the next hop (opportunistic, required, verified by name and authority, client certificate) and clients known by certificate."""

import unittest

from rig import beadle, mail, tls
from rig.case import PeerCase
from rig.dialogue import Dialogue, submit
from rig.recorder import Recorder


def hop(port, *settings):
    return f'[[outbound.hops]]\nhost = "127.0.0.1"\nport = {port}\n' + "".join(f"{line}\n" for line in settings)


class TowardsTheNextHop(PeerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.authority, cls.other = tls.Authority(), tls.Authority()
        cls.certificate, cls.key = cls.authority.issue("smtp.nexthop.example")
        cls.own_certificate, cls.own_key = cls.authority.issue("relay.oakfield-trust.example")
        cls.secure = cls.keep(Recorder(tls=tls.server_context(cls.certificate, cls.key)))
        cls.clear = cls.keep(Recorder())
        cls.asking = cls.keep(Recorder(tls=tls.server_context(cls.certificate, cls.key, cls.authority.certificate)))

    def setUp(self):
        for recorder in (self.secure, self.clear, self.asking):
            recorder.clear()

    def reply(self, recorder, *settings):
        """What a client is told by a relay with this next hop; the relay is stopped again."""
        relay = beadle.Beadle(None, config=hop(recorder.port, *settings))
        try:
            return submit(relay.port, mail.SENDER, [mail.PARENT], mail.clean(1201))
        finally:
            relay.stop()

    def encrypted(self, recorder):
        return any(line.upper().startswith("STARTTLS") for line in recorder.attempts)

    def test_opportunistic_uses_what_is_offered(self):
        self.assert_reply(self.reply(self.secure), 250)
        self.assertTrue(self.encrypted(self.secure))
        self.assert_reply(self.reply(self.clear), 250)
        self.assert_passed_untouched(self.secure.deliveries[0].message, mail.clean(1201))

    def test_none_never_asks(self):
        self.assert_reply(self.reply(self.secure, 'tls = "none"'), 250)
        self.assertFalse(self.encrypted(self.secure))

    def test_required_does_not_fall_back(self):
        self.assert_reply(self.reply(self.secure, 'tls = "required"'), 250)
        self.assert_reply(self.reply(self.clear, 'tls = "required"'), "4xx")
        self.assertEqual(self.clear.deliveries, [])

    def test_verified_wants_name_and_authority(self):
        name, authority = 'tls_name = "smtp.nexthop.example"', f'ca_file = "{self.authority.certificate}"'
        self.assert_reply(self.reply(self.secure, 'tls = "verified"', name, authority), 250)
        self.assertEqual(len(self.secure.deliveries), 1)
        for wrong in (
            ('tls_name = "smtp.other.example"', authority),
            (name, f'ca_file = "{self.other.certificate}"'),
            (authority,),
        ):
            with self.subTest(settings=wrong):
                self.assert_reply(self.reply(self.secure, 'tls = "verified"', *wrong), "4xx")
        self.assert_reply(self.reply(self.clear, 'tls = "verified"', name, authority), "4xx")
        self.assertEqual(len(self.secure.deliveries) + len(self.clear.deliveries), 1)

    def test_a_client_certificate_is_presented(self):
        settings = (
            'tls = "verified"', 'tls_name = "smtp.nexthop.example"', f'ca_file = "{self.authority.certificate}"',
        )  # fmt: skip
        own = (f'client_certificate = "{self.own_certificate}"', f'client_key = "{self.own_key}"')
        self.assert_reply(self.reply(self.asking, *settings, *own), 250)
        self.assert_reply(self.reply(self.asking, *settings), "4xx")
        self.assertEqual(len(self.asking.deliveries), 1)


class ClientsByCertificate(PeerCase):
    def test_only_a_certificate_of_the_right_name_lets_in(self):
        authority, other = tls.Authority(), tls.Authority()
        certificate, key = authority.issue("relay.oakfield-trust.example")
        outside = self.use(Recorder())
        config = (
            f'[[listener]]\ntls = {{ certificate = "{certificate}", key = "{key}", client_ca = "{authority.certificate}" }}\n'
            '[[access.clients]]\nnetworks = ["0.0.0.0/0"]\ncertificate_names = ["mail.oakfield-trust.example"]\nown_server = true\n'
        )
        relay = self.use(beadle.Beadle(outside.port, config=config, allow=None))
        presented = {
            "right": authority.issue("mail.oakfield-trust.example"),
            "wrong name": authority.issue("mail.unrelated.example"),
            "none": (None, None),
        }
        for name, (own, own_key) in presented.items():
            with self.subTest(name), Dialogue(relay.port) as client:
                self.assert_reply(client.starttls(tls.client_context(authority.certificate, own, own_key)), 220)
                reply = client.submit(mail.SENDER, [mail.PARENT], mail.clean(1211))
                if name == "right":
                    self.assert_reply(reply, 250)
                else:
                    self.assert_reply(reply, "5xx")
        with self.subTest("in clear"), Dialogue(relay.port) as client:
            self.assert_reply(client.submit(mail.SENDER, [mail.PARENT], mail.clean(1212)), "5xx")
        with self.subTest("another authority"):
            own, own_key = other.issue("mail.oakfield-trust.example")
            try:
                with Dialogue(relay.port) as client:
                    client.starttls(tls.client_context(authority.certificate, own, own_key))
                    self.assertNotEqual(client.submit(mail.SENDER, [mail.PARENT], mail.clean(1213)).code, 250)
            except Exception as error:  # noqa: BLE001: whatever way the handshake fails
                self.assertNotIsInstance(error, AssertionError)
        self.assertEqual(len(outside.deliveries), 1)


if __name__ == "__main__":
    unittest.main()
