"""Automatic forwards, and what looks like one."""

from . import render
from .maker import case, finding

GUID = "5f0c2d1e-7a44-4b0e-9d35-0c1a6e2b7f10"
OUTSIDE_SENDER = "Council School Transport <transport@county-council.example>"
TARGETS = ["my.own.mail@homemail.example", "teacher77@webpost.example", "at.home@freepost-mail.example"]


def _from_owner(mail, owner, target):
    mail.subject = "FW: Timetable"


def _from_outside(mail, owner, target):
    mail.header_from = OUTSIDE_SENDER
    mail.message_id = f"<{mail.rng.getrandbits(64):016x}@county-council.example>"
    mail.to = [owner]
    mail.rcpt = [target]
    mail.subject = "New bus timetable"


def _from_inside(mail, owner, target):
    mail.to = ["all-staff@oakfield-trust.example"]
    mail.rcpt = [target]
    mail.subject = "Timetable"


def _forward(slug, shape, mark, envelope, why, demo=False):
    """`mark(owner, target)` gives header lines; `envelope(owner, target)` the MAIL FROM."""

    @case(f"forward-{slug}", "auto-forward", demo=demo)
    def fill(mail):
        owner, target = mail.sender.address, mail.rng.choice(TARGETS)
        mail.to = [target]
        shape(mail, owner, target)
        lines = mark(owner, target)
        mail.top += [line for line in lines if line[0] in ("Delivered-To", "X-Sieve", "X-Sieve-Redirected-From", "Resent-From", "Received")]
        mail.extra += [line for line in lines if line not in mail.top]
        mail.mail_from = envelope(owner, target)
        mail.text("The timetable for next week has changed. The 8.15 bus now leaves at 8.05.")
        mail.expect("quarantine", finding("auto-forward", "header"), why=why)


def owner_sends(owner, target):
    return owner


def outsider_sends(owner, target):
    return "transport@county-council.example"


def srs(owner, target):
    domain = owner.split("@")[1]
    return f"SRS0=4SVg=LD=county-council.example=transport@{domain}"


def caf(owner, target):
    local, domain = owner.split("@")
    return f"{local}+caf_={target.replace('@', '=')}@{domain}"


def _inbox_rule(owner, target):
    return [
        ("X-MS-Exchange-Inbox-Rules-Loop", owner), ("X-MS-Exchange-Generated-Message-Source", "Mailbox Rules Agent"),
        ("Auto-Submitted", "auto-generated"), ("X-MS-Exchange-Parent-Message-Id", "<0a1b2c3d4e5f@county-council.example>"),
        ("In-Reply-To", "<0a1b2c3d4e5f@county-council.example>"), ("References", "<0a1b2c3d4e5f@county-council.example>"),
    ]


