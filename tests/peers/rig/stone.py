"""Postfix's smtp-source and smtp-sink: the load, and a sink that can dump what it got."""

import re
import time

from . import machine


class Sink:
    """smtp-sink on a free port; with `dump`, every message is kept in one file."""

    def __init__(self, dump=False, options=()):
        self.port = machine.free_port()
        self.place = machine.folder("sink", 0o777)
        self.dump = self.place / "dump" if dump else None
        command = ["smtp-sink", "-u", "nobody", *options]
        if dump:
            command += ["-D", self.dump]
        self.program = machine.Program("smtp-sink", [*command, f"127.0.0.1:{self.port}", "1024"])
        self.program.wait_until_accepting(self.port)

    def stop(self):
        self.program.stop()

    def messages(self):
        """The dumped messages with LF line ends, smtp-sink's own X- headers cut off, each as text of bytes."""
        found = []
        content = self.dump.read_bytes() if self.dump.exists() else b""
        for piece in re.split(rb"(?m)^X-Client-Addr: ", content)[1:]:
            received = re.search(rb"(?m)^Received: from .*\n(?:[ \t].*\n)*", piece)
            found.append(piece[received.end() :] if received else piece)
        return found


def source(port, count, sessions, length, reuse=False, sender="bursary.office@oakfield-trust.example", to="guardian.of.one@elsewhere.example", seconds=300):
    """Runs smtp-source to its end; returns the seconds it took. PeerError when a message was refused."""
    command = ["smtp-source", "-s", sessions, "-m", count, "-l", length, "-f", sender, "-t", to, "-M", "source.oakfield-trust.example"]
    if reuse:
        command.append("-d")
    began = time.monotonic()
    machine.run([*command, f"127.0.0.1:{port}"], seconds=seconds)
    return time.monotonic() - began
