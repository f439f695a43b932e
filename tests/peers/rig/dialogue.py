"""A raw SMTP client: bytes out, replies in, nothing tidied."""

import socket
import ssl
from dataclasses import dataclass


@dataclass(frozen=True)
class Reply:
    """One reply with its code and lines of text (without the code)."""

    code: int
    lines: tuple

    @property
    def text(self):
        return "\n".join(self.lines)

    def __str__(self):
        return f"{self.code} {' / '.join(self.lines)}"


class Gone(Exception):
    """The server closed or reset the connection, or did not answer in time."""


def stuff(message):
    """The message as it travels in DATA, with the end mark; a missing final CRLF is added."""
    if not message.endswith(b"\r\n"):
        message += b"\r\n"
    if message.startswith(b"."):
        message = b"." + message
    return message.replace(b"\r\n.", b"\r\n..") + b".\r\n"


class Dialogue:
    """One connection to an SMTP server."""

    def __init__(self, port, timeout=30, host="127.0.0.1", greet=True, ehlo="client.oakfield-trust.example"):
        self.name = ehlo
        self.buffer = b""
        try:
            self.socket = socket.create_connection((host, port), timeout=timeout)
        except OSError as error:
            raise Gone(f"connect: {error}") from None
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.extensions = {}
        if greet:
            self.banner = self.reply()
            if self.banner.code == 220:
                self.ehlo()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        try:
            self.socket.close()
        except OSError:
            pass

    def send(self, data):
        try:
            self.socket.sendall(data)
        except OSError as error:
            raise Gone(f"send: {error}") from None

    def line(self):
        while b"\n" not in self.buffer:
            try:
                more = self.socket.recv(65536)
            except OSError as error:
                raise Gone(f"receive: {error}") from None
            if not more:
                raise Gone("closed by the server")
            self.buffer += more
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.rstrip(b"\r").decode("utf-8", "replace")

    def reply(self):
        lines = []
        while True:
            line = self.line()
            lines.append(line[4:])
            if line[3:4] != "-":
                return Reply(int(line[:3]), tuple(lines))

    def closed(self):
        """Whether the server has ended the connection, after whatever it still had to say."""
        try:
            while True:
                self.line()
        except Gone as gone:
            return "closed" in str(gone) or "reset" in str(gone).lower()

    def ask(self, command):
        """One command (text or bytes, CRLF added) and its reply."""
        if isinstance(command, str):
            command = command.encode()
        self.send(command + b"\r\n")
        return self.reply()

    def ehlo(self):
        reply = self.ask(f"EHLO {self.name}")
        self.extensions = {}
        for line in reply.lines[1:]:
            word, _, rest = line.partition(" ")
            self.extensions[word.upper()] = rest
        return reply

    def starttls(self, context=None):
        reply = self.ask("STARTTLS")
        if reply.code == 220:
            if context is None:
                context = ssl.create_default_context()
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
            self.ehlo()
        return reply

    def envelope(self, sender, recipients, parameters=""):
        """MAIL and RCPT; returns None when all are taken, else the first reply that is not 2xx."""
        replies = [self.ask(f"MAIL FROM:<{sender}>{parameters}")]
        if replies[0].code < 300:
            replies += [self.ask(f"RCPT TO:<{recipient}>") for recipient in recipients]
        refused = [reply for reply in replies if reply.code >= 300]
        return refused[0] if refused else None

    def data(self, message):
        """DATA with a message; returns the reply to DATA when that is not 354, else the reply to the final dot."""
        reply = self.ask("DATA")
        if reply.code != 354:
            return reply
        self.send(stuff(message))
        return self.reply()

    def bdat(self, message, size=65536):
        """BDAT in chunks; returns the last reply."""
        pieces = [message[start : start + size] for start in range(0, len(message), size)] or [b""]
        for index, piece in enumerate(pieces):
            last = " LAST" if index + 1 == len(pieces) else ""
            self.send(f"BDAT {len(piece)}{last}\r\n".encode() + piece)
            reply = self.reply()
            if reply.code >= 300:
                return reply
        return reply

    def submit(self, sender, recipients, message, parameters=""):
        """One transaction; returns the reply that decided it."""
        return self.envelope(sender, recipients, parameters) or self.data(message)


def submit(port, sender, recipients, message, parameters="", timeout=30):
    """One message over a connection of its own; returns the reply that decided it."""
    with Dialogue(port, timeout) as dialogue:
        if dialogue.banner.code != 220:
            return dialogue.banner
        reply = dialogue.submit(sender, recipients, message, parameters)
        try:
            dialogue.ask("QUIT")
        except Gone:
            pass
        return reply
