"""One message under construction with its label, and the register of cases."""

import datetime
import html

from . import render

INSIDE = "oakfield-trust.example"
PARTNER = "council-safeguarding.example"
OUTSIDE = [
    "bookings@riverside-museum.example", "office@hillcoaches.example", "fixtures@county-league.example",
    "orders@uniform-shop.example", "studio@school-portraits.example", "admin@music-hub.example",
    "hello@holiday-club.example", "visits@castle-farm.example", "desk@print-works.example", "team@drama-days.example",
]
START = datetime.datetime(2026, 11, 2, 8, 30)

# Sentences that hold a name and nothing else that a rule could ask about.
WITH_NAME = [
    "Could you add {n} to the list for Thursday? The bus leaves at 8.15.",
    "We would like to book one more place, for {n}. Please send the ticket to this address.",
    "{n} left a blue coat on the bus yesterday. Has it been handed in?",
    "The certificate for {n} came with a spelling mistake. Can it be printed again?",
    "Please put {n} in the second group, with the morning start.",
    "I enclose the permission slip of {n} as you asked.",
    "The portrait order for {n} has not come yet. Could you look into it?",
    "There is one change to the team: {n} will play on Saturday.",
]
SUBJECTS = ["Thursday's visit", "One more place", "Lost property", "Change to the list", "Saturday's team", "Order query"]
NEUTRAL = "Please find the list for next week attached. Ring the office if anything is missing."

CASES = []


def case(slug, group, negative=False, demo=False):
    """Registers a function that fills in one message."""

    def add(function):
        assert slug not in {c[0] for c in CASES}, slug
        CASES.append((slug, group, negative, demo, function))
        return function

    return add


def finding(category, location, value=""):
    """One expected finding."""
    return {"category": category, "location": location, "value": value}


class Mail:
    """A message with its envelope and label; `people` and `rng` are what a case chooses from."""

    def __init__(self, people, rng, number):
        self.people, self.rng, self.number = people, rng, number
        plain = [s for s in people.senders if not any(w in s.role for w in ("SENCO", "Safeguarding", "Protection"))]
        self.sender = rng.choice(plain)
        self.mail_from = None
        self.to = [rng.choice(OUTSIDE)]
        self.rcpt = None
        self.header_from = None
        self.subject = rng.choice(SUBJECTS)
        self.raw_subject = None
        self.top, self.extra = [], []
        self.message_id = None
        self.bodies, self.files, self.root = [], [], None
        self.after = None
        self.expected = None

    # --- choosing -------------------------------------------------------------------------------------------------

    def pupil(self, test=None):
        """A pupil whose name is clear evidence; with a plain name unless a test says otherwise."""
        return self.people.where(self.rng, test) if test else self.rng.choice(self.people.simple)

    def pupils(self, count):
        """Several plain-named pupils."""
        return self.rng.sample(self.people.simple, count)

    def staff_by(self, role):
        """The member of staff with a role."""
        return next(s for s in self.people.staff if role in s.role)

    def sentence(self, name):
        """A sentence around a name."""
        return self.rng.choice(WITH_NAME).format(n=name)

    # --- building -------------------------------------------------------------------------------------------------

    @property
    def sign(self):
        """The sender's signature."""
        return f"Kind regards\n\n{self.sender.name}\n{self.sender.role}\n{self.sender.school}\n"

    def wrap(self, text):
        """A letter around a text."""
        return f"Hello\n\n{text}\n\n{self.sign}"

    def text(self, text, **how):
        """Adds a plain body; keyword arguments as for `render.text_part`."""
        self.bodies.append(render.text_part(self.wrap(text), **how))

    def html(self, markup, head="", **how):
        """Adds an HTML body around ready markup."""
        sign = html.escape(self.sign).replace("\n", "<br>\n")
        page = f"<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\">{head}</head>\n<body>\n<p>Hello</p>\n{markup}\n<p>{sign}</p>\n</body></html>\n"
        self.bodies.append(render.text_part(page, kind="html", **how))

    def attach(self, name, data, **how):
        """Adds a file; its type follows from its name unless given."""
        from .office import office_type

        data = data.encode("utf-8") if isinstance(data, str) else data
        self.files.append(render.attachment(name, how.pop("kind", None) or office_type(name), data, **how))

    def expect(self, disposition, *findings, why, unread=False):
        """The label. `unread=None` says that it does not matter."""
        self.expected = {"disposition": disposition, "findings": list(findings), "unread": unread}
        self.why = why

    def inner(self, subject, text, sender, to):
        """The bytes of another message, to attach or to quote."""
        when = START - datetime.timedelta(hours=5 + self.number)
        headers = [
            ("From", sender), ("To", to), ("Subject", render.header_text(subject)),
            ("Date", when.strftime("%a, %d %b %Y %H:%M:%S +0000")),
            ("Message-ID", f"<{self.rng.getrandbits(64):016x}@{to.split('@')[-1].strip('>')}>"),
        ]
        return render.message(headers, render.text_part(text), self.number)

    # --- rendering ------------------------------------------------------------------------------------------------

    def render(self):
        """The message's bytes."""
        if not self.bodies and self.root is None:
            self.text(NEUTRAL)
        body = self.bodies[0] if len(self.bodies) == 1 else render.Part("multipart/alternative", children=self.bodies)
        if self.root is not None:
            root = self.root
        else:
            root = render.Part("multipart/mixed", children=[body, *self.files]) if self.files else body
        when = START + datetime.timedelta(minutes=7 * self.number)
        origin = self.header_from or f"{render.header_text(self.sender.name)} <{self.sender.address}>"
        ident = self.message_id or f"<{self.rng.getrandbits(80):020x}@{self.sender.address.split('@')[1]}>"
        headers = [
            *self.top, ("From", origin), ("To", ", ".join(self.to)),
            ("Subject", self.raw_subject or render.header_text(self.subject)),
            ("Date", when.strftime("%a, %d %b %Y %H:%M:%S +0000")), ("Message-ID", ident), *self.extra,
        ]
        data = render.message(headers, root, self.number)
        data = self.after(data) if self.after else data
        return data if data.endswith(b"\r\n") else data + b"\r\n"  # SMTP ends every message with a line end

    def row(self, path, group):
        """The manifest's line."""
        sender = self.sender.address if self.mail_from is None else self.mail_from
        bare = [to.split("<")[-1].strip(" >") for to in self.to]
        return {
            "file": path, "mail_from": sender, "rcpt_to": self.rcpt or bare, "expect": self.expected, "class": group,
            "why": self.why,
        }
