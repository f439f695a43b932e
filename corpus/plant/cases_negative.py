"""Ordinary mail that comes close to a rule and must pass."""

import html

from . import numbers as n
from . import office, pdf, render
from .maker import PARTNER, case, finding


def _pass(slug, group, why, demo=False):
    """A case that delivers; `mail.allowed` takes findings that are present and allowed, `mail.unread` the label of that name."""

    def add(function):
        @case(slug, group, negative=True, demo=demo)
        def fill(mail):
            mail.allowed, mail.unread = [], False
            function(mail)
            mail.expect("deliver", *mail.allowed, why=why, unread=mail.unread)

        return fill

    return add


def _say(slug, group, text, why, subject=None, demo=False):
    @_pass(slug, group, why, demo)
    def fill(mail):
        mail.subject = subject or mail.subject
        mail.text(text(mail) if callable(text) else text)


# --- near-miss numbers --------------------------------------------------------------------------------------------------

NUM = "near-miss-number"
_say("card-bad-luhn", NUM, lambda m: f"Your booking card {n.grouped(n.wrong_last(n.card(m.rng)))} is ready.", "Shaped like a card, the check digit is wrong.")
_say("card-published-test", NUM, "In the web shop's test mode use card 4111 1111 1111 1111, expiry 12/30.", "A published test number.")
_say("card-inside-longer-run", NUM, lambda m: f"Tracking {n.digits(m.rng, 4)}{n.card(m.rng)}{n.digits(m.rng, 5)} has left the depot.", "A card number only as part of a longer run.")
_say("iban-bad-check", NUM, lambda m: f"Reference {n.iban_near_miss(m.rng)} was not accepted.", "Shaped like an IBAN, the check digits are wrong.")
_say("upn-bad-letter", NUM, lambda m: f"Part no. {n.upn_near_miss(m.rng)} is out of stock.", "Shaped like a UPN, the check letter is wrong.")
_say("nhs-bad-check", NUM, lambda m: f"Order number {n.spaced_nhs(n.plain_ten(m.rng))} was sent on Monday.", "Ten digits that no check accepts.")
_say("ten-digits-order", NUM, lambda m: f"Order {n.nhs(m.rng)}: 30 reams of A4 paper, white.", "An order number that happens to pass the check, with no health word near it.")
_say("ten-digits-url", NUM, lambda m: f"https://wiki.music-hub.example/pages/{n.nhs(m.rng)} has the rota.", "A page number in a link.")
_say("phone-numbers", NUM, "Ring 01632 960117 or 07700 900452, or from abroad +44 1632 960117.", "Phone numbers of the ranges for fiction.")
_say("dates-like-sort-codes", NUM, "The holiday weeks begin 20-07-26, 26-10-26 and 21-12-26; invoice 20260720 covers the first.", "Dates shaped like sort codes, with an eight-digit run.")
_say("isbn-and-ean", NUM, "Please order ISBN 978-1-86197-876-9 (30 copies) and EAN 5012345678900 (12).", "Book and article numbers.")
_say("tracking-ids", NUM, "Parcels JD0146000065371, 1Z999AA10123456784 and RA123456785GB arrive on Tuesday.", "Parcel tracking numbers.")
_say("uuid-and-hashes", NUM, "Ticket 5f0c2d1e-7a44-4b0e-9d35-0c1a6e2b7f10, build 4929180316540001f3a9.", "A UUID and a build hash.")
_say("timestamps", NUM, "Log from 1782208801 to 1782212399: 1482 lines, 0 errors. Next run 20261109073000.", "Unix times and a compact date.")
_say("account-without-sort-code", NUM, "Your customer account number is 48210937. Quote it when you ring.", "A customer number with the word account and no sort code.")
_say("meter-readings", NUM, "Meter 00-41-77 read 48210.937 on Monday and 48266.104 on Friday.", "Six digits in pairs without a bank word.")


@_pass("price-list-xlsx", NUM, "A price list full of article numbers.")
def price_list(mail):
    rows = [["Article", "EAN", "Price"]]
    rows += [[f"Exercise book {i}", int("50" + n.digits(mail.rng, 11)), round(0.45 + i / 10, 2)] for i in range(20)]
    mail.attach("prices.xlsx", office.xlsx([("Prices", rows)]))


@_pass("budget-csv", NUM, "A budget with totals.")
def budget(mail):
    lines = [f"{c},{mail.rng.randint(100000, 9999999)}.{mail.rng.randint(10, 99)}" for c in ("Paper", "Energy", "Cleaning", "Catering", "Minibus")]
    mail.attach("budget.csv", "Cost centre,Amount\r\n" + "\r\n".join(lines) + "\r\n")


