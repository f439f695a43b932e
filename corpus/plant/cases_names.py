"""Pupils' names: every way of writing one, every disguise, in the subject and in bodies."""

import html
import unicodedata

from . import disguise, render
from .maker import case, finding
from .people import has_marks

HELD = "A pupil's full name in the body goes outside."


# --- subject: refuse ------------------------------------------------------------------------------------------------

SUBJECT_FORMS = {
    "plain": lambda p: f"Lost coat - {p.name}",
    "comma": lambda p: f"{p.surname}, {p.forename}: lost coat",
    "upper": lambda p: f"RE: {p.name.upper()}",
    "lower": lambda p: f"re: {p.name.lower()}",
    "possessive": lambda p: f"{p.name}'s ticket",
    "zero-width": lambda p: "Ticket for " + disguise.between(p.name, "\u200b"),
}


def _subject(form, make):
    @case(f"subject-{form}", "subject", demo=form == "plain")
    def fill(mail):
        pupil = mail.pupil()
        mail.subject = make(pupil)
        mail.text("The ticket is at the desk.")
        mail.expect("block", finding("pupil-name", "subject", pupil.name), why="A pupil's full name stands in the subject.")


for _form, _make in SUBJECT_FORMS.items():
    _subject(_form, _make)


def _subject_encoded(slug, encode, test):
    @case(f"subject-{slug}", "subject-encoded")
    def fill(mail):
        pupil = mail.pupil(test)
        mail.subject = f"Ticket for {pupil.name}"
        mail.raw_subject = encode(mail.subject)
        mail.text("The ticket is at the desk.")
        mail.expect("block", finding("pupil-name", "subject", pupil.name), why="A full name in a subject of encoded words.")


_subject_encoded("encoded-b", lambda s: render.word(s), lambda p: has_marks(p.name))
_subject_encoded("encoded-q", lambda s: render.word(s, "q"), lambda p: has_marks(p.name))
_subject_encoded("encoded-latin1", lambda s: render.word(s, "q", "iso-8859-1"), lambda p: p.surname == "Müller")
_subject_encoded("encoded-latin2", lambda s: render.word(s, "b", "iso-8859-2"), lambda p: p.surname in ("Szymański", "Łukaszewicz"))
_subject_encoded("encoded-split", lambda s: render.words(s, size=5), lambda p: p.ascii)
_subject_encoded("encoded-whole-ascii", lambda s: render.word(s, "b", "us-ascii"), lambda p: p.ascii)


# --- variants: hold -------------------------------------------------------------------------------------------------

