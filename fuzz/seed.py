#!/usr/bin/env python3
"""Makes fuzz/corpus/TARGET for each target: python3 fuzz/seed.py [FOLDER...]

Each target picks a kind by the first byte of its input (`mime` and `reply` have none); a whole file follows the byte that names its kind.
The seeds come from the messages in corpus/messages and what they attach, from archives and sealed files built here, and from every file
below 50 KB in the FOLDERs, at most 60 of a kind, the smallest first. Programs that are not installed (gpg, openssl, qpdf, zstd) are
passed over. The word `abc` opens what is closed: `sealed` says so in its message's subject.
"""

import bz2
import email
import gzip
import hashlib
import io
import lzma
import re
import struct
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from base64 import b64decode
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent
LARGEST = 50_000
MOST = 60
TEXT = b"Amelia Hart, 7B, epilepsy; Kai Brook, 7B, asthma; abcabcabcabcabcabc\n" * 3
OLE = bytes.fromhex("d0cf11e0a1b11ae1")
ONENOTE = bytes.fromhex("e4525c7b8cd8a74daeb15378d02996d3")
# The place of each kind in KINDS of fuzz_targets/documents.rs, by how such a file begins.
DOCUMENTS = [
    (OLE, 0),
    (b"\x09\x00\x04", 1),
    (b"\x09\x02\x06", 1),
    (b"\x09\x04\x06", 1),
    (b"{\\rtf", 2),
    (b"\x78\x9f\x3e\x22", 3),
    (b"PK\x03\x04", 4),
    (b"BEGIN:VCARD", 5),
    (b"BEGIN:VCALENDAR", 6),
    (b"{\"", 7),
    (b"<?xml", 8),
    (ONENOTE, 9),
    (b"%PDF-", 10),
    (b"<html", 11),
    (b"<HTML", 11),
    (b"<!DOCTYPE", 11),
]
ARCHIVES = [b"PK\x03\x04", b"7z\xbc\xaf", b"Rar!", b"MSCF", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x5d\0\0", b"LZIP", b"\x28\xb5\x2f\xfd", b"MZ"]
# TEXT's like, packed by the Rust crates `rars` and `sevenz-rust2`; what ends in `abc` is closed with that word.
LITERALS = {
    "7z": "N3q8ryccAAQWSYXoSQAAAAAAAAA3AAAAAAAAAF4vCIHgAKkAQV0AIJtIpu29UbUavwJuSrkOk0BejTA2zH24gNRS5B2WLCvjF7HA/10HO85K/1aANqZpSd8dVU5PXcO/F7JAbwSPRgAAAQQGAAEJSQoB1dJbIgAHCwEAASEhARYMgKoACAoBdO9YHAAABQERDQBsAC4AdAB4AHQAAAAAAA==",
    "7z-abc": "N3q8ryccAAR3cj3iUAAAAAAAAABiAAAAAAAAAPfCo5DQh0OL66a6YM2SIRaMxiCXnmmpUJTAvFRqw94Ka2BlqhqD/jZTWUNeKbYo/KhJliPO3qm7oW1+5zvGxQbvx1Ow3u19cav1djkizlkG5R80egEEBgABCVAKAREehnoABwsBAAIkBvEHASLI//WYfmAB3RZc3HV1XKzpqVNXwu/Y70jD671FH/3ouHr/ISEBFgEADEmAqgAICgF071gcAAAFARENAGwALgB0AHgAdAAAAAAA",
    "rar15": "UmFyIRoHAM+QcwAADQAAAAAAAABNlHoAwCQAHAAAABwAAAAAYbehDAAAAAAPMAQAAAAAAFJBUlNyYXJzLzAuMTIuMwptYXJrZXItc2NoZW1hPTEKa550AIAlAEEAAACqAAAAAHTvWBwAAAAADzMFACAAAABsLnR4dA8vrfS+s9T6FX2AH9lftyIKNKkgnewIOC+zOe53ggbAH1wPSA7wkAQMSevY9X5mFJIX1CATEPovR6MIA8AAlBVA",
    "rar20": "UmFyIRoHAM+QcwAADQAAAAAAAAC/3XoAwCQAHAAAABwAAAAAYbehDAAAAAAUMAQAAAAAAFJBUlNyYXJzLzAuMTIuMwptYXJrZXItc2NoZW1hPTEKI9N0AIAlAE8AAACqAAAAAHTvWBwAAAAAFDMFACAAAABsLnR4dAwMzMwAAAAAAM97xS4C73C5WZUC8UrbAKxZLKJJjf7uMwmkxgm81OZIPaaNWxCNS+OIyVLX6jP4fZipQPnI2KBT3O7pQYR6aZmO/Fhhcug=",
    "rar29": "UmFyIRoHAM+QcwAADQAAAAAAAAAu53oAwCQAHAAAABwAAAAAYbehDAAAAAAdMAQAAAAAAFJBUlNyYXJzLzAuMTIuMwptYXJrZXItc2NoZW1hPTEKwlh0IIAlAD8AAACqAAAAAHTvWBwAAAAAHTMFACAAAABsLnR4dKcYQS4LhEVk5Jo/9Qmx9oHekfoU9VtQRsCuV+uFKH5g7kFe0JM0UVfb3VvhyppXaZl2Pzydl2SeR3+yL9c5Fg==",
    "rar29-abc": "UmFyIRoHAM+QcwAADQAAAAAAAAAu53oAwCQAHAAAABwAAAAAYbehDAAAAAAdMAQAAAAAAFJBUlNyYXJzLzAuMTIuMwptYXJrZXItc2NoZW1hPTEKGlV0JIQtAEAAAACqAAAAAHTvWBwAAAAAHTMFACAAAABsLnR4dL3MbYMgLQOfRDzgPo5SfDa/6L7I1NCY1TK7TXmdZ/kqj8xM2UrZffDIaW48aM39/G8ej/C3obC7Hya920PkWO4EmM7OCKzHNg==",
    "rar50": "UmFyIRoHAQDFGjMyAwEAAJtSVFYRAwYcBBwAYbehDAAABFJBUlNyYXJzLzAuMTIuMwptYXJrZXItc2NoZW1hPTEKHZ6BwTgCAyNNBKoBIHTvWByAAwAFbC50eHQiAgBK06R3PYmEpicBXC2ZyONWUNKEl2pebynRA51sFApomMLSSjVVUi+TO9wr2AF7QVJUyOFeV/I/iCEApd/rKCF5hva+9ncs5RzKNoI9SNzOrBq5gSSvSVP2i9QP3Y4Kh04x9tTSvkC0HnrE0yfAGbI6NQMFAAA=",
    "rar50-abc": "UmFyIRoHAQDFGjMyAwEAAJtSVFYRAwYcBBwAYbehDAAABFJBUlNyYXJzLzAuMTIuMwptYXJrZXItc2NoZW1hPTEKbqRRf2kCA1RQBKoBID0kaGyAAwAFbC50eHQwAQADD+oGMkXBVJR+MguwYAAAhPrbXpdM0Re5L7PFCCu/0W5L9aZoWD2Qtm1a/e04IgIAIk3A1nOlPXyjvyZNnzuS58jJBWiM4N71QkEJEEsVI+zh/QC5nVcy6RneLWjX17bL8mDxUeUn1FXI+4HBNyK7DUozXfhFfYWQAO0x0iWTtCaZ5a4Cfi6KDBUD+Z8fRxDbOD1XS+wb7xPp7XbxcfKOThmyOjUDBQAA",
    "rar50-names": "UmFyIRoHAQDN5gSdIQQAAAEPowQkcI1g/6213bN5FApDu3BrRvtjmgd369CsYUUg2h3p0TOpveSTqRrvp42QLG/8LwIpt1ioiIdbR+Z62nvFZeOUAnaGmD8EMh6uJld3r7y97eRnsDmpnSRwMDsM2R2L87F7oZE2iMWATGn/cmFycy8wLjEyLjMKbWFya2VyLXNjaGVtYT0xCpNwtbqubyw3ewRlHM/3PZkTWZvehPU8iV+r0bXArcq7azV/W06IynlHv8zlTvqFFOEBeOWXo3/DLd+cYOAwYlvzmSfLZTraSDSvFABAc69IuBZUPqLIvhV/vRG8Y7XMF6ZLHOmq780b7+jxG7sXu4gLHdRIHF2vzRkDSeArUjO1EPz9AiRHjrTRvWZr6j9zx0Vzqu5HVHKAdbQijLVc5R8W+wgFq+gQk4GO+c+7ZMTs644Hy36z7LtBcut4v9eb3rAdWJoJKUURtpoJoqykgBraTeZUkIf4d2tPqTn58KFdy8iWivz6oMo48iokcDR1PA==",
    "rar70": "UmFyIRoHAQDFGjMyAwEAAJtSVFYRAwYcBBwAYbehDAAABFJBUlNyYXJzLzAuMTIuMwptYXJrZXItc2NoZW1hPTEKHZ6BwTgCAyNNBKoBIHTvWByAAwAFbC50eHQiAgBK06R3PYmEpicBXC2ZyONWUNKEl2pebynRA51sFApomMLSSjVVUi+TO9wr2AF7QVJUyOFeV/I/iCEApd/rKCF5hva+9ncs5RzKNoI9SNzOrBq5gSSvSVP2i9QP3Y4Kh04x9tTSvkC0HnrE0yfAGbI6NQMFAAA=",
}
# Without a table of objects, which the reader here and qpdf both make anew.
PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R"
    b"/Contents 4 0 R/Resources<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>endobj\n4 0 obj<</Length 32>>stream\n"
    b"BT /F 12 Tf (Amelia Hart) Tj ET \nendstream\nendobj\ntrailer\n<</Root 1 0 R/Size 5>>\nstartxref\n0\n%%EOF\n"
)
# The parts of zipped documents that a seed may be, as PARTS of fuzz_targets/parts.rs numbers them.
PARTS = [
    r"word/document\d*\.xml",
    r"word/comments\.xml",
    r"word/settings\.xml",
    r"word/_rels/.*\.rels",
    r"docProps/custom\.xml",
    r"ppt/slides/slide\d+\.xml",
    r"ppt/notesSlides/.*\.xml",
    r"ppt/charts/chart\d+\.xml",
    r"xl/workbook\.xml",
    r"xl/sharedStrings\.xml",
    r"xl/styles\.xml",
    r"xl/worksheets/sheet\d+\.xml",
    r"xl/comments\d+\.xml",
    r"xl/workbook\.bin",
    r"xl/sharedStrings\.bin",
    r"xl/styles\.bin",
    r"xl/worksheets/sheet\d+\.bin",
    r"xl/comments\d+\.bin",
    r"content\.xml",
    r"styles\.xml",
    r"META-INF/manifest\.xml",
    r"Index/.*\.iwa",
    r"xl/activeX/.*\.bin",
    r"word/embeddings/.*\.bin",
]
taken = Counter()


