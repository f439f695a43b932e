"""Writes documents with LibreOffice. Run by the system's Python, which has its `uno`: office.py FOLDER.

For each document: its program, the filter, the password, and whether a sheet is locked. The text is one invented pupil.
"""

import subprocess
import sys
import time
from pathlib import Path

import uno
from com.sun.star.beans import NamedValue, PropertyValue

SECRET = "Amelia Hart, epilepsy"
PASSWORD = "Rosebud7"
DOCUMENTS = [
    ("plan.docx", "swriter", "MS Word 2007 XML", True, False),
    ("plan.doc", "swriter", "MS Word 97", True, False),
    ("plan.odt", "swriter", "writer8", True, False),
    ("list.xlsx", "scalc", "Calc MS Excel 2007 XML", True, False),
    ("list.xls", "scalc", "MS Excel 97", True, False),
    ("list.ods", "scalc", "calc8", True, False),
    ("locked.xlsx", "scalc", "Calc MS Excel 2007 XML", False, True),
    ("locked.ods", "scalc", "calc8", False, True),
    ("open.docx", "swriter", "MS Word 2007 XML", False, False),
    ("open.xlsx", "scalc", "Calc MS Excel 2007 XML", False, False),
    ("open.pdf", "swriter", "writer_pdf_Export", False, False),
]


def property_of(name, value):
    found = PropertyValue()
    found.Name, found.Value = name, value
    return found


def connect(pipe):
    local = uno.getComponentContext()
    resolver = local.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", local)
    for _ in range(120):
        try:
            context = resolver.resolve(f"uno:pipe,name={pipe};urp;StarOffice.ComponentContext")
            return context.ServiceManager.createInstanceWithContext("com.sun.star.frame.Desktop", context)
        except Exception:
            time.sleep(0.5)
    raise SystemExit("LibreOffice does not answer")


def write(desktop, folder, name, program, kind, protected, locked):
    document = desktop.loadComponentFromURL(f"private:factory/{program}", "_blank", 0, (property_of("Hidden", True),))
    if program == "swriter":
        document.Text.setString(SECRET)
    else:
        sheet = document.Sheets.getByIndex(0)
        sheet.getCellByPosition(0, 0).setString(SECRET)
        if locked:
            sheet.protect("change me")
    wanted = [property_of("FilterName", kind)]
    if protected:
        word = NamedValue()
        word.Name, word.Value = "OOXPassword", PASSWORD
        kind_of = NamedValue()
        kind_of.Name, kind_of.Value = "CryptoType", "StrongEncryptionDataSpace"
        # Office's own formats since 2007 take the password by another way than the others.
        newer = "2007" in kind
        wanted.append(property_of("EncryptionData", uno.Any("[]com.sun.star.beans.NamedValue", (word, kind_of))) if newer else property_of("Password", PASSWORD))
    document.storeToURL((folder / name).as_uri(), tuple(wanted))
    document.close(True)


def main(folder):
    pipe = f"beadle{folder.stat().st_ino}"
    office = subprocess.Popen(
        ["soffice", f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--headless", "--norestore", "--nologo",
         f"--accept=pipe,name={pipe};urp;"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        desktop = connect(pipe)
        for document in DOCUMENTS:
            write(desktop, folder, *document)
        try:
            desktop.terminate()
        except Exception:
            pass
        office.wait(timeout=60)
    finally:
        office.kill()


main(Path(sys.argv[1]).resolve())