# --- health, SEN and safeguarding words without a pupil --------------------------------------------------------------------

TOPIC = "topic-without-pupil"
_say("newsletter-asthma", TOPIC, "This week is asthma awareness week. One child in eleven has asthma. Please label inhalers and talk to the office about a care plan.", "A newsletter about asthma names nobody.", demo=True)
_say("newsletter-autism", TOPIC, "Our autism awareness assembly is on Friday. Parents of autistic children are invited to a coffee morning about ADHD and autism.", "An invitation to an assembly.")
_say("policy-safeguarding", TOPIC, "Attached is the child protection policy. It explains section 47, the MASH, the LADO, early help and when a child protection plan is made.", "A policy.", subject="Child protection policy")
_say("vacancy-senco", TOPIC, "We are looking for a SENCO from January. You will lead EHCP reviews and work with CAMHS and speech and language therapists.", "A vacancy.", subject="Vacancy: SENCO")
_say("training-first-aid", TOPIC, "The first aid course covers epilepsy, anaphylaxis and EpiPen use, diabetes and asthma attacks. It costs 65 pounds a head.", "An offer for a course.")
_say("lesson-diabetes", TOPIC, "In biology we compare type 1 and type 2 diabetes; homework: explain how insulin works.", "A lesson.")
_say("statistics-sen", TOPIC, "Of 412 pupils 61 have SEN support and 14 an EHCP; 96 receive pupil premium.", "Figures without people.")
_say("menu-allergens", TOPIC, "Menu: contains gluten, milk and nuts. Please tell the kitchen of any allergy or coeliac disease.", "A menu.")
_say("short-codes", TOPIC, "Hi all, the VI form, PD day and OTH rooms are booked; HI from the K block.", "Letters that are SEN codes only in their column.")


@_pass("policy-docx", TOPIC, "A medical policy as a Word file.")
def policy_docx(mail):
    paras = ["Supporting pupils with medical conditions", "Individual healthcare plans are made for asthma, epilepsy, diabetes and anaphylaxis.", "Medication is kept in the office."]
    mail.attach("medical_policy.docx", office.docx(paras, header="Fenwick Hall Academy"))


@_pass("staff-senco-signature", TOPIC, "The sender's signature holds her role; no pupil is named.")
def senco_signature(mail):
    mail.sender = mail.staff_by("SENCO")
    mail.text("Could we move our meeting to Thursday at four?")


@case("signature-role-beside-name", "name-variant")
def role_beside(mail):
    pupil = mail.pupil()
    mail.sender = mail.staff_by("Safeguarding")
    mail.text(mail.sentence(pupil.name))
    mail.expect("quarantine", finding("pupil-name", "body", pupil.name), why="The role in the signature says nothing about the pupil: hold for the name, do not refuse.")


# --- not a full name ---------------------------------------------------------------------------------------------------------

PART = "partial-name"


def _other(mail, test=None):
    """A forename and a surname of two different pupils that together are nobody's name."""
    names = {p.name for p in mail.people.pupils} | {f"{p.known_as} {p.surname}" for p in mail.people.pupils}
    while True:
        one, two = mail.pupils(2)
        if f"{one.forename} {two.surname}" not in names:
            return one, two


_say("first-names-only", PART, lambda m: "Well done to " + ", ".join(p.forename for p in m.pupils(6)) + " for their assembly.", "First names only.")
_say("surname-only", PART, lambda m: f"The {m.pupil().surname} family kindly lent us the tent.", "A surname only.")
_say("initials-only", PART, lambda m: "Please see " + ", ".join(f"{p.forename[0]}.{p.surname[0]}." for p in m.pupils(4)) + " about the trip.", "Initials only.")
_say("initial-and-surname", PART, lambda m: "Results: " + ", ".join(f"{p.forename[0]} {p.surname} {i}" for i, p in enumerate(m.pupils(4), 2)), "Initial and surname, which is an option that is off.")
_say("first-name-and-initial", PART, lambda m: "Man of the match: " + ", ".join(f"{p.forename} {p.surname[0]}" for p in m.pupils(3)), "First name and last initial.")
_say("sports-results", PART, lambda m: "Under 13s 4-2\nScorers: " + ", ".join(f"{p.forename[0]}{p.surname[0]} ({i})" for i, p in enumerate(m.pupils(3), 1)), "A sports result with initials.")
_say("crossed-names", PART, lambda m: (lambda a, b: f"{a.forename} {b.surname} is our new contact at the depot.")(*_other(m)), "A forename and a surname of two pupils, together nobody.")
_say("names-apart", PART, lambda m: (lambda p: f"{p.forename} is a lovely name. In other news, after a long day of cleaning and painting the hall, with new curtains from the shop in town, the whole {p.surname} building is open again.")(m.pupil()), "Forename and surname far apart, about different things.")
_say("first-names-far-from-medical", PART, lambda m: f"{m.pupil().forename} asked about the asthma poster. It is by the door.", "A first name near a medical word.")


