#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Check what texts name: variables of ours that somebody reads, files that are there.

A comment, a message or a page outlives what it names.  DAGBUILD_NAME must be a whole string of the program (it
is what getenv(3) is called with); a file's name must be one of the project's, by its end.  Prints each violation
as FILE:LINE: TEXT and exits 1 if there is one.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = ("base/", "cache/", "scheduler/", "engine/", "frontend/")
VARIABLE = re.compile(r"DAGBUILD_[A-Z][A-Z_]*[A-Z]")
# Set when the program is compiled.
COMPILED = {"DAGBUILD_VERSION"}
FILE = re.compile(r"(?<![\w./*<-])((?:[\w-]+/)*[\w-]+\.(?:c|h|py))(?![\w*(/-])")
# Of others: headers of the system; files of examples; words in capitals stand for any name.
OTHERS = re.compile(r"^(?:linux|sys|src)/|(?:^|[/_])(?:NAME|S)\.[ch]$")


def comments(path, text):
    """(line, text) of what a reader reads: comments of C, all of a page."""
    if path.suffix == ".md":
        yield from enumerate(text.splitlines(), 1)
        return
    for found in re.finditer(r"/\*.*?\*/|//[^\n]*", text, re.S):
        first = text.count("\n", 0, found.start()) + 1
        yield from enumerate(found[0].splitlines(), first)


def main() -> int:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    names = {"/" + name for name in listed}
    sources = [pathlib.Path(name) for name in listed if name.startswith(PROGRAM) and name.endswith((".c", ".h"))]
    pages = [pathlib.Path(name) for name in listed if name.endswith(".md") and not name.startswith("tests/cases")]
    texts = {path: (ROOT / path).read_text() for path in sources + pages}
    read = set(re.findall(r'"(DAGBUILD_[A-Z_]+)"', "".join(texts[path] for path in sources)))
    bad = 0
    for path, text in texts.items():
        for number, line in enumerate(text.splitlines(), 1):
            for name in set(VARIABLE.findall(line)) - read - COMPILED:
                print(f"{path}:{number}: nobody reads {name}")
                bad += 1
        for number, line in comments(path, text):
            for name in FILE.findall(line):
                if not OTHERS.search(name) and not any(one.endswith("/" + name) for one in names):
                    print(f"{path}:{number}: there is no {name}")
                    bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
