"""Protection, real and apparent: RC4, ZipCrypto, WinZip AES-256, CMS enveloped and signed data, OpenPGP, and unreadable kinds."""

import base64
import hashlib
import hmac
import struct
import zlib

DOS_TIME, DOS_DATE = 9 << 11, (46 << 9) | (11 << 5) | 2  # 2026-11-02 09:00


def rc4(key, data):
    """RC4."""
    box, j = list(range(256)), 0
    for i in range(256):
        j = (j + box[i] + key[i % len(key)]) & 255
        box[i], box[j] = box[j], box[i]
    out, i, j = bytearray(), 0, 0
    for byte in data:
        i = (i + 1) & 255
        j = (j + box[i]) & 255
        box[i], box[j] = box[j], box[i]
        out.append(byte ^ box[(box[i] + box[j]) & 255])
    return bytes(out)


def _crc_table():
    table = []
    for n in range(256):
        for _ in range(8):
            n = (n >> 1) ^ (0xEDB88320 if n & 1 else 0)
        table.append(n)
    return table


CRC = _crc_table()


def zipcrypto(password, plain, salt):
    """The traditional PKWARE cipher (APPNOTE 6.1) over a 12-byte header and the data."""
    keys = [0x12345678, 0x23456789, 0x34567890]

    def stir(byte):
        keys[0] = CRC[(keys[0] ^ byte) & 255] ^ (keys[0] >> 8)
        keys[1] = ((keys[1] + (keys[0] & 255)) * 134775813 + 1) & 0xFFFFFFFF
        keys[2] = CRC[(keys[2] ^ (keys[1] >> 24)) & 255] ^ (keys[2] >> 8)

    for byte in password:
        stir(byte)
    out = bytearray()
    for byte in salt + plain:
        temp = (keys[2] | 2) & 0xFFFF
        out.append(byte ^ ((temp * (temp ^ 1)) >> 8) & 255)
        stir(byte)
    return bytes(out)


def _archive(entries):
    """Local headers, directory and end record for (name, method, flags, crc, plain size, data, extra)."""
    out, listing = b"", b""
    for name, method, flags, crc, size, data, extra in entries:
        raw = name.encode()
        shared = struct.pack("<HHHHHIIIHH", 51 if extra else 20, flags, method, DOS_TIME, DOS_DATE, crc, len(data), size, len(raw), len(extra))
        listing += b"PK\1\2" + struct.pack("<H", 51) + shared + struct.pack("<HHHII", 0, 0, 0, 0, len(out)) + raw + extra
        out += b"PK\3\4" + shared + raw + extra + data
    end = struct.pack("<HHHHIIH", 0, 0, len(entries), len(entries), len(listing), len(out), 0)
    return out + listing + b"PK\5\6" + end


