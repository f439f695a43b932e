"""Sample mail: all people are of the sample roster, all domains end in `.example`.

`MARKS` are planted texts that must never appear in Beadle's log.
"""

import base64
import re

SENDER = "bursary.office@oakfield-trust.example"
PARENT = "guardian.of.one@elsewhere.example"
SECOND = "another.reader@faraway.example"
PARTNER = "duty.worker@council-safeguarding.example"

PUPIL = "Harriet Thistlewood"
OTHER_PUPIL = "Morwenna Penhaligon"
SUBJECT = "Zyxwick notice"

MARKS = (
    "Thistlewood", "Penhaligon", "Harriet", "Morwenna", "Zyxwick",
    "bursary.office", "guardian.of.one", "another.reader", "duty.worker", "asthma",
)  # fmt: skip

FILLER = "The minibus leaves the north gate at nine and is back before the last bell; bring a coat and a packed lunch.\r\n"


def message(body, seq=None, subject=SUBJECT, sender=SENDER, to=PARENT, headers="", charset="us-ascii"):
    """A plain text message; `seq` numbers it in a header of its own."""
    number = f"X-Seq: {seq}\r\n" if seq is not None else ""
    head = (
        f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\nDate: Mon, 14 Sep 2026 09:30:00 +0100\r\n"
        f"Message-ID: <{seq if seq is not None else 'single'}.{abs(hash(body)) % 10**9}@oakfield-trust.example>\r\n"
        f"{number}MIME-Version: 1.0\r\nContent-Type: text/plain; charset={charset}\r\n{headers}\r\n"
    )
    return head.encode("utf-8") + body.encode("utf-8")


def clean(seq=None, size=0, **named):
    """Nothing to object to."""
    body = "Dear all,\r\n\r\n" + FILLER * max(1, size // len(FILLER)) + "\r\nThe office\r\n"
    return message(body, seq, **named)


def medical(seq=None, **named):
    """A pupil's full name and a medical term: refused under the standard policy."""
    return message(f"Dear parent,\r\n\r\n{PUPIL} was diagnosed with asthma and needs her inhaler at lunch.\r\n", seq, **named)


def named_pupil(seq=None, pupil=PUPIL, **named):
    """A pupil's full name in the body: held under the standard policy."""
    return message(f"Dear parent,\r\n\r\nWe are pleased that {pupil} joined the choir this term.\r\n", seq, **named)


def with_attachment(name, content, kind="application/octet-stream", seq=None, body="The file you asked for is attached.\r\n"):
    """Multipart with one attachment in base64."""
    encoded = base64.encodebytes(content).replace(b"\n", b"\r\n").decode()
    boundary = "part-boundary-7f3a"
    text = (
        f"--{boundary}\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n{body}\r\n"
        f'--{boundary}\r\nContent-Type: {kind}; name="{name}"\r\nContent-Disposition: attachment; filename="{name}"\r\n'
        f"Content-Transfer-Encoding: base64\r\n\r\n{encoded}\r\n--{boundary}--\r\n"
    )
    return message(text, seq).replace(
        b"Content-Type: text/plain; charset=us-ascii\r\n", f'Content-Type: multipart/mixed; boundary="{boundary}"\r\n'.encode(), 1
    )


def eight_bit(seq=None):
    """UTF-8 in 8bit transfer encoding, long and odd lines, lines of dots, trailing blanks, no final blank line."""
    body = (
        "Žluťoučký kůň – “quoted” £5, naïve café\r\n.\r\n..\r\n. dot\r\n.leading\r\n\r\n \t trailing \t \r\n"
        + "x" * 997 + "\r\n--\r\n\r\n\r\nend\r\n"
    )  # fmt: skip
    return message(body, seq, charset="utf-8", headers="Content-Transfer-Encoding: 8bit\r\n")


def split_prefix(received, sent):
    """The header lines in front of `sent`; None when what arrived does not end in exactly the sent bytes."""
    if not received.endswith(sent):
        return None
    return received[: len(received) - len(sent)]


def header_names(block):
    """The names of the headers in a block of whole header lines; ValueError when it is anything else."""
    names = []
    for line in block.split(b"\r\n")[:-1]:
        if line[:1] in (b" ", b"\t") and names:
            continue
        match = re.match(rb"([!-9;-~]+):", line)
        if not match:
            raise ValueError(f"not a header line: {line!r}")
        names.append(match.group(1).decode().lower())
    if block and not block.endswith(b"\r\n"):
        raise ValueError("the block does not end with a line end")
    return names


def seq_of(received):
    """The number of a numbered message."""
    found = re.search(rb"^X-Seq: (\d+)\r\n", received, re.MULTILINE)
    return int(found.group(1)) if found else None
