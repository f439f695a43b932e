"""Office files: Word, Excel, PowerPoint and OpenDocument, as small as their programs accept, and ZIP to hold them."""

import io
import re
import zipfile
from xml.sax.saxutils import escape

XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
RELS = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
VENDOR = "application/vnd.openxmlformats-officedocument."
WHEN = (2026, 11, 2, 9, 0, 0)


def pack(entries, stored=()):
    """A ZIP file with fixed times."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in entries:
            info = zipfile.ZipInfo(name, WHEN)
            info.compress_type = zipfile.ZIP_STORED if name in stored else zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, data if isinstance(data, bytes) else data.encode("utf-8"))
    return buffer.getvalue()


def _rels(pairs):
    items = "".join(
        f'<Relationship Id="rId{n}" Type="{OFFICE}/{kind}" Target="{target}"/>' for n, (kind, target) in enumerate(pairs, 1)
    )
    return f'{XML}<Relationships xmlns="{RELS}">{items}</Relationships>'


def _types(overrides):
    items = "".join(f'<Override PartName="/{name}" ContentType="{kind}"/>' for name, kind in overrides)
    return (
        f'{XML}<Types xmlns="{TYPES}"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{items}</Types>'
    )


def _core(title, author):
    return (
        f'{XML}<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" '
        f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><dc:title>{escape(title)}</dc:title>'
        f'<dc:creator>{escape(author)}</dc:creator></cp:coreProperties>'
    )


CORE_TYPE = "application/vnd.openxmlformats-package.core-properties+xml"
ROOT_RELS = (
    XML + f'<Relationships xmlns="{RELS}"><Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="%s"/>'
    '<Relationship Id="rId2" Type="http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties" '
    'Target="docProps/core.xml"/></Relationships>'
)
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def _run(text, props=""):
    return f'<w:r>{props}<w:t xml:space="preserve">{escape(text)}</w:t></w:r>'


def _para(text, split=None):
    """A paragraph; the text `split` is cut over several runs, one of them bold, as Word does after edits."""
    if not split or split not in text:
        return f"<w:p>{_run(text)}</w:p>"
    before, after = text.split(split, 1)
    cuts = [split[:2], split[2 : len(split) // 2], split[len(split) // 2 :]]
    runs = _run(before) + _run(cuts[0]) + _run(cuts[1], "<w:rPr><w:b/></w:rPr>")
    runs += '<w:proofErr w:type="spellStart"/>' + _run(cuts[2]) + _run(after)
    return f"<w:p>{runs}</w:p>"


def docx(paras=(), table=(), header="", footer="", comment="", deleted="", title="Document", author="Office", split=None):
    """A Word document."""
    body = "".join(_para(text, split) for text in paras)
    if deleted:
        body += (
            '<w:p><w:del w:id="5" w:author="Office" w:date="2026-11-02T09:00:00Z"><w:r><w:delText xml:space="preserve">'
            f"{escape(deleted)}</w:delText></w:r></w:del></w:p>"
        )
    if table:
        rows = "".join(
            "<w:tr>" + "".join(f"<w:tc><w:tcPr/>{_para(cell)}</w:tc>" for cell in row) + "</w:tr>" for row in table
        )
        grid = '<w:gridCol w:w="2400"/>' * len(table[0])
        body += f"<w:tbl><w:tblPr/><w:tblGrid>{grid}</w:tblGrid>{rows}</w:tbl><w:p/>"
    if comment:
        body += '<w:p><w:r><w:t>See the note.</w:t></w:r><w:r><w:commentReference w:id="0"/></w:r></w:p>'
    links, parts, sect = [], [], ""
    main = VENDOR + "wordprocessingml."
    overrides = [("word/document.xml", main + "document.main+xml"), ("docProps/core.xml", CORE_TYPE)]
    for kind, text, tag in (("header", header, "hdr"), ("footer", footer, "ftr")):
        if text:
            links.append((kind, f"{kind}1.xml"))
            parts.append((f"word/{kind}1.xml", f"{XML}<w:{tag} {W}>{_para(text)}</w:{tag}>"))
            overrides.append((f"word/{kind}1.xml", f"{main}{kind}+xml"))
            sect += f'<w:{kind}Reference w:type="default" r:id="rId{len(links)}"/>'
    if comment:
        links.append(("comments", "comments.xml"))
        note = f'<w:comment w:id="0" w:author="Office" w:date="2026-11-02T09:00:00Z">{_para(comment)}</w:comment>'
        parts.append(("word/comments.xml", f"{XML}<w:comments {W}>{note}</w:comments>"))
        overrides.append(("word/comments.xml", main + "comments+xml"))
    document = f'{XML}<w:document {W} xmlns:r="{OFFICE}"><w:body>{body}<w:sectPr>{sect}</w:sectPr></w:body></w:document>'
    return pack([
        ("[Content_Types].xml", _types(overrides)), ("_rels/.rels", ROOT_RELS % "word/document.xml"),
        ("word/document.xml", document), ("word/_rels/document.xml.rels", _rels(links)),
        ("docProps/core.xml", _core(title, author)), *parts,
    ])


def _column(index):
    return chr(65 + index)


def xlsx(sheets, hidden=(), title="Workbook", author="Office", comment=""):
    """A workbook: `sheets` is a list of (name, rows). Text goes to the shared strings, numbers stay numbers."""
    strings, parts = [], []
    main = VENDOR + "spreadsheetml."
    overrides = [
        ("xl/workbook.xml", main + "sheet.main+xml"), ("xl/sharedStrings.xml", main + "sharedStrings+xml"),
        ("docProps/core.xml", CORE_TYPE),
    ]
    listed = ""
    for number, (name, rows) in enumerate(sheets, 1):
        state = ' state="hidden"' if name in hidden else ""
        listed += f'<sheet name="{escape(name)}" sheetId="{number}"{state} r:id="rId{number}"/>'
        lines = ""
        for r, row in enumerate(rows, 1):
            cells = ""
            for c, cell in enumerate(row):
                ref = f"{_column(c)}{r}"
                if isinstance(cell, (int, float)):
                    cells += f'<c r="{ref}"><v>{cell}</v></c>'
                else:
                    if cell not in strings:
                        strings.append(cell)
                    cells += f'<c r="{ref}" t="s"><v>{strings.index(cell)}</v></c>'
            lines += f'<row r="{r}">{cells}</row>'
        sheet = f'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{lines}</sheetData></worksheet>'
        parts.append((f"xl/worksheets/sheet{number}.xml", XML + sheet))
        overrides.append((f"xl/worksheets/sheet{number}.xml", main + "worksheet+xml"))
    links = [("worksheet", f"worksheets/sheet{n}.xml") for n in range(1, len(sheets) + 1)]
    links.append(("sharedStrings", "sharedStrings.xml"))
    if comment:
        space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
        note = f'<comment ref="A1" authorId="0"><text><r><t>{escape(comment)}</t></r></text></comment>'
        parts.append(("xl/comments1.xml", f"{XML}<comments {space}><authors><author>Office</author></authors><commentList>{note}</commentList></comments>"))
        parts.append(("xl/worksheets/_rels/sheet1.xml.rels", _rels([("comments", "../comments1.xml")])))
        overrides.append(("xl/comments1.xml", main + "comments+xml"))
    shared = "".join(f'<si><t xml:space="preserve">{escape(s)}</t></si>' for s in strings)
    space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    return pack([
        ("[Content_Types].xml", _types(overrides)), ("_rels/.rels", ROOT_RELS % "xl/workbook.xml"),
        ("xl/workbook.xml", f'{XML}<workbook {space} xmlns:r="{OFFICE}"><sheets>{listed}</sheets></workbook>'),
        ("xl/_rels/workbook.xml.rels", _rels(links)),
        ("xl/sharedStrings.xml", f'{XML}<sst {space} count="{len(strings)}" uniqueCount="{len(strings)}">{shared}</sst>'),
        ("docProps/core.xml", _core(title, author)), *parts,
    ])


A = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
P = f'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" {A} xmlns:r="{OFFICE}"'


def _shape(lines, number=2):
    paras = "".join(f'<a:p><a:r><a:rPr lang="en-GB"/><a:t>{escape(line)}</a:t></a:r></a:p>' for line in lines)
    return (
        f'<p:sp><p:nvSpPr><p:cNvPr id="{number}" name="Text {number}"/><p:cNvSpPr/><p:nvPr/></p:nvSpPr><p:spPr/>'
        f"<p:txBody><a:bodyPr/>{paras}</p:txBody></p:sp>"
    )


def _tree(shapes):
    return (
        '<p:cSld><p:spTree><p:nvGrpSpPr><p:cNvPr id="1" name=""/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr/>'
        f"{shapes}</p:spTree></p:cSld>"
    )


def pptx(slides, notes="", title="Slides", author="Office"):
    """A presentation: one list of lines a slide, and speaker notes for the first."""
    main = VENDOR + "presentationml."
    overrides = [("ppt/presentation.xml", main + "presentation.main+xml"), ("docProps/core.xml", CORE_TYPE)]
    parts, listed = [], ""
    for number, lines in enumerate(slides, 1):
        parts.append((f"ppt/slides/slide{number}.xml", f"{XML}<p:sld {P}>{_tree(_shape(lines))}</p:sld>"))
        overrides.append((f"ppt/slides/slide{number}.xml", main + "slide+xml"))
        listed += f'<p:sldId id="{255 + number}" r:id="rId{number}"/>'
    if notes:
        parts.append(("ppt/notesSlides/notesSlide1.xml", f"{XML}<p:notes {P}>{_tree(_shape([notes]))}</p:notes>"))
        parts.append(("ppt/slides/_rels/slide1.xml.rels", _rels([("notesSlide", "../notesSlides/notesSlide1.xml")])))
        parts.append(("ppt/notesSlides/_rels/notesSlide1.xml.rels", _rels([("slide", "../slides/slide1.xml")])))
        overrides.append(("ppt/notesSlides/notesSlide1.xml", main + "notesSlide+xml"))
    deck = f'<p:presentation {P}><p:sldIdLst>{listed}</p:sldIdLst><p:sldSz cx="9144000" cy="6858000"/><p:notesSz cx="6858000" cy="9144000"/></p:presentation>'
    return pack([
        ("[Content_Types].xml", _types(overrides)), ("_rels/.rels", ROOT_RELS % "ppt/presentation.xml"),
        ("ppt/presentation.xml", XML + deck),
        ("ppt/_rels/presentation.xml.rels", _rels([("slide", f"slides/slide{n}.xml") for n in range(1, len(slides) + 1)])),
        ("docProps/core.xml", _core(title, author)), *parts,
    ])


ODF = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:meta="urn:oasis:names:tc:opendocument:xmlns:meta:1.0" office:version="1.2"'
)


def _odf(kind, body, title, author):
    media = f"application/vnd.oasis.opendocument.{kind}"
    manifest = (
        f'{XML}<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" manifest:version="1.2">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{media}"/>'
        '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>'
        '<manifest:file-entry manifest:full-path="meta.xml" manifest:media-type="text/xml"/></manifest:manifest>'
    )
    meta = f"<office:document-meta {ODF}><office:meta><dc:title>{escape(title)}</dc:title><dc:creator>{escape(author)}</dc:creator></office:meta></office:document-meta>"
    content = f"<office:document-content {ODF}><office:body>{body}</office:body></office:document-content>"
    return pack(
        [("mimetype", media), ("content.xml", XML + content), ("meta.xml", XML + meta), ("META-INF/manifest.xml", manifest)],
        stored=("mimetype",),
    )


def odt(paras, split=None, title="Document", author="Office"):
    """An OpenDocument text; the text `split` is cut over spans and its space written as an element."""
    body = ""
    for text in paras:
        shown = escape(text)
        if split and split in text:
            first, rest = split.split(" ", 1)
            inner = f"<text:span>{escape(first[:2])}</text:span>{escape(first[2:])}<text:s/><text:span>{escape(rest)}</text:span>"
            shown = escape(text).replace(escape(split), inner)
        body += f"<text:p>{shown}</text:p>"
    return _odf("text", f"<office:text>{body}</office:text>", title, author)


def ods(rows, name="Sheet1", title="Workbook", author="Office"):
    """An OpenDocument sheet."""
    lines = ""
    for row in rows:
        cells = "".join(
            f'<table:table-cell office:value-type="string"><text:p>{escape(str(cell))}</text:p></table:table-cell>' for cell in row
        )
        lines += f"<table:table-row>{cells}</table:table-row>"
    table = f'<office:spreadsheet><table:table table:name="{escape(name)}">{lines}</table:table></office:spreadsheet>'
    return _odf("spreadsheet", table, title, author)


def office_type(name):
    """The media type for a file name."""
    return {
        "docx": VENDOR + "wordprocessingml.document", "xlsx": VENDOR + "spreadsheetml.sheet",
        "pptx": VENDOR + "presentationml.presentation", "odt": "application/vnd.oasis.opendocument.text",
        "ods": "application/vnd.oasis.opendocument.spreadsheet", "pdf": "application/pdf", "zip": "application/zip",
        "csv": "text/csv", "txt": "text/plain", "html": "text/html", "doc": "application/msword", "7z": "application/x-7z-compressed",
        "png": "image/png", "eml": "message/rfc822", "ics": "text/calendar", "xml": "application/xml",
    }[re.sub(r".*\.", "", name).lower()]