_forward("exchange-inbox-rule", _from_owner, _inbox_rule, owner_sends, "An Exchange inbox rule forwards to a private mailbox.", demo=True)
_forward(
    "exchange-redirect", _from_outside,
    lambda o, t: [("Resent-From", f"<{o}>"), ("x-ms-exchange-inbox-rules-loop", o)],
    owner_sends, "An Exchange inbox rule redirects; From is still the outside sender.",
)
_forward(
    "exchange-mailbox-folded", _from_outside, lambda o, t: [("X-MS-Exchange-ForwardingLoop", f"{o};\r\n\t{GUID}")],
    outsider_sends, "Mailbox forwarding without sender rewriting, header folded.",
)
_forward(
    "exchange-mailbox-srs", _from_outside, lambda o, t: [("X-MS-Exchange-ForwardingLoop", f"{o};{GUID}")],
    srs, "Mailbox forwarding with a rewritten envelope sender.",
)
_forward(
    "power-automate", _from_owner,
    lambda o, t: [
        ("x-ms-mail-application", "Microsoft Power Automate; User-Agent:\r\n azure-logic-apps/1.0 (workflow 1c04d8943a3348d1a16448e57ef7f4c1; version\r\n 08585764530080217437) microsoft-flow/1.0"),
        ("x-ms-mail-operation-type", "Forward"), ("x-ms-mail-environment-id", f"default-{GUID}"),
    ],
    owner_sends, "A Power Automate flow forwards.",
)
_forward(
    "gmail-caf", _from_outside,
    lambda o, t: [("X-Forwarded-To", t), ("X-Forwarded-For", f"{o} {t}"), ("Delivered-To", o)],
    caf, "Gmail forwarding with its envelope sender.",
)
_forward(
    "sieve-redirect", _from_outside,
    lambda o, t: [("X-Sieve", "Pigeonhole Sieve 0.5.21"), ("X-Sieve-Redirected-From", o)],
    outsider_sends, "A Sieve script redirects.",
)
_forward("zimbra", _from_outside, lambda o, t: [("X-Zimbra-Forwarded", o)], owner_sends, "A Zimbra filter redirects.")
_forward("hmailserver", _from_outside, lambda o, t: [("X-hMailServer-LoopCount", "1")], outsider_sends, "hMailServer forwards an account.")
_forward("auto-submitted-forwarded", _from_outside, lambda o, t: [("Auto-Submitted", "auto-forwarded")], srs, "The message says that it was forwarded automatically.")
_forward(
    "postfix-dot-forward", _from_outside,
    lambda o, t: [("Delivered-To", o), ("Received", f"from mx1.county-council.example (mx1.county-council.example [192.0.2.25])\r\n\tby mail.oakfield-trust.example (Postfix) with ESMTPS id 4XyZ12\r\n\tfor <{o}>; Mon, 02 Nov 2026 08:29:58 +0000 (GMT)")],
    outsider_sends, "A .forward file; the envelope sender is still the outsider.",
)
_forward("exim-srs", _from_outside, lambda o, t: [], srs, "Only the rewritten envelope sender tells of the forward.")

_forward(
    "exchange-handled", _from_outside, lambda o, t: [("X-MS-Exchange-ForwardingLoop", f"ForwardingHandled;{GUID}")],
    srs, "Mailbox forwarding that a second server handled.",
)
_forward(
    "exchange-transport-rule", _from_inside, lambda o, t: [("X-MS-Exchange-Transport-Rules-Loop", "1")],
    owner_sends, "A transport rule adds a recipient outside to a message within the trust.",
)
_forward(
    "gmail-x-forwarded", _from_outside, lambda o, t: [("X-Forwarded-To", t), ("X-Forwarded-For", f"{o} {t}")],
    owner_sends, "Gmail forwarding whose envelope sender a gateway rewrote.",
)
_forward("workspace-routing", _from_inside, lambda o, t: [("X-Gm-Original-To", o)], owner_sends, "Google Workspace routing changes the recipient.")
_forward(
    "postfix-alias", _from_outside,
    lambda o, t: [("Received", f"from mx1.county-council.example (mx1.county-council.example [192.0.2.25])\r\n\tby mail.oakfield-trust.example (Postfix) with ESMTPS id 4XyZ13\r\n\tfor <{o}>; Mon, 02 Nov 2026 08:29:58 +0000 (GMT)")],
    outsider_sends, "An alias to the outside; only the envelope and the way tell.",
)
_forward("cyrus", _from_outside, lambda o, t: [("X-Sieve", "CMU Sieve 3.0")], outsider_sends, "A Cyrus redirect leaves no header of its own.")
_forward(
    "procmail", _from_outside, lambda o, t: [("X-Loop", o)],
    outsider_sends, "A procmail recipe; its loop header is custom only.",
)
_forward("x400", _from_owner, lambda o, t: [("Autoforwarded", "TRUE")], owner_sends, "A gateway from X.400 says that it was forwarded.")
_forward(
    "signed-outside", _from_outside,
    lambda o, t: [("DKIM-Signature", "v=1; a=rsa-sha256; c=relaxed/relaxed; d=county-council.example;\r\n\ts=s1; h=from:to:subject; bh=eA==; b=eQ==")],
    owner_sends, "The mailbox sends what an outsider wrote and signed.",
)


