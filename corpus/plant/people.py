"""The sample trust's pupils and staff, and choices among them by what makes a name hard."""

import csv
import dataclasses
import unicodedata

# Forename and surname are both everyday words: such a name alone is weak evidence, so it gets cases of its own.
ORDINARY = {"Hope", "Young", "Rose", "Long", "Green", "Stone", "Marsh", "Nightingale"}


@dataclasses.dataclass(frozen=True)
class Pupil:
    """One pupil of the roster."""

    forename: str
    surname: str
    known_as: str
    known_surname: str
    middle: str
    former: str
    upn: str
    born: str
    year: str
    form: str
    school: str
    contacts: tuple

    @property
    def name(self):
        """Forename and surname as the register has them."""
        return f"{self.forename} {self.surname}"

    @property
    def ascii(self):
        """Both names are plain single words."""
        return (self.forename + self.surname).isascii() and (self.forename + self.surname).isalpha()


@dataclasses.dataclass(frozen=True)
class Staff:
    """One member of staff; mail addresses are under the trust's own domain."""

    title: str
    forename: str
    surname: str
    school: str
    role: str

    @property
    def name(self):
        """Forename and surname."""
        return f"{self.forename} {self.surname}"

    @property
    def address(self):
        """The mailbox at the member's school."""
        local = (self.forename[0] + self.surname).lower().replace("'", "").replace("-", "")
        return f"{local}@{self.school.split()[0].lower()}.oakfield-trust.example"


class People:
    """Pupils and staff, and seeded choices among them."""

    def __init__(self, roster, staff):
        with open(roster, encoding="utf-8-sig", newline="") as file:
            self.pupils = [self._pupil(row) for row in csv.DictReader(file)]
        with open(staff, encoding="utf-8-sig", newline="") as file:
            self.staff = [
                Staff(r["Title"], r["Forename"], r["Surname"], r["School"], r["Role"]) for r in csv.DictReader(file)
            ]
        names = {s.name for s in self.staff}
        self.namesakes = [p for p in self.pupils if p.name in names]
        self.senders = [s for s in self.staff if s.name not in {p.name for p in self.namesakes}]
        self.ordinary = [p for p in self.pupils if p.surname in ORDINARY]
        self.clear = [p for p in self.pupils if p not in self.namesakes and p not in self.ordinary]
        self.simple = [p for p in self.clear if p.ascii]

    @staticmethod
    def _pupil(row):
        contacts = tuple(v for k, v in row.items() if k.startswith("Contact") and v)
        return Pupil(
            row["Legal Forename"], row["Legal Surname"], row["Preferred Forename"], row["Preferred Surname"],
            row["Middle Names"], row["Former Surname"], row["UPN"], row["Date of Birth"], row["Year"], row["Reg"],
            row["School"], contacts,
        )

    def where(self, rng, test):
        """A pupil with clear evidence for whom `test` holds."""
        return rng.choice([p for p in self.clear if test(p)])


def has_marks(text):
    """Some letter is written with a diacritic that decomposes."""
    return any(unicodedata.combining(c) for c in unicodedata.normalize("NFD", text))
