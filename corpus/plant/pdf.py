"""PDF files: text in Flate streams, a subset font that only its ToUnicode map can read, and RC4-40 with an empty user password."""

import hashlib
import zlib

from .protect import rc4

PAD = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")


def _literal(data):
    return b"(" + data.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)") + b")"



def _content(lines, encode):
    shown = b" T* ".join(_literal(encode(line)) + b" Tj" for line in lines)
    return b"BT /F1 11 Tf 14 TL 60 780 Td " + shown + b" ET"


def _to_unicode(codes):
    pairs = "\n".join(f"<{code:02X}> <{ord(char):04X}>" for char, code in codes.items())
    return (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n"
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def /CMapName /Adobe-Identity-UCS def /CMapType 2 def\n"
        f"1 begincodespacerange <00> <FF> endcodespacerange\n{len(codes)} beginbfchar\n{pairs}\nendbfchar\n"
        "endcmap CMapName currentdict /CMap defineresource pop end end"
    ).encode()


def _subset(lines):
    """Codes for the letters in the order they come up, as a program that embeds a subset gives them."""
    codes = {}
    for char in "".join(lines):
        codes.setdefault(char, 33 + len(codes))
    assert max(codes.values()) < 256, "too many letters for one simple font"
    return codes


def _objects(lines, title, subset):
    if subset:
        codes = _subset(lines)
        first, last = min(codes.values()), max(codes.values())
        names = " ".join(f"/g{n}" for n in range(first, last + 1))
        widths = " ".join(["550"] * (last - first + 1))
        font = (
            f"<< /Type /Font /Subtype /Type1 /BaseFont /ABCDEF+Helvetica /FirstChar {first} /LastChar {last} /Widths [{widths}] "
            f"/Encoding << /Type /Encoding /Differences [{first} {names}] >> /ToUnicode 7 0 R >>"
        ).encode()
        encode = lambda text: bytes(codes[c] for c in text)
    else:
        font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
        encode = lambda text: text.encode("cp1252")
    out = {
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        3: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        4: ("stream", _content(lines, encode)),
        5: font,
        6: ("info", title),
    }
    if subset:
        out[7] = ("stream", _to_unicode(codes))
    return out


class _Lock:
    """Standard security handler, revision 2 (ISO 32000-1, 7.6.3): 40-bit RC4."""

    def __init__(self, ident, user=b"", owner=b"owner"):
        flags = -44  # printing only
        self.owner = rc4(hashlib.md5((owner + PAD)[:32]).digest()[:5], (user + PAD)[:32])
        seed = (user + PAD)[:32] + self.owner + flags.to_bytes(4, "little", signed=True) + ident
        self.key = hashlib.md5(seed).digest()[:5]
        self.user = rc4(self.key, PAD)
        self.flags = flags

    def seal(self, number, data):
        key = hashlib.md5(self.key + number.to_bytes(3, "little") + b"\0\0").digest()[:10]
        return rc4(key, data)

    def entry(self):
        return b"<< /Filter /Standard /V 1 /R 2 /O <%s> /U <%s> /P %d >>" % (
            self.owner.hex().encode(), self.user.hex().encode(), self.flags,
        )


def pdf(lines, title="Document", subset=False, locked=False):
    """A one-page PDF. `locked` forbids copying but opens for everyone."""
    ident = hashlib.md5(repr((lines, title)).encode()).digest()
    lock = _Lock(ident) if locked else None
    out, places = [b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n"], {}
    objects = _objects(lines, title, subset)
    last = max(objects)
    for number, value in objects.items():
        if isinstance(value, tuple) and value[0] == "stream":
            packed = zlib.compress(value[1], 9)
            packed = lock.seal(number, packed) if lock else packed
            value = b"<< /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream" % (len(packed), packed)
        elif isinstance(value, tuple):
            text = b"\xfe\xff" + value[1].encode("utf-16-be")
            text = lock.seal(number, text) if lock else text
            value = b"<< /Title <%s> >>" % text.hex().encode()
        places[number] = sum(map(len, out))
        out.append(b"%d 0 obj\n%s\nendobj\n" % (number, value))
    if lock:
        last += 1
        places[last] = sum(map(len, out))
        out.append(b"%d 0 obj\n%s\nendobj\n" % (last, lock.entry()))
    start = sum(map(len, out))
    out.append(b"xref\n0 %d\n0000000000 65535 f \n" % (last + 1))
    out.extend(b"%010d 00000 n \n" % places[number] for number in range(1, last + 1))
    extra = b"/Encrypt %d 0 R " % last if lock else b""
    mark = ident.hex().encode()
    out.append(b"trailer\n<< /Size %d /Root 1 0 R /Info 6 0 R %s/ID [<%s> <%s>] >>\n" % (last + 1, extra, mark, mark))
    out.append(b"startxref\n%d\n%%%%EOF\n" % start)
    return b"".join(out)