def put(target, data, kind=""):
    if len(data) > LARGEST or taken[target, kind] >= MOST:
        return
    taken[target, kind] += 1
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha1(data).hexdigest()[:16]).write_bytes(data)


def file(data, name=""):
    """Puts one whole file where it belongs; a zipped document is not taken for an archive."""
    kind = name.rsplit(".", 1)[-1].lower()
    # Zipped documents are many and large, and would take the time of the other archives.
    document = data.startswith(b"PK") and (b"[Content_Types].xml" in data or b"mimetypeapplication/vnd.oasis" in data)
    if not document and any(data.startswith(magic) for magic in ARCHIVES) or data[257:262] == b"ustar":
        put("archives", b"\0" + data, kind)
    if data.startswith(b"PK"):
        parts(data)
    closed = data.startswith(OLE) and "EncryptedPackage".encode("utf-16le") in data or data.startswith(b"%PDF") and b"/Encrypt" in data
    if closed or kind in ("p7m", "p7s", "pgp", "gpg", "asc", "age"):
        put("sealed", b"\0" + data, kind)
    for magic, place in DOCUMENTS:
        if data.lstrip(b"\xef\xbb\xbf\r\n ").startswith(magic):
            put("documents", bytes([place]) + data, kind)
            break
    if kind in ("eml", "mbox"):
        put("mime", data, kind)


