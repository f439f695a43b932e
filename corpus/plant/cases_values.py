"""Financial data, identifiers, and special-category terms tied to a pupil."""

from . import numbers as n
from . import disguise, office, pdf
from .maker import case, finding


# --- financial: refuse ------------------------------------------------------------------------------------------------

def _financial(slug, make, demo=False):
    @case(f"financial-{slug}", "financial", demo=demo)
    def fill(mail):
        text, value = make(mail.rng)
        mail.subject = "Payment"
        mail.text(text, cte="quoted-printable" if not text.isascii() else None)
        mail.expect("block", finding("financial", "body", value), why="Payment data in the body goes outside.")


def _card(network, shape, text="Please charge the deposit to card {v}, expiry 04/29."):
    def make(rng):
        number = n.card(rng, network)
        return text.format(v=shape(number)), number

    return make


def _bank(text):
    def make(rng):
        sort, account = n.sort_code(rng), n.account(rng)
        return text.format(s=sort, b=sort.replace("-", ""), p=sort.replace("-", " "), a=account), f"{sort} {account}"

    return make


def _iban(country, shape=lambda v: v):
    def make(rng):
        value = n.iban(rng, country)
        return f"Please pay the invoice to IBAN {shape(value)} by Friday.", value

    return make


def _fours(value):
    return " ".join(value[i : i + 4] for i in range(0, len(value), 4))


_financial("card-visa", _card("visa", n.grouped), demo=True)
_financial("card-mastercard-dashes", _card("mastercard", lambda v: n.grouped(v, "-")))
_financial("card-amex", _card("amex", n.grouped))
_financial("card-run", _card("visa", lambda v: v, "Card number: {v}\nName on card: the school\nExpiry 11/28"))
_financial("card-no-break-spaces", _card("visa", lambda v: n.grouped(v, "\u00a0")))
_financial("card-zero-width", _card("mastercard", lambda v: "\u200b".join(n.grouped(v))))
_financial("card-full-width", _card("visa", lambda v: disguise.full_width(n.grouped(v))))
_financial("iban-gb", _iban("GB"))
_financial("iban-gb-fours", _iban("GB", _fours))
_financial("iban-de-fours", _iban("DE", _fours))
_financial("iban-nl-lower", _iban("NL", str.lower))
_financial("iban-ie-sentence", _iban("IE", lambda v: _fours(v) + "."))
_financial("sort-code", _bank("Please refund it to sort code {s}, account number {a}."))
_financial("sort-code-bare", _bank("Bank details for the refund\nSort code: {b}\nAccount no: {a}"))
_financial("sort-code-spaces", _bank("BACS to s/c {p} a/c {a} please."))


@case("financial-sort-code-csv", "financial-attachment")
def bank_csv(mail):
    sort, account = n.sort_code(mail.rng), n.account(mail.rng)
    mail.attach("refunds.csv", f"Payee,Sort code,Account number,Amount\r\nCastle Farm,{sort},{account},42.50\r\n")
    mail.expect("block", finding("financial", "attachment:refunds.csv", f"{sort} {account}"), why="Sort code and account number in columns.")


@case("financial-card-xlsx", "financial-attachment")
def card_xlsx(mail):
    number = n.card(mail.rng)
    rows = [["Item", "Card number", "Expiry"], ["Deposit", n.grouped(number), "09/28"]]
    mail.attach("deposit.xlsx", office.xlsx([("Payments", rows)]))
    mail.expect("block", finding("financial", "attachment:deposit.xlsx", number), why="A card number in a workbook.")


@case("financial-iban-pdf", "financial-attachment")
def iban_pdf(mail):
    value = n.iban(mail.rng, "IE")
    mail.attach("invoice.pdf", pdf.pdf(["Invoice 2231", f"IBAN: {_fours(value)}", "Due in 14 days"]))
    mail.expect("block", finding("financial", "attachment:invoice.pdf", value), why="An IBAN in a PDF.")


@case("financial-card-subject", "financial")
def card_subject(mail):
    number = n.card(mail.rng, "mastercard")
    mail.subject = f"Card {n.grouped(number)}"
    mail.expect("block", finding("financial", "subject", number), why="A card number in the subject.")


# --- identifiers -------------------------------------------------------------------------------------------------------

