"""How much of the text of real documents is read, against independent readers.

    tests/formats/recall FOLDER [--sample 120] [--only pdf docx] [--worst 5]

FOLDER holds documents of any kind, sorted or not; none belongs to the project. For each extension up to SAMPLE files are taken (by the hash of
their content, so that a run can be repeated) and read by `beadle extract` and by another reader: pdftotext, LibreOffice, openpyxl, python-docx,
python-pptx, xlrd, pyxlsb, extract-msg, BeautifulSoup, Python's email. Recall is the share of the other reader's words, counted with their
number, that Beadle's text holds too. The other reader is no truth: it also misses text, and gives words (formatted numbers, list bullets) that
do not stand in the file. Files it cannot open or that hold fewer than ten words are left out, as are protected ones. Files of which Beadle says
itself that it could not read them whole (`unread`, so they are held) are counted under "said" and stand in none of the recalls: what matters is
what is missed in silence.

`tests/formats/recall` makes the virtual environment, installs the programs, builds Beadle and writes the table into docs/FORMATS.md.
"""

import argparse
import collections
import contextlib
import email
import email.policy
import hashlib
import json
import os
import pathlib
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
import warnings

WORD = re.compile(r"\w+")
LEAST_WORDS = 10
SECONDS = 60
MEMORY = 6 << 30

BY_OFFICE = {"doc", "rtf", "odt", "docm", "ppt", "odp", "ods"}


def words(text):
    return collections.Counter(WORD.findall(text.lower()))


def by_pdftotext(path):
    return run(["pdftotext", "-q", str(path), "-"])


def by_two_pdf_readers(path):
    """The words on which pdftotext and PDFium agree: each alone cuts words apart, or gives a turned text backwards."""
    import pypdfium2

    pages = pypdfium2.PdfDocument(path)
    both = words(by_pdftotext(path)) & words("\n".join(page.get_textpage().get_text_bounded() for page in pages))
    return " ".join(both.elements())


def run(command):
    done = subprocess.run(command, capture_output=True, check=True)
    return done.stdout.decode("utf-8", "replace")


def bounded():
    """Other readers take what a file asks for: 20 GB for a sheet of two cells."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))


def in_child(path):
    """The other reader's text, read in a process group of its own that can be killed with all it started."""
    command = [sys.executable, __file__, "--read", str(path)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True, preexec_fn=bounded)
    try:
        text, _ = child.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        text = b""
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    return text.decode("utf-8", "replace") if child.returncode == 0 else None


def by_office(path):
    """LibreOffice: text documents to text, slides and sheets to the formats of today, which their readers then read."""
    way = {"ppt": "pptx", "odp": "pptx", "ods": "xlsx"}.get(path.suffix[1:].lower(), "txt:Text (encoded):UTF8")
    ending = way.split(":")[0]
    with tempfile.TemporaryDirectory() as folder:
        profile = f"-env:UserInstallation=file://{tempfile.gettempdir()}/beadle-office"
        run(["soffice", profile, "--headless", "--convert-to", way, "--outdir", folder, str(path)])
        made = next(pathlib.Path(folder).glob(f"*.{ending}"))
        if ending == "pptx":
            return by_pptx(made)
        return by_openpyxl(made) if ending == "xlsx" else made.read_text("utf-8", "replace")


def by_openpyxl(path):
    import openpyxl

    book = openpyxl.load_workbook(path, data_only=True, read_only=False)
    cells = (cell for sheet in book.worksheets for row in sheet.iter_rows(values_only=True) for cell in row)
    # Numbers and dates are shown in as many ways as there are formats: only texts are compared.
    return "\n".join(cell for cell in cells if isinstance(cell, str))


def by_docx(path):
    import docx

    document = docx.Document(str(path))
    lines = [paragraph.text for paragraph in document.paragraphs]
    for table in document.tables:
        for row in table.rows:
            # A merged cell comes back once for each cell it covers.
            lines += [cell.text for cell in {id(cell._tc): cell for cell in row.cells}.values()]
    return "\n".join(lines)


