"""An Exim of our own, unpacked from its Debian package: Debian's MTAs exclude each other, so it cannot be installed beside Postfix."""

import os
import pwd
import shutil
from pathlib import Path

from . import machine

FOLDER = machine.CACHE / "exim"
BINARY = FOLDER / "usr/sbin/exim4"

CONFIGURATION = """\
primary_hostname = exim.oakfield-trust.example
spool_directory = {place}/spool
log_file_path = {place}/log/%slog
daemon_smtp_ports = {port}
local_interfaces = 127.0.0.1
disable_ipv6
never_users =
deliver_drop_privilege
exim_path = {binary}
exim_user = Debian-exim
host_lookup =
rfc1413_query_timeout = 0s
smtp_accept_max = 50
acl_smtp_rcpt = accept
acl_smtp_data = accept
tls_advertise_hosts =
chunking_advertise_hosts = {chunking}
queue_run_max = 5
remote_max_parallel = 10
keep_environment =
{extra}

begin routers
onward:
  driver = manualroute
  domains = !{returned}
  route_list = * 127.0.0.1 byname
  self = send
  transport = onward
returned:
  driver = manualroute
  route_list = * 127.0.0.1 byname
  self = send
  transport = returned

begin transports
onward:
  driver = smtp
  port = {relay_port}
  allow_localhost
  hosts_try_chunking = {try_chunking}
  hosts_avoid_tls = *
  helo_data = exim.oakfield-trust.example
returned:
  driver = smtp
  port = {returned_port}
  allow_localhost

begin retry
* * F,2h,2s
"""


def obtain():
    """Unpacks the packages into the cache folder when they are not there; returns why not, or an empty text."""
    if os.geteuid() != 0:
        return "Exim needs root"
    try:
        pwd.getpwnam("Debian-exim")
    except KeyError:
        machine.run(["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", "Debian-exim"])
    if BINARY.exists():
        return ""
    FOLDER.mkdir(parents=True, exist_ok=True)
    packages = ["exim4-base", "exim4-daemon-light"]
    fetched = machine.run(["apt-get", "download", *packages], seconds=180, check=False, cwd=FOLDER)
    if fetched.returncode != 0:
        return f"Exim's package cannot be fetched: {fetched.stderr.strip()[-300:]}"
    for package in FOLDER.glob("*.deb"):
        machine.run(["dpkg", "-x", package, FOLDER])
    ran = machine.run([BINARY, "-C", "/dev/null", "-bV"], check=False)
    return "" if ran.returncode == 0 else f"Exim does not run here: {ran.stderr.strip()[-300:]}"


class Exim:
    """One daemon that hands everything to `relay_port`, except for `returned`, a domain whose mail goes to `returned_port`."""

    def __init__(self, relay_port, returned="returned.example", returned_port=0, chunking=True, extra=""):
        self.port = machine.free_port()
        self.place = machine.folder("exim")
        for name in ("spool", "log"):
            (self.place / name).mkdir()
            shutil.chown(self.place / name, "Debian-exim", "Debian-exim")
        star = "*" if chunking else ""
        self.configuration = self.place / "exim.conf"
        self.configuration.write_text(
            CONFIGURATION.format(
                binary=BINARY, place=self.place, port=self.port, relay_port=relay_port, returned=returned,
                returned_port=returned_port or relay_port, chunking=star, try_chunking=star, extra=extra,
            )
        )  # fmt: skip
        self.configuration.chmod(0o644)
        self.program = machine.Program("exim", [BINARY, "-C", self.configuration, "-bdf", "-q2s", "-oP", self.place / "pid"])
        self.program.wait_until_accepting(self.port)

    def stop(self):
        self.program.stop()

    def log(self):
        path = self.place / "log" / "mainlog"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def queued(self):
        """How many messages wait: header files in the spool."""
        return len(list((self.place / "spool" / "input").rglob("*-H")))

    def wait_until_empty(self, seconds=60):
        machine.wait_for(lambda: self.queued() == 0, seconds, f"Exim's queue is empty; log: {self.log()[-1500:]}")