@_pass("first-names-table", PART, "A seating plan by first names.")
def first_table(mail):
    cells = "".join(f"<tr><td>{p.forename}</td><td>{p.form}</td></tr>" for p in mail.pupils(6))
    mail.html(f"<table><tr><th>Name</th><th>Form</th></tr>{cells}</table>")


@_pass("pseudonyms-csv", PART, "A list with numbers of its own instead of names.")
def pseudonyms(mail):
    mail.attach("scores.csv", "Candidate,Score\r\n" + "".join(f"C{i:03d},{mail.rng.randint(20, 60)}\r\n" for i in range(1, 30)))


# --- everyday words and other people -----------------------------------------------------------------------------------------

WORDS = "everyday-words"
_say("ordinary-grace-hope", WORDS, "We say grace, hope for the best and start lunch at noon.", "Two everyday words that are also a pupil's name.")
_say("ordinary-will-young", WORDS, "The show will young and old delight; tickets at the desk.", "Two everyday words that are also a pupil's name.")
_say("ordinary-daisy-rose", WORDS, "Please plant daisy, rose and holly; green ivy on the stone wall, as last summer by the marsh.", "A gardening note full of pupils' names in small letters.")
_say("ordinary-mark-long", WORDS, "Please mark long answers in red.", "An instruction to examiners.")


@_pass("staff-namesake", "staff", "A member of staff shares the name of a pupil and signs.")
def namesake(mail):
    mail.sender = next(s for s in mail.people.staff if s.name in {p.name for p in mail.people.namesakes})
    mail.text("The field trip is on; the bus leaves at 8.15.")


@_pass("staff-namesake-named", "staff", "A colleague writes of the teacher who shares a pupil's name.")
def namesake_named(mail):
    other = next(s for s in mail.people.staff if s.name in {p.name for p in mail.people.namesakes})
    mail.text(f"Mr {other.name} (Geography) will meet you at the gate.")


@_pass("staff-list", "staff", "A list of staff.")
def staff_list(mail):
    mail.text("\n".join(f"{s.name}, {s.role}" for s in mail.people.senders if "SEN" not in s.role))


@_pass("authors", "other-people", "Authors and public names.")
def authors(mail):
    mail.text("Reading list: Charles Dickens, Malorie Blackman, Michael Morpurgo, Jane Austen, Benjamin Zephaniah, Florence Nightingale.")


@_pass("parents-namesake-surname", "other-people", "A parent with a pupil's surname writes and is quoted.")
def parent_surname(mail):
    pupil = mail.pupil()
    mail.to = [pupil.contacts[0]]
    mail.text(f"Dear Mrs {pupil.surname}\n\nThank you for your message. The coat is at the desk.\n\n> From: {pupil.contacts[0]}\n> Has it been found?")


@_pass("address-block", "other-people", "Postal addresses and places.")
def addresses(mail):
    mail.text("Deliver to 14 Marsh Lane, Rose Green, Upper Hope, ZZ9 9ZZ, not to Young Street.")


# --- allowed recipients ---------------------------------------------------------------------------------------------------------

@_pass("inside-full-data", "inside-only", "Full data between colleagues stays inside the trust.", demo=True)
def inside_full(mail):
    pupil, number = mail.pupil(), n.nhs(mail.rng)
    mail.to = [mail.staff_by("SENCO").address, mail.staff_by("Safeguarding").address]
    mail.text(f"{pupil.name}, NHS number {n.spaced_nhs(number)}, has epilepsy and is on a child protection plan.")
    mail.allowed = [finding("pupil-name", "body", pupil.name), finding("medical", "body", number), finding("medical", "body", "epilepsy")]


@_pass("inside-subject", "inside-only", "A name in the subject between colleagues.")
def inside_subject(mail):
    pupil = mail.pupil()
    mail.to, mail.subject = [mail.rng.choice(mail.people.senders).address], f"{pupil.name}: detention"
    mail.allowed = [finding("pupil-name", "subject", pupil.name)]


