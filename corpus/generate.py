#!/usr/bin/env python3
"""Writes labelled synthetic messages and their manifest.

    python3 corpus/generate.py --out DIR --count N --seed S     N messages: every case in turn, other people each round
    python3 corpus/generate.py --checked-in                     what is checked in: corpus/ and corpus/demo/

The same arguments give the same labels and texts everywhere, and the same bytes with the same zlib.
"""

import argparse
import json
import pathlib
import random
import shutil
import sys
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from plant import cases_files, cases_forward, cases_hostile, cases_names, cases_negative, cases_values  # noqa: E402, F401
from plant.maker import CASES, Mail  # noqa: E402
from plant.people import People  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
SAMPLE = HERE.parent / "patterns" / "sample"
CHECKED_IN_SEED = 2026


def make(people, seed, number):
    """The message with this number: its case, its name, the filled-in mail."""
    slug, group, negative, demo, function = CASES[number % len(CASES)]
    round_ = number // len(CASES)
    rng = random.Random(f"{seed}/{slug}/{round_}")
    mail = Mail(people, rng, zlib.crc32(f"{slug}/{round_}".encode()) % 6000)  # a new case changes no other message
    function(mail)
    assert mail.expected is not None, slug
    passes = mail.expected["disposition"] == "deliver"
    assert passes == negative, f"{slug}: label and class differ"
    return mail, slug if round_ == 0 else f"{slug}-{round_}", group, demo


def write(people, out, numbers, seed):
    """Writes messages and manifest into a folder; gives the number of messages that are to be delivered."""
    folder = out / "messages"
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    lines, negatives = [], 0
    for number in numbers:
        mail, name, group, _ = make(people, seed, number)
        data = mail.render()
        path = f"messages/{name}.eml"
        (out / path).write_bytes(data)
        lines.append(json.dumps(mail.row(path, group), ensure_ascii=False))
        negatives += mail.expected["disposition"] == "deliver"
    (out / "manifest.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return negatives


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, help="folder for messages/ and manifest.jsonl")
    parser.add_argument("--count", type=int, default=len(CASES), help=f"messages (default {len(CASES)}: each case once)")
    parser.add_argument("--seed", type=int, default=CHECKED_IN_SEED)
    parser.add_argument("--roster", type=pathlib.Path, default=SAMPLE / "roster.csv")
    parser.add_argument("--staff", type=pathlib.Path, default=SAMPLE / "staff.csv")
    parser.add_argument("--checked-in", action="store_true", help="write corpus/ and corpus/demo/ again")
    args = parser.parse_args()
    people = People(args.roster, args.staff)
    if args.checked_in:
        numbers = range(len(CASES))
        jobs = [(HERE, numbers), (HERE / "demo", [i for i in numbers if CASES[i][3]])]
        seed = CHECKED_IN_SEED
    elif args.out:
        jobs, seed = [(args.out, range(args.count))], args.seed
    else:
        parser.error("say --out DIR or --checked-in")
    for out, numbers in jobs:
        negatives = write(people, out, numbers, seed)
        print(f"{out}: {len(numbers)} messages, {negatives} of them to be delivered")


if __name__ == "__main__":
    main()
