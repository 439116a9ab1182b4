#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Check that texts use one word for one thing: those of ARCHITECTURE.md's table, and plain ones.

Looks at comments and texts of the program, at pages, and at the man page.  Prints each word that another has
replaced as FILE:LINE: TEXT and exits 1 if there is one.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = ("base/", "cache/", "scheduler/", "engine/", "frontend/")
# What was replaced -> what is written.
WORDS = {
    r"anew": "again",
    r"upon": "on",
    r"director(?:y|ies)": "folder",
    r"cannot be had": "cannot be fetched, is not there",
    r"is no (?:text|part|name|file)": "is not",
    r"in vain": "without success",
    r"shall|whilst|thereof|hence|lest": "a plain word",
    r"garbage collector": "collector",
    r"f\.e\.": "for example",
    r"(?:he|him|his) (?:ends|dies|has|is|holds|waits)": "it: a process",
}
# Names that others gave.
ALLOWED = re.compile(r"base directory specification")
PATTERN = re.compile("|".join(rf"(?P<w{i}>\b(?:{word})(?!\w))" for i, word in enumerate(WORDS)), re.I)
TEXT = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:[^"\\\n]|\\.)*"', re.S)


def texts(path, whole):
    """(line, text) of what a reader reads: comments and strings of C; all of a page."""
    if path.suffix not in (".c", ".h"):
        yield from enumerate(whole.splitlines(), 1)
        return
    for found in TEXT.finditer(whole):
        if whole[whole.rfind("\n", 0, found.start()) + 1:found.start()].lstrip().startswith("#include"):
            continue
        first = whole.count("\n", 0, found.start()) + 1
        yield from enumerate(found[0].splitlines(), first)


def main() -> int:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    names = [name for name in listed if name.startswith(PROGRAM) and name.endswith((".c", ".h", ".1"))]
    names += [name for name in listed if name.endswith(".md") and not name.startswith("tests/cases")]
    bad = 0
    for name in names:
        path = ROOT / name
        for number, line in texts(path, path.read_text()):
            found = PATTERN.search(line)
            if found and not ALLOWED.search(line):
                word = list(WORDS.values())[int(found.lastgroup[1:])]
                print(f"{name}:{number}: '{found[0]}': {word}")
                bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
