"""Ways in which a name reaches a reader although its bytes are not the plain name."""

import unicodedata

CYRILLIC = dict(zip("aceopxyiABCEHKMOPTX", "асеорхуіАВСЕНКМОРТХ"))
GREEK = dict(zip("oABEHIKMNOPTXYZv", "οΑΒΕΗΙΚΜΝΟΡΤΧΥΖν"))


def between(text, insert, every=2):
    """Puts `insert` after every `every`th letter inside words."""
    out, run = [], 0
    for index, char in enumerate(text):
        out.append(char)
        run = run + 1 if char.isalpha() else 0
        inside = index + 1 < len(text) and text[index + 1].isalpha()
        if run and run % every == 0 and inside:
            out.append(insert)
    return "".join(out)


def swapped(text, table, most=99):
    """Replaces letters by look-alikes, but leaves each word at least one letter of its own script."""
    words = []
    for word in text.split(" "):
        kept, left = list(word), most
        for index, char in enumerate(word):
            if char in table and left and sum(c == o for c, o in zip(kept, word)) > 1:
                kept[index] = table[char]
                left -= 1
        words.append("".join(kept))
    return " ".join(words)


def full_width(text):
    """Full-width forms of ASCII."""
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else ("\u3000" if c == " " else c) for c in text)


def bold(text):
    """Mathematical bold letters."""
    out = []
    for char in text:
        if "a" <= char <= "z":
            out.append(chr(0x1D41A + ord(char) - 97))
        elif "A" <= char <= "Z":
            out.append(chr(0x1D400 + ord(char) - 65))
        else:
            out.append(char)
    return "".join(out)


def no_marks(text):
    """Letters without their diacritics, with the letters that do not decompose spelt out."""
    for odd, plain in {"ß": "ss", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "æ": "ae", "ı": "i"}.items():
        text = text.replace(odd, plain)
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


# Each works on a plain name and needs nothing of the format it stands in.
IN_TEXT = {
    "zero-width-space": lambda t: between(t, "\u200b"),
    "zero-width-joiner": lambda t: between(t, "\u200d", 3),
    "word-joiner": lambda t: between(t, "\u2060", 3),
    "byte-order-mark": lambda t: between(t, "\ufeff", 3),
    "soft-hyphen": lambda t: between(t, "\u00ad"),
    "grapheme-joiner": lambda t: between(t, "\u034f", 3),
    "direction-marks": lambda t: between(t, "\u200e", 3),
    "variation-selector": lambda t: between(t, "\ufe0f", 3),
    "hangul-filler": lambda t: between(t, "\u3164", 3),
    "no-break-space": lambda t: t.replace(" ", "\u00a0"),
    "thin-space": lambda t: t.replace(" ", "\u2009"),
    "many-spaces": lambda t: t.replace(" ", "    "),
    "tab": lambda t: t.replace(" ", "\t"),
    "cyrillic": lambda t: swapped(t, CYRILLIC),
    "greek": lambda t: swapped(t, GREEK),
    "full-width": full_width,
    "math-bold": bold,
    "letter-spacing": lambda t: "   ".join(" ".join(word) for word in t.split(" ")),
    "letter-spacing-dots": lambda t: "  ".join(".".join(word) for word in t.split(" ")),
    "decomposed": lambda t: unicodedata.normalize("NFD", t),
}