def _nhs(slug, text, shape=n.spaced_nhs):
    @case(f"nhs-{slug}", "nhs-number")
    def fill(mail):
        number = n.nhs(mail.rng)
        mail.text(text.format(v=shape(number)))
        mail.expect("block", finding("medical", "body", number), why="An NHS number with its keyword goes outside.")


_nhs("spaced", "The NHS number is {v}. Please send the form back.")
_nhs("run", "NHS No: {v}", lambda v: v)
_nhs("dashes", "National Health Service number {v}", lambda v: n.spaced_nhs(v, "-"))


@case("nhs-table", "nhs-number")
def nhs_table(mail):
    values = [n.nhs(mail.rng) for _ in range(3)]
    lines = "\r\n".join(f"{i},{v}" for i, v in enumerate(values, 1))
    mail.attach("numbers.csv", f"Row,NHS Number\r\n{lines}\r\n")
    found = [finding("medical", "attachment:numbers.csv", v) for v in values]
    mail.expect("block", *found, why="NHS numbers in a column whose header says so.")


@case("nhs-with-name", "nhs-number")
def nhs_name(mail):
    pupil, number = mail.pupil(), n.nhs(mail.rng)
    mail.to = ["reception@lakeside-surgery.example"]
    mail.text(f"{pupil.name}, born {pupil.born}, NHS number {n.spaced_nhs(number)}.")
    found = [finding("pupil-name", "body", pupil.name), finding("medical", "body", number)]
    mail.expect("block", *found, why="Name and NHS number go to a surgery unencrypted.")


@case("upn-permanent", "upn")
def upn_permanent(mail):
    value = n.upn(mail.rng)
    mail.text(f"The UPN is {value}.")
    mail.expect("quarantine", finding("pupil-id", "body", value), why="A pupil number alone goes outside.")


@case("upn-of-roster-without-keyword", "upn")
def upn_roster(mail):
    pupil = mail.pupil()
    mail.text(f"Please look up {pupil.upn} in the old system.")
    mail.expect("quarantine", finding("pupil-id", "body", pupil.upn), why="A roster pupil's number without a keyword.")


@case("upn-temporary", "upn")
def upn_temporary(mail):
    pupil = mail.rng.choice([p for p in mail.people.pupils if p.upn[-1].isalpha()])
    mail.text(f"Temporary UPN: {pupil.upn.lower()}")
    mail.expect("quarantine", finding("pupil-id", "body", pupil.upn), why="A temporary pupil number in lower case.")


@case("upn-column", "upn")
def upn_column(mail):
    pupils = mail.pupils(4)
    lines = "\r\n".join(f"{p.upn},{p.form}" for p in pupils)
    mail.attach("census.csv", f"UPN,Reg\r\n{lines}\r\n")
    found = [finding("pupil-id", "attachment:census.csv", p.upn) for p in pupils]
    mail.expect("quarantine", *found, why="A column of pupil numbers without names.")


# --- special category: refuse -------------------------------------------------------------------------------------------

TERMS = [
    ("medical-epilepsy", "{p} was diagnosed with epilepsy last week.", "epilepsy"),
    ("medical-diabetes", "{p} has type 1 diabetes and carries a kit.", "diabetes"),
    ("medical-epipen", "{p} needs an EpiPen on the trip because of a severe nut allergy.", "EpiPen"),
    ("medical-asthma", "{p} has asthma and was prescribed a salbutamol inhaler.", "asthma"),
    ("medical-camhs", "We have referred {p} to CAMHS.", "CAMHS"),
    ("medical-self-harm", "{p} spoke to the nurse about self-harm.", "self-harm"),
    ("medical-anorexia", "{p} is being treated for anorexia.", "anorexia"),
    ("sen-ehcp", "{p} has an EHCP, so please keep the front seat free.", "EHCP"),
    ("sen-adhd", "{p} has ADHD and takes methylphenidate at noon.", "ADHD"),
    ("sen-autism", "{p} was diagnosed with autism in Year 2.", "autism"),
    ("sen-dyslexia", "{p} has been assessed for dyslexia.", "dyslexia"),
    ("safeguarding-plan", "{p} is on a child protection plan.", "child protection plan"),
    ("safeguarding-need", "{p} is a child in need and has a social worker.", "child in need"),
    ("safeguarding-mash", "We made a MASH referral about {p} on Monday.", "MASH"),
    ("safeguarding-looked-after", "{p} is a looked after child.", "looked after child"),
    ("safeguarding-section-47", "A section 47 enquiry about {p} has begun.", "section 47"),
]


