"""Processes, ports and folders of the machine: everything started here is stopped here.

Every program runs in a process group of its own; stopping kills the group, so that no worker or daemon is left behind.
"""

import atexit
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
CACHE = Path(os.environ.get("TMPDIR", "/tmp")) / "beadle-tests"

_given_out = set()


class PeerError(Exception):
    """A program of the test bed did not do what it was started for."""


def free_port():
    """A loopback port nobody listens on, not given out twice in one run."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port not in _given_out:
            _given_out.add(port)
            return port


def accepts(port, host="127.0.0.1"):
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def wait_for(condition, seconds, what):
    """Polls until `condition()` is true and returns its value; PeerError when it does not become true."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise PeerError(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def folder(name, mode=0o755):
    """A temporary folder that other system users can enter, removed when the run ends."""
    made = Path(tempfile.mkdtemp(prefix=f"beadle-{name}-"))
    made.chmod(mode)
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


_running = set()


class Program:
    """A child process in a process group of its own, with its output in files."""

    def __init__(self, name, command, cwd=None, env=None, stdout=None):
        self.name = name
        self.place = folder(name)
        self.stderr_path = self.place / "stderr"
        self.stdout_path = self.place / "stdout"
        with open(self.stderr_path, "wb") as stderr, open(self.stdout_path, "wb") as own_stdout:
            self.process = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=stdout or own_stdout,
                stderr=stderr,
                cwd=cwd,
                env=env,
                start_new_session=True,
            )
        self.pid = self.process.pid
        _running.add(self)

    def alive(self):
        return self.process.poll() is None

    def output(self):
        return self.stdout_path.read_text("utf-8", "replace")

    def errors(self):
        return self.stderr_path.read_text("utf-8", "replace")

    def signal_group(self, number):
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            pass

    def kill(self):
        """SIGKILL to the whole group, and waits."""
        self.signal_group(signal.SIGKILL)
        self.process.wait(10)
        _running.discard(self)

    def stop(self, seconds=10):
        """SIGTERM to the program, SIGKILL to its group when it does not end in time. Returns its exit code."""
        if self.alive():
            self.process.terminate()
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                pass
        code = self.process.poll()
        self.kill()
        return code

    def wait_until_accepting(self, port, seconds=15):
        def answered():
            if not self.alive():
                raise PeerError(f"{self.name} ended with {self.process.returncode}: {self.errors()[-2000:]}{self.output()[-2000:]}")
            return accepts(port)

        wait_for(answered, seconds, f"{self.name} accepts connections on port {port}")


@atexit.register
def _kill_what_is_left():
    for program in list(_running):
        program.kill()


# Whoever ends the tests early (a time limit, the terminal) must not leave servers behind: an exit runs what is registered.
for _number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(_number, lambda *_: sys.exit(1))


def run(command, seconds=60, check=True, **named):
    """Runs a command to its end; PeerError with its output when it fails."""
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, errors="replace", timeout=seconds, **named
    )
    if check and done.returncode != 0:
        raise PeerError(f"{command[0]} ended with {done.returncode}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done


def cpu_and_memory(pid):
    """CPU seconds and resident bytes of a process and all processes of its group (workers included)."""
    tick = os.sysconf("SC_CLK_TCK")
    page = os.sysconf("SC_PAGE_SIZE")
    cpu = memory = 0
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            fields = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == pid:
            # utime, stime, and those of children already waited for (proc(5)); rss in pages.
            cpu += sum(int(fields[index]) for index in (11, 12, 13, 14)) / tick
            memory += int(fields[21]) * page
    return cpu, memory