@_pass("inside-card", "inside-only", "Payment data between colleagues.")
def inside_card(mail):
    number = n.card(mail.rng)
    mail.to = [mail.staff_by("business manager").address]
    mail.text(f"School card {n.grouped(number)} expires in April.")
    mail.allowed = [finding("financial", "body", number)]


@_pass("inside-upper-case-domain", "inside-only", "Domains compare without case.")
def inside_upper(mail):
    pupil = mail.pupil()
    mail.to = [mail.rng.choice(mail.people.senders).address.upper()]
    mail.text(mail.sentence(pupil.name))
    mail.allowed = [finding("pupil-name", "body", pupil.name)]


@_pass("inside-unread", "inside-only", "An archive nobody can open, between colleagues.")
def inside_unread(mail):
    from . import protect

    mail.to, mail.unread = [mail.rng.choice(mail.people.senders).address], True
    mail.attach("backup.7z", protect.seven_zip(mail.rng))


@_pass("partner-only", "partner-only", "Full data goes to the secure partner.", demo=True)
def partner_only(mail):
    pupil = mail.pupil()
    mail.to = [f"duty.team@{PARTNER}"]
    mail.text(f"{pupil.name}, born {pupil.born}, is on a child protection plan. A strategy meeting is needed.")
    mail.allowed = [finding("pupil-name", "body", pupil.name), finding("medical", "body", "child protection plan")]


@_pass("partner-and-inside", "partner-only", "Secure partner and colleagues together.")
def partner_inside(mail):
    pupil = mail.pupil()
    mail.to = [f"duty.team@{PARTNER}", mail.staff_by("Safeguarding").address]
    mail.subject = f"Referral: {pupil.name}"
    mail.text("The form is attached.")
    mail.attach("referral.docx", office.docx([f"Referral of {pupil.name}", "Concern: self-harm"]))
    mail.allowed = [finding("pupil-name", "subject", pupil.name), finding("pupil-name", "attachment:referral.docx", pupil.name)]


@_pass("contact-name", "contact", "A parent is told about the own child.", demo=True)
def contact_name(mail):
    pupil = mail.pupil()
    mail.to, mail.subject = [pupil.contacts[0]], "Lost coat"
    mail.text(f"Dear parent\n\n{pupil.name} left a blue coat on the bus. It is at the desk.")
    mail.allowed = [finding("pupil-name", "body", pupil.name)]


@_pass("contact-both", "contact", "Both registered contacts of one pupil.")
def contact_both(mail):
    pupil = mail.pupil(lambda p: p.ascii and len(p.contacts) == 2)
    mail.to = list(pupil.contacts)
    mail.text(mail.sentence(pupil.name))
    mail.allowed = [finding("pupil-name", "body", pupil.name)]


@_pass("contact-attachment", "contact", "A report about the own child as a PDF.")
def contact_pdf(mail):
    pupil = mail.pupil()
    mail.to, mail.subject = [pupil.contacts[0].upper()], "Report"
    mail.attach("report.pdf", pdf.pdf([f"Report for {pupil.name}", "Geography: very good", "Music: good"]))
    mail.allowed = [finding("pupil-name", "attachment:report.pdf", pupil.name)]


@_pass("contact-and-inside", "contact", "A parent, with a colleague in copy.")
def contact_inside(mail):
    pupil = mail.pupil()
    mail.to = [pupil.contacts[0], mail.rng.choice(mail.people.senders).address]
    mail.text(mail.sentence(pupil.name))
    mail.allowed = [finding("pupil-name", "body", pupil.name)]


# --- plain everyday mail in every format ---------------------------------------------------------------------------------------

EVERYDAY = "everyday"
LETTER = ["Visit on Thursday", "The bus leaves at 8.15 from the lower gate.", "Please bring a packed lunch."]


@_pass("everyday-html", EVERYDAY, "A formatted message with hidden preview text.")
def everyday_html(mail):
    mail.html('<div style="display:none">Everything about Thursday</div><h1>Thursday</h1><p>The bus leaves at <b>8.15</b>.</p>')


@_pass("everyday-newsletter", EVERYDAY, "A newsletter with tracking links.")
def newsletter(mail):
    links = "".join(f'<p><a href="https://news.county-league.example/c/{mail.rng.getrandbits(64):016x}?u={n.plain_ten(mail.rng)}">{html.escape(t)}</a></p>' for t in ("Fixtures", "Results & tables", "Umpires"))
    mail.extra.append(("List-Unsubscribe", "<mailto:leave@news.county-league.example>"))
    mail.html(links)


def _file(name, make):
    @_pass(f"everyday-{name.split('.')[-1]}", EVERYDAY, f"An ordinary {name.split('.')[-1]} file.")
    def fill(mail):
        mail.attach(name, make())


