"""Exim -> Beadle -> Exim, with and without CHUNKING, with attachments, and a refusal that comes back."""

import unittest

from rig import beadle, dialogue, exim, machine, mail
from rig.case import PeerCase
from rig.recorder import Recorder


class EximOnBothSides(PeerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if reason := exim.obtain():
            raise unittest.SkipTest(reason)
        cls.outside = cls.keep(Recorder())
        cls.home = cls.keep(Recorder())
        cls.next_hop = cls.keep(exim.Exim(cls.outside.port))
        cls.relay = cls.keep(beadle.Beadle(cls.next_hop.port))
        cls.chunking = cls.keep(exim.Exim(cls.relay.port, returned="oakfield-trust.example", returned_port=cls.home.port))
        cls.plain = cls.keep(
            exim.Exim(cls.relay.port, returned="oakfield-trust.example", returned_port=cls.home.port, chunking=False)
        )

    def setUp(self):
        self.outside.clear()
        self.home.clear()

    def test_mail_and_attachments_pass_unchanged(self):
        for first, server in ((200, self.chunking), (300, self.plain)):
            # Numbers of their own: Exim sends QUIT before it has read the answer, so that the same message from the same address
            # is taken for its retry.
            messages = {
                first + 1: mail.clean(first + 1),
                first + 2: mail.eight_bit(first + 2),
                first + 3: mail.with_attachment("notes.txt", b"Bring a coat.\n" * 20_000, "text/plain", seq=first + 3),
                first + 4: mail.with_attachment("marks.csv", b"subject,mean\r\nmaths,71\r\nart,64\r\n", "text/csv", seq=first + 4),
            }
            for seq, message in messages.items():
                with self.subTest(chunking=server is self.chunking, seq=seq):
                    self.outside.clear()
                    parameters = " BODY=8BITMIME" if max(message) > 127 else ""
                    self.assert_reply(dialogue.submit(server.port, mail.SENDER, [mail.PARENT], message, parameters), 250)
                    arrived = self.outside.wait(1)[0]
                    self.assert_passed_untouched(arrived.message, message)

    def test_a_refusal_comes_back(self):
        for server in (self.chunking, self.plain):
            with self.subTest(chunking=server is self.chunking):
                self.home.clear()
                dialogue.submit(server.port, mail.SENDER, [mail.PARENT], mail.medical(211))
                bounce = self.home.wait(1)[0].message
                self.assertIn(b"5.7.1", bounce)
                self.assertEqual(self.outside.deliveries, [])

    def test_a_name_inside_an_attachment_is_held_and_released_unchanged(self):
        listing = f"forename,surname,form\r\n{mail.PUPIL.replace(' ', ',')},9B\r\n".encode()
        message = mail.with_attachment("form-list.csv", listing, "text/csv", seq=221)
        self.assert_reply(dialogue.submit(self.chunking.port, mail.SENDER, [mail.PARENT], message), 250)
        hold = machine.wait_for(self.relay.holds, 20, "the message is held")[0]
        self.assertEqual(self.outside.deliveries, [])
        self.relay.release(hold["id"])
        self.assert_passed_untouched(self.outside.wait(1, 40)[0].message, message)


if __name__ == "__main__":
    unittest.main()