def _term(slug, text, term):
    @case(slug, slug.split("-")[0] + "-term", demo=slug == "medical-epilepsy")
    def fill(mail):
        pupil = mail.pupil()
        mail.subject = "For your records"
        mail.text(text.format(p=pupil.name))
        found = [finding("pupil-name", "body", pupil.name), finding("medical", "body", term)]
        mail.expect("block", *found, why="A special-category term about a named pupil goes outside.")


for _slug, _text, _word in TERMS:
    _term(_slug, _text, _word)


@case("medical-comma-name", "medical-term")
def medical_comma(mail):
    pupil = mail.pupil(lambda p: "'" in p.surname)
    mail.text(f"Name: {pupil.surname.upper()}, {pupil.forename}\nCondition: epilepsy\nMedication: sodium valproate 200 mg twice a day")
    found = [finding("pupil-name", "body", f"{pupil.surname}, {pupil.forename}"), finding("medical", "body", "epilepsy")]
    mail.expect("block", *found, why="A medical form in the body, surname first.")


@case("medical-csv-row", "medical-attachment")
def medical_csv(mail):
    pupils = mail.pupils(4)
    conditions = ["Asthma", "Epilepsy", "Type 1 diabetes", "Coeliac disease"]
    lines = "\r\n".join(f"{p.surname},{p.forename},{p.form},{c}" for p, c in zip(pupils, conditions))
    mail.attach("trip_list.csv", f"Surname,Forename,Form,Medical\r\n{lines}\r\n")
    found = [finding("pupil-name", "attachment:trip_list.csv", f"{p.surname} {p.forename}") for p in pupils]
    found += [finding("medical", "attachment:trip_list.csv", c) for c in ("Asthma", "Epilepsy", "diabetes")]
    mail.expect("block", *found, why="A trip list with names in two columns and a medical column.")


@case("sen-xlsx-row", "sen-attachment")
def sen_xlsx(mail):
    pupils = mail.pupils(3)
    rows = [["Forename", "Surname", "SEN provision", "Primary need"]]
    rows += [[p.forename, p.surname, s, t] for p, s, t in zip(pupils, ("EHCP", "SEN Support", "EHCP"), ("Autism", "Dyslexia", "ADHD"))]
    mail.attach("register.xlsx", office.xlsx([("Sheet1", rows)]))
    place = "attachment:register.xlsx"
    found = [finding("pupil-name", place, f"{p.forename} {p.surname}") for p in pupils] + [finding("medical", place, "Autism")]
    mail.expect("block", *found, why="A SEN register as a workbook.")


@case("safeguarding-docx", "safeguarding-attachment")
def safeguarding_docx(mail):
    pupil = mail.pupil()
    paras = ["Record of concern", f"{pupil.name} ({pupil.form}) made a disclosure. A strategy meeting is set for Monday and a child protection plan is likely."]
    mail.attach("record.docx", office.docx(paras))
    found = [finding("pupil-name", "attachment:record.docx", pupil.name), finding("medical", "attachment:record.docx", "child protection plan")]
    mail.expect("block", *found, why="A safeguarding record as a Word file.")


@case("medical-pdf", "medical-attachment")
def medical_pdf(mail):
    pupil = mail.pupil()
    mail.attach("care_plan.pdf", pdf.pdf(["Individual healthcare plan", f"Pupil: {pupil.name}", "Condition: epilepsy", "Rescue medicine: buccal midazolam 5 mg"]))
    found = [finding("pupil-name", "attachment:care_plan.pdf", pupil.name), finding("medical", "attachment:care_plan.pdf", "epilepsy")]
    mail.expect("block", *found, why="A healthcare plan as a PDF.")


@case("medical-disguised", "medical-disguised")
def medical_disguised(mail):
    pupil = mail.pupil()
    mail.html(f"<p>{disguise.between(pupil.name, '&zwnj;')} has <b>epi</b>lep<i>sy</i>.</p>")
    found = [finding("pupil-name", "body", pupil.name), finding("medical", "body", "epilepsy")]
    mail.expect("block", *found, why="Name and term are both cut up in HTML.")