_file("letter.docx", lambda: office.docx(LETTER, header="Brookmere Primary School", footer="Page 1", comment="Check the time", table=[["Time", "Stop"], ["8.15", "Lower gate"]]))
_file("stock.xlsx", lambda: office.xlsx([("Stock", [["Item", "Count"], ["Chairs", 30], ["Tables", 15]]), ("Old", [["Item"], ["Desks"]])], hidden=("Old",)))
_file("talk.pptx", lambda: office.pptx([["Welcome"], ["Dates", "12 November", "3 December"]], notes="Speak slowly"))
_file("letter.odt", lambda: office.odt(LETTER))
_file("stock.ods", lambda: office.ods([["Item", "Count"], ["Chairs", "30"]]))
_file("letter.pdf", lambda: pdf.pdf(LETTER))
_file("dates.csv", lambda: "Date,Event\r\n12/11/2026,Visit\r\n03/12/2026,Concert\r\n")
_file("letters.zip", lambda: office.pack([("letter.docx", office.docx(LETTER)), ("letter.pdf", pdf.pdf(LETTER))]))


@_pass("everyday-eml", EVERYDAY, "A harmless message attached to another.")
def everyday_eml(mail):
    mail.attach("earlier.eml", mail.inner("Timetable", "The bus leaves at 8.15.", "transport@county-council.example", mail.sender.address))


@_pass("everyday-encoded", EVERYDAY, "Subject, file name and text in other scripts and encodings.")
def everyday_encoded(mail):
    mail.subject = "Café – ¿mañana? Γειά σου"
    mail.text("Das Café öffnet früh. Привет! Ξένος – naïve façade.", cte="base64")
    mail.attach("Übersicht für Mai.txt", "Öffnungszeiten: 8–16 Uhr", how="2231")


@_pass("everyday-empty", EVERYDAY, "An empty message with a subject.")
def everyday_empty(mail):
    mail.subject = "Call me please"
    mail.root = render.text_part("")


# --- more near misses, by table ---------------------------------------------------------------------------------------------

NUMBERS = {
    "mastercard-bad-luhn": lambda r: f"Voucher {n.grouped(n.wrong_last(n.card(r, 'mastercard')), '-')} can be used once.",
    "amex-bad-luhn": lambda r: f"Serial {n.grouped(n.wrong_last(n.card(r, 'amex')))} of the projector.",
    "library-card": lambda r: f"Library card 2 9090 {n.digits(r, 4)} {n.digits(r, 5)} was renewed.",
    "gift-card-code": lambda r: f"Gift code {n.digits(r, 4)}-ABKQ-{n.digits(r, 4)}-ZT.",
    "sixteen-digits-no-network": lambda r: f"Device id 0{n.digits(r, 15)} is back in the cupboard.",
    "twelve-digits": lambda r: f"Electricity point 15 {n.digits(r, 11)} has a new meter.",
    "purchase-orders": lambda r: "Orders " + ", ".join(f"PO{n.digits(r, 8)}" for _ in range(6)) + " are open.",
    "invoice-table": lambda r: "Invoice  Net  VAT  Gross\n" + "\n".join(f"{n.digits(r, 8)}  {r.randint(10, 99)}.00  9.00  {r.randint(100, 999)}.00" for _ in range(5)),
    "coordinates": lambda r: f"Meet at 51.{n.digits(r, 6)}, -0.{n.digits(r, 6)} or grid SU {n.digits(r, 5)} {n.digits(r, 5)}.",
    "version-numbers": lambda r: "Please update to 12-34-56 or later; build 20261102 of 02-11-26.",
    "serial-like-upn": lambda r: f"The printer's serial is {n.upn_near_miss(r)}, toner {n.upn_near_miss(r)}.",
    "iban-letters-only": lambda r: "GB is the code of Great Britain, DE of Germany, IE of Ireland.",
    "iban-too-short": lambda r: f"Key {n.iban(r)[:15]} opens the cabinet.",
    "nhs-app-news": lambda r: "The NHS app has a new look. Ring 111 for advice; our stand at the fair has number 4000.",
    "ten-digits-table": lambda r: "Item,Stock no\n" + "\n".join(f"Glue {i},{n.plain_ten(r)}" for i in range(8)),
    "ten-digits-phone": lambda r: "Fax 1632960117, mobile 7700900452, switchboard 01632 960 200.",
    "message-ids": lambda r: f"Earlier message: <{n.digits(r, 10)}.{n.digits(r, 13)}.JavaMail.app@print-works.example>",
    "licence-keys": lambda r: f"Key: 7KQ2X-{n.digits(r, 5)}-PQT4M-{n.digits(r, 5)}-ZZ9RT",
    "exam-board-codes": lambda r: f"Centre 6{n.digits(r, 4)}, component 8461/1H, candidate 0{n.digits(r, 3)}.",
    "charity-and-company": lambda r: "Registered charity 1199999, company 09999999, VAT 999 9999 73.",
    "bank-holiday": lambda r: "The account of the bank holiday is on page 8 of the May issue; sort the code of conduct by date.",
    "sort-code-word-alone": lambda r: "Please sort, code and account for the props: 12 hats, 8 coats.",
    "times-and-rooms": lambda r: "Rooms 00-41-12 and 00-52-14 from 08-15-00 to 12-30-00.",
    "loyalty-points": lambda r: f"Your account shows 0{n.digits(r, 7)} points; card no. ending {n.digits(r, 4)}.",
}
for _slug, _make in NUMBERS.items():
    _say(_slug, NUM, lambda m, make=_make: make(m.rng), "A number that comes near an identifier.")