def by_pptx(path):
    import pptx

    lines = []
    for slide in pptx.Presentation(str(path)).slides:
        for shape in slide.shapes:
            if shape.has_text_frame:
                lines.append(shape.text_frame.text)
            if getattr(shape, "has_table", False) and shape.has_table:
                lines += [cell.text for row in shape.table.rows for cell in row.cells]
        if slide.has_notes_slide and slide.notes_slide.notes_text_frame:
            lines.append(slide.notes_slide.notes_text_frame.text)
    return "\n".join(lines)


def by_xlrd(path):
    import xlrd

    book = xlrd.open_workbook(str(path), logfile=open(os.devnull, "w"))
    return "\n".join(cell.value for sheet in book.sheets() for row in sheet.get_rows() for cell in row if cell.ctype == xlrd.XL_CELL_TEXT)


def by_pyxlsb(path):
    import pyxlsb

    lines = []
    with pyxlsb.open_workbook(str(path)) as book:
        for name in book.sheets:
            with book.get_sheet(name) as sheet:
                # Error codes come as texts such as "0x2a".
                texts = (cell.v for row in sheet.rows() for cell in row if isinstance(cell.v, str))
                lines += [text for text in texts if not re.fullmatch(r"0x[0-9a-f]+", text)]
    return "\n".join(lines)


def by_extract_msg(path):
    import extract_msg

    with extract_msg.openMsg(str(path)) as message:
        return f"{message.subject or ''}\n{message.body or ''}"


def by_soup(path):
    import bs4

    soup = bs4.BeautifulSoup(path.read_bytes(), "lxml")
    for hidden in soup(["script", "style", "template"]):
        hidden.decompose()
    return soup.get_text(" ")


def by_email(path):
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    body = message.get_body(("plain",))
    return f"{message['subject'] or ''}\n{body.get_content() if body else ''}"


def by_epub(path):
    import zipfile

    import bs4

    with zipfile.ZipFile(path) as book:
        pages = [name for name in book.namelist() if name.endswith((".xhtml", ".html", ".htm"))]
        return "\n".join(bs4.BeautifulSoup(book.read(name), "lxml").get_text(" ") for name in pages)


READERS = {
    "pdf": ("pdftotext and PDFium", by_two_pdf_readers),
    "docx": ("python-docx", by_docx),
    "xlsx": ("openpyxl, texts", by_openpyxl),
    "xlsm": ("openpyxl, texts", by_openpyxl),
    "pptx": ("python-pptx", by_pptx),
    "xls": ("xlrd, texts", by_xlrd),
    "xlsb": ("pyxlsb, texts", by_pyxlsb),
    "msg": ("extract-msg", by_extract_msg),
    "html": ("BeautifulSoup", by_soup),
    "eml": ("Python email", by_email),
    "epub": ("BeautifulSoup", by_epub),
} | {ending: ("LibreOffice", by_office) for ending in BY_OFFICE}


def other(path, cache):
    """The other reader's text; none when it cannot open the file. Kept, because LibreOffice takes seconds."""
    ending = path.suffix[1:].lower()
    kept = cache / (hashlib.sha256(path.read_bytes()).hexdigest() + "." + ending)
    if kept.exists():
        text = kept.read_text("utf-8", "replace")
        return None if text == "\0" else text
    text = in_child(path)
    kept.write_text("\0" if text is None else text, "utf-8", errors="replace")
    return text


def own(path, beadle):
    """What Beadle reads: its answer, and the seconds it took."""
    started = time.monotonic()
    try:
        # OCR is measured elsewhere: most other readers have none.
        surroundings = os.environ | {"BEADLE__EXTRACT__OCR": "off"}
        command = [beadle, "extract", "--output", "jsonl", str(path)]
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, env=surroundings)
    except subprocess.TimeoutExpired:
        return None, time.monotonic() - started
    took = time.monotonic() - started
    return (json.loads(done.stdout) if done.returncode == 0 else None), took


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else float("nan")


class Row:
    def __init__(self):
        self.recalls, self.rates, self.files, self.measured = [], [], 0, 0
        self.found = self.all = self.failed = self.said = 0
        self.milliseconds = []
        self.worst = []


