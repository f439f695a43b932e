"""Runs last: no log of any Beadle of this run holds a planted name, address or subject."""

import unittest

from rig import beadle, mail
from rig.case import PeerCase, say


class Logs(PeerCase):
    def test_no_personal_data_in_any_log(self):
        if not beadle.logs:
            self.skipTest("no Beadle ran before this test")
        lines = 0
        for path in beadle.logs:
            text = path.read_text("utf-8", "replace").lower()
            lines += text.count("\n")
            for mark in [*(mark.lower() for mark in mail.MARKS), ".example>", "@elsewhere", "@oakfield"]:
                if mark in text:
                    line = next(line for line in text.splitlines() if mark in line)
                    self.fail(f"{mark!r} in {path}: {line[:400]}")
        say(f"{len(beadle.logs)} logs with {lines} lines read")
        self.assertGreater(lines, 0)

    def test_no_panic_in_any_log(self):
        for path in beadle.logs:
            self.assertNotIn("panicked at", path.read_text("utf-8", "replace"), path)


if __name__ == "__main__":
    unittest.main()
