"""Messages whose structure mail programs read differently, with a pupil's name in what only some of them show.

The label asks for a hold and no more: finding the name and holding the defect are both right.
"""

import binascii

from . import render
from .maker import case


def _hostile(slug, build, why):
    @case(f"hostile-{slug}", "mime-hostile")
    def fill(mail):
        pupil = mail.pupil()
        build(mail, mail.sentence(pupil.name))
        mail.expect("quarantine", why=why, unread=None)


def _replaced(old, new):
    """A change of the finished bytes that must apply."""
    def change(data):
        assert old in data, old
        return data.replace(old, new, 1)

    return change


def _two_encodings(mail, secret):
    mail.text(secret, cte="base64")
    mail.after = _replaced(b"Content-Transfer-Encoding: base64", b"Content-Transfer-Encoding: base64\r\nContent-Transfer-Encoding: 7bit")


def _two_types(mail, secret):
    mail.html(f"<p>{secret}</p>", cte="base64")
    mail.after = _replaced(b"Content-Type: text/html", b"Content-Type: application/x-rota\r\nContent-Type: text/html")


def _odd_encoding(mail, secret):
    mail.text(secret, cte="base64")
    mail.after = _replaced(b"Content-Transfer-Encoding: base64", b'Content-Transfer-Encoding: "base64"')


def _no_end(mail, secret):
    mail.text("The list is attached.")
    mail.attach("list.txt", secret)
    mail.after = lambda data: data[: data.rindex(b"\r\n--=_")]


def _uuencoded(mail, secret):
    data = secret.encode()
    lines = "".join(binascii.b2a_uu(data[i : i + 45]).decode() for i in range(0, len(data), 45))
    mail.text(f"See below.\n\nbegin 644 list.txt\n{lines}`\nend")


def _preamble(mail, secret):
    mail.text("The list is attached.")
    mail.attach("dates.txt", "12 November")
    mail.after = _replaced(b"\r\n\r\n--=_", f"\r\n\r\n{secret}\r\n--=_".encode())


def _epilogue(mail, secret):
    mail.text("The list is attached.")
    mail.attach("dates.txt", "12 November")
    mail.after = lambda data: data + f"\r\n{secret}\r\n".encode()


def _junk_base64(mail, secret):
    mail.text("The list is attached.")
    body = render.b64(secret.encode())
    mail.files.append(render.Part("text/plain; name=list.txt", b"*!*".join(body[i : i + 8] for i in range(0, len(body), 8)), headers=[
        ("Content-Transfer-Encoding", "base64"), ("Content-Disposition", "attachment; filename=list.txt"),
    ]))


def _no_boundary(mail, secret):
    mail.text("The list is attached.")
    mail.attach("list.txt", secret)

    def change(data):
        start = data.index(b";\r\n boundary=")
        return data[:start] + data[data.index(b"\r\n", start + 3) :]

    mail.after = change


_hostile("two-transfer-encodings", _two_encodings, "Two transfer encodings: one program decodes, another does not.")
_hostile("two-content-types", _two_types, "Two content types.")
_hostile("quoted-encoding", _odd_encoding, "A transfer encoding in quotes, which only some programs accept.")
_hostile("no-closing-boundary", _no_end, "The closing boundary is missing.")
_hostile("uuencoded", _uuencoded, "A file uuencoded in the text, as old programs sent it.")
_hostile("preamble", _preamble, "The name stands before the first boundary.")
_hostile("epilogue", _epilogue, "The name stands after the last boundary.")
_hostile("junk-in-base64", _junk_base64, "Characters outside the alphabet between the base64 letters.")
_hostile("no-boundary-parameter", _no_boundary, "A multipart without its boundary parameter.")
