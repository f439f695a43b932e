"""A next hop that is down, slow, refusing or closing: the client gets a 4xx, or the next hop's own 5xx; nothing is lost."""

import re
import time
import unittest

from rig import beadle, machine, mail
from rig.case import PeerCase, say
from rig.dialogue import Dialogue, stuff, submit
from rig.recorder import Faults, Recorder


class FaultyNextHop(PeerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.outside = cls.keep(Recorder())
        cls.relay = cls.keep(beadle.Beadle(cls.outside.port))

    def setUp(self):
        self.outside.faults = Faults()
        self.outside.clear()

    def send(self, message, recipients=(mail.PARENT,), timeout=30):
        return submit(self.relay.port, mail.SENDER, recipients, message, timeout=timeout)

    def recovers(self, message):
        """The fault is over: the client's retry is taken, and the message has arrived once in all."""
        self.outside.faults = Faults()
        self.assert_reply(self.send(message), 250, "the retry")
        self.assertEqual(len(self.outside.containing(re.search(rb"X-Seq: \d+\r\n", message).group())), 1)

    def test_its_refusal_goes_upstream_with_code_enhanced_code_and_every_line(self):
        seq = 600
        for step in ("MAIL", "RCPT", "DATA", "DOT"):
            for code, enhanced in ((451, "4.3.9"), (452, "4.2.2"), (550, "5.1.6"), (552, "5.3.4"), (554, "5.7.23")):
                seq += 1
                with self.subTest(step=step, code=code):
                    self.outside.clear()
                    planned = f"{code} {enhanced} first line of {step}\n{code} {enhanced} second line"
                    self.outside.faults = Faults(replies={step: planned})
                    # A recipient of its own: a 5xx to RCPT is remembered for an hour.
                    reply = self.send(mail.clean(seq), [f"reader{seq}@elsewhere.example"])
                    self.assertEqual(reply.code, code, reply)
                    self.assertEqual(
                        [line.strip() for line in reply.lines], [f"{enhanced} first line of {step}", f"{enhanced} second line"]
                    )
                    self.assertEqual(self.outside.deliveries, [])

    def test_a_refused_recipient_is_remembered_only_for_itself(self):
        gone = "left.the.school@elsewhere.example"
        self.outside.faults = Faults(replies={"RCPT": lambda line: "550 5.1.1 no such user" if gone in line else None})
        self.assert_reply(self.send(mail.clean(631), [gone]), 550)
        self.assert_reply(self.send(mail.clean(632), [gone]), 550)
        self.assert_reply(self.send(mail.clean(633), [mail.PARENT]), 250)
        self.assertEqual(len(self.outside.deliveries), 1)

    def test_a_4xx_at_each_step_and_then_recovery(self):
        for index, step in enumerate(("BANNER", "MAIL", "RCPT", "DATA", "DOT")):
            with self.subTest(step=step):
                self.outside.clear()
                self.outside.hang_up()
                message = mail.clean(640 + index)
                self.outside.faults = Faults(replies={step: "451 4.3.0 not now"})
                self.assert_reply(self.send(message), "4xx", step)
                self.assertEqual(self.outside.deliveries, [])
                self.recovers(message)

    def test_421_at_each_step_and_then_recovery(self):
        for index, step in enumerate(("BANNER", "EHLO", "MAIL", "RCPT", "DATA", "DOT")):
            with self.subTest(step=step):
                self.outside.clear()
                self.outside.hang_up()
                message = mail.clean(650 + index)
                self.outside.faults = Faults(replies={step: "421 4.3.2 going down"})
                self.assert_reply(self.send(message), "4xx", step)
                self.recovers(message)

    def test_closing_at_each_step(self):
        for index, step in enumerate(("BANNER", "EHLO", "MAIL", "RCPT", "DATA", "MID-DATA", "DOT")):
            with self.subTest(step=step):
                self.outside.clear()
                self.outside.hang_up()
                message = mail.clean(660 + index, size=200_000)
                self.outside.faults = Faults(drop=step)
                self.assert_reply(self.send(message), "4xx", step)
                self.assertEqual(self.outside.deliveries, [])
                self.recovers(message)

    def test_a_stale_connection_is_no_failure(self):
        self.assert_reply(self.send(mail.clean(671)), 250)
        # The next hop closes what was kept open for reuse; the next message goes over a new connection.
        self.outside.hang_up()
        time.sleep(0.1)
        self.assert_reply(self.send(mail.clean(672)), 250)
        self.assertEqual(len(self.outside.deliveries), 2)

    def test_closing_after_the_last_byte_is_unknown_and_counted(self):
        message = mail.clean(681)
        self.outside.faults = Faults(drop="AFTER-DOT")
        self.assert_reply(self.send(message), "4xx")
        self.outside.faults = Faults()
        self.assert_reply(self.send(message), 250)
        copies = len(self.outside.containing(b"X-Seq: 681\r\n"))
        say(f"next hop took it and closed before the answer: {copies} copies after the retry (2 is all the protocol can promise)")
        self.assertIn(copies, (1, 2))

    def test_one_of_two_recipients_deferred_defers_all(self):
        self.outside.faults = Faults(replies={"RCPT": lambda line: "450 4.2.1 later" if mail.SECOND in line else None})
        self.assert_reply(self.send(mail.clean(691), [mail.PARENT, mail.SECOND]), "4xx")
        self.assertEqual(self.outside.deliveries, [], "or the retry would be a duplicate")
        self.outside.faults = Faults()
        self.assert_reply(self.send(mail.clean(691), [mail.PARENT, mail.SECOND]), 250)
        self.assertEqual([each.recipients() for each in self.outside.deliveries], [[mail.PARENT, mail.SECOND]])

    def test_one_of_two_recipients_refused_is_returned_by_a_dsn(self):
        gone = "moved.away@elsewhere.example"
        self.outside.faults = Faults(replies={"RCPT": lambda line: "550 5.1.1 no such user here" if gone in line else None})
        self.assert_reply(self.send(mail.clean(701), [mail.PARENT, gone]), 250)
        arrived = self.outside.containing(b"X-Seq: 701\r\n")
        delivered = [each for each in arrived if each.recipients() == [mail.PARENT]]
        self.assertEqual(len(delivered), 1)
        report = machine.wait_for(
            lambda: [each for each in self.outside.deliveries if each.recipients() == [mail.SENDER]], 30, "a DSN for the refused one"
        )[0]
        self.assertTrue(report.mail.upper().startswith("MAIL FROM:<>"), report.mail)
        self.assertIn(b"multipart/report", report.message)
        self.assertIn(b"report-type=delivery-status", report.message.replace(b'"', b""))
        self.assertIn(b"Action: failed", report.message)
        self.assertIn(b"Status: 5.1.1", report.message)
        self.assertIn(gone.encode(), report.message)

    def test_all_recipients_refused_is_a_refusal(self):
        self.outside.faults = Faults(replies={"RCPT": "550 5.1.1 no such user at all"})
        reply = self.send(mail.clean(711), ["one.gone@elsewhere.example", "two.gone@elsewhere.example"])
        self.assert_reply(reply, 550)
        self.assertIn("no such user at all", reply.text)

    def test_a_hop_without_extensions(self):
        plain = self.use(Recorder(extensions=()))
        relay = self.use(beadle.Beadle(plain.port))
        self.assert_reply(submit(relay.port, mail.SENDER, [mail.PARENT, mail.SECOND], mail.clean(721)), 250)
        self.assert_passed_untouched(plain.wait(1)[0].message, mail.clean(721))

    def test_bare_line_feeds_do_not_reach_a_hop_without_chunking(self):
        plain = self.use(Recorder(extensions=("PIPELINING", "8BITMIME")))
        relay = self.use(beadle.Beadle(plain.port))
        with Dialogue(relay.port) as client:
            self.assertIsNone(client.envelope(mail.SENDER, [mail.PARENT]))
            reply = client.bdat(mail.message("one\ntwo\r\n", 731))
        self.assert_reply(reply, "5xx", "no way to hand it on unchanged")
        self.assertEqual(plain.deliveries, [])

    def test_odd_replies(self):
        for index, planned in enumerate(("250", "250 ", "250-one\n250-two\n250 three")):
            with self.subTest(reply=planned):
                self.outside.clear()
                self.outside.faults = Faults(replies={"DOT": None})
                message = mail.clean(740 + index)
                hop = self.use(Recorder(faults=Faults(replies={"RSET": planned, "MAIL": None})))
                relay = self.use(beadle.Beadle(hop.port))
                for _ in range(2):
                    self.assert_reply(submit(relay.port, mail.SENDER, [mail.PARENT], message), 250)


class DownAndSlow(PeerCase):
    def test_down_and_up_again(self):
        port = machine.free_port()
        relay = self.use(beadle.Beadle(port))
        message = mail.clean(751)
        self.assert_reply(submit(relay.port, mail.SENDER, [mail.PARENT], message, timeout=60), "4xx", "nobody listens")
        code, text = relay.admin("/readyz")
        say(f"/readyz with the next hop down: {code} {text.strip()!r}")
        outside = self.use(Recorder(port=port))
        reply = machine.wait_for(
            lambda: (lambda r: r if r.code == 250 else None)(submit(relay.port, mail.SENDER, [mail.PARENT], message)), 30, "recovery"
        )
        self.assert_reply(reply, 250)
        self.assertEqual(len(outside.deliveries), 1)

    def test_down_does_not_stop_refusing_and_holding(self):
        relay = self.use(beadle.Beadle(machine.free_port()))
        self.assert_reply(submit(relay.port, mail.SENDER, [mail.PARENT], mail.medical(761)), 550)
        self.assert_reply(submit(relay.port, mail.SENDER, [mail.PARENT], mail.named_pupil(762)), 250)
        self.assertEqual(len(relay.holds()), 1)

    def test_an_answer_later_than_the_deadline_is_remembered(self):
        outside = self.use(Recorder(faults=Faults(delays={"DOT": 6})))
        relay = self.use(beadle.Beadle(outside.port, environment=beadle.reply_deadline(2)))
        message = mail.clean(771)
        began = time.monotonic()
        reply = submit(relay.port, mail.SENDER, [mail.PARENT], message)
        took = time.monotonic() - began
        self.assert_reply(reply, "4xx", "the deadline is over")
        self.assertLess(took, 5, "the client does not wait for the next hop's pleasure")
        # While the first attempt is under way the retry must not start a second one.
        self.assert_reply(submit(relay.port, mail.SENDER, [mail.PARENT], message), "4xx", "still under way")
        outside.wait(1, 20)
        outside.faults = Faults()
        time.sleep(0.5)
        self.assert_reply(submit(relay.port, mail.SENDER, [mail.PARENT], message), 250, "answered from memory")
        self.assertEqual(len(outside.containing(b"X-Seq: 771\r\n")), 1, "and not sent twice")

    def test_a_client_that_leaves_before_the_answer_is_not_sent_twice(self):
        outside = self.use(Recorder(faults=Faults(delays={"DOT": 1.5})))
        relay = self.use(beadle.Beadle(outside.port))
        message = mail.clean(781)
        client = Dialogue(relay.port)
        self.assertIsNone(client.envelope(mail.SENDER, [mail.PARENT]))
        self.assert_reply(client.ask("DATA"), 354)
        client.send(stuff(message))
        time.sleep(0.5)
        client.close()
        outside.wait(1, 20)
        outside.faults = Faults()
        time.sleep(0.5)
        self.assert_reply(submit(relay.port, mail.SENDER, [mail.PARENT], message), 250)
        self.assertEqual(len(outside.containing(b"X-Seq: 781\r\n")), 1)

    def test_a_hop_that_is_silent_does_not_hang_the_client(self):
        for step in ("BANNER", "MAIL", "DATA"):
            with self.subTest(step=step):
                outside = self.use(Recorder(faults=Faults(delays={step: 15})))
                relay = self.use(beadle.Beadle(outside.port, environment=beadle.reply_deadline(2)))
                began = time.monotonic()
                with Dialogue(relay.port) as client:
                    greeted = time.monotonic() - began
                    self.assertIsNone(client.envelope(mail.SENDER, [mail.PARENT]))
                    began = time.monotonic()
                    self.assert_reply(client.data(mail.clean(791)), "4xx")
                    answered = time.monotonic() - began
                self.assertLess(answered, 5, "the answer comes within the deadline of two seconds")
                self.assertLess(greeted, 5, "EHLO does not wait for a next hop that does not speak")


if __name__ == "__main__":
    unittest.main()