def measure(ending, paths, beadle, cache):
    row = Row()
    for path in paths:
        row.files += 1
        answer, took = own(path, beadle)
        if answer is None:
            row.failed += 1
            row.worst.append((0.0, path, "failed"))
            continue
        row.milliseconds.append(answer["milliseconds"])
        row.rates.append((path.stat().st_size, answer["milliseconds"]))
        reasons = {reason for _, reason, _ in answer["unread"]}
        own_place = f"attachment:{path.name}"
        said = any(place == own_place and reason != "image-only" for place, reason, _ in answer["unread"])
        text = other(path, cache)
        wanted = words(text) if text is not None else collections.Counter()
        total = sum(wanted.values())
        if total < LEAST_WORDS or answer["protections"]:
            continue
        if said:
            row.said += 1
            continue
        got = words("\n".join(unit["text"] for unit in answer["units"]))
        hit = sum((wanted & got).values())
        row.measured += 1
        row.found += hit
        row.all += total
        row.recalls.append(hit / total)
        row.worst.append((hit / total, path, ",".join(sorted(reasons))))
    return row


def table(rows):
    lines = [
        "| format | other reader | files | measured | median | 5th percentile | of all words | below 0.9 | said | failed | ms, median | ms, 99th | MB/s |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for ending, row in rows.items():
        megabytes = sum(size for size, _ in row.rates) / 1e6
        seconds = sum(ms for _, ms in row.rates) / 1e3
        below = sum(recall < 0.9 for recall in row.recalls)
        lines.append(
            f"| {ending} | {READERS[ending][0]} | {row.files} | {row.measured} | {percentile(row.recalls, 0.5):.3f} | "
            f"{percentile(row.recalls, 0.05):.3f} | {row.found / row.all if row.all else float('nan'):.3f} | {below} | {row.said} | "
            f"{row.failed} | {percentile(row.milliseconds, 0.5)} | {percentile(row.milliseconds, 0.99)} | "
            f"{megabytes / seconds if seconds else float('nan'):.1f} |"
        )
    return "\n".join(lines)


def main():
    if sys.argv[1:2] == ["--read"]:
        warnings.simplefilter("ignore")
        path = pathlib.Path(sys.argv[2])
        sys.stdout.buffer.write(READERS[path.suffix[1:].lower()][1](path).encode("utf-8", "replace"))
        return
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=pathlib.Path)
    arguments.add_argument("--beadle", default="target/release/beadle")
    arguments.add_argument("--sample", type=int, default=60)
    arguments.add_argument("--only", nargs="*")
    arguments.add_argument("--worst", type=int, default=0, help="print so many of the worst files of each format")
    arguments.add_argument("--write", type=pathlib.Path, help="put the table between the marks of this document")
    given = arguments.parse_args()
    cache = given.folder / ".others"
    cache.mkdir(exist_ok=True)
    by_ending = collections.defaultdict(list)
    for path in given.folder.rglob("*"):
        ending = path.suffix[1:].lower()
        if path.is_file() and cache not in path.parents and ending in READERS and (not given.only or ending in given.only):
            by_ending[ending].append(path)
    rows = {}
    for ending in sorted(by_ending):
        paths = sorted(by_ending[ending], key=lambda path: hashlib.sha256(path.read_bytes()).digest())[: given.sample]
        rows[ending] = measure(ending, paths, given.beadle, cache)
        print(table({ending: rows[ending]}).splitlines()[-1], flush=True)
        for recall, path, reasons in sorted(rows[ending].worst, key=lambda entry: entry[0])[: given.worst]:
            print(f"    {recall:.3f} {path} {reasons}", flush=True)
    print()
    print(table(rows))
    if given.write:
        text = given.write.read_text()
        before, rest = text.split("<!-- measured -->", 1)
        _, after = rest.split("<!-- /measured -->", 1)
        given.write.write_text(f"{before}<!-- measured -->\n{table(rows)}\n<!-- /measured -->{after}")


if __name__ == "__main__":
    sys.exit(main())