VARIANTS = {
    "first-last": (lambda p: p.name, None),
    "last-comma-first": (lambda p: f"{p.surname}, {p.forename}", None),
    "last-first": (lambda p: f"{p.surname} {p.forename}", None),
    "upper-last-first": (lambda p: f"{p.surname.upper()} {p.forename}", None),
    "upper": (lambda p: p.name.upper(), None),
    "lower": (lambda p: p.name.lower(), None),
    "possessive": (lambda p: f"{p.name}'s", None),
    "possessive-curly": (lambda p: f"{p.name}\u2019s", None),
    "middle-initial": (lambda p: f"{p.forename} {p.middle[0]}. {p.surname}", lambda p: p.ascii and p.middle),
    "middle-initial-bare": (lambda p: f"{p.forename} {p.middle[0]} {p.surname}", lambda p: p.ascii and p.middle),
    "middle-name": (lambda p: f"{p.forename} {p.middle} {p.surname}", lambda p: p.ascii and p.middle),
    "two-middle-names": (lambda p: f"{p.forename} {p.middle} {p.surname}", lambda p: " " in p.middle),
    "comma-middle": (lambda p: f"{p.surname}, {p.forename} {p.middle[0]}", lambda p: p.ascii and p.middle),
    "known-as": (lambda p: f"{p.known_as} {p.surname}", lambda p: p.known_as != p.forename and p.surname.isalpha()),
    "former-surname": (lambda p: f"{p.forename} {p.former}", lambda p: p.former),
    "apostrophe": (lambda p: p.name, lambda p: "'" in p.surname),
    "apostrophe-curly": (lambda p: p.name.replace("'", "\u2019"), lambda p: "'" in p.surname),
    "apostrophe-modifier": (lambda p: p.name.replace("'", "\u02bc"), lambda p: "'" in p.surname),
    "apostrophe-backtick": (lambda p: p.name.replace("'", "`"), lambda p: "'" in p.surname),
    "apostrophe-none": (lambda p: p.name.replace("'", ""), lambda p: "'" in p.surname),
    "apostrophe-space": (lambda p: p.name.replace("'", " "), lambda p: p.surname in ("D'Souza", "O'Connell")),
    "hyphen": (lambda p: p.name, lambda p: "-" in p.surname),
    "hyphen-space": (lambda p: p.name.replace("-", " "), lambda p: p.surname in ("Hartley-Jones", "Smith-Patel", "Mbeki-Ross")),
    "hyphen-none": (lambda p: p.name.replace("-", ""), lambda p: p.surname in ("Hartley-Jones", "Abernathy-Cole")),
    "hyphen-unbroken": (lambda p: p.name.replace("-", "\u2011"), lambda p: "-" in p.surname),
    "hyphen-dash": (lambda p: p.name.replace("-", "\u2013"), lambda p: "-" in p.surname),
    "hyphen-forename": (lambda p: p.name, lambda p: "-" in p.forename),
    "hyphen-forename-space": (lambda p: p.name.replace("-", " "), lambda p: "-" in p.forename),
    "marks": (lambda p: p.name, lambda p: has_marks(p.name)),
    "marks-none": (lambda p: disguise.no_marks(p.name), lambda p: has_marks(p.name)),
    "marks-decomposed": (lambda p: unicodedata.normalize("NFD", p.name), lambda p: has_marks(p.name)),
    "odd-letters-none": (lambda p: disguise.no_marks(p.name), lambda p: any(c in p.name for c in "ßøłŁ")),
    "sharp-s-upper": (lambda p: p.name.upper(), lambda p: "ß" in p.name),
    "particle": (lambda p: p.name, lambda p: p.surname in ("van der Berg", "de la Cruz")),
    "particle-upper": (lambda p: f"{p.surname.upper()} {p.forename}", lambda p: p.surname in ("van der Berg", "de la Cruz")),
    "particle-hyphen": (lambda p: p.name.replace("-", " "), lambda p: p.surname == "al-Rashid"),
    "mc-space": (lambda p: p.name.replace("Mc", "Mc "), lambda p: p.surname.startswith("Mc")),
    "mac-lower": (lambda p: p.name.replace("MacG", "Macg").replace("MacD", "Macd"), lambda p: p.surname.startswith("Mac")),
    "saint": (lambda p: p.name.replace(".", ""), lambda p: p.surname.startswith("St.")),
    "two-surnames": (lambda p: p.name, lambda p: p.surname in ("Fernández Ruiz", "Kaur Gill")),
    "camel-case": (lambda p: f"{p.forename}{p.surname}", lambda p: p.ascii and p.surname[1:].islower()),
    "underscore": (lambda p: f"{p.forename}_{p.surname}".lower(), None),
    "mail-local-part": (lambda p: f"{p.forename}.{p.surname}@pupils.oakfield-trust.example".lower(), None),
    "mail-local-reversed": (lambda p: f"{p.surname}.{p.forename}@pupils.oakfield-trust.example".lower(), None),
    "hyphenated-slug": (lambda p: f"{p.forename}-{p.surname}".lower(), None),
}


def _variant(slug, make, test):
    @case(f"name-{slug}", "name-variant", demo=slug == "first-last")
    def fill(mail):
        pupil = mail.pupil(test)
        shown = make(pupil)
        planted = shown.split("@")[0]
        for ending in ("'s", "\u2019s"):
            planted = planted.removesuffix(ending)
        mail.text(mail.sentence(shown), cte="quoted-printable" if not shown.isascii() else None)
        mail.expect("quarantine", finding("pupil-name", "body", planted), why=HELD)


for _slug, (_shape, _test) in VARIANTS.items():
    _variant(_slug, _shape, _test)


# --- disguises: hold ------------------------------------------------------------------------------------------------

def _disguised(slug, change):
    @case(f"disguise-{slug}", "name-disguised")
    def fill(mail):
        pupil = mail.pupil(lambda p: has_marks(p.name) if slug == "decomposed" else p.ascii)
        shown = change(pupil.name)
        if slug in ("cyrillic", "greek"):
            pupil = mail.pupil(lambda p: p.ascii and not change(p.name).isascii())
            shown = change(pupil.name)
        mail.text(mail.sentence(shown), cte=mail.rng.choice(["quoted-printable", "base64", "8bit"]))
        mail.expect("quarantine", finding("pupil-name", "body", pupil.name), why=f"{HELD} It is written with {slug.replace('-', ' ')}.")


for _slug, _change in disguise.IN_TEXT.items():
    _disguised(_slug, _change)


def _tags(name, open_tag="<b>", close_tag="</b>"):
    first, last = name.split(" ", 1)
    return f"{open_tag}{first[:2]}{close_tag}{first[2:]} {last[:3]}{open_tag}{last[3:]}{close_tag}"


