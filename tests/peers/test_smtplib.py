"""Python's smtplib as the client: several messages on one connection, RSET, big and binary content, null sender."""

import os
import smtplib
import unittest

from rig import beadle, mail
from rig.case import PeerCase
from rig.recorder import Recorder


class Smtplib(PeerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.outside = cls.keep(Recorder())
        cls.relay = cls.keep(beadle.Beadle(cls.outside.port))

    def setUp(self):
        self.outside.clear()

    def client(self):
        return smtplib.SMTP("127.0.0.1", self.relay.port, local_hostname="client.oakfield-trust.example", timeout=30)

    def test_several_messages_on_one_connection_with_rset_between(self):
        with self.client() as client:
            for seq in range(401, 411):
                client.mail(mail.SENDER)
                client.rcpt(mail.SECOND)
                self.assertEqual(client.rset()[0], 250)
                self.assertEqual(client.sendmail(mail.SENDER, [mail.PARENT], mail.clean(seq)), {})
        arrived = self.outside.wait(10)
        self.assertEqual([mail.seq_of(each.message) for each in arrived], list(range(401, 411)))
        for each in arrived:
            self.assertEqual(each.recipients(), [mail.PARENT], "what was before RSET is forgotten")
            self.assert_passed_untouched(each.message, mail.clean(mail.seq_of(each.message)))

    def test_refused_held_and_clean_on_one_connection(self):
        before = len(self.relay.holds())
        with self.client() as client:
            client.sendmail(mail.SENDER, [mail.PARENT], mail.clean(421))
            with self.assertRaises(smtplib.SMTPDataError) as refused:
                client.sendmail(mail.SENDER, [mail.PARENT], mail.medical(422))
            self.assertEqual(refused.exception.smtp_code, 550)
            self.assertIn(b"5.7.1", refused.exception.smtp_error)
            for mark in mail.MARKS:
                self.assertNotIn(mark.encode(), refused.exception.smtp_error)
            client.sendmail(mail.SENDER, [mail.PARENT], mail.named_pupil(423))
            client.sendmail(mail.SENDER, [mail.PARENT], mail.clean(424))
        self.assertEqual([mail.seq_of(each.message) for each in self.outside.wait(2)], [421, 424])
        self.assertEqual(len(self.relay.holds()), before + 1)

    def test_two_megabytes_of_text_attachment(self):
        content = "".join(f"line {number}: the quick minibus\n" for number in range(70_000)).encode()
        message = mail.with_attachment("log.txt", content, "text/plain", seq=431)
        with self.client() as client:
            client.sendmail(mail.SENDER, [mail.PARENT], message)
        self.assert_passed_untouched(self.outside.wait(1, 60)[0].message, message)

    def test_random_bytes_that_cannot_be_read_are_held_and_come_out_unchanged(self):
        message = mail.with_attachment("unknown.bin", os.urandom(2_000_000), seq=441)
        before = {hold["id"] for hold in self.relay.holds()}
        with self.client() as client:
            client.sendmail(mail.SENDER, [mail.PARENT], message)
        new = [hold for hold in self.relay.holds() if hold["id"] not in before]
        self.assertEqual(len(new), 1, "unread content that leaves the trust is held")
        self.assertTrue(self.relay.saved(new[0]["id"]).endswith(message), "sealed and opened unchanged")
        self.relay.release(new[0]["id"])
        self.assert_passed_untouched(self.outside.wait(1, 60)[0].message, message)

    def test_eight_bit_body(self):
        with self.client() as client:
            client.sendmail(mail.SENDER, [mail.PARENT], mail.eight_bit(451), mail_options=["BODY=8BITMIME"])
        self.assert_passed_untouched(self.outside.wait(1)[0].message, mail.eight_bit(451))

    def test_null_sender_passes(self):
        report = mail.clean(461, sender="mailer-daemon@oakfield-trust.example", headers="Auto-Submitted: auto-replied\r\n")
        with self.client() as client:
            client.sendmail("", [mail.PARENT], report)
        arrived = self.outside.wait(1)[0]
        self.assertTrue(arrived.mail.upper().startswith("MAIL FROM:<>"))
        self.assert_passed_untouched(arrived.message, report)

    def test_vrfy_noop_help_and_unknown(self):
        with self.client() as client:
            self.assertEqual(client.verify(mail.PARENT)[0], 252)
            self.assertEqual(client.noop()[0], 250)
            self.assertEqual(client.docmd("HELP")[0], 214)
            self.assertEqual(client.docmd("FROBNICATE")[0], 500)

    def test_size_that_is_too_large_is_refused_at_mail(self):
        with self.client() as client:
            client.ehlo()
            limit = int(client.esmtp_features["size"])
            self.assertEqual(client.mail(mail.SENDER, [f"SIZE={limit + 1}"])[0], 552)
            self.assertEqual(client.mail(mail.SENDER, [f"SIZE={limit}"])[0], 250)


if __name__ == "__main__":
    unittest.main()
