"""The base of every peer test: skips with a reason when a peer is missing, stops what it started."""

import sys
import unittest

from . import beadle, mail


def say(text):
    """Figures and progress, between unittest's own lines."""
    print(f"\n    {text}", file=sys.stderr, flush=True)


class PeerCase(unittest.TestCase):
    """A test against real programs. `maxDiff` is short: messages are long."""

    maxDiff = 2000

    @classmethod
    def setUpClass(cls):
        reason = beadle.missing()
        if reason:
            raise unittest.SkipTest(reason)

    @classmethod
    def keep(cls, started):
        """Stops it when the class is done."""
        cls.addClassCleanup(started.stop)
        return started

    def use(self, started):
        """Stops it when the test is done."""
        self.addCleanup(started.stop)
        return started

    def assert_passed_untouched(self, received, sent, *added):
        """The received bytes end in the sent ones, and in front stand only trace headers, `added` ones allowed beside Beadle's."""
        prefix = mail.split_prefix(received, sent)
        self.assertIsNotNone(prefix, f"what was sent did not arrive unchanged; sent {sent[:300]!r}, received {received[:800]!r}")
        names = mail.header_names(prefix)
        strangers = [name for name in names if name != "received" and not name.startswith("x-beadle") and name not in added]
        self.assertEqual(strangers, [], "only trace headers may be added")
        self.assertIn("received", names)
        return names

    def assert_reply(self, reply, code, what=""):
        """The reply's code: a number, or a first digit as text (`4xx`)."""
        if isinstance(code, str):
            self.assertEqual(str(reply.code)[0], code[0], f"{what}: {reply}")
        else:
            self.assertEqual(reply.code, code, f"{what}: {reply}")