@case("medical-mixed-recipients", "recipients")
def mixed(mail):
    pupil = mail.pupil()
    other = mail.staff_by("SENCO")
    mail.to = [other.address, "gran@homemail.example"]
    mail.text(f"{pupil.name} has type 1 diabetes. Here is what the nurse said.")
    found = [finding("pupil-name", "body", pupil.name), finding("medical", "body", "diabetes")]
    mail.expect("block", *found, why="One of two recipients is outside: the strictest decides.")


@case("medical-far-from-name", "medical-negative-context")
def medical_far(mail):
    pupil = mail.pupil()
    filler = "\n\n".join(f"Point {i}: the rota for the hall, the chairs and the lights stays as it was in the summer term." for i in range(1, 25))
    mail.text(f"{mail.sentence(pupil.name)}\n\n{filler}\n\nThe poster for asthma week is on the board.")
    mail.expect("quarantine", finding("pupil-name", "body", pupil.name), why="The term stands pages away from the name and is about a poster: hold for the name only.")


@case("contact-medical", "recipients")
def contact_medical(mail):
    pupil = mail.pupil()
    mail.to = [pupil.contacts[0]]
    mail.text(f"{pupil.name} had an epileptic seizure in PE; the epilepsy nurse would like to talk to you.")
    found = [finding("pupil-name", "body", pupil.name), finding("medical", "body", "epilepsy")]
    mail.expect("block", *found, why="A registered contact may be told the name, but medical data still may not go unprotected.")


@case("contact-subject-name", "recipients")
def contact_subject(mail):
    pupil = mail.pupil()
    mail.to, mail.subject = [pupil.contacts[0]], f"{pupil.name}: lost coat"
    mail.expect("block", finding("pupil-name", "subject", pupil.name), why="A name in the subject is refused even to a parent.")


@case("contact-financial", "recipients")
def contact_financial(mail):
    pupil = mail.pupil()
    number = n.card(mail.rng)
    mail.to = [pupil.contacts[0]]
    mail.text(f"Your card {n.grouped(number)} was declined.")
    mail.expect("block", finding("financial", "body", number), why="Card data is refused even to a parent.")


@case("contact-of-another-pupil", "recipients")
def contact_other(mail):
    one, two = mail.pupils(2)
    mail.to = [one.contacts[0]]
    mail.text(f"{one.name} and {two.name} swapped coats today.")
    found = [finding("pupil-name", "body", one.name), finding("pupil-name", "body", two.name)]
    mail.expect("quarantine", *found, why="The recipient is a contact of one of the two pupils only.")


@case("contact-and-stranger", "recipients")
def contact_stranger(mail):
    pupil = mail.pupil()
    mail.to = [pupil.contacts[0], "neighbour@homemail.example"]
    mail.text(f"{pupil.name} left a coat at school today.")
    mail.expect("quarantine", finding("pupil-name", "body", pupil.name), why="One recipient is no registered contact.")


@case("partner-and-stranger", "recipients")
def partner_stranger(mail):
    pupil = mail.pupil()
    mail.to = ["duty.team@council-safeguarding.example", "desk@print-works.example"]
    mail.text(mail.sentence(pupil.name))
    mail.expect("quarantine", finding("pupil-name", "body", pupil.name), why="A secure partner and an outsider: the outsider decides.")


@case("partner-look-alike", "recipients")
def partner_look_alike(mail):
    pupil = mail.pupil()
    mail.to = ["duty.team@council-safeguarding.example.mailer.example"]
    mail.text(mail.sentence(pupil.name))
    mail.expect("quarantine", finding("pupil-name", "body", pupil.name), why="The domain only begins like the secure partner's.")


@case("inside-look-alike", "recipients")
def inside_look_alike(mail):
    pupil = mail.pupil()
    mail.to = ["office@my-oakfield-trust.example"]
    mail.text(mail.sentence(pupil.name))
    mail.expect("quarantine", finding("pupil-name", "body", pupil.name), why="The domain only ends like the trust's.")


@case("hidden-recipient", "recipients")
def hidden_recipient(mail):
    pupil = mail.pupil()
    inside = mail.rng.choice(mail.people.senders).address
    mail.to, mail.rcpt = [inside], [inside, "me.at.home@homemail.example"]
    mail.text(mail.sentence(pupil.name))
    mail.expect("quarantine", finding("pupil-name", "body", pupil.name), why="An outsider stands only in the envelope, as with Bcc.")
