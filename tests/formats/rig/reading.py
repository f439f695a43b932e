"""Beadle's own account of a message, by `beadle explain --reveal`."""

import os
import re
import subprocess
import tempfile
from email.message import EmailMessage

BEADLE = os.environ.get("BEADLE", "target/debug/beadle")
LINE = re.compile(r"^  (?P<place>\S.*?)\s{1,}(?P<state>[a-z-]+): (?P<reason>.*)$")
UNREAD = re.compile(r"^  (?P<place>\S.*?)\s{1,}(?P<reason>[a-z-]+) \((?P<kind>\S+)\)$")


class Account:
    """What was read, what was not, and how the parts are protected."""

    def __init__(self, text):
        self.text, self.states, self.reasons, self.unread, self.defects = text, [], [], [], []
        self.words, self.places = [], []
        part = None
        for line in text.splitlines():
            if line and not line.startswith(" "):
                part = line
            elif line.startswith("    | "):
                self.words.append(line[6:])
            elif part and part.startswith("What is read") and line.strip():
                self.places.append(line.split("  ")[1])
            elif part and part.startswith("What could not be read") and (found := UNREAD.match(line)):
                self.unread.append(found["reason"])
            elif part == "Protection" and (found := LINE.match(line)):
                self.states.append(found["state"])
                self.reasons.append(found["reason"])
            elif part == "Malformed structure" and line.strip():
                self.defects += [word.strip() for word in line.split(",")]

    def says(self, words):
        return any(words in line for line in self.words)


def read(*files, body="See the file.", subject="Files"):
    """The account of a message with these attachments: pairs of a name and bytes."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "jo@oak.example", "sam@elsewhere.example", subject
    message["Date"] = "Mon, 04 May 2026 09:00:00 +0000"
    message.set_content(body)
    for name, data in files:
        message.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    with tempfile.NamedTemporaryFile(suffix=".eml") as file:
        file.write(bytes(message))
        file.flush()
        done = subprocess.run([BEADLE, "explain", "--reveal", file.name], capture_output=True, text=True, timeout=120)
    if done.returncode not in (0, 1):
        raise AssertionError(done.stderr)
    return Account(done.stdout)
