"""Archives as 7-Zip, Info-ZIP, GNU tar, gzip, bzip2, xz, zstd and gcab write them, and RAR files of WinRAR that come with the decoder."""

import subprocess
import tempfile
import unittest
from pathlib import Path

from rig.reading import read

SECRET = "Amelia Hart, epilepsy\n"
PASSWORD = "Rosebud7"
TRAVELS = "the password travels with it"


class Archives(unittest.TestCase):
    def setUp(self):
        self.held = tempfile.TemporaryDirectory()
        self.addCleanup(self.held.cleanup)
        self.folder = Path(self.held.name)
        (self.folder / "in").mkdir()
        (self.folder / "in" / "list.txt").write_text(SECRET)
        # Something to compress, so that every coder has work.
        (self.folder / "in" / "long.txt").write_text("".join(f"line {n * n} of many\n" for n in range(20_000)))

    def run_in(self, *command, **more):
        done = subprocess.run(command, cwd=self.folder, capture_output=True, **more)
        self.assertEqual(done.returncode, 0, (command, done.stderr[-2000:], done.stdout[-2000:]))
        return done.stdout

    def made(self, name, *command):
        self.run_in(*command)
        return name, (self.folder / name).read_bytes()

    def open_and_whole(self, file, states=(), body="See the file."):
        found = read(file, body=body)
        self.assertTrue(found.says("Amelia Hart"), (file[0], found.text[:3000]))
        self.assertTrue(any("list.txt" in place for place in found.places), file[0])
        self.assertEqual((found.unread, found.defects), ([], []), (file[0], found.text[:3000]))
        self.assertEqual(found.states, list(states), file[0])

    def test_coders_of_7z(self):
        for n, options in enumerate([["-m0=lzma2"], ["-m0=lzma"], ["-m0=ppmd"], ["-m0=bzip2"], ["-m0=deflate"], ["-m0=copy"], ["-m0=bcj", "-m1=lzma2"],
                                     ["-m0=delta:4", "-m1=lzma"], ["-ms=off"], ["-mx=9"], ["-mhc=off"]]):
            with self.subTest(options):
                self.open_and_whole(self.made(f"a{n}.7z", "7zz", "a", *options, f"a{n}.7z", "in"))

    def test_7z_under_a_password(self):
        for n, options in enumerate([[], ["-mhe=on"], ["-m0=copy"], ["-ms=off"]]):
            with self.subTest(options):
                file = self.made(f"p{n}.7z", "7zz", "a", *options, f"-p{PASSWORD}", f"p{n}.7z", "in")
                found = read(file)
                self.assertEqual(set(found.states), {"password"}, found.text[:2000])
                self.assertEqual(found.unread, [])
                self.assertFalse(found.says("Amelia"))
                self.assertEqual(any("list.txt" in place for place in found.places), "-mhe=on" not in options)
                opened = read(file, body=f"The password is {PASSWORD}.")
                self.assertTrue(opened.says("Amelia Hart"), opened.text[:2000])
                self.assertEqual(set(opened.reasons), {TRAVELS})
                wrong = read(file, body="The password is Rosebud8.")
                self.assertEqual(set(wrong.states), {"password"})

    def test_methods_of_zip(self):
        for method in ["Copy", "Deflate", "Deflate64", "BZip2", "LZMA", "PPMd", "xz"]:
            with self.subTest(method):
                self.open_and_whole(self.made(f"{method}.zip", "7zz", "a", "-tzip", f"-mm={method}", f"{method}.zip", "in"))

    def test_zip_under_a_password(self):
        for n, (command, state) in enumerate([
            (["7zz", "a", "-tzip", "-mem=AES256", f"-p{PASSWORD}"], "password"),
            (["7zz", "a", "-tzip", "-mem=AES128", f"-p{PASSWORD}"], "password"),
            (["7zz", "a", "-tzip", "-mem=ZipCrypto", f"-p{PASSWORD}"], "apparent"),
            (["zip", "-q", "-r", "-P", PASSWORD], "apparent"),
            (["zip", "-q", "-r", "-0", "-P", PASSWORD], "apparent"),
        ]):
            with self.subTest(command):
                file = self.made(f"z{n}.zip", *command, f"z{n}.zip", "in")
                found = read(file)
                self.assertEqual(set(found.states), {state}, found.text[:2000])
                self.assertEqual(set(found.unread), set() if state == "password" else {"unsupported"})
                opened = read(file, body=f"pw: {PASSWORD}")
                self.assertTrue(opened.says("Amelia Hart"))
                self.assertEqual((set(opened.reasons), opened.unread), ({TRAVELS}, []))

    def test_single_files(self):
        for name, command in [
            ("list.txt.gz", ["gzip", "-c"]), ("list.txt.bz2", ["bzip2", "-c"]), ("list.txt.xz", ["xz", "-c"]), ("list.txt.xz", ["xz", "-9e", "-C", "sha256", "-c"]),
            ("list.txt.lzma", ["xz", "--format=lzma", "-c"]), ("list.txt.zst", ["zstd", "-q", "-c"]), ("list.txt.zst", ["zstd", "-q", "--ultra", "-22", "--check", "-c"]),
        ]:
            with self.subTest(command):
                self.open_and_whole((name, self.run_in(*command, "in/list.txt")))

    def test_large_files_of_every_coder(self):
        for name, command in [("a.gz", ["gzip", "-9c"]), ("a.bz2", ["bzip2", "-c"]), ("a.xz", ["xz", "-c"]), ("a.zst", ["zstd", "-q", "-19", "-c"])]:
            with self.subTest(command):
                found = read((name, self.run_in(*command, "in/long.txt")))
                self.assertEqual((found.unread, found.defects), ([], []))
                self.assertTrue(found.says("line 361 of many"))

    def test_tar(self):
        for form in ["gnu", "ustar", "pax", "v7", "oldgnu"]:
            with self.subTest(form):
                self.open_and_whole(self.made(f"{form}.tar", "tar", f"--format={form}", "-cf", f"{form}.tar", "in"))
        for name, option in [("a.tgz", "-z"), ("a.tar.bz2", "-j"), ("a.tar.xz", "-J"), ("a.tar.zst", "--zstd")]:
            with self.subTest(option):
                self.open_and_whole(self.made(name, "tar", "-c", option, "-f", name, "in"))

    def test_tar_links_and_holes(self):
        (self.folder / "in" / "Kai Brook").symlink_to("Noor Malik")
        (self.folder / "in" / "Ivy Stone.txt").hardlink_to(self.folder / "in" / "list.txt")
        with open(self.folder / "in" / "holes.txt", "wb") as file:
            file.write(b"Words before the hole. " * 300 + b"\n")
            file.seek(1 << 20)
            file.write(b"Lena Frost, asthma\n")
        for form in ["gnu", "pax"]:
            with self.subTest(form):
                found = read(self.made(f"{form}.tar", "tar", "--sparse", f"--format={form}", "-cf", f"{form}.tar", "in"))
                for words in ["Kai Brook", "Noor Malik", "Ivy Stone", "Amelia Hart", "Lena Frost"]:
                    self.assertTrue(found.says(words), (words, found.text[:3000]))
                self.assertEqual(found.unread, [])

    def test_cabinets(self):
        self.open_and_whole(self.made("a.cab", "gcab", "-c", "-n", "a.cab", "in/list.txt", "in/long.txt"))
        self.open_and_whole(self.made("b.cab", "gcab", "-z", "-c", "-n", "b.cab", "in/list.txt", "in/long.txt"))

    def test_archives_in_archives(self):
        self.run_in("7zz", "a", "a.7z", "in/list.txt")
        self.run_in("gcab", "-z", "-c", "-n", "b.cab", "a.7z")
        self.run_in("tar", "-cJf", "c.tar.xz", "b.cab")
        self.run_in("zip", "-q", "d.zip", "c.tar.xz")
        self.open_and_whole(("d.zip", (self.folder / "d.zip").read_bytes()))

    def test_rar_of_its_author(self):
        """WinRAR's own files lie beside the decoder's source, which Cargo has fetched; they are not kept here."""
        found = sorted(Path.home().glob(".cargo/registry/src/*/rars-*/tests/fixtures"))
        if not found:
            self.skipTest("the decoder's files are not here")
        samples = found[-1]
        for name in ["rar50/m3_default.rar", "rar50/solid.rar", "rar50/stored.rar", "rar50/filter_e8.rar", "rar50/with_quickopen.rar", "rar50/with_comment.rar",
                     "rar50/ams_archive_name_rar721.rar"]:
            with self.subTest(name):
                account = read((name.replace("/", "-"), (samples / name).read_bytes()))
                # A stream of machine code comes out whole, and is no text.
                unread = ["unsupported"] if "e8" in name else []
                self.assertEqual((account.unread, account.states, account.defects), (unread, [], []), account.text[:2000])
                self.assertGreater(len(account.places), 3)
        for name in ["rar50/password_aes.rar", "rar50/header_encrypted.rar", "rar13/README_password=password.rar", "rar13/STOREPWD.RAR"]:
            with self.subTest(name):
                account = read((f"{Path(name).stem}.rar".replace("password", "p"), (samples / name).read_bytes()), body="nothing said")
                self.assertTrue(account.states, account.text[:2000])
        split = read(("m.part1.rar", (samples / "rar50/multivol.part1.rar").read_bytes()))
        self.assertIn("unsupported", split.unread)


if __name__ == "__main__":
    unittest.main()