def parts(data):
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as held:
            for entry in held.infolist():
                place = next((at for at, name in enumerate(PARTS) if re.fullmatch(name, entry.filename)), None)
                if place is not None and entry.file_size < LARGEST // 3 and not entry.flag_bits & 1:
                    put("parts", bytes([place]) + held.read(entry), place)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError):
        # A damaged one is a seed as a whole.
        return


def attached(raw):
    for part in email.message_from_bytes(raw).walk():
        data = part.get_payload(decode=True) if part.get_filename() else None
        if data:
            file(data, part.get_filename())


def zipped(method):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", method) as out:
        out.writestr("in/l.txt", TEXT)
        out.writestr("m.csv", b"a,b\n1,2\n")
    return held.getvalue()


def cabinet(kind, block):
    files = struct.pack("<IIHHHH", len(TEXT), 0, 0, 0, 0, 0) + b"l.txt\0"
    at = 44 + len(files)
    head = b"MSCF\0\0\0\0" + struct.pack("<IIIIBBHHHHH", at + 8 + len(block), 0, 44, 0, 3, 1, 1, 1, 0, 0, 0)
    return head + struct.pack("<IHH", at, 1, kind) + files + struct.pack("<IHH", 0, len(block), len(TEXT)) + block


def lzx_stored(data):
    """One uncompressed LZX block: no E8 translation, block type 3, its size, then from the next 16 bits three offsets and the data."""
    bits = format(0, "b") + format(3, "03b") + format(len(data), "024b")
    bits = bits.ljust(32, "0")
    words = b"".join(struct.pack("<H", int(bits[i : i + 16], 2)) for i in (0, 16))
    return words + struct.pack("<III", 1, 1, 1) + data


