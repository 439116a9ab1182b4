#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Check that a name means one thing in the whole tree.

A tag of a struct, enum or union is defined in one place; a function that an option calls by a name all commands
share (set_cache_dir) is not written twice; and `look`, which says nothing, names nothing.  Prints each violation as
FILE:LINE: TEXT and exits 1 if there is one.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FOLDERS = ("base", "scheduler", "cache", "engine", "frontend", "bench")
COMMENT = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.S)
TAG = re.compile(r"\b(struct|enum|union)\s+(\w+)\s*\{")
SAME_OPTION = re.compile(r"^static struct err \*(set_cache_dir)\(", re.M)
NO_NAME = re.compile(r"(?<![\w.-])(?:struct |enum |->|\.)?(look)\b")


def sources():
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", *FOLDERS],
                            cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    for name in sorted(set(listed)):
        if name.endswith((".c", ".h")) and (ROOT / name).exists():
            text = (ROOT / name).read_text()
            yield name, COMMENT.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)


def main():
    taken, bad, tags = {}, 0, 0
    for path, text in sources():
        def line(at, text=text):
            return text.count("\n", 0, at) + 1

        found = []
        for match in TAG.finditer(text):
            tags += 1
            tag = f"{match[1]} {match[2]}"
            here = f"{path}:{line(match.start())}"
            first = taken.setdefault(match[2], here)
            if first != here:
                found.append((match.start(), f"'{tag}' is also defined in {first}"))
        found += [(m.start(), f"'{m[1]}' is cache_set_dir() of cache_options.h") for m in SAME_OPTION.finditer(text)]
        found += [(m.start(), f"'{m[1]}' as a name: say what for") for m in NO_NAME.finditer(text)
                  if not text[text.rfind("\n", 0, m.start()) + 1 :].lstrip().startswith("#")]
        for at, what in sorted(found):
            bad += 1
            print(f"{path}:{line(at)}: {what}")
    print(f"{tags} tags, {bad} names are wrong")
    return 1 if bad or not tags else 0


if __name__ == "__main__":
    sys.exit(main())