@case("forward-exchange-attachment", "auto-forward")
def forward_attachment(mail):
    owner, target = mail.sender.address, TARGETS[1]
    mail.to, mail.subject = [target], "FW: New bus timetable"
    mail.extra += [*_inbox_rule(owner, target), ("X-MS-Has-Attach", "yes")]
    mail.text("")
    inner = mail.inner("New bus timetable", "The 8.15 bus now leaves at 8.05.", OUTSIDE_SENDER, owner)
    mail.attach("timetable.eml", inner)
    mail.expect("quarantine", finding("auto-forward", "header"), why="An inbox rule forwards the message as an attachment.")


@case("forward-with-medical-data", "auto-forward")
def forward_medical(mail):
    pupil = mail.pupil()
    owner, target = mail.sender.address, TARGETS[0]
    _from_outside(mail, owner, target)
    mail.extra.append(("X-MS-Exchange-ForwardingLoop", f"{owner};{GUID}"))
    mail.mail_from = srs(owner, target)
    mail.text(f"{pupil.name} was diagnosed with epilepsy.")
    found = [finding("auto-forward", "header"), finding("pupil-name", "body", pupil.name), finding("medical", "body", "epilepsy")]
    mail.expect("quarantine", *found, why="A forward is held even where its content alone would be refused: the envelope sender is an outsider.")


# --- not forwards -----------------------------------------------------------------------------------------------------

def _person(slug, fill_in, why, demo=False):
    @case(f"not-forward-{slug}", "not-auto-forward", negative=True, demo=demo)
    def fill(mail):
        fill_in(mail)
        if not mail.bodies and mail.root is None:
            mail.text("The timetable for next week has changed. The 8.15 bus now leaves at 8.05.")
        mail.expect("deliver", why=why)


def _exchange_oof(mail):
    owner = mail.sender.address
    mail.mail_from, mail.to, mail.subject = "", ["transport@county-council.example"], "Automatic reply: New bus timetable"
    mail.extra += [
        ("X-Auto-Response-Suppress", "All"), ("X-MS-Exchange-Inbox-Rules-Loop", owner),
        ("x-ms-exchange-parent-message-id", "<0a1b2c3d4e5f@county-council.example>"), ("auto-submitted", "auto-generated"),
        ("x-ms-exchange-generated-message-source", "Mailbox Rules Agent"), ("In-Reply-To", "<0a1b2c3d4e5f@county-council.example>"),
    ]
    mail.text("I am out of school until Monday. For urgent matters please ring the office.")


def _vacation(*lines):
    def fill(mail):
        mail.mail_from, mail.to, mail.subject = "", ["transport@county-council.example"], "Out of office: New bus timetable"
        mail.extra += [*lines, ("In-Reply-To", "<0a1b2c3d4e5f@county-council.example>")]
        mail.text("I am out of school until Monday. For urgent matters please ring the office.")

    return fill


def _template_reply(mail):
    owner = mail.sender.address
    mail.mail_from, mail.to, mail.subject = "", ["transport@county-council.example"], "RE: New bus timetable"
    mail.extra += [
        ("X-Auto-Response-Suppress", "DR, OOF, AutoReply"), ("X-MS-Exchange-Inbox-Rules-Loop", owner),
        ("Auto-Submitted", "auto-generated"), ("In-Reply-To", "<0a1b2c3d4e5f@county-council.example>"),
    ]
    mail.text("Thank you for your message. The office answers within two days.")


def _receipt(mail):
    owner = mail.sender.address
    notice = render.text_part("Your message was read on Monday.\n")
    status = render.Part("message/disposition-notification", (
        f"Reporting-UA: mail.oakfield-trust.example; Outlook\r\nFinal-Recipient: rfc822; {owner}\r\n"
        "Disposition: manual-action/MDN-sent-automatically; displayed\r\n").encode())
    mail.root = render.Part("multipart/report; report-type=disposition-notification", children=[notice, status])
    mail.mail_from, mail.to, mail.subject = "", ["transport@county-council.example"], "Read: New bus timetable"
    mail.extra.append(("X-MS-Exchange-Inbox-Rules-Loop", owner))