def packed():
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        file(zipped(method), "a.zip")
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as out:
        for name in ("l.txt", "long/" * 30 + "m.txt"):
            entry = tarfile.TarInfo(name)
            entry.size = len(TEXT)
            out.addfile(entry, io.BytesIO(TEXT))
    tar = held.getvalue()[:4096]
    alone = lzma.compress(TEXT, lzma.FORMAT_ALONE)
    lzip = b"LZIP\x01\x17" + alone[13:]
    lzip += struct.pack("<IQQ", zlib.crc32(TEXT), len(TEXT), len(lzip) + 20)
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    mszip = b"CK" + deflate.compress(TEXT) + deflate.flush()
    for data in (
        tar,
        gzip.compress(TEXT),
        gzip.compress(tar),
        bz2.compress(TEXT),
        lzma.compress(TEXT),
        lzma.compress(tar),
        alone,
        lzip,
        cabinet(0, TEXT),
        cabinet(1, mszip),
        cabinet(0x0F03, lzx_stored(TEXT)),
        b"MZ\x90\0" + bytes(60) + zipped(zipfile.ZIP_DEFLATED),
        b"MZ\x90\0" + bytes(60) + b64decode(LITERALS["rar50"]),
    ):
        file(data)
        put("archives", b"\0" + data)
    for data in LITERALS.values():
        put("archives", b"\0" + b64decode(data))
        put("sealed", b"\0" + b64decode(data))


def attribute(level, kind, data):
    return struct.pack("<BII", level, kind, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)


def written():
    """Small documents of the kinds that the corpus has few of."""
    text = TEXT.decode()
    wide = text.encode("utf-16le")
    body = TEXT + b"\0"
    string = struct.pack("<IHHII", 2, 0x001E, 0x1000, 1, len(body)) + body + bytes(-len(body) % 4)
    other = struct.pack("<HHII", 0x001F, 0x3001, 1, len(wide)) + wide + bytes(-len(wide) % 4)
    tnef = b"\x78\x9f\x3e\x22\x01\0" + attribute(1, 0x00089006, struct.pack("<I", 0x10000)) + attribute(1, 0x00069003, string + other)
    tnef += attribute(2, 0x00069002, bytes(14)) + attribute(2, 0x00018010, b"l.txt\0") + attribute(2, 0x0006800F, TEXT)
    for data in (
        tnef,
        ONENOTE + bytes(16) + wide + bytes(16) + TEXT,
        b"BEGIN:VCARD\nVERSION:3.0\nFN:Amelia Hart\nNOTE;ENCODING=QUOTED-PRINTABLE:a=3Db=\nc\nPHOTO;ENCODING=b:aGVsbG8=\nEND:VCARD\n",
        b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Amelia\n  Hart\nATTACH;VALUE=BINARY;ENCODING=BASE64:aGVsbG8=\nEND:VEVENT\nEND:VCALENDAR\n",
        b'{"pupil":{"name":"Amelia \\u0048art","marks":[1,2.5e3,null,true]},"file":"aGVsbG8="}',
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a x="1"><![CDATA[Amelia]]>&b;&#72;art<!-- no --></a>',
        b"\x09\x04\x06\x00\x00\x04\x10\x00\x00\x00" + b"\x04\x02\x0d\x00\0\0\0\0\0\0\x05\0Amelia"[:17] + b"\x0a\0\0\0",
        b"{\\rtf1\\ansi\\uc1{\\fonttbl{\\f0 A;}}Am\\'e9lia\\u8217? {\\*\\htmltag64 <p>}{\\object\\objemb{\\*\\objdata 0105000002000000}}\\par}",
        b"<html><style>p{}</style><p hidden>Amelia<table><tr><td>Hart<td>7B</table><img src='data:text/plain;base64,aGVsbG8='></html>",
        PDF,
    ):
        file(data)


