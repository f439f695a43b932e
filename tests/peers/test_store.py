"""A store that cannot be written: full disk, read-only folders. Nothing is taken that cannot be kept."""

import os
import shutil
import unittest

from rig import beadle, machine, mail
from rig.case import PeerCase, say
from rig.dialogue import submit
from rig.recorder import Recorder


class UnwritableStore(PeerCase):
    def setUp(self):
        self.outside = self.use(Recorder())
        self.next = 800

    def hold(self, relay):
        """Sends a message that must be held; returns the reply."""
        self.next += 1
        return submit(relay.port, mail.SENDER, [mail.PARENT], mail.named_pupil(self.next, pupil=mail.PUPIL), timeout=60)

    def pass_on(self, relay):
        self.next += 1
        return submit(relay.port, mail.SENDER, [mail.PARENT], mail.clean(self.next), timeout=60)

    def mounted(self, size):
        place = machine.folder("tmpfs", 0o700)
        done = machine.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], check=False)
        if done.returncode != 0:
            self.skipTest(f"a file system cannot be mounted here: {done.stderr.strip()}")
        self.addCleanup(machine.run, ["umount", "-l", place], check=False)
        return place

    def test_full_disk(self):
        place = self.mounted("200m")
        relay = self.use(beadle.Beadle(self.outside.port, data_dir=place / "beadle"))
        self.assert_reply(self.hold(relay), 250)
        filler = place / "filler"
        with open(filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"\0" * 1_000_000)
            except OSError:
                pass
        free = shutil.disk_usage(place).free
        before = [hold["id"] for hold in relay.holds()]
        for _ in range(5):
            self.assert_reply(self.hold(relay), "4xx", f"{free} bytes free")
        reply = self.pass_on(relay)
        say(f"disk full: a clean message gets {reply}; /readyz says {relay.admin('/readyz')}")
        self.assertIn(str(reply.code)[0], "24")
        self.assertEqual(len(self.outside.deliveries), 1 if reply.code == 250 else 0, "250 exactly when it went on")
        self.assertTrue(relay.program.alive())
        filler.unlink()
        machine.wait_for(lambda: self.hold(relay).code == 250, 30, "holds are taken again when there is room")
        after = [hold["id"] for hold in relay.holds()]
        self.assertEqual(after[:1], before, "what was held is still held")
        self.assertEqual(len(after), 2, "and nothing that was deferred")
        for hold in after:
            self.assertEqual(relay.show(hold, check=False).returncode, 0)
        relay.kill()
        relay.start()
        self.assertEqual([hold["id"] for hold in relay.holds()], after)

    def test_folders_turn_immutable_under_way(self):
        relay = self.use(beadle.Beadle(self.outside.port))
        self.assert_reply(self.hold(relay), 250)
        folders = [path for path, _, _ in os.walk(relay.data_dir)]
        done = machine.run(["chattr", "+i", *folders], check=False)
        self.addCleanup(machine.run, ["chattr", "-i", *folders], check=False)
        if done.returncode != 0:
            self.skipTest(f"folders cannot be made immutable here: {done.stderr.strip()}")
        before = len(relay.holds())
        self.assert_reply(self.hold(relay), "4xx")
        reply = self.pass_on(relay)
        self.assertEqual(len(self.outside.deliveries), 1 if reply.code == 250 else 0, reply)
        self.assertIn(str(reply.code)[0], "24")
        machine.run(["chattr", "-i", *folders])
        machine.wait_for(lambda: self.hold(relay).code == 250, 30, "holds are taken again")
        self.assertEqual(len(relay.holds()), before + 1)

    def test_read_only_from_the_start(self):
        place = self.mounted("64m")
        relay = self.use(beadle.Beadle(self.outside.port, data_dir=place / "beadle"))
        self.assert_reply(self.hold(relay), 250, "first with room")
        relay.stop()
        machine.run(["mount", "-o", "remount,ro", place])
        try:
            relay.start()
        except machine.PeerError as error:
            self.assertRegex(str(error), r"ended with [123]:")
            self.assertIn("read-only", str(error).lower(), "it says why")
            return
        self.assert_reply(self.hold(relay), "4xx")
        self.assertEqual(self.outside.deliveries, [])

    def test_a_second_server_on_the_same_data_does_no_harm(self):
        relay = self.use(beadle.Beadle(self.outside.port))
        self.assert_reply(self.hold(relay), 250)
        other = beadle.Beadle(self.outside.port, data_dir=relay.data_dir, start=False)
        try:
            other.start()
            self.addCleanup(other.stop)
        except machine.PeerError as error:
            self.assertRegex(str(error), r"ended with [123]:")
        self.assert_reply(self.hold(relay), 250)
        self.assertEqual(len(relay.holds()), 2)


if __name__ == "__main__":
    unittest.main()
