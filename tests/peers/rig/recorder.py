"""A recording SMTP server with faults on request: the next hop whose every byte the tests know."""

import random
import socket
import threading
import time
from dataclasses import dataclass, field

from . import machine


@dataclass(frozen=True)
class Delivery:
    """One message that was answered with 2xx."""

    mail: str
    rcpts: tuple
    message: bytes
    chunked: bool
    helo: str
    connection: int

    def recipients(self):
        return [line.partition("<")[2].partition(">")[0] for line in self.rcpts]


@dataclass
class Faults:
    """What goes wrong. Replies are whole lines without CRLF; a reply with a line feed is sent as several lines.

    `replies` maps a step (BANNER, EHLO, MAIL, RCPT, DATA, DOT, RSET) to the reply it gets instead of the good one; a value may be
    a function of the command line that returns a reply or None. `drop` names the step at which the connection is closed without
    an answer; `MID-DATA` closes after some of the message, `AFTER-DOT` records the message and closes before the answer.
    `delays` maps a step to seconds. `times` bounds how often a fault happens; None is always.
    """

    replies: dict = field(default_factory=dict)
    drop: str = ""
    delays: dict = field(default_factory=dict)
    times: int | None = None
    odds: float = 1.0


class Recorder:
    """Listens on a loopback port and records what is delivered."""

    BASE = ("PIPELINING", "SIZE 104857600", "8BITMIME", "ENHANCEDSTATUSCODES", "CHUNKING")

    def __init__(self, extensions=BASE, faults=None, port=None, tls=None):
        self.extensions = tuple(extensions)
        self.faults = faults or Faults()
        self.tls = tls
        self.deliveries = []
        self.attempts = []
        self.connections = 0
        self.lock = threading.Lock()
        self.sockets = set()
        self.listener = socket.create_server(("127.0.0.1", port or machine.free_port()), backlog=256)
        self.port = self.listener.getsockname()[1]
        self.open = True
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self):
        """Closes the listener and every connection."""
        self.open = False
        for each in [self.listener, *self.sockets]:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            each.close()

    def hang_up(self):
        """Closes what clients keep open for reuse, so that the next message begins with a banner."""
        with self.lock:
            kept = list(self.sockets)
        for connection in kept:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def clear(self):
        with self.lock:
            self.deliveries.clear()
            self.attempts.clear()

    def wait(self, count, seconds=30):
        """Waits until at least `count` messages are recorded; returns all of them."""
        machine.wait_for(lambda: len(self.deliveries) >= count, seconds, f"{count} messages at the recorder (has {len(self.deliveries)})")
        return list(self.deliveries)

    def containing(self, mark):
        """The deliveries whose message holds these bytes."""
        return [delivery for delivery in list(self.deliveries) if mark in delivery.message]

    def _accept(self):
        while self.open:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                self.sockets.add(connection)
                self.connections += 1
                number = self.connections
            threading.Thread(target=self._serve, args=(connection, number), daemon=True).start()

    def _serve(self, connection, number):
        session = _Session(self, connection, number)
        try:
            session.run()
        except (OSError, EOFError, ValueError):
            pass
        finally:
            # Another one than `connection` after STARTTLS.
            session.socket.close()
            connection.close()
            with self.lock:
                self.sockets.discard(connection)


class _Dropped(EOFError):
    """The recorder was told to close here."""


