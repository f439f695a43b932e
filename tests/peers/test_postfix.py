"""Postfix -> Beadle -> Postfix: clean mail byte for byte, refusals as bounces, holds reviewed and released."""

import email
import email.policy
import re
import unittest

from rig import beadle, dialogue, machine, mail, postfix
from rig.case import PeerCase
from rig.recorder import Faults, Recorder, Tap


class PostfixOnBothSides(PeerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if reason := postfix.missing():
            raise unittest.SkipTest(reason)
        cls.outside = cls.keep(Recorder())
        cls.home = cls.keep(Recorder())
        cls.next_hop = cls.keep(postfix.Postfix(cls.outside.port, hostname="smarthost.nexthop.example"))
        cls.relay = cls.keep(beadle.Beadle(cls.next_hop.port))
        cls.tap = cls.keep(Tap(cls.relay.port))
        cls.server = cls.keep(
            postfix.Postfix(cls.tap.port, local=["oakfield-trust.example"], local_port=cls.home.port)
        )

    def setUp(self):
        self.outside.clear()
        self.home.clear()

    def send(self, message, recipients=(mail.PARENT,), sender=mail.SENDER, parameters=""):
        reply = dialogue.submit(self.server.port, sender, recipients, message, parameters)
        self.assert_reply(reply, 250, "the sending Postfix takes it")

    def left(self, mark):
        """What the sending Postfix put on the wire, for the message that holds `mark`."""
        found = [message for message in self.tap.messages() if mark in message]
        self.assertTrue(found, "the message passed the tap")
        return found[-1]

    def held(self, mark):
        """Waits for the hold whose message contains `mark`; returns its line of `holds list`."""

        def find():
            for hold in self.relay.holds():
                if mark in self.relay.saved(hold["id"]):
                    return hold
            return None

        return machine.wait_for(find, 20, "the message is held")

    def test_clean_mail_arrives_byte_for_byte(self):
        messages = {
            b"X-Seq: 101\r\n": mail.clean(101),
            b"X-Seq: 102\r\n": mail.eight_bit(102),
            b"X-Seq: 103\r\n": mail.with_attachment("timetable.txt", (mail.FILLER * 2000).encode(), "text/plain", seq=103),
            b"X-Seq: 104\r\n": mail.message("", 104),
            b"X-Seq: 105\r\n": mail.message("..\r\n.\r\n", 105, headers="X-Folded: one\r\n\ttwo\r\n  three\r\nX-Empty:\r\n"),
            b"X-Seq: 106\r\n": mail.clean(106, size=600_000),
        }
        for message in messages.values():
            self.send(message, parameters=" BODY=8BITMIME" if max(message) > 127 else "")
        self.outside.wait(len(messages), 60)
        for mark in messages:
            with self.subTest(mark=mark):
                arrived = self.outside.containing(mark)
                self.assertEqual(len(arrived), 1)
                self.assert_passed_untouched(arrived[0].message, self.left(mark))
                self.assertEqual(arrived[0].recipients(), [mail.PARENT])

    def test_envelope_parameters_and_several_recipients(self):
        message = mail.clean(111)
        self.send(message, [mail.PARENT, mail.SECOND, mail.PARTNER, '"odd name"@elsewhere.example'], parameters=" SIZE=1000 RET=HDRS ENVID=abc+2B1")
        arrived = self.outside.wait(1)
        machine.wait_for(lambda: sum(len(d.rcpts) for d in self.outside.deliveries) >= 4, 20, "all four recipients")
        recipients = sorted(name for delivery in arrived for name in delivery.recipients())
        self.assertEqual(recipients, sorted([mail.PARENT, mail.SECOND, mail.PARTNER, '"odd name"@elsewhere.example']))

    def test_a_refused_message_comes_back_as_a_bounce_that_says_why(self):
        self.send(mail.medical(121))
        bounce = email.message_from_bytes(self.home.wait(1)[0].message, policy=email.policy.default)
        self.assertEqual(self.home.deliveries[0].mail.split()[1], "FROM:<>")
        parts = list(bounce.walk())
        report = "".join(part.as_string() for part in parts if part.get_content_type() == "message/delivery-status")
        told = next(part for part in parts if part.get_content_type() == "text/plain").get_content()
        self.assertIn("5.7.1", report)
        diagnostic = re.sub(r"\s+", " ", report.partition("Diagnostic-Code:")[2])
        self.assertRegex(diagnostic, r"550[ -]5\.7\.1 \S+ \S+", "the rule's title is in the diagnostic")
        self.assertRegex(diagnostic.lower(), r"\bref", "a reference is in the diagnostic")
        for text in (report, told):
            self.assertNotIn("Thistlewood", text)
            self.assertNotIn("Harriet", text)
            self.assertNotIn("asthma", text)
        self.assertEqual(self.outside.deliveries, [], "nothing went on")
        self.assertEqual([hold for hold in self.relay.holds() if "121" in str(hold)], [])

    def test_a_held_message_is_released_once_and_byte_for_byte(self):
        self.send(mail.named_pupil(131))
        mark = b"X-Seq: 131\r\n"
        hold = self.held(mark)
        self.assertEqual(hold["mail_from"], mail.SENDER)
        self.assertEqual(hold["rcpt_to"], [mail.PARENT])
        for key in ("id", "mail_from", "rcpt_to", "rules", "categories", "received_at"):
            self.assertIn(key, hold)
        self.assertTrue(hold["rules"])
        self.assertIn("pupil-name", hold["categories"])
        self.server.wait_until_empty()
        self.assertEqual(self.outside.deliveries, [], "a held message does not go on")
        self.assertTrue(self.relay.show(hold["id"]).stdout.strip())
        sent = self.left(mark)
        self.assertTrue(self.relay.saved(hold["id"]).endswith(sent))

        self.relay.release(hold["id"])
        arrived = self.outside.wait(1, 40)
        self.assert_passed_untouched(arrived[0].message, sent)
        self.assertEqual(arrived[0].recipients(), [mail.PARENT])
        self.assertNotIn(hold["id"], [each["id"] for each in self.relay.holds()])

        again = self.relay.release(hold["id"], check=False)
        self.assertEqual(again.returncode, 1, "a hold is decided once")
        self.next_hop.wait_until_empty()
        self.assertEqual(len(self.outside.deliveries), 1, "and delivered once")

    def test_a_released_message_that_is_sent_again_is_not_held_again(self):
        message = mail.named_pupil(141)
        self.send(message)
        self.relay.release(self.held(b"X-Seq: 141\r\n")["id"])
        self.outside.wait(1, 40)
        # Postfix adds a Received header with another id and time, so the bytes differ above the message.
        self.send(message)
        self.outside.wait(2, 40)
        self.assertEqual(self.relay.holds(), [hold for hold in self.relay.holds() if b"X-Seq: 141" not in self.relay.saved(hold["id"])])

    def test_a_release_does_not_pass_a_message_with_something_more(self):
        self.send(mail.named_pupil(151))
        self.relay.release(self.held(b"X-Seq: 151\r\n")["id"])
        self.outside.wait(1, 40)
        self.send(mail.named_pupil(152, pupil=mail.OTHER_PUPIL))
        self.held(b"X-Seq: 152\r\n")
        self.assertEqual(self.outside.containing(b"X-Seq: 152\r\n"), [])

    def test_a_refused_hold_never_arrives(self):
        self.send(mail.named_pupil(161))
        hold = self.held(b"X-Seq: 161\r\n")
        self.relay.refuse(hold["id"], "wrong recipient")
        self.assertNotIn(hold["id"], [each["id"] for each in self.relay.holds()])
        self.assertEqual(self.relay.release(hold["id"], check=False).returncode, 1)
        self.assertEqual(self.outside.containing(b"X-Seq: 161\r\n"), [])

    def test_a_refused_hold_can_tell_its_sender(self):
        self.send(mail.named_pupil(171))
        hold = self.held(b"X-Seq: 171\r\n")
        self.relay.refuse(hold["id"], "wrong recipient", "--tell-sender")
        # The notice goes out by the next hop, which has no route back into the trust here: it lands outside, addressed home.
        notice = machine.wait_for(
            lambda: [each for each in self.outside.deliveries if each.recipients() == [mail.SENDER]], 30, "the sender is told"
        )[0]
        self.assertIn("FROM:<>", notice.mail.upper())
        self.assertNotIn(b"Thistlewood", notice.message)

    def test_mail_to_a_partner_and_inside_passes(self):
        self.send(mail.medical(181), [mail.PARTNER])
        arrived = self.outside.wait(1)
        self.assert_passed_untouched(arrived[0].message, self.left(b"X-Seq: 181\r\n"))


class PostfixAsClient(PeerCase):
    """Postfix in other places: with Beadle as its before-queue filter, and in front of a Beadle that is not always there."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if reason := postfix.missing():
            raise unittest.SkipTest(reason)

    def test_before_queue_filter(self):
        outside = self.use(Recorder())
        config = '[[access.clients]]\nnetworks = ["127.0.0.0/8"]\nown_server = true\nxforward = true\n'
        relay = self.use(beadle.Beadle(outside.port, config=config, allow=None))
        server = self.use(postfix.Postfix(outside.port, settings={"smtpd_proxy_filter": f"127.0.0.1:{relay.port}"}))
        message = mail.clean(191)
        self.assert_reply(dialogue.submit(server.port, mail.SENDER, [mail.PARENT, mail.SECOND], message), 250)
        arrived = outside.wait(1)[0]
        self.assert_passed_untouched(arrived.message, message)
        self.assertEqual(arrived.recipients(), [mail.PARENT, mail.SECOND])
        # The sender's own program sees Beadle's reply at once; nothing is queued and nothing bounces.
        reply = dialogue.submit(server.port, mail.SENDER, [mail.PARENT], mail.medical(192))
        self.assert_reply(reply, 550)
        self.assertIn("5.7.1", reply.text)
        outside.faults = Faults(replies={"DOT": "451 4.3.0 not now"})
        self.assert_reply(dialogue.submit(server.port, mail.SENDER, [mail.PARENT], mail.clean(193)), 451)
        self.assertEqual(server.queued(), 0)
        self.assertEqual(len(outside.deliveries), 1)

    def test_mail_waits_in_postfix_while_beadle_is_down(self):
        outside = self.use(Recorder())
        relay = self.use(beadle.Beadle(outside.port))
        server = self.use(postfix.Postfix(relay.port))
        relay.kill()
        for seq in range(195, 200):
            self.assert_reply(dialogue.submit(server.port, mail.SENDER, [mail.PARENT], mail.clean(seq)), 250)
        machine.wait_for(lambda: "Connection refused" in server.log(), 20, "Postfix finds nobody")
        self.assertEqual(server.queued(), 5)
        relay.start()
        outside.wait(5, 60)
        server.wait_until_empty()
        self.assertEqual(sorted(mail.seq_of(each.message) for each in outside.deliveries), list(range(195, 200)))

    def test_postfix_retries_what_the_next_hop_defers(self):
        outside = self.use(Recorder(faults=Faults(replies={"DOT": "452 4.3.1 no room"}, times=3)))
        relay = self.use(beadle.Beadle(outside.port))
        server = self.use(postfix.Postfix(relay.port))
        self.assert_reply(dialogue.submit(server.port, mail.SENDER, [mail.PARENT], mail.clean(201)), 250)
        outside.wait(1, 60)
        server.wait_until_empty()
        self.assertEqual(len(outside.deliveries), 1)
        self.assertIn("no room", server.log(), "the next hop's own words are in the sending server's log")


if __name__ == "__main__":
    unittest.main()
