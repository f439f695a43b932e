"""swaks as the client: plain, pipelined, 8-bit, null sender, STARTTLS."""

import shutil
import ssl
import unittest

from rig import beadle, dialogue, machine, mail, tls
from rig.case import PeerCase
from rig.dialogue import Dialogue, Gone
from rig.recorder import Recorder


class Swaks(PeerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not shutil.which("swaks"):
            raise unittest.SkipTest("swaks is not installed")
        cls.outside = cls.keep(Recorder())
        cls.relay = cls.keep(beadle.Beadle(cls.outside.port))

    def setUp(self):
        self.outside.clear()

    def swaks(self, *options, message=None, sender=mail.SENDER, to=mail.PARENT, relay=None, check=True):
        path = machine.folder("swaks") / "message.eml"
        # `--no-data-fixup` sends the file as it is: dot-stuffed, with its end mark.
        path.write_bytes(dialogue.stuff(message or mail.clean(301)))
        relay = relay or self.relay
        command = [
            "swaks", "--server", "127.0.0.1", "--port", relay.port, "--from", sender, "--to", to,
            "--data", f"@{path}", "--no-data-fixup", "--timeout", "20", *options,
        ]  # fmt: skip
        return machine.run(command, check=check)

    def test_plain(self):
        self.swaks()
        self.assert_passed_untouched(self.outside.wait(1)[0].message, mail.clean(301))

    def test_pipelined_with_several_recipients(self):
        printed = self.swaks("--pipeline", to=f"{mail.PARENT},{mail.SECOND}").stdout
        self.assertIn("PIPELINING", printed)
        arrived = self.outside.wait(1)[0]
        self.assertEqual(arrived.recipients(), [mail.PARENT, mail.SECOND])
        self.assert_passed_untouched(arrived.message, mail.clean(301))

    def test_eight_bit(self):
        self.swaks(message=mail.eight_bit(302))
        self.assert_passed_untouched(self.outside.wait(1)[0].message, mail.eight_bit(302))

    def test_helo_only(self):
        self.swaks("--protocol", "SMTP")
        self.assert_passed_untouched(self.outside.wait(1)[0].message, mail.clean(301))

    def test_null_sender(self):
        message = mail.clean(303, sender="postmaster@oakfield-trust.example")
        self.swaks(sender="<>", message=message)
        arrived = self.outside.wait(1)[0]
        self.assertTrue(arrived.mail.upper().startswith("MAIL FROM:<>"), arrived.mail)

    def test_refusal_is_shown(self):
        done = self.swaks(message=mail.medical(304), check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"<\*\* 550[ -]5\.7\.1 ")
        self.assertEqual(self.outside.deliveries, [])


class SwaksWithTls(PeerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not shutil.which("swaks"):
            raise unittest.SkipTest("swaks is not installed")
        if "=== TLS supported" not in machine.run(["swaks", "--support"]).stdout:
            raise unittest.SkipTest("swaks has no TLS here: Net::SSLeay (libnet-ssleay-perl) is missing")
        cls.authority = tls.Authority()
        certificate, key = cls.authority.issue("relay.oakfield-trust.example")
        cls.outside = cls.keep(Recorder())
        cls.relay = cls.keep(beadle.Beadle(cls.outside.port, config=tls.listener(certificate, key)))

    swaks = Swaks.swaks

    def setUp(self):
        self.outside.clear()

    def test_starttls_with_each_version(self):
        for version in ("tlsv1_2", "tlsv1_3"):
            with self.subTest(version=version):
                self.outside.clear()
                done = self.swaks("--tls", "--tls-protocol", version)
                self.assertIn("TLS started with cipher", done.stdout)
                arrived = self.outside.wait(1)[0]
                self.assert_passed_untouched(arrived.message, mail.clean(301))
                self.assertRegex(arrived.message.split(b"\r\n\r\n")[0], rb"with ESMTPS\b")

    def test_starttls_verified_by_name_and_pipelined(self):
        self.swaks("--tls", "--tls-verify", "--tls-ca-path", self.authority.certificate, "--tls-sni", "relay.oakfield-trust.example", "--pipeline")
        self.assert_passed_untouched(self.outside.wait(1)[0].message, mail.clean(301))

    def test_plaintext_behind_starttls_is_discarded(self):
        with Dialogue(self.relay.port, 10) as client:
            client.send(b"STARTTLS\r\nMAIL FROM:<" + mail.SENDER.encode() + b">\r\nRCPT TO:<" + mail.PARENT.encode() + b">\r\n")
            reply = client.reply()
            if reply.code != 220:
                return
            try:
                context = ssl.create_default_context()
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
                client.buffer = b""
                client.socket = context.wrap_socket(client.socket)
                client.ehlo()
                # The injected MAIL must not have been taken.
                self.assert_reply(client.ask(f"RCPT TO:<{mail.PARENT}>"), 503)
            except (Gone, ssl.SSLError, OSError):
                pass
        self.assertEqual(self.outside.deliveries, [])

    def test_starttls_is_not_offered_twice(self):
        with Dialogue(self.relay.port, 10) as client:
            self.assertIn("STARTTLS", client.extensions)
            client.starttls()
            self.assertNotIn("STARTTLS", client.extensions)
            self.assert_reply(client.ask("STARTTLS"), 503)


if __name__ == "__main__":
    unittest.main()
