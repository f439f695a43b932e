"""Beadle itself: `serve` with the flags that outside programs may rely on, and the commands beside it."""

import json
import os
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from . import machine

BINARY = os.environ.get("BEADLE", "")
SAMPLE = machine.REPOSITORY / "patterns/sample"

# Every log written in this run; the last test reads them all.
logs = []


def missing():
    """Why Beadle cannot be run, or an empty text."""
    if not BINARY:
        return "BEADLE does not name the binary"
    return "" if os.access(BINARY, os.X_OK) else f"BEADLE={BINARY} is not a program"


class Beadle:
    """One relay in front of `next_hop` (a port, text as the flag takes it, or None when the configuration names it).

    `allow` is the networks that may relay; None leaves that to the configuration.
    """

    def __init__(self, next_hop, config=None, allow="127.0.0.0/8", data_dir=None, roster=None, policy="standard", options=(), environment=None, start=True):
        self.port = machine.free_port()
        self.admin_port = machine.free_port()
        self.next_hop = f"127.0.0.1:{next_hop}" if isinstance(next_hop, int) else next_hop
        self.data_dir = Path(data_dir) if data_dir else machine.folder("data", 0o700)
        self.roster = Path(roster) if roster else SAMPLE / "roster.csv"
        self.policy = policy
        self.allow = allow
        self.options = tuple(options)
        self.environment = {**os.environ, **(environment or {})}
        self.config = None
        if config is not None:
            self.config = machine.folder("config") / "beadle.toml"
            self.config.write_text(config)
        self.program = None
        if start:
            self.start()

    def command(self):
        return [
            BINARY, "serve", "--policy", self.policy, "--roster", self.roster, "--staff", SAMPLE / "staff.csv",
            "--internal-domain", "oakfield-trust.example", "--partner-domain", "council-safeguarding.example",
            "--sender-domain", "oakfield-trust.example", "--listen", f"127.0.0.1:{self.port}",
            "--admin-listen", f"127.0.0.1:{self.admin_port}", "--data-dir", self.data_dir,
            *(["--next-hop", self.next_hop] if self.next_hop else []), *(["--allow", self.allow] if self.allow else []),
            *(["--config", self.config] if self.config else []), *self.options,
        ]  # fmt: skip

    def start(self, seconds=30):
        """Starts it and waits for the line `ready`; PeerError with its errors when that does not come."""
        reader, writer = os.pipe()
        self.program = machine.Program("beadle", self.command(), env=self.environment, stdout=writer)
        os.close(writer)
        logs.append(self.program.stderr_path)
        ready = threading.Event()
        self.printed = []

        def read():
            with os.fdopen(reader, "r", errors="replace") as stdout:
                for line in stdout:
                    self.printed.append(line)
                    if line.strip() == "ready":
                        ready.set()

        threading.Thread(target=read, daemon=True).start()
        deadline = time.monotonic() + seconds
        while not ready.wait(0.02):
            if not self.program.alive():
                raise machine.PeerError(f"beadle serve ended with {self.program.process.returncode}: {self.log()[-3000:]}")
            if time.monotonic() > deadline:
                self.program.kill()
                raise machine.PeerError(f"beadle serve was not ready within {seconds} s: {self.log()[-3000:]}")
        return self

    def stop(self):
        """Ends it in order; returns its exit code."""
        return self.program.stop(20)

    def kill(self):
        self.program.kill()

    def log(self):
        return self.program.errors()

    def run(self, *words, check=True, seconds=60):
        """Another command of the binary on the same data."""
        config = ["--config", self.config] if self.config else []
        return machine.run([BINARY, *words, "--data-dir", self.data_dir, *config], seconds, check, env=self.environment)

    def holds(self, *options):
        """`holds list` as a list of dictionaries."""
        printed = self.run("holds", "list", "--output", "jsonl", *options).stdout
        return [json.loads(line) for line in printed.splitlines() if line.strip()]

    def show(self, hold, check=True):
        return self.run("holds", "show", hold, check=check)

    def saved(self, hold):
        """The held message's bytes, as a reviewer would save them."""
        path = machine.folder("saved", 0o700) / "message.eml"
        self.run("holds", "show", hold, "--save", path)
        return path.read_bytes()

    def release(self, hold, reason="checked with the data protection officer", check=True):
        return self.run("holds", "release", hold, "--reason", reason, check=check)

    def refuse(self, hold, reason="sent to the wrong person", *options, check=True):
        return self.run("holds", "refuse", hold, "--reason", reason, *options, check=check)

    def admin(self, path):
        """Code and text of an admin page."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.admin_port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metrics(self):
        """Prometheus samples: name with labels to value."""
        found = {}
        for line in self.admin("/metrics")[1].splitlines():
            if line and not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                found[name] = float(value)
        return found

    def cost(self):
        """CPU seconds and resident bytes, workers included."""
        return machine.cpu_and_memory(self.program.pid)


def reply_deadline(seconds):
    """Environment overrides for a short time between the last byte and the answer."""
    return {"BEADLE__SERVER__REPLY_SECONDS": str(seconds)}