TOPICS = {
    "epilepsy-charity": "Cake sale for the epilepsy charity on Friday. Last year we raised 412 pounds.",
    "anaphylaxis-kits": "The council sells spare EpiPen kits to schools. Each holds two pens for anaphylaxis.",
    "inhaler-recall": "A batch of salbutamol inhalers has been recalled. Check the spare asthma kit in the office.",
    "dyslexia-fonts": "We now print all worksheets in a font that helps readers with dyslexia.",
    "mental-health-week": "Children's mental health week: assemblies on anxiety, depression and where to get help, such as CAMHS.",
    "self-harm-webinar": "Webinar for parents: understanding self-harm and eating disorders. Free, Tuesday at seven.",
    "keeping-safe": "Keeping children safe in education has changed. Section 47 and early help are now in part two.",
    "lado-contact": "The LADO for the county is reached through the council's front desk. The MASH opens at nine.",
    "send-conference": "SEND conference: autism, ADHD and speech and language. EHCP reviews are the topic of workshop four.",
    "ehcp-deadline": "Reminder: EHCP annual review paperwork is due to the council by 30 November.",
    "pupil-premium-plan": "Our pupil premium strategy is on the website. It covers looked after children and service families.",
    "free-meals": "How to apply for free school meals: ask the office for the form.",
    "exclusion-guidance": "New guidance on suspension and permanent exclusion is out; governors meet on Thursday.",
    "prevent-training": "All staff must finish Prevent and FGM training by half term.",
    "medicine-museum": "The museum's new gallery shows insulin, penicillin and the story of diabetes.",
    "flu-vaccine": "The flu vaccination team comes on 12 November. Consent forms are online.",
    "covid-ventilation": "Windows stay open. Staff with symptoms stay home.",
    "nut-free": "We are a nut-free school because of severe allergies. Please read labels.",
    "swimming-verruca": "Verruca socks are allowed in the pool.",
    "therapy-dog": "Our therapy dog Biscuit is back on Monday.",
    "counsellor-vacancy": "Counsellor wanted, two days a week, experience of bereavement and anxiety.",
    "sensory-room": "The sensory room opens next week. Thanks to all who raised funds for autism resources.",
    "defibrillator": "The defibrillator is now by the gym. Training for cardiac arrest is on Friday.",
    "lice-letter": "Head lice have been seen in two classes. Please check hair.",
}
for _slug, _text in TOPICS.items():
    _say(_slug, TOPIC, _text, "A health, SEN or safeguarding topic and no pupil.")

PARTS = {
    "thank-you-families": lambda m: "Thanks to the families " + ", ".join(p.surname for p in m.pupils(5)) + ".",
    "house-points": lambda m: "House points: " + ", ".join(f"{p.forename} {m.rng.randint(3, 40)}" for p in m.pupils(6)),
    "initials-medical": lambda m: "Initials as agreed: " + ", ".join(f"{p.forename[0]}{p.surname[0]}" for p in m.pupils(3)) + " have a care plan for asthma.",
    "surname-medical": lambda m: f"The {m.pupil().surname} lecture on epilepsy is open to all.",
    "surname-street": lambda m: f"Turn left at {m.pupil().surname} Road, then right at {m.pupil().surname} Close.",
    "first-name-product": lambda m: f"The {m.pupil().forename} desk comes in oak and beech.",
    "longer-word": lambda m: (lambda p: f"{p.forename}ton {p.surname}shire is a made-up place.")(m.pupil()),
    "two-sentences": lambda m: (lambda p: f"We met {p.forename}. Then the whole team of the firm, all nine of them, went to see the new hall. {p.surname} Ltd will paint it.")(m.pupil()),
    "staff-role-lists": lambda m: "\n".join(f"{s.title} {s.surname}, {s.role}" for s in m.people.senders),
    "team-by-surname": lambda m: "Second eleven: " + " ".join(p.surname.upper() for p in m.pupils(1)) + ", and ten from the village club.",
    "class-by-form": lambda m: "Forms 7A, 7B and 7C go first, then Ash and Beech.",
    "house-names": lambda m: "Kestrel 120, Merlin 114, Osprey 99, Falcon 87.",
}
for _slug, _make in PARTS.items():
    _say(_slug, PART, _make, "Parts of names only.")

