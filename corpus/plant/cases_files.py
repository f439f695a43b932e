"""Attachments: names in every kind of file and every corner of it, protection real and apparent, and what cannot be read."""

from . import disguise, office, pdf, protect, render
from .maker import case, finding
from .people import has_marks


def _held(mail, name, planted, why, *more):
    mail.expect("quarantine", finding("pupil-name", f"attachment:{name}", planted), *more, why=why)


def _file(slug, file, make, why, test=None, group=None, demo=False, **how):
    """A case with one attachment: `make(mail, pupil)` gives its bytes or text."""

    @case(f"file-{slug}", group or "file-" + file.rsplit(".", 1)[-1], demo=demo)
    def fill(mail):
        pupil = mail.pupil(test)
        mail.attach(file, make(mail, pupil), **how)
        _held(mail, file, pupil.name, why)


LETTER = ["Dear parents", "the visit is on Thursday.", "The office"]


def _pages(mail, pupil):
    return ["Visit on Thursday", mail.sentence(pupil.name), "The bus leaves at 8.15."]


_file("txt", "note.txt", lambda m, p: m.sentence(p.name), "A name in a text file.")
_file("txt-utf16", "note.txt", lambda m, p: m.sentence(p.name).encode("utf-16"), "A text file in UTF-16 with a byte order mark.", group="file-txt")
_file("txt-latin1", "note.txt", lambda m, p: m.sentence(p.name).encode("iso-8859-1"), "A Latin-1 text file without a charset.", lambda p: p.surname in ("Müller", "Søndergaard"))
_file("txt-quoted-printable", "note.txt", lambda m, p: m.sentence(p.name), "A quoted-printable text file.", lambda p: has_marks(p.name), cte="quoted-printable")
_file("txt-octet-stream", "note.txt", lambda m, p: m.sentence(p.name), "A text file declared as octets.", kind="application/octet-stream")
_file("txt-inline", "note.txt", lambda m, p: m.sentence(p.name), "A text file shown inline.", disposition="inline")
_file("html", "page.html", lambda m, p: f"<html><body><p>{m.sentence(p.name)}</p></body></html>", "A name in an HTML file.")
_file("html-hidden", "page.html", lambda m, p: f"<p>The visit is on Thursday.</p><p style='display:none'>{p.name}</p>", "A hidden paragraph of an HTML file.")
_file("ics", "visit.ics", lambda m, p: f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:7@oakfield-trust.example\r\nDTSTART:20261112T083000Z\r\nSUMMARY:Meeting about {p.name}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n", "A calendar entry about a pupil.")

_file("docx-body", "letter.docx", lambda m, p: office.docx(_pages(m, p)), "A name in a Word file.")
_file("docx-split-runs", "letter.docx", lambda m, p: office.docx(_pages(m, p), split=p.name), "Word has cut the name over several runs.")
_file("docx-header", "letter.docx", lambda m, p: office.docx(LETTER, header=f"Report: {p.name}"), "The name stands in the page header.")
_file("docx-footer", "letter.docx", lambda m, p: office.docx(LETTER, footer=f"{p.surname}, {p.forename}"), "The name stands in the page footer.")
_file("docx-comment", "letter.docx", lambda m, p: office.docx(LETTER, comment=f"Is this about {p.name}?"), "The name stands in a comment.")
_file("docx-deleted", "letter.docx", lambda m, p: office.docx(LETTER, deleted=f"and {p.name}"), "A tracked deletion still holds the name.")
_file("docx-table", "letter.docx", lambda m, p: office.docx(LETTER, table=[["Surname", "Forename"], [p.surname, p.forename]]), "First and last name in two cells of a Word table.")
_file("docx-title", "letter.docx", lambda m, p: office.docx(LETTER, title=f"Report {p.name}"), "The document properties name the pupil.")
_file("docx-marks", "letter.docx", lambda m, p: office.docx(_pages(m, p)), "A name with diacritics in a Word file.", lambda p: has_marks(p.name))
_file("docx-zero-width", "letter.docx", lambda m, p: office.docx([disguise.between(p.name, "\u200b")]), "Zero-width characters in a Word file.")


def _sheet(pupil):
    return [["Surname", "Forename", "Tutor group", "House"], ["Whole form", "", "", ""], [pupil.surname, pupil.forename, pupil.form, "Kestrel"]]


_file("xlsx-columns", "list.xlsx", lambda m, p: office.xlsx([("Sheet1", _sheet(p))]), "First and last name in two columns of a workbook.")
_file("xlsx-one-column", "list.xlsx", lambda m, p: office.xlsx([("Sheet1", [["Name", "House"], [f"{p.surname}, {p.forename}", "Kestrel"]])]), "Surname and forename in one column.")
_file("xlsx-second-sheet", "list.xlsx", lambda m, p: office.xlsx([("Summary", [["Group", "Places"], ["A", 12]]), ("List", _sheet(p))]), "The second sheet has the names.")
_file("xlsx-hidden-sheet", "list.xlsx", lambda m, p: office.xlsx([("Summary", [["Group", "Places"], ["A", 12]]), ("Raw", _sheet(p))], hidden=("Raw",)), "A hidden sheet has the names.", demo=True)
_file("xlsx-sheet-name", "list.xlsx", lambda m, p: office.xlsx([(p.name[:31], [["Group", "Places"], ["A", 12]])]), "A sheet is called after the pupil.")
_file("xlsx-comment", "list.xlsx", lambda m, p: office.xlsx([("Sheet1", [["Group", "Places"], ["A", 12]])], comment=f"{p.name} has a free place"), "A cell comment names the pupil.")
_file("pptx-slide", "talk.pptx", lambda m, p: office.pptx([["Welcome"], ["Star of the week", p.name]]), "A slide names the pupil.")
_file("pptx-notes", "talk.pptx", lambda m, p: office.pptx([["Welcome"]], notes=f"Thank {p.name} here"), "The speaker notes name the pupil.")
_file("odt-body", "letter.odt", lambda m, p: office.odt(_pages(m, p)), "A name in an OpenDocument text.")
_file("odt-split", "letter.odt", lambda m, p: office.odt(_pages(m, p), split=p.name), "The name is cut over spans, its space is an element.")
_file("ods-columns", "list.ods", lambda m, p: office.ods(_sheet(p)), "First and last name in two columns of an OpenDocument sheet.")
_file("pdf-flate", "letter.pdf", lambda m, p: pdf.pdf(_pages(m, p)), "A name in a compressed PDF stream.")
_file("pdf-latin1", "letter.pdf", lambda m, p: pdf.pdf(_pages(m, p)), "A name with diacritics in a PDF.", lambda p: p.surname in ("Müller", "Søndergaard"))
_file("pdf-to-unicode", "letter.pdf", lambda m, p: pdf.pdf(_pages(m, p), subset=True), "Only the font's ToUnicode map tells the letters.", lambda p: has_marks(p.name))
_file("pdf-title", "letter.pdf", lambda m, p: pdf.pdf(LETTER, title=f"Report {p.name}"), "The PDF's properties name the pupil.")


def _csv(slug, head, line, sep=",", encode="utf-8", test=None):
    @case(f"file-csv-{slug}", "file-csv")
    def fill(mail):
        pupils = [mail.pupil(test)] if test else mail.pupils(3)
        rows = [head] + [line(p) for p in pupils]
        mail.attach("export.csv", "\r\n".join(sep.join(r) for r in rows).encode(encode) + b"\r\n")
        found = [finding("pupil-name", "attachment:export.csv", p.name) for p in pupils]
        mail.expect("quarantine", *found, why="An export with first and last name in columns.")


_csv("columns", ["Surname", "Forename", "House"], lambda p: [p.surname, p.forename, "Kestrel"])
_csv("columns-swapped", ["First Name", "Last Name", "House"], lambda p: [p.forename, p.surname, "Merlin"])
_csv("columns-apart", ["Forename", "House", "Places", "Surname"], lambda p: [p.forename, "Merlin", "2", p.surname])
_csv("semicolons", ["Surname", "Forename", "House"], lambda p: [p.surname, p.forename, "Kestrel"], ";")
_csv("tabs", ["Surname", "Forename", "House"], lambda p: [p.surname, p.forename, "Kestrel"], "\t")
_csv("quoted-comma", ["Name", "House"], lambda p: [f'"{p.surname}, {p.forename}"', "Merlin"])
_csv("windows1252", ["Surname", "Forename"], lambda p: [p.surname, p.forename], encode="cp1252", test=lambda p: p.surname in ("Müller", "Søndergaard"))
_csv("byte-order-mark", ["Surname", "Forename"], lambda p: [p.surname, p.forename], encode="utf-8-sig", test=lambda p: has_marks(p.name))


# --- file names -----------------------------------------------------------------------------------------------------

def _named(slug, make, test=None, how="auto"):
    @case(f"filename-{slug}", "file-name")
    def fill(mail):
        pupil = mail.pupil(test or (lambda p: p.ascii and p.surname[1:].islower()))
        name = make(pupil)
        mail.attach(name, office.docx(LETTER) if name.endswith("docx") else "The visit is on Thursday.", how=how)
        _held(mail, name, pupil.name, "The name of the file is the pupil's.")


_named("camel-case", lambda p: f"{p.forename}{p.surname}.docx")
_named("camel-case-report", lambda p: f"{p.forename}{p.surname}Report2026.docx")
_named("underscore", lambda p: f"{p.forename}_{p.surname}_report.txt".lower())
_named("dots", lambda p: f"{p.surname}.{p.forename}.txt")
_named("spaces", lambda p: f"{p.surname}, {p.forename} - slip.docx")
_named("2231", lambda p: f"{p.name}.txt", lambda p: has_marks(p.name))
_named("2231-continued", lambda p: f"Visit of {p.name} on Thursday.txt", lambda p: has_marks(p.name), "2231-continued")
_named("2047", lambda p: f"{p.name}.txt", lambda p: has_marks(p.name), "2047")


# --- containers -----------------------------------------------------------------------------------------------------

@case("zip-csv", "zip")
def zip_csv(mail):
    pupils = mail.pupils(3)
    rows = "Surname,Forename\r\n" + "".join(f"{p.surname},{p.forename}\r\n" for p in pupils)
    mail.attach("export.zip", office.pack([("readme.txt", "Export of the list."), ("list.csv", rows)]))
    found = [finding("pupil-name", "attachment:export.zip!list.csv", p.name) for p in pupils]
    mail.expect("quarantine", *found, why="A list in a ZIP file.")


@case("zip-in-zip", "zip")
def zip_in_zip(mail):
    pupil = mail.pupil()
    inner = office.pack([("letter.docx", office.docx(_pages(mail, pupil)))])
    mail.attach("outer.zip", office.pack([("inner.zip", inner)]))
    _held(mail, "outer.zip!inner.zip!letter.docx", pupil.name, "A Word file in a ZIP file in a ZIP file.")


@case("zip-entry-name", "zip")
def zip_entry(mail):
    pupil = mail.pupil(lambda p: p.ascii and p.surname[1:].islower())
    name = f"{pupil.forename}{pupil.surname}.txt"
    mail.attach("slips.zip", office.pack([(name, "The visit is on Thursday.")]))
    _held(mail, f"slips.zip!{name}", pupil.name, "The name of a packed file is the pupil's.")


@case("zip-wrong-extension", "zip")
def zip_wrong(mail):
    pupil = mail.pupil()
    mail.attach("list.dat", office.pack([("list.txt", mail.sentence(pupil.name))]), kind="application/octet-stream")
    _held(mail, "list.dat!list.txt", pupil.name, "A ZIP file under another extension.")


@case("pdf-wrong-extension", "zip")
def pdf_wrong(mail):
    pupil = mail.pupil()
    mail.attach("letter.txt", pdf.pdf(_pages(mail, pupil)), kind="text/plain")
    _held(mail, "letter.txt", pupil.name, "A PDF that calls itself a text file.")


@case("eml-attached", "eml")
def eml(mail):
    pupil = mail.pupil()
    inner = mail.inner("Thursday", mail.sentence(pupil.name), mail.sender.address, "office@hillcoaches.example")
    mail.attach("earlier.eml", inner)
    _held(mail, "earlier.eml", pupil.name, "An attached message names the pupil in its body.")


@case("eml-subject", "eml")
def eml_subject(mail):
    pupil = mail.pupil()
    inner = mail.inner(f"Coat of {pupil.name}", "It is at the desk.", mail.sender.address, "office@hillcoaches.example")
    mail.attach("earlier.eml", inner)
    _held(mail, "earlier.eml", pupil.name, "An attached message names the pupil in its subject: it is an attachment, so hold.")


@case("eml-base64", "eml")
def eml_base64(mail):
    pupil = mail.pupil()
    inner = mail.inner("Thursday", mail.sentence(pupil.name), mail.sender.address, "office@hillcoaches.example")
    mail.attach("earlier.eml", inner, kind="application/octet-stream")
    _held(mail, "earlier.eml", pupil.name, "A message saved as a file and attached as octets.")


# --- protection -------------------------------------------------------------------------------------------------------

@case("protect-zipcrypto", "protection-apparent", demo=True)
def zipcrypto(mail):
    pupil = mail.pupil()
    data = protect.zip_weak([("list.txt", mail.sentence(pupil.name).encode())], "S3t-by-phone", mail.rng)
    mail.attach("list.zip", data)
    mail.expect("quarantine", finding("protected", "attachment:list.zip"), unread=None, why="ZipCrypto is broken: the protection is only apparent.")


@case("protect-zip-password-in-mail", "protection-apparent")
def password_in_mail(mail):
    pupil = mail.pupil()
    data = protect.zip_strong([("list.txt", mail.sentence(pupil.name).encode())], "Kestrel-4471", mail.rng)
    mail.text("The list is attached.\n\nThe password is Kestrel-4471")
    mail.attach("list.zip", data)
    mail.expect("quarantine", finding("protected", "attachment:list.zip"), unread=None, why="A strong cipher, but its password stands in the same message.")


@case("protect-pdf-empty-password", "protection-apparent")
def empty_password(mail):
    pupil = mail.pupil()
    mail.attach("letter.pdf", pdf.pdf(_pages(mail, pupil), locked=True))
    found = [finding("pupil-name", "attachment:letter.pdf", pupil.name)]
    mail.expect("quarantine", *found, unread=None, why="An encrypted PDF that opens for everyone, with a name in it.")


@case("protect-pdf-empty-password-only", "protection-apparent")
def empty_password_only(mail):
    mail.attach("letter.pdf", pdf.pdf(LETTER, locked=True))
    mail.expect("quarantine", finding("protected", "attachment:letter.pdf"), unread=None, why="It looks protected and opens for everyone.")


@case("protect-smime-signed", "protection-apparent")
def signed(mail):
    pupil = mail.pupil()
    inner = f"Content-Type: text/plain; charset=us-ascii\r\n\r\n{mail.sentence(pupil.name)}\r\n".encode()
    headers = [("Content-Transfer-Encoding", "base64"), ("Content-Disposition", 'attachment; filename="smime.p7m"')]
    kind = 'application/pkcs7-mime; smime-type=signed-data; name="smime.p7m"'
    mail.root = render.Part(kind, render.b64(protect.cms_signed(inner, mail.rng)), headers=headers)
    mail.expect("quarantine", unread=None, why="Signed S/MIME hides the text from the eye only: it is read or held.")


@case("protect-pgp-literal", "protection-apparent")
def literal(mail):
    pupil = mail.pupil()
    mail.text(f"See below.\n\n{protect.pgp_literal(mail.sentence(pupil.name))}".replace("\r\n", "\n"))
    mail.expect("quarantine", unread=None, why="OpenPGP armour around literal data, which needs no key.")


def _strong(slug, demo=False):
    return case(slug, "protection-strong", negative=True, demo=demo)


@_strong("protect-zip-aes", demo=True)
def zip_aes(mail):
    pupil = mail.pupil()
    data = protect.zip_strong([("list.txt", mail.sentence(pupil.name).encode())], "told by telephone 8812", mail.rng)
    mail.text("The list is attached. I will ring you with the password.")
    mail.attach("list.zip", data)
    mail.expect("deliver", unread=None, why="AES-256 in a ZIP file, the password is not in the message.")


@_strong("protect-smime-enveloped")
def enveloped(mail):
    headers = [("Content-Transfer-Encoding", "base64"), ("Content-Disposition", 'attachment; filename="smime.p7m"')]
    kind = 'application/pkcs7-mime; smime-type=enveloped-data; name="smime.p7m"'
    mail.root = render.Part(kind, render.b64(protect.cms_enveloped(mail.rng)), headers=headers)
    mail.expect("deliver", unread=None, why="S/MIME encrypted to its recipient.")


@_strong("protect-pgp-mime")
def pgp_mime(mail):
    control = render.Part("application/pgp-encrypted", b"Version: 1\r\n", headers=[("Content-Description", "PGP/MIME version identification")])
    body = render.Part(
        'application/octet-stream; name="encrypted.asc"', protect.pgp_encrypted(mail.rng).encode(),
        headers=[("Content-Disposition", 'inline; filename="encrypted.asc"')],
    )
    mail.root = render.Part('multipart/encrypted; protocol="application/pgp-encrypted"', children=[control, body])
    mail.expect("deliver", unread=None, why="PGP/MIME encrypted to its recipient.")


@case("protect-zip-mixed", "protection-apparent")
def zip_mixed(mail):
    pupil = mail.pupil()
    plain = [("cover.txt", mail.sentence(pupil.name).encode())]
    secret = [("list.txt", b"The visit is on Thursday.")]
    mail.attach("pack.zip", protect.zip_mixed(plain, secret, "told by telephone 7741", mail.rng))
    mail.expect("quarantine", finding("pupil-name", "attachment:pack.zip!cover.txt", pupil.name), unread=None, why="Only one of the two files is encrypted; the other names a pupil.")


@case("protect-smime-name-in-subject", "protection-strong")
def enveloped_subject(mail):
    pupil = mail.pupil()
    enveloped(mail)
    mail.subject = f"Confidential: {pupil.name}"
    mail.expect("block", finding("pupil-name", "subject", pupil.name), unread=None, why="Encryption does not cover the subject.")


@case("protect-zip-aes-name-beside", "protection-strong")
def zip_aes_beside(mail):
    pupil = mail.pupil()
    zip_aes(mail)
    mail.bodies.clear()
    mail.text(f"The file on {pupil.name} is attached. I will ring you with the password.")
    mail.expect("quarantine", finding("pupil-name", "body", pupil.name), unread=None, why="The file is protected, the name beside it is not.")


@case("protect-zip-aes-entry-name", "protection-strong")
def zip_aes_entry(mail):
    pupil = mail.pupil(lambda p: p.ascii and p.surname[1:].islower())
    name = f"{pupil.forename}_{pupil.surname}.txt"
    mail.attach("file.zip", protect.zip_strong([(name, b"The visit is on Thursday.")], "told by telephone 2219", mail.rng))
    mail.expect("quarantine", finding("pupil-name", f"attachment:file.zip!{name}", pupil.name), unread=None, why="ZIP encryption leaves the names of the files readable.")


# --- unread -----------------------------------------------------------------------------------------------------------

def _unread(slug, name, make, why, demo=False, **how):
    @case(f"unread-{slug}", "unread", demo=demo)
    def fill(mail):
        mail.attach(name, make(mail.rng), **how)
        mail.expect("quarantine", why=why, unread=True)


_unread("7z", "archive.7z", protect.seven_zip, "No reader opens this archive.", demo=True)
_unread("old-doc", "letter.doc", protect.old_doc, "A legacy Word file that cannot be opened.")
_unread("picture", "scan.png", lambda r: protect.png(r, 640, 480), "A picture may be a scanned list.")
_unread("broken-docx", "letter.docx", lambda r: office.docx(LETTER)[:700], "A Word file cut off in the middle.")
_unread("broken-pdf", "letter.pdf", lambda r: b"%PDF-1.7\n" + r.randbytes(1500), "A PDF without objects.")
_unread("broken-zip", "files.zip", lambda r: office.pack([("a.txt", "The visit is on Thursday. " * 40)])[:90], "A ZIP file cut off in the middle.")
_unread("unknown-octets", "export.bin", lambda r: b"\x93\x01SCHOOLDB\0" + r.randbytes(1200), "An unknown binary format.", kind="application/octet-stream")


_unread("winmail", "winmail.dat", lambda r: bytes.fromhex("789F3E22") + r.randbytes(900), "Outlook's own container, damaged.", kind="application/ms-tnef")


@case("unread-in-zip", "unread")
def unread_in_zip(mail):
    mail.attach("files.zip", office.pack([("readme.txt", "The visit is on Thursday."), ("scan.7z", protect.seven_zip(mail.rng))]))
    mail.expect("quarantine", why="One packed file cannot be read.", unread=True)