def deflate(data):
    """A raw Deflate stream."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def zip_weak(entries, password, rng):
    """A ZIP file under ZipCrypto."""
    rows = []
    for name, data in entries:
        crc = zlib.crc32(data)
        salt = rng.randbytes(11) + bytes([crc >> 24])
        rows.append((name, 8, 1, crc, len(data), zipcrypto(password.encode(), deflate(data), salt), b""))
    return _archive(rows)


def zip_mixed(plain, secret, password, rng):
    """A ZIP file whose first files are plain and whose last are under WinZip AES-256."""
    rows = [(name, 8, 0, zlib.crc32(data), len(data), deflate(data), b"") for name, data in plain]
    return _archive(rows + _strong_rows(secret, password, rng))


def _sbox():
    box, p, q = [0] * 256, 1, 1
    while True:
        p ^= (p << 1) ^ (0x11B if p & 0x80 else 0)
        p &= 255
        for shift in (1, 2, 4):
            q ^= (q << shift) & 255
        q ^= 0x09 if q & 0x80 else 0
        box[p] = q ^ 0x63 ^ (q << 1 | q >> 7) & 255 ^ (q << 2 | q >> 6) & 255 ^ (q << 3 | q >> 5) & 255 ^ (q << 4 | q >> 4) & 255
        if p == 1:
            break
    box[0] = 0x63
    return box


SBOX = _sbox()


def _expand(key):
    """The AES key schedule (FIPS 197, 5.2)."""
    size, rcon = len(key) // 4, 1
    words = [list(key[4 * i : 4 * i + 4]) for i in range(size)]
    for i in range(size, 4 * (size + 7)):
        temp = list(words[-1])
        if i % size == 0:
            temp = [SBOX[b] for b in temp[1:] + temp[:1]]
            temp[0] ^= rcon
            rcon = (rcon << 1) ^ (0x11B if rcon & 0x80 else 0)
        elif size > 6 and i % size == 4:
            temp = [SBOX[b] for b in temp]
        words.append([a ^ b for a, b in zip(words[i - size], temp)])
    return [sum(words[4 * r : 4 * r + 4], []) for r in range(len(words) // 4)]


def _double(byte):
    return ((byte << 1) ^ (0x1B if byte & 0x80 else 0)) & 255


def aes_block(schedule, block):
    """One AES block (FIPS 197, 5.1)."""
    cells = [a ^ b for a, b in zip(block, schedule[0])]
    for number, key in enumerate(schedule[1:], 1):
        cells = [SBOX[cells[(i + 4 * (i % 4)) % 16]] for i in range(16)]
        if number < len(schedule) - 1:
            mixed = []
            for c in range(0, 16, 4):
                col = cells[c : c + 4]
                every = col[0] ^ col[1] ^ col[2] ^ col[3]
                mixed += [col[r] ^ every ^ _double(col[r] ^ col[(r + 1) % 4]) for r in range(4)]
            cells = mixed
        cells = [a ^ b for a, b in zip(cells, key)]
    return bytes(cells)


def aes_ctr_le(key, data):
    """AES in counter mode with the little-endian counter of WinZip, from 1."""
    schedule, out = _expand(key), bytearray()
    for n in range(0, len(data), 16):
        pad = aes_block(schedule, (n // 16 + 1).to_bytes(16, "little"))
        out += bytes(a ^ b for a, b in zip(data[n : n + 16], pad))
    return bytes(out)


def zip_strong(entries, password, rng):
    """A ZIP file under WinZip AES-256 (AE-2)."""
    return _archive(_strong_rows(entries, password, rng))


def _strong_rows(entries, password, rng):
    rows = []
    for name, data in entries:
        salt = rng.randbytes(16)
        keys = hashlib.pbkdf2_hmac("sha1", password.encode(), salt, 1000, 66)
        body = aes_ctr_le(keys[:32], deflate(data))
        tag = hmac.new(keys[32:64], body, "sha1").digest()[:10]
        extra = struct.pack("<HHH2sBH", 0x9901, 7, 2, b"AE", 3, 8)
        rows.append((name, 99, 1, 0, len(data), salt + keys[64:] + body + tag, extra))
    return rows


def der(tag, *parts):
    """One DER element."""
    body = b"".join(parts)
    size = len(body)
    length = bytes([size]) if size < 128 else (lambda n: bytes([128 + len(n)]) + n)(size.to_bytes((size.bit_length() + 7) // 8, "big"))
    return bytes([tag]) + length + body


def oid(text):
    """A DER object identifier."""
    numbers = list(map(int, text.split(".")))
    out = bytearray([numbers[0] * 40 + numbers[1]])
    for number in numbers[2:]:
        chunk = [number & 127]
        while number := number >> 7:
            chunk.append(number & 127 | 128)
        out += bytes(reversed(chunk))
    return der(6, bytes(out))


def _issuer():
    name = der(0x30, oid("2.5.4.3"), der(0x0C, b"Council Mail CA"))
    return der(0x30, der(0x31, name))


def cms_enveloped(rng, size=900):
    """CMS EnvelopedData (RFC 5652, 6) for one RSA recipient; the content is random, nobody can open it."""
    recipient = der(
        0x30, der(2, b"\0"), der(0x30, _issuer(), der(2, b"\x41" + rng.randbytes(7))),
        der(0x30, oid("1.2.840.113549.1.1.1"), der(5)), der(4, rng.randbytes(256)),
    )
    content = der(
        0x30, oid("1.2.840.113549.1.7.1"), der(0x30, oid("2.16.840.1.101.3.4.1.42"), der(4, rng.randbytes(16))),
        der(0x80, rng.randbytes(size // 16 * 16)),
    )
    body = der(0x30, der(2, b"\0"), der(0x31, recipient), content)
    return der(0x30, oid("1.2.840.113549.1.7.3"), der(0xA0, body))


def cms_signed(content, rng):
    """CMS SignedData (RFC 5652, 5) with the content inside: it looks like S/MIME and anyone can read it."""
    digest = der(0x30, oid("2.16.840.1.101.3.4.2.1"))
    signer = der(
        0x30, der(2, b"\1"), der(0x30, _issuer(), der(2, b"\x41" + rng.randbytes(7))), digest,
        der(0x30, oid("1.2.840.113549.1.1.1"), der(5)), der(4, rng.randbytes(256)),
    )
    inner = der(0x30, oid("1.2.840.113549.1.7.1"), der(0xA0, der(4, content)))
    body = der(0x30, der(2, b"\1"), der(0x31, digest), inner, der(0x31, signer))
    return der(0x30, oid("1.2.840.113549.1.7.2"), der(0xA0, body))


def packet(tag, body):
    """One OpenPGP packet in the new format."""
    size = len(body)
    length = bytes([size]) if size < 192 else bytes([(size - 192 >> 8) + 192, size - 192 & 255])
    return bytes([0xC0 | tag]) + length + body


def armor(data, kind="MESSAGE"):
    """OpenPGP armour (RFC 9580, 6) with its CRC-24."""
    crc = 0xB704CE
    for byte in data:
        crc ^= byte << 16
        for _ in range(8):
            crc = crc << 1 ^ (0x1864CFB if crc & 0x800000 else 0)
            crc &= 0xFFFFFF
    text = base64.b64encode(data).decode()
    lines = [text[i : i + 64] for i in range(0, len(text), 64)]
    check = base64.b64encode(crc.to_bytes(3, "big")).decode()
    return "\r\n".join([f"-----BEGIN PGP {kind}-----", "", *lines, f"={check}", f"-----END PGP {kind}-----", ""])


def pgp_encrypted(rng, size=700):
    """A public-key encrypted session key and an integrity-protected packet of random bytes."""
    mpi = bytes([0x07, 0xFF]) + bytes([0x5A]) + rng.randbytes(255)
    session = packet(1, b"\3" + rng.randbytes(8) + b"\1" + mpi)
    return armor(session + packet(18, b"\1" + rng.randbytes(size)))


def pgp_literal(text):
    """Armoured literal data: it looks encrypted and any OpenPGP program shows it without a key."""
    return armor(packet(11, b"t\x00\x00\x00\x00\x00" + text.encode()))


def old_doc(rng):
    """A file that begins as an OLE compound file, with random sectors: no reader opens it."""
    head = bytes.fromhex("D0CF11E0A1B11AE1") + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6)
    return (head + rng.randbytes(512))[:512] + rng.randbytes(3072)


def seven_zip(rng):
    """A 7z file whose header is encrypted or damaged: the signature, then random bytes."""
    return b"7z\xbc\xaf\x27\x1c\0\4" + rng.randbytes(900)


def png(rng, width=96, height=48):
    """A small grey picture, as a scan or photograph would come."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes(rng.choice((30, 120, 210, 250)) for _ in range(width)) for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