PLAIN = {
    "coach-quote": "Could you quote for two coaches of 53 seats on 12 November, back by 15.30?",
    "room-hire": "The hall is free on Saturday from ten to two. The rate is 45 pounds an hour.",
    "copier-fault": "The copier shows error J-204 again. Can someone come before Thursday?",
    "governor-dates": "Meetings: 12 November, 10 December, 21 January. Minutes follow.",
    "uniform-sizes": "We need jumpers: 12 of size 26, 20 of size 28, 9 of size 30.",
    "concert-programme": "Programme: Holst, Elgar, Vaughan Williams, interval, Britten.",
    "boiler-service": "The boiler engineer comes on Monday at seven. The key is at the gate.",
    "password-policy-word": "Passwords must have twelve characters from January on.",
    "confidential-footer": "See you Thursday.\n\nThis message is confidential and may hold personal data. If it reached you in error, delete it.",
    "quoted-thread": "Fine by me.\n\n> On Monday we wrote:\n> > The bus leaves at 8.15.\n> > Bring a coat.",
    "garden-club": "Garden club: plant ivy, holly and a rose by the stone marsh wall, and mark the long green bed.",
    "summer-fair": "Summer fair: grace notes by the choir, hope to see young and old.",
}
for _slug, _text in PLAIN.items():
    _say(_slug, "everyday", _text, "Everyday mail.")


# --- everyday kinds of parts that no rule should stumble over ---------------------------------------------------------------

@_pass("signed-smime-detached", "everyday-parts", "A detached S/MIME signature beside readable text.")
def signed_detached(mail):
    mail.unread = None
    text = render.text_part(mail.wrap("See you on Thursday at four."))
    signature = render.attachment("smime.p7s", "application/pkcs7-signature", _detached(mail.rng))
    mail.root = render.Part('multipart/signed; protocol="application/pkcs7-signature"; micalg=sha-256', children=[text, signature])


def _detached(rng):
    from . import protect

    return protect.cms_signed(b"", rng)


@_pass("signed-pgp-detached", "everyday-parts", "A detached OpenPGP signature beside readable text.")
def pgp_detached(mail):
    from . import protect

    mail.unread = None
    text = render.text_part(mail.wrap("See you on Thursday at four."))
    armor = protect.armor(protect.packet(2, b"\4\0\1\10" + mail.rng.randbytes(280)), "SIGNATURE").encode()
    signature = render.Part(
        'application/pgp-signature; name="signature.asc"', armor, headers=[("Content-Disposition", 'attachment; filename="signature.asc"')]
    )
    mail.root = render.Part('multipart/signed; protocol="application/pgp-signature"; micalg=pgp-sha256', children=[text, signature])


def _part(file, make, kind=None):
    @_pass(f"part-{file.split('.')[-1]}", "everyday-parts", f"An ordinary {file.split('.')[-1]} file.")
    def fill(mail):
        mail.attach(file, make(mail), **({"kind": kind} if kind else {}))


_part("contact.vcf", lambda m: f"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:{m.sender.name}\r\nEMAIL:{m.sender.address}\r\nTEL:01632 960117\r\nEND:VCARD\r\n", "text/vcard")
_part("visit.ics", lambda m: "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:9@oakfield-trust.example\r\nDTSTART:20261112T083000Z\r\nSUMMARY:Visit\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")
_part("rota.json", lambda m: '{"week": 46, "rooms": ["hall", "gym"], "hours": [8, 9, 10]}', "application/json")
_part("rota.xml", lambda m: '<?xml version="1.0"?><rota week="46"><room>hall</room><room>gym</room></rota>')
_part("rota.tsv", lambda m: "Room\tHours\r\nHall\t8\r\nGym\t9\r\n", "text/tab-separated-values")
_part("notes.md", lambda m: "# Notes\n\n- bus at **8.15**\n- packed lunch\n", "text/markdown")
_part("copier.log", lambda m: "".join(f"2026-11-02T09:{i:02d}:00Z J-204 tray {i % 4} {m.rng.getrandbits(48):012x}\n" for i in range(40)), "text/plain")
_part("rota.htm", lambda m: "<html><head><style>p{color:#333}</style><script>var week=46;</script></head><body><p>Hall, gym</p></body></html>", "text/html")
_part("empty.txt", lambda m: "", "text/plain")


