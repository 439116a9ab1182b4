#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Check that lines of C end at column 90, also those of comments, which clang-format leaves alone, and that a file
begins with a line for its license.

A tab is eight columns; an address (https://...) may go on.  Prints each violation as FILE:LINE: COLUMNS and exits 1
if there is one.
"""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MAX = 90
LICENSE = ("/* SPDX-License-Identifier: MIT", "/* SPDX-License-Identifier: MIT */")


def main() -> int:
    listed = subprocess.run(["git", "ls-files", "*.c", "*.h"], cwd=ROOT, capture_output=True, text=True, check=True)
    bad = 0
    for name in listed.stdout.split():
        lines = (ROOT / name).read_text().splitlines()
        if lines[0] not in LICENSE:
            print(f"{name}:1: not the license alone")
            bad += 1
        for number, line in enumerate(lines, 1):
            columns = len(line.expandtabs(8))
            if columns > MAX and "https://" not in line:
                print(f"{name}:{number}: {columns} columns")
                bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