def _calendar_answer(mail):
    owner = mail.sender.address
    answer = (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Example//EN\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nUID:0a1b2c3d@county-council.example\r\n"
        f"DTSTAMP:20261102T083000Z\r\nDTSTART:20261109T090000Z\r\nSUMMARY:Planning meeting\r\nATTENDEE;PARTSTAT=ACCEPTED:mailto:{owner}\r\n"
        "END:VEVENT\r\nEND:VCALENDAR\r\n")
    mail.root = render.Part("text/calendar; method=REPLY; charset=utf-8", answer.encode())
    mail.to, mail.subject = ["transport@county-council.example"], "Accepted: Planning meeting"
    mail.extra.append(("X-MS-Exchange-Calendar-Originator-Id", f"{GUID};{owner}"))


def _google_group(mail):
    mail.header_from = OUTSIDE_SENDER
    mail.mail_from = "transport-news+bncBCK7Z2XY6QIRBNOQ3@oakfield-trust.example"
    mail.to, mail.rcpt = ["transport-news@oakfield-trust.example"], ["r.dunmore@village-hall.example"]
    mail.subject = "New bus timetable"
    mail.top.append(("Delivered-To", "transport-news@oakfield-trust.example"))
    mail.extra += [
        ("Precedence", "list"), ("Mailing-list", "list transport-news@oakfield-trust.example"),
        ("List-ID", "<transport-news.oakfield-trust.example>"), ("X-Google-Group-Id", "1234567890"),
    ]
    mail.text("The timetable for next week has changed. The 8.15 bus now leaves at 8.05.")


def _header(*lines, subject="Fwd: New bus timetable"):
    def fill(mail):
        mail.subject = subject
        mail.extra += list(lines)

    return fill


def _resent(mail):
    mail.header_from, mail.mail_from = OUTSIDE_SENDER, mail.sender.address
    mail.to = [mail.sender.address]
    mail.rcpt = ["office@hillcoaches.example"]
    mail.top += [
        ("Resent-From", f"{mail.sender.name} <{mail.sender.address}>"), ("Resent-To", "office@hillcoaches.example"),
        ("Resent-Date", "Mon, 02 Nov 2026 10:12:44 +0000"), ("Resent-Message-ID", f"<{mail.rng.getrandbits(64):016x}@oakfield-trust.example>"),
    ]
    mail.extra.append(("User-Agent", "Mozilla Thunderbird"))
    mail.subject = "New bus timetable"


def _inside(mail):
    other = mail.rng.choice([s for s in mail.people.senders if s != mail.sender])
    mail.to, mail.subject = [other.address], "FW: New bus timetable"
    mail.extra += _inbox_rule(mail.sender.address, other.address)


def _report(mail):
    owner = mail.sender.address
    lines = "\r\n".join([
        f"X-MS-Exchange-ForwardingLoop: {owner};{GUID}", f"X-MS-Exchange-Inbox-Rules-Loop: {owner}", "Auto-Submitted: auto-forwarded", "",
    ]).encode()
    inner = lines + mail.inner("You have won", "Click here to claim the prize.", "prize@lucky-draw.example", owner)
    mail.to, mail.subject = ["helpdesk@it-support.example"], "Suspicious message"
    mail.text("This came in today and looks wrong. Please have a look.")
    mail.attach("suspicious.eml", inner)


