"""What the operator sees: liveness, readiness, metrics that add up, an orderly stop, holds at the command line."""

import signal
import threading
import time
import unittest

from rig import beadle, machine, mail
from rig.case import PeerCase
from rig.dialogue import Dialogue, Gone, submit
from rig.recorder import Faults, Recorder


class Operations(PeerCase):
    def setUp(self):
        self.outside = self.use(Recorder())
        self.relay = self.use(beadle.Beadle(self.outside.port))

    def send(self, message, recipients=(mail.PARENT,)):
        return submit(self.relay.port, mail.SENDER, recipients, message)

    def count(self, disposition):
        return self.relay.metrics().get(f'beadle_messages_total{{disposition="{disposition}"}}', 0)

    def test_liveness_readiness_and_metrics(self):
        self.assertEqual(self.relay.admin("/livez")[0], 200)
        self.assertEqual(self.relay.admin("/readyz")[0], 200)
        self.assertEqual(self.relay.admin("/nothing-here")[0], 404)
        self.assertEqual(self.relay.printed, ["ready\n"], "one line on standard output")
        for seq in range(900, 907):
            self.assert_reply(self.send(mail.clean(seq)), 250)
        for seq in range(907, 910):
            self.assert_reply(self.send(mail.medical(seq)), 550)
        for seq in range(910, 912):
            self.assert_reply(self.send(mail.named_pupil(seq)), 250)
        self.outside.faults = Faults(replies={"DOT": "451 4.3.0 not now"})
        self.assert_reply(self.send(mail.clean(912)), 451)
        self.outside.faults = Faults(replies={"DOT": "554 5.7.1 not ever"})
        self.assert_reply(self.send(mail.clean(913)), 554)
        self.assertEqual([self.count(name) for name in ("delivered", "refused", "held", "deferred")], [7, 4, 2, 1])
        metrics = self.relay.metrics()
        self.assertEqual(metrics["beadle_message_bytes_count"], 14)
        self.assertEqual(metrics["beadle_scan_seconds_count"], 14)
        # Gauges are read from the store every 15 seconds.
        machine.wait_for(lambda: self.relay.metrics()["beadle_holds"] == 2, 20, "two holds in the gauge")
        self.assertEqual(metrics["beadle_roster_people"], 64)
        self.assertTrue(all("{" not in name or "@" not in name for name in metrics))
        text = self.relay.admin("/metrics")[1]
        for mark in mail.MARKS:
            self.assertNotIn(mark, text)

    def test_one_log_line_for_each_message(self):
        for seq in range(920, 925):
            self.send(mail.clean(seq))
        self.send(mail.medical(925))
        self.send(mail.named_pupil(926))
        lines = machine.wait_for(
            lambda: (lambda found: found if len(found) >= 7 else None)([line for line in self.relay.log().splitlines() if "disposition" in line]),
            5, "seven log lines",
        )  # fmt: skip
        self.assertEqual(len(lines), 7)
        self.assertEqual(sum("delivered" in line for line in lines), 5)
        self.assertEqual(sum("refused" in line for line in lines), 1)
        self.assertEqual(sum("held" in line for line in lines), 1)

    def test_term_finishes_what_is_under_way(self):
        self.outside.faults = Faults(delays={"DOT": 2})
        replies = []
        sender = threading.Thread(target=lambda: replies.append(self.send(mail.clean(931))))
        sender.start()
        idle = Dialogue(self.relay.port)
        time.sleep(0.7)
        self.relay.program.process.send_signal(signal.SIGTERM)
        sender.join(20)
        self.assertEqual([reply.code for reply in replies], [250])
        self.assertEqual(len(self.outside.deliveries), 1)
        try:
            self.assert_reply(idle.reply(), 421, "an idle session is told")
        except Gone:
            pass
        machine.wait_for(lambda: not self.relay.program.alive(), 15, "the program ends")
        self.assertEqual(self.relay.program.process.returncode, 0)

    def test_holds_commands_answer_and_fail_with_their_codes(self):
        self.assertEqual(self.relay.run("holds", "list").returncode, 0)
        self.assertEqual(self.relay.holds(), [])
        missing = self.relay.show("00000000-0000-7000-8000-000000000000", check=False)
        self.assertEqual(missing.returncode, 1)
        self.assert_reply(self.send(mail.named_pupil(941)), 250)
        hold = self.relay.holds()[0]
        self.assertEqual(self.relay.run("holds", "release", hold["id"], check=False).returncode, 2, "a reason is mandatory")
        self.assertEqual(self.relay.run("holds", "release", hold["id"], "--reason", " ", check=False).returncode != 0, True)
        self.assertEqual(len(self.relay.holds()), 1)
        shown = self.relay.show(hold["id"]).stdout
        for rule in hold["rules"]:
            self.assertIn(rule, shown)
        self.assertNotIn("Thistlewood", shown, "evidence is masked")
        self.relay.release(hold["id"])
        self.outside.wait(1, 40)
        self.assertEqual(self.relay.holds(), [])
        self.assertEqual([each["id"] for each in self.relay.holds("--all")], [hold["id"]])

    def test_a_released_message_that_is_sent_again_is_not_held_again(self):
        first, again, other = (
            b"Received: from a by b id %d; Mon, 14 Sep 2026 09:30:00 +0100\r\n" % number + mail.named_pupil(seq, pupil=pupil)
            for number, seq, pupil in ((1, 945, mail.PUPIL), (2, 945, mail.PUPIL), (3, 946, mail.OTHER_PUPIL))
        )
        self.assert_reply(self.send(first), 250)
        self.relay.release(self.relay.holds()[0]["id"])
        self.outside.wait(1, 40)
        self.assert_reply(self.send(again), 250)
        self.assertEqual(len(self.outside.deliveries), 2)
        self.assertEqual(self.relay.holds(), [])
        self.assert_reply(self.send(other), 250)
        self.assertEqual(len(self.relay.holds()), 1, "another pupil is another matter")

    def test_a_release_survives_a_stopped_relay(self):
        self.assert_reply(self.send(mail.named_pupil(951)), 250)
        hold = self.relay.holds()[0]
        self.relay.stop()
        self.relay.release(hold["id"])
        self.relay.start()
        arrived = self.outside.wait(1, 40)
        self.assert_passed_untouched(arrived[0].message, mail.named_pupil(951))

    def test_a_release_waits_for_a_next_hop_that_defers(self):
        self.assert_reply(self.send(mail.named_pupil(961)), 250)
        self.outside.faults = Faults(replies={"MAIL": "451 4.3.0 not now"}, times=1)
        self.relay.release(self.relay.holds()[0]["id"])
        # The first retry comes after a minute.
        arrived = self.outside.wait(1, 100)
        self.assertEqual(len(arrived), 1)

    def test_a_release_that_the_next_hop_refuses_is_returned(self):
        self.assert_reply(self.send(mail.named_pupil(971)), 250)
        self.outside.faults = Faults(replies={"RCPT": lambda line: "550 5.1.1 no such user" if mail.PARENT in line else None})
        self.relay.release(self.relay.holds()[0]["id"])
        report = self.outside.wait(1, 40)[0]
        self.assertTrue(report.mail.upper().startswith("MAIL FROM:<>"))
        self.assertEqual(report.recipients(), [mail.SENDER])
        self.assertIn(b"Status: 5.1.1", report.message)

    def test_many_idle_connections_do_not_stop_the_work(self):
        idle = [Dialogue(self.relay.port, greet=False) for _ in range(60)]
        for each in idle:
            self.addCleanup(each.close)
        began = time.monotonic()
        try:
            reply = self.send(mail.clean(981))
        except Gone as gone:
            self.fail(f"no service beside idle connections: {gone}")
        self.assertIn(reply.code, (250, 421), reply)
        self.assertLess(time.monotonic() - began, 10)


if __name__ == "__main__":
    unittest.main()