HTML_FORMS = {
    "split-by-tags": _tags,
    "split-by-spans": lambda n: " ".join("".join(f"<span>{c}</span>" for c in word) for word in n.split(" ")),
    "split-by-comments": lambda n: _tags(n, "<!-- x -->", "<!-- y -->"),
    "entities": lambda n: "".join(f"&#{ord(c)};" if i % 2 else f"&#x{ord(c):x};" for i, c in enumerate(n)),
    "soft-hyphen-entity": lambda n: disguise.between(n, "&shy;"),
    "zero-width-entity": lambda n: disguise.between(n, "&zwnj;"),
    "word-break-tag": lambda n: disguise.between(n, "<wbr>"),
    "no-break-entity": lambda n: n.replace(" ", "&nbsp;"),
    "line-break-tag": lambda n: n.replace(" ", "<br>\n"),
    "link-title": lambda n: f'<a href="https://tickets.holiday-club.example/7" title="{n}">the ticket</a>',
    "picture-alt": lambda n: f'<img src="https://pics.school-portraits.example/7.jpg" alt="{n}">',
    "display-none": lambda n: f'you<span style="display:none">{n}</span>',
    "size-zero": lambda n: f'you<span style="font-size:0">{n}</span>',
    "white-on-white": lambda n: f'you <font color="#ffffff">{n}</font>',
    "mail-link": lambda n: f'<a href="mailto:{n.replace(" ", ".").lower()}@pupils.oakfield-trust.example">this pupil</a>',
}


def _html(slug, make):
    @case(f"html-{slug}", "name-html")
    def fill(mail):
        pupil = mail.pupil()
        mail.html(f"<p>{mail.sentence('@@').replace('@@', make(pupil.name))}</p>", cte="quoted-printable")
        mail.expect("quarantine", finding("pupil-name", "body", pupil.name), why=f"{HELD} HTML form: {slug.replace('-', ' ')}.")


for _slug, _make in HTML_FORMS.items():
    _html(_slug, _make)


@case("html-table", "name-html")
def html_table(mail):
    pupils = mail.pupils(3)
    rows = "".join(f"<tr><td>{p.surname}</td><td>{p.forename}</td><td>{p.form}</td></tr>" for p in pupils)
    mail.html(f"<table><tr><th>Surname</th><th>Forename</th><th>Form</th></tr>{rows}</table>")
    found = [finding("pupil-name", "body", f"{p.surname} {p.forename}") for p in pupils]
    mail.expect("quarantine", *found, why="A class list as an HTML table, names in two columns.")


@case("html-only-in-alternative", "name-html")
def html_alternative(mail):
    pupil = mail.pupil()
    mail.text("The ticket is at the desk.")
    mail.html(f"<p>{html.escape(mail.sentence(pupil.name))}</p>")
    mail.expect("quarantine", finding("pupil-name", "body", pupil.name), why="Only the HTML alternative names the pupil.")


@case("text-only-in-alternative", "name-mime")
def text_alternative(mail):
    pupil = mail.pupil()
    mail.text(mail.sentence(pupil.name))
    mail.html("<p>The ticket is at the desk.</p>")
    mail.expect("quarantine", finding("pupil-name", "body", pupil.name), why="Only the plain alternative names the pupil.")


# --- transfer and character encodings: hold ---------------------------------------------------------------------------

def _encoded(slug, test, **how):
    @case(f"mime-{slug}", "name-mime")
    def fill(mail):
        pupil = mail.pupil(test)
        mail.text(mail.sentence(pupil.name), **how)
        mail.expect("quarantine", finding("pupil-name", "body", pupil.name), why=f"{HELD} Encoding: {slug}.")


_encoded("8bit-utf8", lambda p: has_marks(p.name), cte="8bit")
_encoded("qp-utf8", lambda p: has_marks(p.name), cte="quoted-printable")
_encoded("base64-utf8", lambda p: has_marks(p.name), cte="base64")
_encoded("8bit-latin1", lambda p: p.surname in ("Müller", "Søndergaard"), charset="iso-8859-1", cte="8bit")
_encoded("qp-windows1252", lambda p: p.surname in ("Müller", "Søndergaard", "Fernández Ruiz"), charset="windows-1252", cte="quoted-printable")
_encoded("qp-latin2", lambda p: p.surname in ("Szymański", "Łukaszewicz"), charset="iso-8859-2", cte="quoted-printable")
_encoded("base64-turkish", lambda p: p.surname == "Çelik", charset="windows-1254", cte="base64")
_encoded("base64-utf16", lambda p: p.ascii, charset="utf-16", cte="base64")
_encoded("base64-ascii", lambda p: p.ascii, charset="us-ascii", cte="base64")