def _bounce(mail):
    sender = "old.customer@print-works.example"
    notice = render.text_part("Your message could not be delivered to one recipient.\n\n550 5.1.1 No such mailbox\n")
    status = render.Part("message/delivery-status", (
        "Reporting-MTA: dns; mail.oakfield-trust.example\r\n\r\nFinal-Recipient: rfc822; nobody@oakfield-trust.example\r\n"
        "Action: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 No such mailbox\r\n").encode())
    head = render.Part("text/rfc822-headers", f"From: {sender}\r\nTo: nobody@oakfield-trust.example\r\nSubject: Price list\r\n".encode())
    mail.root = render.Part("multipart/report; report-type=delivery-status", children=[notice, status, head])
    mail.header_from, mail.mail_from = "Mail Delivery System <mailer-daemon@oakfield-trust.example>", ""
    mail.to, mail.subject = [sender], "Undelivered Mail Returned to Sender"
    mail.extra.append(("Auto-Submitted", "auto-replied"))


def _list(mail):
    mail.header_from = "Governors <governors@lists.oakfield-trust.example>"
    mail.mail_from = "governors-bounces@lists.oakfield-trust.example"
    mail.to, mail.rcpt = ["governors@lists.oakfield-trust.example"], ["r.dunmore@village-hall.example"]
    mail.subject = "[Governors] Agenda for November"
    mail.extra += [
        ("List-Id", "Governors <governors.lists.oakfield-trust.example>"), ("List-Post", "<mailto:governors@lists.oakfield-trust.example>"),
        ("List-Unsubscribe", "<mailto:governors-leave@lists.oakfield-trust.example>"), ("Precedence", "list"),
    ]
    mail.text("The agenda for the November meeting: minutes, buildings, budget, dates.")


_person("exchange-out-of-office", _exchange_oof, "An Exchange out-of-office reply carries the marks of an inbox rule.")
_person("gmail-vacation", _vacation(("Precedence", "bulk"), ("X-Autoreply", "yes"), ("Auto-Submitted", "auto-replied")), "A Gmail vacation reply.")
_person("sieve-vacation", _vacation(("Auto-Submitted", "auto-replied (vacation)"), ("X-Sieve", "Pigeonhole Sieve 0.5.21")), "A Sieve vacation reply.")
_person("zimbra-vacation", _vacation(("Auto-Submitted", "auto-replied (zimbra; vacation)"), ("X-Zimbra-Forwarded", "mailbox@oakfield-trust.example")), "A Zimbra vacation reply.")
_person("hmailserver-vacation", _vacation(("Auto-Submitted", "auto-replied"), ("X-hMailServer-LoopCount", "1")), "An hMailServer vacation reply.")
_person("thunderbird", _header(("X-Forwarded-Message-Id", "<0a1b2c3d4e5f@county-council.example>"), ("User-Agent", "Mozilla Thunderbird")), "A person pressed Forward in Thunderbird.")
_person("outlook", _header(("Thread-Topic", "New bus timetable"), ("Thread-Index", "AdscH0JxkYw2V6pQR0mT5uXoZ1bN3A=="), subject="FW: New bus timetable"), "A person pressed Forward in Outlook.")
_person("ldprocessed", _header(("X-LD-Processed", f"{GUID},ExtFwd"), subject="RE: New bus timetable"), "A header that only looks like a forward's.")
_person("meeting", _header(("X-MS-Exchange-MeetingForward-Message", "Forward"), subject="FW: Planning meeting"), "A forwarded meeting request.")
_person("resent-by-person", _resent, "A person redirected the message in Thunderbird.")
_person("inside-only", _inside, "An inbox rule that forwards inside the trust is allowed.")
_person("phishing-report", _report, "A person reports a message; the marks are inside the attachment.")
_person("bounce", _bounce, "A delivery report.")
_person("own-list", _list, "The trust's own mailing list.")
_person("exchange-template-reply", _template_reply, "An inbox rule answers with a template.")
_person("ldprocessed-address", _header(("X-LD-Processed", f"{GUID},ExtAddr"), subject="RE: New bus timetable"), "Another form of a header that only looks like a forward's.")
_person("read-receipt", _receipt, "A receipt that was asked for, through an inbox rule's agent.")
_person("calendar-answer", _calendar_answer, "A person accepts a meeting.")
_person("google-group", _google_group, "A Google group of the trust with a member outside.")
