"""Messages as bytes: headers, transfer encodings and multipart structure, written by hand so that every byte is chosen."""

import base64
import random


def qp(data, split=(), width=72):
    """Quoted-printable; each byte string in `split` gets a soft line break in its middle."""
    cuts = set()
    for piece in split:
        start = data.find(piece)
        while start >= 0:
            cuts.add(start + len(piece) // 2)
            start = data.find(piece, start + 1)
    out, line = [], ""
    index = 0
    while index < len(data):
        if data[index : index + 2] == b"\r\n":
            out.append(line)
            line = ""
            index += 2
            continue
        byte = data[index]
        at_end = index + 1 == len(data) or data[index + 1 : index + 3] == b"\r\n"
        plain = 33 <= byte <= 126 and byte != 61 or byte in (9, 32) and not at_end
        token = chr(byte) if plain else f"={byte:02X}"
        if len(line) + len(token) > width or index in cuts:
            out.append(line + "=")
            line = ""
        line += token
        index += 1
    out.append(line)
    return "\r\n".join(out).encode("ascii")


def b64(data, width=76):
    """Base64 in lines."""
    text = base64.b64encode(data)
    return b"\r\n".join(text[i : i + width] for i in range(0, len(text), width))


def word(text, how="b", charset="utf-8"):
    """One RFC 2047 encoded word."""
    data = text.encode(charset)
    if how == "b":
        return f"=?{charset.upper()}?B?{base64.b64encode(data).decode()}?="
    body = "".join(chr(b) if chr(b).isalnum() and b < 128 else "_" if b == 32 else f"={b:02X}" for b in data)
    return f"=?{charset.upper()}?Q?{body}?="


def words(text, how="b", charset="utf-8", size=12):
    """Several encoded words, cut every `size` characters; white space between them is not shown."""
    return "\r\n ".join(word(text[i : i + size], how, charset) for i in range(0, len(text), size))


def header_text(text):
    """A header value: as it is when ASCII, else encoded words."""
    return text if text.isascii() else words(text, size=20)


def file_name(name, key="filename", how="auto"):
    """A parameter with a file name: quoted, RFC 2231 extended, RFC 2231 continued, or RFC 2047 as much software writes it."""
    if how == "2047":
        return f'{key}="{word(name)}"'
    if how == "auto" and name.isascii():
        return f'{key}="{name}"'
    octets = [chr(b) if chr(b).isalnum() and b < 128 or b in b".-_" else f"%{b:02X}" for b in name.encode()]
    if how != "2231-continued":
        return f"{key}*=UTF-8''" + "".join(octets)
    parts = ["".join(octets[i : i + 9]) for i in range(0, len(octets), 9)]
    first = f"{key}*0*=UTF-8''{parts[0]}"
    return ";\r\n ".join([first] + [f"{key}*{n}*={part}" for n, part in enumerate(parts[1:], 1)])


class Part:
    """A MIME entity: either encoded bytes or children."""

    def __init__(self, kind, body=b"", children=(), headers=()):
        self.kind, self.body, self.children, self.headers = kind, body, list(children), list(headers)

    def render(self, rng):
        """Header lines and body."""
        if not self.children:
            return [("Content-Type", self.kind), *self.headers], self.body
        mark = f"=_{rng.getrandbits(96):024x}"
        out = []
        for child in self.children:
            lines, body = child.render(rng)
            head = "".join(f"{key}: {value}\r\n" for key, value in lines).encode("ascii")
            out.append(b"--" + mark.encode() + b"\r\n" + head + b"\r\n" + body + b"\r\n")
        body = b"".join(out) + b"--" + mark.encode() + b"--\r\n"
        return [("Content-Type", f'{self.kind};\r\n boundary="{mark}"'), *self.headers], body


def text_part(text, kind="plain", charset="utf-8", cte=None, split=(), extra=""):
    """A text part. `cte` is chosen from the text when not given."""
    data = text.replace("\n", "\r\n").encode(charset)
    cte = cte or ("7bit" if data.isascii() and max(map(len, data.split(b"\r\n"))) < 900 else "quoted-printable")
    if cte == "quoted-printable":
        body = qp(data, [s.encode(charset) for s in split])
    elif cte == "base64":
        body = b64(data)
    else:
        body = data
    shown = "us-ascii" if cte == "7bit" and charset == "utf-8" else charset
    return Part(f"text/{kind}; charset={shown}{extra}", body, headers=[("Content-Transfer-Encoding", cte)])


def attachment(name, kind, data, how="auto", disposition="attachment", cte="base64"):
    """A file. Only `message/rfc822` stands unencoded, as RFC 2046 wants it."""
    headers = []
    if disposition:
        headers.append(("Content-Disposition", f"{disposition};\r\n {file_name(name, how=how)}"))
    if kind == "message/rfc822":
        return Part(f"{kind}; {file_name(name, 'name', how)}", data, headers=headers)
    headers.insert(0, ("Content-Transfer-Encoding", cte))
    body = b64(data) if cte == "base64" else qp(data) if cte == "quoted-printable" else data
    return Part(f"{kind};\r\n {file_name(name, 'name', how)}", body, headers=headers)


def message(headers, root, seed):
    """A whole message."""
    lines, body = root.render(random.Random(seed))
    head = "".join(f"{key}: {value}\r\n" for key, value in [*headers, ("MIME-Version", "1.0"), *lines])
    return head.encode("utf-8") + b"\r\n" + body
