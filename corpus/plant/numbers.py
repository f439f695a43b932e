"""Identifiers that pass their checks but were never issued.

Ranges: NHS numbers 9xx (reserved for tests), UPN with local authority 999, IBANs whose bank code belongs to no bank, sort codes
that begin with 00 (no clearing bank), cards of the last prefix in each network's range, for which no issuer is known. No card is
on a published list of test numbers, because a scanner rightly ignores those.
"""

import string

UPN_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"


def digits(rng, count):
    """A run of random digits without long repeats."""
    out = ""
    while len(out) < count:
        digit = rng.choice(string.digits)
        if out[-2:] != digit * 2:
            out += digit
    return out


def luhn_digit(body):
    """The digit that makes `body` pass Luhn."""
    total = 0
    for index, char in enumerate(reversed(body)):
        value = int(char) * (2 if index % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


CARD_PREFIXES = {"visa": ("499999", 16), "mastercard": ("272099", 16), "amex": ("349999", 15)}


def card(rng, network="visa"):
    """A payment card number, digits only."""
    prefix, length = CARD_PREFIXES[network]
    body = prefix + digits(rng, length - len(prefix) - 1)
    return body + luhn_digit(body)


def grouped(number, sep=" "):
    """A card as printed: 4-4-4-4, or 4-6-5 for fifteen digits."""
    if len(number) == 15:
        return sep.join((number[:4], number[4:10], number[10:]))
    return sep.join(number[i : i + 4] for i in range(0, len(number), 4))


def wrong_last(number):
    """The same number with its check digit made wrong."""
    return number[:-1] + str((int(number[-1]) + 3) % 10)


def iban_check(country, bban):
    """ISO 7064 mod 97-10 check digits."""
    moved = bban + country + "00"
    return f"{98 - int(''.join(str(int(char, 36)) for char in moved)) % 97:02d}"


def iban(rng, country="GB"):
    """An IBAN without spaces; its bank code belongs to no bank."""
    bban = {
        "GB": lambda: "QZXJ" + "00" + digits(rng, 4) + digits(rng, 8),
        "IE": lambda: "QZXJ" + "00" + digits(rng, 4) + digits(rng, 8),
        "NL": lambda: "QZXJ" + digits(rng, 10),
        "DE": lambda: "99" + digits(rng, 6) + digits(rng, 10),
    }[country]()
    return country + iban_check(country, bban) + bban


def iban_near_miss(rng):
    """The shape of an IBAN with check digits that do not fit."""
    good = iban(rng)
    return good[:2] + f"{(int(good[2:4]) + 41) % 97 + 2:02d}" + good[4:]


def sort_code(rng):
    """dd-dd-dd that is no date in any order."""
    return f"00-{rng.randint(32, 98)}-{rng.randint(40, 98)}"


def account(rng):
    """Eight digits that are no date."""
    return rng.choice("3456789") + digits(rng, 7)


def nhs(rng):
    """An NHS number of the range kept for tests."""
    while True:
        body = "9" + digits(rng, 8)
        check = 11 - sum(int(d) * (10 - i) for i, d in enumerate(body)) % 11
        if check != 10:
            return body + str(check % 11)


def spaced_nhs(number, sep=" "):
    """An NHS number as printed: 3-3-4."""
    return sep.join((number[:3], number[3:6], number[6:]))


def plain_ten(rng):
    """Ten digits that are neither an NHS number nor a learner number nor a tax reference."""
    while True:
        run = rng.choice("12345678") + digits(rng, 9)
        total = sum(int(d) * (10 - i) for i, d in enumerate(run)) % 11
        tax = "21987654321"[sum(int(d) * w for d, w in zip(run[1:], (6, 7, 8, 9, 10, 5, 4, 3, 2))) % 11]
        if total not in (0, 10) and tax != run[0]:
            return run


def upn_letter(rest):
    """The check letter for the twelve characters after it."""
    total = sum(
        place * (int(char) if char.isdigit() else UPN_LETTERS.index(char)) for place, char in enumerate(rest, 2)
    )
    return UPN_LETTERS[total % 23]


def upn(rng):
    """A permanent UPN of local authority 999."""
    rest = "999" + digits(rng, 4) + f"{rng.randint(14, 24)}" + digits(rng, 3)
    return upn_letter(rest) + rest


def upn_near_miss(rng):
    """A UPN with the wrong check letter."""
    good = upn(rng)
    return UPN_LETTERS[(UPN_LETTERS.index(good[0]) + 7) % 23] + good[1:]
