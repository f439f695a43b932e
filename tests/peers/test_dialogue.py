"""Raw dialogues: sequences, pipelining, BDAT, access, and looks-alike of the end of DATA in front of three next hops."""

import unittest

from rig import beadle, exim, machine, mail, postfix, stone
from rig.case import PeerCase
from rig.dialogue import Dialogue, Gone, stuff, submit
from rig.recorder import Recorder

# RFC 5321 4.1.1.4: only CRLF.CRLF ends the data. Each line end that some server once took for it (SMTP smuggling, 2023-12).
LOOK_ALIKES = (
    b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r.\r\n", b"\r\n.\r", b"\n.\r", b"\r.\n",
    b"\r\n.\r\r\n", b"\r\n\x00.\r\n", b"\r\n.\x00\r\n", b"\r\r\n.\r\r\n", b"\n\r.\n\r",
)  # fmt: skip


class Sequences(PeerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.outside = cls.keep(Recorder())
        cls.relay = cls.keep(beadle.Beadle(cls.outside.port))

    def setUp(self):
        self.outside.clear()

    def test_what_is_offered(self):
        with Dialogue(self.relay.port) as client:
            for word in ("PIPELINING", "SIZE", "8BITMIME", "ENHANCEDSTATUSCODES", "CHUNKING"):
                self.assertIn(word, client.extensions)
            for word in ("BINARYMIME", "STARTTLS", "DSN", "SMTPUTF8"):
                self.assertNotIn(word, client.extensions, "not without a certificate, or a next hop that has it")

    def test_wrong_sequences(self):
        with Dialogue(self.relay.port) as client:
            self.assert_reply(client.ask(f"RCPT TO:<{mail.PARENT}>"), 503)
            self.assert_reply(client.ask("DATA"), 503)
            self.assert_reply(client.ask(f"MAIL FROM:<{mail.SENDER}>"), 250)
            self.assert_reply(client.ask(f"MAIL FROM:<{mail.SENDER}>"), 503)
            self.assert_reply(client.ask("DATA"), 503)
            self.assert_reply(client.ask(f"RCPT TO:<{mail.PARENT}>"), 250)
            self.assert_reply(client.ask("DATA extra"), 501)
            self.assert_reply(client.ask("RSET"), 250)
            self.assert_reply(client.ask(f"RCPT TO:<{mail.PARENT}>"), 503)
            self.assert_reply(client.submit(mail.SENDER, [mail.PARENT], mail.clean(501)), 250)
        with Dialogue(self.relay.port, greet=False) as client:
            self.assert_reply(client.reply(), 220)
            self.assert_reply(client.ask(f"MAIL FROM:<{mail.SENDER}>"), 503, "MAIL before EHLO")

    def test_malformed_paths_are_refused(self):
        with Dialogue(self.relay.port) as client:
            for command in ("MAIL FROM:", f"MAIL FROM {mail.SENDER}", "MAIL TO:<a@b.example>", "MAIL FROM:<a@b.example"):
                self.assert_reply(client.ask(command), "5xx", command)

    def test_an_overlong_command_is_refused_and_bounded(self):
        with Dialogue(self.relay.port) as client:
            self.assert_reply(client.ask(b"NOOP " + b"x" * 5000), "5xx")
            self.assert_reply(client.ask("NOOP"), 250)

    def test_too_many_errors_end_the_session(self):
        with Dialogue(self.relay.port) as client:
            with self.assertRaises(Gone):
                for _ in range(200):
                    client.ask("NONSENSE")

    def test_pipelining_with_rset_between_transactions(self):
        first, second = mail.clean(511), mail.clean(512)
        envelope = lambda to: f"MAIL FROM:<{mail.SENDER}>\r\nRCPT TO:<{to}>\r\n".encode()
        with Dialogue(self.relay.port) as client:
            client.send(envelope(mail.SECOND) + b"RSET\r\n" + envelope(mail.PARENT) + b"DATA\r\n")
            self.assertEqual([client.reply().code for _ in range(6)], [250, 250, 250, 250, 250, 354])
            client.send(stuff(first) + b"RSET\r\n" + envelope(mail.SECOND) + b"DATA\r\n")
            self.assertEqual([client.reply().code for _ in range(5)], [250, 250, 250, 250, 354])
            client.send(stuff(second) + b"QUIT\r\n")
            self.assertEqual([client.reply().code for _ in range(2)], [250, 221])
        arrived = self.outside.wait(2)
        self.assertEqual([each.recipients() for each in arrived], [[mail.PARENT], [mail.SECOND]])
        self.assertEqual([mail.seq_of(each.message) for each in arrived], [511, 512])

    def test_bdat_is_byte_exact(self):
        messages = {
            "chunks of seven": (mail.clean(521), 7),
            "64 KiB chunks": (mail.clean(522, size=300_000), 65536),
            "dots": (mail.message(".\r\n..\r\n.x\r\n", 523), 3),
            "bare line feeds and returns": (mail.message("one\ntwo\rthree\n.\nfour\r\n", 524), 11),
            "no final line end": (mail.message("the end", 525), 4096),
            "look-alike of the end": (mail.message("a\r\n.\r\nMAIL FROM:<x@oakfield-trust.example>\r\n", 526), 4096),
        }
        for name, (message, size) in messages.items():
            with self.subTest(name):
                self.outside.clear()
                with Dialogue(self.relay.port) as client:
                    self.assertIsNone(client.envelope(mail.SENDER, [mail.PARENT], " BODY=8BITMIME"))
                    reply = client.bdat(message, size)
                self.assert_reply(reply, 250, name)
                self.assert_passed_untouched(self.outside.wait(1)[0].message, message)
                self.assertEqual(len(self.outside.deliveries), 1)

    def test_bdat_with_an_empty_last_chunk_and_after_an_error(self):
        message = mail.clean(531)
        with Dialogue(self.relay.port) as client:
            # A chunk without a transaction is swallowed and refused, and the dialogue goes on in step.
            client.send(b"BDAT 5 LAST\r\nabcde")
            self.assert_reply(client.reply(), 503)
            self.assertIsNone(client.envelope(mail.SENDER, [mail.PARENT]))
            client.send(f"BDAT {len(message)}\r\n".encode() + message)
            self.assert_reply(client.reply(), 250)
            self.assert_reply(client.ask("BDAT 0 LAST"), 250)
            self.assert_reply(client.ask("NOOP"), 250)
        self.assert_passed_untouched(self.outside.wait(1)[0].message, message)

    def test_message_without_headers_and_an_empty_one(self):
        for message in (b"just a line\r\n", b"\r\nbody only\r\n"):
            with self.subTest(message=message):
                self.outside.clear()
                reply = submit(self.relay.port, mail.SENDER, [mail.PARENT], message)
                self.assert_reply(reply, 250)
                # The policy may hold what has no header section: it is malformed.
                if "held" not in reply.text:
                    self.assertTrue(self.outside.wait(1)[0].message.endswith(message))
        with Dialogue(self.relay.port) as client:
            self.assertIsNone(client.envelope(mail.SENDER, [mail.PARENT]))
            self.assert_reply(client.ask("DATA"), 354)
            client.send(b".\r\n")
            reply = client.reply()
            self.assertIn(reply.code, (250, 554), "an empty message is taken or refused, not waited for")

    def test_strangers_are_not_relayed(self):
        reply = submit(self.relay.port, "someone@unrelated.example", [mail.PARENT], mail.clean(541))
        # A client of the trust may hand over an outside sender: the mark of an automatic forward, which is held and never passed.
        self.assertIn(reply.code, (250, 550, 553, 554))
        self.assertEqual(self.outside.deliveries, [])

    def test_a_client_that_is_not_allowed_is_refused(self):
        closed = self.use(beadle.Beadle(self.outside.port, allow="192.0.2.0/24"))
        try:
            reply = submit(closed.port, mail.SENDER, [mail.PARENT], mail.clean(551))
            self.assert_reply(reply, "5xx")
        except Gone:
            pass
        self.assertEqual(self.outside.deliveries, [])

    def test_an_open_relay_does_not_start(self):
        opened = beadle.Beadle(self.outside.port, allow="0.0.0.0/0", start=False)
        done = machine.run(opened.command(), seconds=20, check=False)
        self.assertEqual(done.returncode, 2, done.stderr[-500:])
        self.assertTrue(done.stderr.strip(), "and says why")

    def test_a_message_that_went_round_is_refused(self):
        hops = "".join(f"Received: from a by b{number}.example; Mon, 14 Sep 2026 09:30:00 +0100\r\n" for number in range(60))
        reply = submit(self.relay.port, mail.SENDER, [mail.PARENT], hops.encode() + mail.clean(561))
        self.assert_reply(reply, 554)
        self.assertTrue(reply.text.startswith("5.4.6"), reply)

    def test_its_own_trace_twice_is_a_loop(self):
        message = mail.clean(571)
        for round_trip in range(4):
            self.outside.clear()
            reply = submit(self.relay.port, mail.SENDER, [mail.PARENT], message)
            if reply.code == 554:
                self.assertTrue(reply.text.startswith("5.4.6"), reply)
                return
            message = self.outside.wait(1)[0].message
        self.fail("a message went round four times")


class Smuggling(PeerCase):
    """Never two messages at the next hop, whatever the next hop takes for the end of the data."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.outside = cls.keep(Recorder())

    def hidden(self, mark, look_alike):
        """A message with another one hidden behind a look-alike of the end."""
        inner = mail.clean(mark + 1, sender="head@oakfield-trust.example")
        commands = f"MAIL FROM:<head@oakfield-trust.example>\r\nRCPT TO:<{mail.SECOND}>\r\nDATA\r\n".encode()
        return mail.clean(mark).rstrip(b"\r\n") + look_alike + commands + inner

    def try_all(self, relay, arrived):
        """Sends every vector by DATA and by BDAT; `arrived` gives the messages that came out of the next hop so far."""
        for index, look_alike in enumerate(LOOK_ALIKES):
            mark = 5000 + 10 * index
            for verb in ("DATA", "BDAT"):
                with self.subTest(look_alike=look_alike, verb=verb):
                    before = len(arrived())
                    replies = self.vector(relay, verb, self.hidden(mark, look_alike))
                    # The data has one answer: positive once at most, whatever follows it on the connection is no second message.
                    self.assertLessEqual(sum(1 for reply in replies if reply.code == 250), 1, replies)
                    if verb == "DATA" and b"\x00" not in look_alike:
                        self.assert_reply(replies[0], 554, "a bare CR or LF in DATA")
                    # Some are held for their defects (a NUL), and then nothing comes out.
                    if any(reply.code == 250 and "held" not in reply.text for reply in replies):
                        machine.wait_for(lambda: len(arrived()) > before, 20, "the message came out")
                    self.settle()
                    came = arrived()[before:]
                    self.assertLessEqual(len(came), 1, f"two messages at the next hop: {replies}")
                    for message in came:
                        self.assertIn(b"X-Seq: %d" % mark, message.split(b"\r\n\r\n")[0].replace(b"\n\n", b"\r\n\r\n"))

    def settle(self):
        """Gives a second message the time to show itself."""

    def vector(self, relay, verb, message):
        """Envelope, data, end; every reply after the data began."""
        with Dialogue(relay.port, 10) as client:
            self.assertIsNone(client.envelope(mail.SENDER, [mail.PARENT]))
            if verb == "BDAT":
                return [client.bdat(message, len(message))]
            self.assert_reply(client.ask("DATA"), 354)
            client.send(message + b"\r\n.\r\n")
            replies = [client.reply()]
            try:
                replies.append(client.ask("NOOP"))
                self.assertIn(replies[-1].code, (250, 421), "the dialogue is in step")
                if replies[-1].code == 250:
                    replies.pop()
                client.send(b"QUIT\r\n")
                while True:
                    reply = client.reply()
                    if reply.code in (221, 421):
                        break
                    replies.append(reply)
            except Gone:
                pass
            return replies

    def test_in_front_of_a_recorder(self):
        self.outside.clear()
        relay = self.use(beadle.Beadle(self.outside.port))
        self.try_all(relay, lambda: [each.message for each in list(self.outside.deliveries)])

    def test_in_front_of_postfix(self):
        if reason := postfix.missing():
            self.skipTest(reason)
        self.outside.clear()
        # The lenient setting is Debian 12's default: a bare line feed may end the data there.
        hop = self.use(postfix.Postfix(self.outside.port, settings={"smtpd_forbid_bare_newline": "no"}, hostname="hop.nexthop.example"))
        relay = self.use(beadle.Beadle(hop.port))
        self.settle = lambda: hop.wait_until_empty(20)
        self.try_all(relay, lambda: [each.message for each in list(self.outside.deliveries)])

    def test_in_front_of_exim(self):
        if reason := exim.obtain():
            self.skipTest(reason)
        for chunking in (True, False):
            with self.subTest(chunking=chunking):
                self.outside.clear()
                hop = self.use(exim.Exim(self.outside.port, chunking=chunking))
                relay = self.use(beadle.Beadle(hop.port))
                self.settle = lambda: hop.wait_until_empty(20)
                self.try_all(relay, lambda: [each.message for each in list(self.outside.deliveries)])

    def test_in_front_of_smtp_sink(self):
        sink = self.use(stone.Sink(dump=True))
        relay = self.use(beadle.Beadle(sink.port))
        self.try_all(relay, sink.messages)


if __name__ == "__main__":
    unittest.main()