def run(folder, *command):
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=60)
        # qpdf answers 3 where it mended something.
        failed = done.returncode not in (0, 3)
    except (OSError, subprocess.SubprocessError):
        failed = True
    if failed:
        print("passed over:", *command[:3], file=sys.stderr)


def sealed():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "l.txt").write_bytes(TEXT)
        (folder / "a.pdf").write_bytes(PDF)
        request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "k.pem", "-out", "c.pem", "-subj", "/CN=a.example"]
        run(folder, "openssl", *request)
        for form in ("DER", "PEM"):
            cms = ["openssl", "cms", "-in", "l.txt", "-binary", "-outform", form]
            run(folder, *cms, "-encrypt", "-aes256", "-out", f"e-{form}.p7m", "c.pem")
            run(folder, *cms, "-sign", "-nodetach", "-signer", "c.pem", "-inkey", "k.pem", "-out", f"s-{form}.p7m")
            run(folder, *cms, "-sign", "-signer", "c.pem", "-inkey", "k.pem", "-out", f"d-{form}.p7s")
            run(folder, *cms, "-data_create", "-out", f"n-{form}.p7m")
        gpg = ["gpg", "--homedir", name, "--batch", "--pinentry-mode", "loopback", "--passphrase", "abc"]
        for armour in ([], ["--armor"]):
            run(folder, *gpg, *armour, "--output", f"c{len(armour)}.gpg", "--symmetric", "l.txt")
            run(folder, *gpg, *armour, "--output", f"s{len(armour)}.gpg", "--store", "l.txt")
        run(folder, "gpgconf", "--homedir", name, "--kill", "all")
        for bits in ("40", "128", "256"):
            weak = ["--allow-weak-crypto"] if bits != "256" else []
            run(folder, "qpdf", *weak, "--encrypt", "abc", "o", bits, "--", "a.pdf", f"{bits}.pdf")
        run(folder, "zstd", "-q", "l.txt", "-o", "l.zst")
        for path in sorted(folder.glob("*.p7?")) + sorted(folder.glob("*.gpg")) + sorted(folder.glob("*.pdf")) + sorted(folder.glob("*.zst")):
            data = path.read_bytes()
            put("archives" if path.suffix == ".zst" else "sealed", b"\0" + data)
    put("sealed", b"\0age-encryption.org/v1\n-> scrypt rF0/NwblUHHTpgQgRpe5CQ 10\ngUjEymFKMVXQEKdMMHL24oYexjE3TIC0O0zGSqJ2aUY\n--- 0123456789\n" + TEXT)


def replies():
    hello = b"220 mx.oak.example ESMTP\r\n250-mx.oak.example\r\n250-SIZE 1000\r\n250-STARTTLS\r\n250-DSN\r\n250-CHUNKING\r\n250 SMTPUTF8\r\n"
    put("reply", hello)
    put("reply", b"250 2.1.0 ok\r\n550-5.7.1 no\r\n550 5.7.1 never\r\n354 go\r\n221 bye\r\n")
    put("reply", b"421 4.3.2\n250\r\n250-a\n250 b\r\n99 x\r\n")


def main():
    packed()
    written()
    for path in sorted((HERE.parent / "corpus" / "messages").glob("*.eml")):
        raw = path.read_bytes()
        attached(raw)
        # A message for each of its shapes, not for each of its labels.
        put("mime", raw, path.stat().st_size // 256)
    for folder in sys.argv[1:]:
        small = sorted((path for path in Path(folder).rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
        for path in small:
            if zipfile.is_zipfile(path) and LARGEST < path.stat().st_size < 20 * LARGEST:
                parts(path.read_bytes())
            if 0 < path.stat().st_size <= LARGEST:
                file(path.read_bytes(), path.name)
    sealed()
    replies()
    for target in sorted({target for target, _ in taken}):
        print(target, sum(count for (of, _), count in taken.items() if of == target))


main()
