"""What the next hop has is offered upstream and handed on verbatim; what it lacks is not. XFORWARD, PROXY, spooling, normalising."""

import socket
import struct
import unittest

from rig import beadle, machine, mail
from rig.case import PeerCase
from rig.dialogue import Dialogue, Gone, submit
from rig.recorder import Faults, Recorder

RICH = (*Recorder.BASE, "DSN", "SMTPUTF8", "XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE")


class Offers(PeerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.outside = cls.keep(Recorder(extensions=RICH))
        cls.relay = cls.keep(beadle.Beadle(cls.outside.port))

    def setUp(self):
        self.outside.clear()

    def client(self):
        """A session that is offered what the next hop has, which may have to be asked first."""

        def offered():
            client = Dialogue(self.relay.port)
            if "DSN" in client.extensions:
                return client
            client.close()
            return None

        client = machine.wait_for(offered, 15, "DSN is offered once the next hop was asked")
        self.addCleanup(client.close)
        return client

    def test_dsn_parameters_pass_verbatim(self):
        client = self.client()
        mail_from = f"MAIL FROM:<{mail.SENDER}> RET=HDRS ENVID=QQ+2B314+3D"
        rcpt_to = f"RCPT TO:<{mail.PARENT}> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;some+2Bone@elsewhere.example"
        self.assert_reply(client.ask(mail_from), 250)
        self.assert_reply(client.ask(rcpt_to), 250)
        self.assert_reply(client.data(mail.clean(1001)), 250)
        arrived = self.outside.wait(1)[0]
        for word in ("RET=HDRS", "ENVID=QQ+2B314+3D"):
            self.assertIn(word, arrived.mail)
        for word in ("NOTIFY=SUCCESS,DELAY", "ORCPT=rfc822;some+2Bone@elsewhere.example"):
            self.assertIn(word, arrived.rcpts[0])

    def test_addresses_pass_verbatim(self):
        names = ['"odd @ name"@elsewhere.example', "UPPER.Case@ElseWhere.example", "plus+tag=x@elsewhere.example", '"q\\"uoted"@elsewhere.example']
        client = self.client()
        self.assert_reply(client.ask(f"MAIL FROM:<{mail.SENDER}>"), 250)
        for name in names:
            self.assert_reply(client.ask(f"RCPT TO:<{name}>"), 250, name)
        self.assert_reply(client.data(mail.clean(1011)), 250)
        arrived = self.outside.wait(1)[0]
        self.assertEqual([line.partition(":")[2].strip() for line in arrived.rcpts], [f"<{name}>" for name in names])

    def test_international_addresses_pass_verbatim(self):
        client = self.client()
        self.assertIn("SMTPUTF8", client.extensions)
        self.assert_reply(client.ask(f"MAIL FROM:<{mail.SENDER}> SMTPUTF8"), 250)
        self.assert_reply(client.ask("RCPT TO:<élève@école.example>".encode()), 250)
        self.assert_reply(client.data(mail.clean(1021)), 250)
        arrived = self.outside.wait(1)[0]
        self.assertIn("SMTPUTF8", arrived.mail)
        self.assertIn("élève@école.example", arrived.rcpts[0])

    def test_what_the_next_hop_lacks_is_refused(self):
        plain = self.use(Recorder())
        relay = self.use(beadle.Beadle(plain.port))
        with Dialogue(relay.port) as client:
            self.assert_reply(client.ask(f"MAIL FROM:<{mail.SENDER}> RET=HDRS"), 555)
            self.assert_reply(client.ask(f"MAIL FROM:<{mail.SENDER}> XNONSENSE=1"), 555)
            self.assert_reply(client.ask(f"MAIL FROM:<{mail.SENDER}>"), 250)
            self.assert_reply(client.ask(f"RCPT TO:<{mail.PARENT}> NOTIFY=NEVER"), 555)

    def test_size_is_no_more_than_the_next_hop_takes(self):
        small = self.use(Recorder(extensions=("PIPELINING", "SIZE 1000000", "8BITMIME")))
        relay = self.use(beadle.Beadle(small.port))
        submit(relay.port, mail.SENDER, [mail.PARENT], mail.clean(1031))

        def offered():
            with Dialogue(relay.port) as client:
                # Room for the trace headers that are added may be kept back.
                return 990_000 <= int(client.extensions["SIZE"]) <= 1_000_000

        machine.wait_for(offered, 15, "the next hop's SIZE is offered")
        with Dialogue(relay.port) as client:
            self.assert_reply(client.ask(f"MAIL FROM:<{mail.SENDER}> SIZE=1000001"), 552)

    def test_xforward_is_for_listed_clients_only(self):
        with Dialogue(self.relay.port) as client:
            self.assertNotIn("XFORWARD", client.extensions)
            self.assert_reply(client.ask("XFORWARD NAME=spike.example ADDR=192.0.2.7"), "5xx")
        config = '[[access.clients]]\nnetworks = ["127.0.0.0/8"]\nown_server = true\nxforward = true\n'
        relay = self.use(beadle.Beadle(self.outside.port, config=config, allow=None))
        submit(relay.port, mail.SENDER, [mail.PARENT], mail.clean(1041))
        with Dialogue(relay.port) as client:
            self.assertIn("XFORWARD", client.extensions)
            self.assert_reply(client.ask("XFORWARD NAME=spike.example ADDR=192.0.2.7 PROTO=ESMTP"), 250)
            self.assert_reply(client.submit(mail.SENDER, [mail.PARENT], mail.clean(1042)), 250)
        passed = [line for line in self.outside.attempts if line.upper().startswith("XFORWARD")]
        self.assertTrue(any("ADDR=192.0.2.7" in line for line in passed), passed)

    def test_proxy_protocol_of_a_listed_balancer(self):
        config = (
            '[[access.clients]]\nnetworks = ["127.0.0.0/8"]\nproxy = true\n'
            '[[access.clients]]\nnetworks = ["192.0.2.0/24"]\nown_server = true\n'
        )
        relay = self.use(beadle.Beadle(self.outside.port, config=config, allow=None))
        second = b"\r\n\r\n\x00\r\nQUIT\n" + struct.pack("!BBH", 0x21, 0x11, 12)
        second += socket.inet_aton("192.0.2.9") + socket.inet_aton("127.0.0.1") + struct.pack("!HH", 4000, 25)
        for seq, header in ((1051, b"PROXY TCP4 192.0.2.9 127.0.0.1 4000 25\r\n"), (1052, second)):
            with self.subTest(header=header), Dialogue(relay.port, greet=False) as client:
                client.send(header)
                self.assert_reply(client.reply(), 220)
                client.ehlo()
                self.assert_reply(client.submit(mail.SENDER, [mail.PARENT], mail.clean(seq)), 250)
                head = self.outside.wait(1)[0].message.split(b"\r\n\r\n")[0]
                self.assertIn(b"192.0.2.9", head)
                self.outside.clear()
        for header in (b"PROXY TCP4 198.51.100.9 127.0.0.1 4000 25\r\n", b"EHLO no.proxy.example\r\n"):
            with self.subTest(header=header), Dialogue(relay.port, greet=False, timeout=15) as client:
                client.send(header)
                try:
                    self.assertGreaterEqual(client.reply().code, 400)
                except Gone:
                    pass

    def test_normalise_is_for_listed_clients(self):
        message = mail.message("one\ntwo\r\n", 1061)
        with Dialogue(self.relay.port) as client:
            self.assertIsNone(client.envelope(mail.SENDER, [mail.PARENT]))
            self.assert_reply(client.data(message), 554)
        config = '[[access.clients]]\nnetworks = ["127.0.0.0/8"]\nown_server = true\nnormalise = true\n'
        relay = self.use(beadle.Beadle(self.outside.port, config=config, allow=None))
        with Dialogue(relay.port) as client:
            self.assertIsNone(client.envelope(mail.SENDER, [mail.PARENT]))
            self.assert_reply(client.data(message), 250)
        self.assertTrue(self.outside.wait(1)[0].message.endswith(message.replace(b"one\ntwo", b"one\r\ntwo")))

    def test_a_spooling_listener_takes_mail_while_the_next_hop_is_down(self):
        port = machine.free_port()
        relay = self.use(beadle.Beadle(port, config="[[listener]]\n[listener.session]\nspool = true\n"))
        messages = [mail.clean(seq) for seq in range(1071, 1081)]
        for message in messages:
            self.assert_reply(submit(relay.port, mail.SENDER, [mail.PARENT], message), 250)
        self.assert_reply(submit(relay.port, mail.SENDER, [mail.PARENT], mail.medical(1082)), 550)
        relay.kill()
        outside = self.use(Recorder(port=port))
        relay.start()
        arrived = outside.wait(10, 100)
        self.assertEqual(sorted(mail.seq_of(each.message) for each in arrived), list(range(1071, 1081)))
        for each in arrived:
            self.assert_passed_untouched(each.message, mail.clean(mail.seq_of(each.message)))

    def test_a_second_next_hop_takes_over(self):
        down, up = machine.free_port(), self.use(Recorder())
        refusing = self.use(Recorder(faults=Faults(replies={"BANNER": "421 4.3.2 not now"})))
        hops = "".join(f'[[outbound.hops]]\nhost = "127.0.0.1"\nport = {port}\n' for port in (down, refusing.port, up.port))
        relay = self.use(beadle.Beadle(None, config=hops))
        self.assert_reply(submit(relay.port, mail.SENDER, [mail.PARENT], mail.clean(1091)), 250)
        self.assertEqual(len(up.deliveries), 1)

    def test_a_route_for_a_domain(self):
        partner = self.use(Recorder())
        config = (
            f'[[outbound.hops]]\nhost = "127.0.0.1"\nport = {self.outside.port}\n'
            f'[[outbound.routes]]\ndomains = ["council-safeguarding.example"]\n[[outbound.routes.hops]]\nhost = "127.0.0.1"\nport = {partner.port}\n'
        )
        relay = self.use(beadle.Beadle(None, config=config))
        self.assert_reply(submit(relay.port, mail.SENDER, [mail.PARTNER], mail.clean(1101)), 250)
        self.assertEqual(partner.wait(1)[0].recipients(), [mail.PARTNER])
        self.assertEqual(self.outside.deliveries, [])
        # Both ways in one message: each recipient gets it, and by its own way.
        reply = submit(relay.port, mail.SENDER, [mail.PARTNER, mail.PARENT], mail.clean(1102))
        self.assert_reply(reply, 250)
        machine.wait_for(lambda: self.outside.containing(b"X-Seq: 1102\r\n") and partner.containing(b"X-Seq: 1102\r\n"), 90, "both ways")
        self.assertEqual([each.recipients() for each in partner.containing(b"X-Seq: 1102\r\n")], [[mail.PARTNER]])
        self.assertEqual([each.recipients() for each in self.outside.containing(b"X-Seq: 1102\r\n")], [[mail.PARENT]])


if __name__ == "__main__":
    unittest.main()
