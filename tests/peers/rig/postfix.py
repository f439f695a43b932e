"""A Postfix of our own: configuration, queue, log and ports in one temporary folder; nothing of /etc/postfix is used."""

import os
import pwd
import shutil
from pathlib import Path

from . import machine

# Only what these tests need, with Debian's paths; chroot is off so that no files have to be copied in.
MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup    unix  n       -       n       60      1       pickup
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
tlsmgr    unix  -       -       n       1000?   1       tlsmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
bounce    unix  -       -       n       -       0       bounce
defer     unix  -       -       n       -       0       bounce
trace     unix  -       -       n       -       0       bounce
verify    unix  -       -       n       -       1       verify
flush     unix  n       -       n       1000?   0       flush
proxymap  unix  -       -       n       -       -       proxymap
smtp      unix  -       -       n       -       -       smtp
relay     unix  -       -       n       -       -       smtp
showq     unix  n       -       n       -       -       showq
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
discard   unix  -       -       n       -       -       discard
anvil     unix  -       -       n       -       1       anvil
scache    unix  -       -       n       -       1       scache
postlog   unix-dgram n  -       n       -       1       postlogd
"""


def missing():
    """Why Postfix cannot be used here, or an empty text."""
    if os.geteuid() != 0:
        return "Postfix needs root"
    if not Path("/usr/lib/postfix/sbin/master").exists():
        return "Postfix is not installed"
    return ""


class Postfix:
    """One instance that hands everything to `relay_port`, except for the domains in `local`, which go to `local_port`."""

    def __init__(self, relay_port, local=(), local_port=0, settings=None, hostname="mx.oakfield-trust.example"):
        self.port = machine.free_port()
        self.place = machine.folder("postfix")
        self.log_path = self.place / "log" / "mail.log"
        owner = pwd.getpwnam("postfix")
        for name in ("queue", "data", "log"):
            (self.place / name).mkdir()
        shutil.chown(self.place / "data", owner.pw_uid, owner.pw_gid)
        routes = " ".join(f"{{{domain} = smtp:[127.0.0.1]:{local_port}}}" for domain in local)
        chosen = {
            "compatibility_level": "3.6",
            "queue_directory": self.place / "queue",
            "data_directory": self.place / "data",
            "command_directory": "/usr/sbin",
            "daemon_directory": "/usr/lib/postfix/sbin",
            "meta_directory": "/etc/postfix",
            "shlib_directory": "/usr/lib/postfix",
            "sendmail_path": "/usr/sbin/sendmail",
            "mailq_path": "/usr/bin/mailq",
            "newaliases_path": "/usr/bin/newaliases",
            "mail_owner": "postfix",
            "setgid_group": "postdrop",
            "myhostname": hostname,
            "mydestination": "",
            "inet_interfaces": "127.0.0.1",
            "inet_protocols": "ipv4",
            "mynetworks": "127.0.0.0/8",
            "smtpd_relay_restrictions": "permit_mynetworks, reject",
            "relayhost": f"[127.0.0.1]:{relay_port}",
            "transport_maps": f"inline:{{ {routes} }}" if routes else "",
            "maillog_file": self.log_path,
            "maillog_file_prefixes": self.place,
            "alias_maps": "",
            "alias_database": "",
            "local_recipient_maps": "",
            "message_size_limit": "104857600",
            # A retry comes after a second, so that a test of 4xx need not wait five minutes.
            "queue_run_delay": "1s",
            "minimal_backoff_time": "1s",
            "maximal_backoff_time": "2s",
            **(settings or {}),
        }
        (self.place / "main.cf").write_text("".join(f"{key} = {value}\n" for key, value in chosen.items()))
        (self.place / "master.cf").write_text(MASTER.format(port=self.port))
        self.program = None
        self.start()

    def start(self):
        """Creates the queue's folders on the first start, then runs the master in the foreground."""
        machine.run(["/usr/sbin/postfix", "-c", self.place, "check"], check=False)
        environment = {**os.environ, "MAIL_CONFIG": str(self.place)}
        self.program = machine.Program("master", ["/usr/lib/postfix/sbin/master", "-c", self.place, "-d"], env=environment)
        self.program.wait_until_accepting(self.port)

    def stop(self):
        self.program.stop()

    def log(self):
        return self.log_path.read_text("utf-8", "replace") if self.log_path.exists() else ""

    def queued(self):
        """How many messages wait: files in the queue's folders."""
        count = 0
        for name in ("maildrop", "incoming", "active", "deferred", "hold"):
            for _, _, files in os.walk(self.place / "queue" / name):
                count += len(files)
        return count

    def wait_until_empty(self, seconds=60):
        machine.wait_for(lambda: self.queued() == 0, seconds, f"Postfix's queue is empty; log: {self.log()[-1500:]}")