@case("mime-qp-soft-breaks", "name-mime")
def soft_breaks(mail):
    pupil = mail.pupil()
    mail.text(mail.sentence(pupil.name), cte="quoted-printable", split=(pupil.forename, pupil.surname))
    mail.expect("quarantine", finding("pupil-name", "body", pupil.name), why="Soft line breaks stand inside both names.")


@case("mime-flowed", "name-mime")
def flowed(mail):
    pupil = mail.pupil()
    text = f"We would like to book one more place on the Friday trip for {pupil.forename} \n{pupil.surname}, please."
    mail.text(text, extra="; format=flowed")
    mail.expect("quarantine", finding("pupil-name", "body", pupil.name), why="A flowed line ends between the names.")


@case("mime-flowed-delsp", "name-mime")
def flowed_delsp(mail):
    pupil = mail.pupil()
    cut = len(pupil.surname) // 2
    text = f"We would like to book one more place for {pupil.forename} {pupil.surname[:cut]} \n{pupil.surname[cut:]}, please."
    mail.text(text, extra="; format=flowed; delsp=yes")
    mail.expect("quarantine", finding("pupil-name", "body", pupil.name), why="A flowed line with DelSp ends inside the surname.")


@case("mime-wrapped-line", "name-mime")
def wrapped(mail):
    pupil = mail.pupil()
    mail.text(f"We would like to book one more place on the trip for {pupil.forename}\n{pupil.surname}, please.")
    mail.expect("quarantine", finding("pupil-name", "body", pupil.name), why="The line is wrapped between the names.")


@case("mime-quoted-reply", "name-mime")
def quoted(mail):
    pupil = mail.pupil()
    mail.text(f"Yes, that works.\n\n> We asked for one more place for {pupil.forename}\n> {pupil.surname}, in the morning group.")
    mail.expect("quarantine", finding("pupil-name", "body", pupil.name), why="The quoted part below a reply names the pupil over a line end.")


@case("mime-nested-multiparts", "name-mime")
def nested(mail):
    pupil = mail.pupil()
    inner = render.Part("multipart/alternative", children=[render.text_part(mail.wrap(mail.sentence(pupil.name)))])
    mail.root = render.Part("multipart/mixed", children=[render.Part("multipart/related", children=[inner])])
    mail.expect("quarantine", finding("pupil-name", "body", pupil.name), why="The body lies three multiparts deep.")


@case("mime-unknown-charset", "name-mime")
def unknown_charset(mail):
    pupil = mail.pupil()
    part = render.text_part(mail.wrap(mail.sentence(pupil.name)), charset="us-ascii", cte="7bit")
    part.kind = "text/plain; charset=x-school-own"
    mail.bodies.append(part)
    mail.expect("quarantine", finding("pupil-name", "body", pupil.name), unread=None, why="The charset is unknown, the bytes are readable.")


# --- evidence --------------------------------------------------------------------------------------------------------

@case("name-ordinary-words-corroborated", "name-ordinary")
def ordinary(mail):
    pupil = mail.rng.choice(mail.people.ordinary)
    mail.text(f"Please move {pupil.name} ({pupil.form}, date of birth {pupil.born}) to the second group.")
    mail.expect("quarantine", finding("pupil-name", "body", pupil.name), why="A name of everyday words, with form and date of birth beside it.")


@case("name-many", "name-list")
def many(mail):
    pupils = mail.pupils(8)
    mail.subject = "List for the museum"
    mail.text("The group for Thursday:\n\n" + "\n".join(f"- {p.surname}, {p.forename} ({p.form})" for p in pupils))
    found = [finding("pupil-name", "body", f"{p.surname}, {p.forename}") for p in pupils]
    mail.expect("quarantine", *found, why="A list of eight pupils goes to a museum.")


@case("name-siblings", "name-list")
def siblings(mail):
    one, two = mail.pupils(2)
    mail.text(f"Please keep seats for {two.forename} and {one.name}.")
    mail.expect("quarantine", finding("pupil-name", "body", one.name), why="A first name and a full name joined by 'and'.")


@case("name-twice", "name-list")
def twice(mail):
    pupil = mail.pupil()
    mail.text(f"{pupil.name.upper()}\n\n{mail.sentence(pupil.forename)} Ask for {pupil.surname}, {pupil.forename} at the desk.")
    mail.expect("quarantine", finding("pupil-name", "body", pupil.name), why="One pupil in two orders counts as one person.")


@case("name-with-born-and-form", "name-list")
def with_born(mail):
    pupil = mail.pupil()
    mail.text(f"Name: {pupil.name}\nDate of birth: {pupil.born}\nForm: {pupil.form}")
    mail.expect("quarantine", finding("pupil-name", "body", pupil.name), why="Name, date of birth and form together.")