@_pass("part-related", "everyday-parts", "An HTML body with its style sheet as a related part.")
def related(mail):
    page = render.text_part('<html><head><link rel="stylesheet" href="cid:style"></head><body><p>The bus leaves at 8.15.</p></body></html>', kind="html")
    style = render.text_part("p { color: #333 }", kind="css")
    style.headers.append(("Content-ID", "<style>"))
    mail.root = render.Part("multipart/related", children=[page, style])


@_pass("part-calendar-alternative", "everyday-parts", "An invitation as an alternative of the text.")
def invitation(mail):
    mail.text("Planning meeting on Thursday at four.")
    mail.bodies.append(render.text_part("BEGIN:VCALENDAR\nVERSION:2.0\nMETHOD:REQUEST\nBEGIN:VEVENT\nUID:11@oakfield-trust.example\nDTSTART:20261112T160000Z\nSUMMARY:Planning meeting\nEND:VEVENT\nEND:VCALENDAR\n", kind="calendar", extra="; method=REQUEST"))


@_pass("part-read-receipt", "everyday-parts", "A receipt that a message was read.")
def read_receipt(mail):
    text = render.text_part("Your message was displayed on 2 November.\n")
    note = render.Part("message/disposition-notification", (
        f"Reporting-UA: mail.oakfield-trust.example\r\nFinal-Recipient: rfc822; {mail.sender.address}\r\n"
        "Disposition: manual-action/MDN-sent-manually; displayed\r\n").encode())
    mail.root = render.Part("multipart/report; report-type=disposition-notification", children=[text, note])
    mail.subject, mail.mail_from = "Read: Price list", ""


@_pass("part-public-key", "everyday-parts", "A public key sent so that others can encrypt.")
def public_key(mail):
    from . import protect

    mail.unread = None
    armor = protect.armor(protect.packet(6, b"\4" + mail.rng.randbytes(4) + b"\1" + mail.rng.randbytes(260)), "PUBLIC KEY BLOCK")
    mail.attach("key.asc", armor, kind="application/pgp-keys")


# --- names that meet, and namesakes of forenames ------------------------------------------------------------------------------

MEET = {
    "recipient-list": lambda m: (lambda p: f"To: Quill, {p.forename}; {p.surname}, Perpetua; Marlowe, Ignatius")(m.pupil()),
    "bulleted-streets": lambda m: (lambda p: f"Stops:\n- Harbour Lane\n- {p.forename} House\n- {p.surname} Street")(m.pupil()),
    "cast-by-first-name": lambda m: "Cast\n" + "\n".join(f"{part}: {p.forename}" for part, p in zip(("Titania", "Oberon", "Puck", "Snug"), m.pupils(4))),
    "famous-forename": lambda m: f"This term we read {m.pupil().forename} Dickens-Quill and visit {m.pupil().forename} Shakespeare's birthplace.",
    "former-pupil-speaker": lambda m: f"Our speaker is {m.pupil().forename} Quillfeather, a former pupil, now a pilot.",
    "cricket-scorecard": lambda m: "Scorecard\n" + "\n".join(f"{p.surname} b {q.surname} {m.rng.randint(0, 60)}" for p, q in zip(m.pupils(4), m.pupils(4))),
    "families-greeted": lambda m: (lambda a, b: f"Dear Mr and Mrs {a.surname}, dear Ms {b.surname}, the hall opens at six.")(*m.pupils(2)),
    "names-in-two-paragraphs": lambda m: (lambda p: f"Thank you, {p.forename}\n\n{p.surname} House won the cup.")(m.pupil()),
    "journal-references": lambda m: (lambda a, b: f"{a.surname}, Q. and {b.surname}, Z. (2019) Reading in schools, pp. 12-34.")(*m.pupils(2)),
    "price-list-text": lambda m: "\n".join(f"Exercise book {i}  {m.rng.randint(10, 99)}.45  article {n.digits(m.rng, 8)}" for i in range(6)),
}
for _slug, _make in MEET.items():
    _say(_slug, "names-that-meet", _make, "Names meet that do not belong together.")
