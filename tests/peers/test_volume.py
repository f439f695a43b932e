"""10,000 messages from smtp-source through Beadle: each arrives once, bodies identical."""

import collections
import re
import shutil
import unittest

from rig import beadle, machine, mail, stone
from rig.case import PeerCase, say

COUNT = 10_000
LENGTH = 4096


class Volume(PeerCase):
    def reference_body(self):
        """The body smtp-source sends, as a sink without a relay in front sees it."""
        sink = stone.Sink(dump=True)
        stone.source(sink.port, 1, 1, LENGTH)
        machine.wait_for(lambda: len(sink.messages()) == 1, 10, "the reference message")
        sink.stop()
        return sink.messages()[0].partition(b"\n\n")[2]

    def test_ten_thousand_arrive_each_once(self):
        if not shutil.which("smtp-source"):
            self.skipTest("smtp-source is not installed")
        sink = self.use(stone.Sink(dump=True))
        relay = self.use(beadle.Beadle(sink.port))
        took = stone.source(relay.port, COUNT, 10, LENGTH, to=mail.PARENT, sender=mail.SENDER)
        say(f"{COUNT} messages in {took:.1f} s, {COUNT / took:.0f} a second into a sink that writes each to disk")
        machine.wait_for(lambda: sink.dump.read_bytes().count(b"X-Client-Addr: ") >= COUNT, 30, "all messages in the dump")
        body = self.reference_body()
        ids, bodies, prefixes = collections.Counter(), collections.Counter(), collections.Counter()
        for message in sink.messages():
            head, _, text = message.partition(b"\n\n")
            ids[re.search(rb"(?m)^Message-Id: (.*)$", head).group(1)] += 1
            bodies[text] += 1
            names = [name.lower() for name in re.findall(rb"(?m)^([!-9;-~]+):", head)]
            prefixes[tuple(names[:-4])] += 1
            self.assertEqual(names[-4:], [b"from", b"to", b"date", b"message-id"])
        self.assertEqual(sum(ids.values()), COUNT, "as many as were sent")
        self.assertEqual(len(ids), COUNT, "each once")
        self.assertEqual(set(bodies), {body}, "bodies identical")
        self.assertEqual(len(prefixes), 1, prefixes)
        self.assertIn(b"received", next(iter(prefixes)))
        totals = {name: value for name, value in relay.metrics().items() if name.startswith("beadle_messages_total")}
        self.assertEqual(totals, {'beadle_messages_total{disposition="delivered"}': float(COUNT)})
        self.assertTrue(relay.program.alive())
        self.assertEqual(relay.holds(), [])


if __name__ == "__main__":
    unittest.main()