class _Session:
    def __init__(self, recorder, connection, number):
        self.recorder = recorder
        self.socket = connection
        self.number = number
        self.buffer = b""
        self.helo = ""
        self.reset()

    def reset(self):
        self.mail = None
        self.rcpts = []
        self.chunks = b""

    def say(self, text):
        lines = text.split("\n")
        wire = "".join(
            f"{line}\r\n" if index + 1 == len(lines) else f"{line[:3]}-{line[4:]}\r\n" for index, line in enumerate(lines)
        )
        self.socket.sendall(wire.encode("utf-8"))

    def more(self):
        got = self.socket.recv(262144)
        if not got:
            raise EOFError
        self.buffer += got

    def line(self):
        while b"\r\n" not in self.buffer:
            self.more()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line.decode("utf-8", "surrogateescape")

    def fault(self, step, line=""):
        """Delays, drops, or returns the reply to give instead of the good one."""
        faults = self.recorder.faults
        if step in faults.delays:
            time.sleep(faults.delays[step])
        planned = faults.replies.get(step)
        if callable(planned):
            planned = planned(line)
        if planned is None and faults.drop != step:
            return None
        if faults.odds < 1.0 and random.random() >= faults.odds:
            return None
        with self.recorder.lock:
            if faults.times is not None:
                if faults.times <= 0:
                    return None
                faults.times -= 1
        if faults.drop == step:
            raise _Dropped
        return planned

    def answer(self, step, good, line=""):
        """Says the good reply or the fault's; true when it was the good one."""
        bad = self.fault(step, line)
        self.say(bad or good)
        return bad is None

    def run(self):
        if not self.answer("BANNER", "220 recorder.nexthop.example ESMTP"):
            return
        while True:
            line = self.line()
            with self.recorder.lock:
                self.recorder.attempts.append(line)
            verb = line[:4].upper()
            if verb == "QUIT":
                self.say("221 2.0.0 bye")
                return
            step = getattr(self, f"on_{verb.lower()}", None)
            if step is None:
                self.say("500 5.5.1 not known")
            else:
                step(line)

    def on_ehlo(self, line):
        self.helo = line[5:]
        self.reset()
        extensions = [word for word in self.recorder.extensions]
        if self.recorder.tls is not None and not hasattr(self.socket, "version"):
            extensions.append("STARTTLS")
        good = "\n".join(f"250 {word}" for word in ("recorder.nexthop.example", *extensions))
        self.answer("EHLO", good, line)

    def on_helo(self, line):
        self.helo = line[5:]
        self.say("250 recorder.nexthop.example")

    def on_star(self, line):
        if self.recorder.tls is None:
            self.say("502 5.5.1 not offered")
            return
        self.say("220 2.0.0 go ahead")
        self.buffer = b""
        self.socket = self.recorder.tls.wrap_socket(self.socket, server_side=True)

    def on_mail(self, line):
        if self.answer("MAIL", "250 2.1.0 ok", line):
            self.mail = line

    def on_rcpt(self, line):
        if self.mail is None:
            self.say("503 5.5.1 MAIL first")
        elif self.answer("RCPT", "250 2.1.5 ok", line):
            self.rcpts.append(line)

    def on_rset(self, line):
        self.reset()
        self.answer("RSET", "250 2.0.0 ok", line)

    def on_noop(self, _line):
        self.say("250 2.0.0 ok")

    def on_xfor(self, _line):
        self.say("250 2.0.0 ok")

    def on_data(self, line):
        if self.mail is None or not self.rcpts:
            self.say("503 5.5.1 RCPT first")
            return
        if not self.answer("DATA", "354 go ahead", line):
            return
        while not (self.buffer.startswith(b".\r\n") or b"\r\n.\r\n" in self.buffer):
            if self.recorder.faults.drop == "MID-DATA" and len(self.buffer) > 200:
                self.fault("MID-DATA")
            self.more()
        if self.recorder.faults.drop == "MID-DATA":
            self.fault("MID-DATA")
        if self.buffer.startswith(b".\r\n"):
            wire, self.buffer = b"", self.buffer[3:]
        else:
            wire, self.buffer = self.buffer.split(b"\r\n.\r\n", 1)
            wire += b"\r\n"
        message = wire.replace(b"\r\n..", b"\r\n.")
        self.record(message[1:] if message.startswith(b"..") else message, False)

    def on_bdat(self, line):
        words = line.split()
        size = int(words[1])
        while len(self.buffer) < size:
            self.more()
        chunk, self.buffer = self.buffer[:size], self.buffer[size:]
        if self.mail is None or not self.rcpts:
            self.say("503 5.5.1 RCPT first")
            return
        self.chunks += chunk
        if len(words) > 2:
            self.record(self.chunks, True)
        else:
            self.say("250 2.0.0 chunk taken")

    def record(self, message, chunked):
        delivery = Delivery(self.mail, tuple(self.rcpts), message, chunked, self.helo, self.number)
        self.reset()
        faults = self.recorder.faults
        bad = self.fault("DOT")
        if bad is not None:
            self.say(bad)
            return
        with self.recorder.lock:
            self.recorder.deliveries.append(delivery)
        if faults.drop == "AFTER-DOT":
            self.fault("AFTER-DOT")
        self.say("250 2.0.0 recorded")


class Tap:
    """A TCP relay that keeps what the client sent: shows the bytes between two servers."""

    def __init__(self, target):
        self.target = target
        self.streams = []
        self.listener = socket.create_server(("127.0.0.1", machine.free_port()), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.open = True
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self):
        self.open = False
        self.listener.close()

    def messages(self):
        """Every message sent in DATA, unstuffed, in the order of the connections."""
        found = []
        for stream in list(self.streams):
            rest = bytes(stream)
            while b"\r\nDATA\r\n" in rest:
                rest = rest.split(b"\r\nDATA\r\n", 1)[1]
                if b"\r\n.\r\n" not in rest:
                    break
                wire, rest = rest.split(b"\r\n.\r\n", 1)
                message = (wire + b"\r\n").replace(b"\r\n..", b"\r\n.")
                found.append(message[1:] if message.startswith(b"..") else message)
        return found

    def _accept(self):
        while self.open:
            try:
                client, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", self.target), timeout=30)
            except OSError:
                continue
            stream = bytearray()
            self.streams.append(stream)
            threading.Thread(target=self._pump, args=(client, server, stream), daemon=True).start()

    def _pump(self, client, server, stream):
        """Both directions; an end of one is handed on as a half close, as Exim does behind a pipelined QUIT."""
        back = threading.Thread(target=self._one_way, args=(server, client, bytearray()), daemon=True)
        back.start()
        self._one_way(client, server, stream)
        back.join(60)
        client.close()
        server.close()

    @staticmethod
    def _one_way(source, sink, stream):
        try:
            while got := source.recv(65536):
                stream += got
                sink.sendall(got)
        except OSError:
            pass
        try:
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass
