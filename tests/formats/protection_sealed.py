"""Sealed files of the real programs: GnuPG, OpenSSL, age, qpdf, LibreOffice, msoffcrypto-tool."""

import subprocess
import tempfile
import unittest
from pathlib import Path

from rig.reading import read

SECRET = "Amelia Hart, epilepsy\n"
PASSWORD = "Rosebud7"
TRAVELS = "the password travels with it"
SAID = f"The password is {PASSWORD}."
FORMATS = Path(__file__).parent


class Sealed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.held = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.held.cleanup)
        cls.folder = Path(cls.held.name)
        (cls.folder / "list.txt").write_text(SECRET)
        cls.office = cls.folder / "office"
        cls.office.mkdir()
        cls.run_in("/usr/bin/python3", str(FORMATS / "rig" / "office.py"), str(cls.office), timeout=300)

    @classmethod
    def run_in(cls, *command, timeout=120, **more):
        done = subprocess.run(command, cwd=cls.folder, capture_output=True, timeout=timeout, **more)
        if done.returncode:
            raise AssertionError((command, done.stderr[-2000:]))
        return done.stdout

    def bytes_of(self, name):
        return (self.folder / name).read_bytes()

    def sealed(self, name, data, state, body="See the file."):
        found = read((name, data), body=body)
        self.assertEqual(set(found.states), {state}, found.text[:3000])
        self.assertEqual(found.unread, [], found.text[:3000])
        self.assertFalse(found.says("Amelia"))

    def opens(self, name, data, reasons, body="See the file."):
        found = read((name, data), body=body)
        self.assertTrue(found.says("Amelia Hart"), found.text[:3000])
        self.assertEqual((set(found.reasons), found.unread), (set(reasons), []), found.text[:3000])


class Office(Sealed):
    def test_documents_under_a_password(self):
        for name in ["plan.docx", "list.xlsx"]:
            with self.subTest(name):
                data = (self.office / name).read_bytes()
                self.sealed(name, data, "password")
                self.opens(name, data, [TRAVELS], SAID)
        for name in ["plan.odt", "list.ods"]:
            with self.subTest(name):
                self.sealed(name, (self.office / name).read_bytes(), "password")

    def test_documents_of_office_2003(self):
        for name in ["plan.doc", "list.xls"]:
            with self.subTest(name):
                data = (self.office / name).read_bytes()
                found = read((name, data))
                self.assertEqual((found.states, found.unread), (["apparent"], ["unsupported"]), found.text[:2000])
                opened = read((name, data), body=SAID)
                self.assertEqual(opened.reasons, [TRAVELS], opened.text[:2000])
                wrong = read((name, data), body="The password is Rosebud8.")
                self.assertEqual(wrong.reasons, found.reasons)

    def test_locks_and_what_has_none(self):
        for name in ["locked.xlsx", "locked.ods"]:
            with self.subTest(name):
                self.opens(name, (self.office / name).read_bytes(), ["locked against changes only: everyone can read it"])
        for name in ["open.docx", "open.xlsx", "open.pdf"]:
            with self.subTest(name):
                self.opens(name, (self.office / name).read_bytes(), [])

    def test_another_program_for_office(self):
        for word in [PASSWORD, "VelvetSweatshop"]:
            for name in ["open.docx", "open.xlsx"]:
                with self.subTest((name, word)):
                    self.run_in("msoffcrypto-tool", "-e", "-p", word, str(self.office / name), f"sealed-{name}")
                    data = self.bytes_of(f"sealed-{name}")
                    if word == PASSWORD:
                        self.sealed(name, data, "password")
                        self.opens(name, data, [TRAVELS], SAID)
                    else:
                        self.opens(name, data, ["Office opens the document without asking"])


class Pdf(Sealed):
    KINDS = [["40", "--"], ["128", "--use-aes=n", "--"], ["128", "--use-aes=y", "--"], ["256", "--"], ["256", "--force-R5", "--"]]

    def locked(self, user, owner, kind):
        weak = ["--allow-weak-crypto"]
        self.run_in("qpdf", *weak, "--encrypt", user, owner, *kind, str(self.office / "open.pdf"), "out.pdf")
        return self.bytes_of("out.pdf")

    def test_open_to_everybody(self):
        for kind in self.KINDS:
            with self.subTest(kind):
                self.opens("a.pdf", self.locked("", "owner-only", kind), ["the PDF opens without a password"])

    def test_user_and_owner(self):
        for kind in self.KINDS:
            for user, owner in [(PASSWORD, "another word"), ("another word", PASSWORD)]:
                with self.subTest((kind, user)):
                    data = self.locked(user, owner, kind)
                    self.opens("a.pdf", data, [TRAVELS], SAID)
                    if kind[0] != "40":
                        self.sealed("a.pdf", data, "password")
                        self.sealed("a.pdf", data, "password", "The password is Rosebud8.")

    def test_forty_bits(self):
        found = read(("a.pdf", self.locked(PASSWORD, "another word", self.KINDS[0])))
        self.assertEqual((found.states, found.unread), (["apparent"], ["unsupported"]))


class OpenPgp(Sealed):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        home = cls.folder / "gnupg"
        home.mkdir(mode=0o700)
        cls.home = ["gpg", "--homedir", str(home), "--batch", "--yes", "--quiet", "--trust-model", "always", "--pinentry-mode", "loopback", "--passphrase", ""]
        cls.run_in(*cls.home, "--quick-generate-key", "Sam <sam@elsewhere.example>", "default", "default")
        cls.addClassCleanup(subprocess.run, ["gpgconf", "--homedir", str(home), "--kill", "all"])

    def gpg(self, *options, words="", armour=False):
        home = [*self.home[:-1], words]
        return self.run_in(*home, *(["--armor"] if armour else []), "-o", "-", *options, "list.txt")

    def test_encrypted(self):
        for armour in (False, True):
            with self.subTest(armour):
                self.sealed("a.gpg", self.gpg("-r", "sam@elsewhere.example", "--encrypt", armour=armour), "end-to-end")
                self.sealed("a.gpg", self.gpg("-r", "sam@elsewhere.example", "--sign", "--encrypt", armour=armour), "end-to-end")
                self.sealed("a.gpg", self.gpg("--symmetric", words=PASSWORD, armour=armour), "password")
                both = self.gpg("-r", "sam@elsewhere.example", "--encrypt", "--symmetric", words=PASSWORD, armour=armour)
                self.sealed("a.gpg", both, "end-to-end")

    def test_signed_compressed_and_stored(self):
        for options in [["--store"], ["--sign"], *(["--sign", "--compress-algo", kind] for kind in ("none", "zip", "zlib", "bzip2"))]:
            for armour in (False, True):
                with self.subTest((options, armour)):
                    self.opens("a.gpg", self.gpg(*options, armour=armour), ["OpenPGP armour without encryption"])

    def test_signed_in_the_clear(self):
        self.opens("a.asc", self.gpg("--clearsign"), [])
        for armour in (False, True):
            found = read(("a.sig", self.gpg("--detach-sign", armour=armour)), ("list.txt", SECRET.encode()))
            self.assertEqual((found.states, found.unread), ([], []), found.text[:2000])


class Smime(Sealed):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.run_in("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=sam", "-days", "2", "-keyout", "key.pem", "-out", "cert.pem")
        (cls.folder / "mail.txt").write_text(f"Content-Type: text/plain\n\n{SECRET}")

    def cms(self, *options):
        return self.run_in("openssl", "cms", options[0], "-in", "mail.txt", *options[1:])

    def test_encrypted(self):
        for form in ("DER", "PEM"):
            for cipher in ("-aes256", "-aes-128-gcm", "-des3"):
                for stream in ([], ["-stream"]):
                    with self.subTest((form, cipher, stream)):
                        self.sealed("smime.p7m", self.cms("-encrypt", cipher, *stream, "-outform", form, "cert.pem"), "end-to-end")

    def test_weak_and_by_password(self):
        weak = self.cms("-encrypt", "-provider", "legacy", "-provider", "default", "-rc2-40", "-outform", "DER", "cert.pem")
        found = read(("smime.p7m", weak))
        self.assertEqual((found.states, found.unread), (["apparent"], ["unsupported"]))
        self.sealed("smime.p7m", self.cms("-encrypt", "-aes256", "-pwri_password", PASSWORD, "-outform", "DER"), "password")

    def test_signed(self):
        sign = ["-sign", "-signer", "cert.pem", "-inkey", "key.pem", "-nodetach"]
        for form in ("DER", "PEM"):
            for stream in ([], ["-stream"]):
                with self.subTest((form, stream)):
                    self.opens("smime.p7m", self.cms(*sign, *stream, "-outform", form), [])


class Age(Sealed):
    def test_recipients(self):
        self.run_in("age-keygen", "-o", "age.key")
        key = next(line.split()[-1] for line in self.bytes_of("age.key").decode().splitlines() if "public key" in line)
        for form in ([], ["-a"]):
            with self.subTest(form):
                self.sealed("list.age", self.run_in("age", "-r", key, *form, "list.txt"), "end-to-end")


del Sealed

if __name__ == "__main__":
    unittest.main()
