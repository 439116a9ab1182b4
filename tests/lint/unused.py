#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Check that the program needs what its libraries offer: unused.py BUILD.

A function that nothing of the program calls is dead, whatever tests call.  One that only its own file calls is
static, unless a test calls it, or it ends what its file makes (NAME_free beside NAME_freep).  Prints each one
and exits 1 if there is one.
"""

import pathlib
import re
import subprocess
import sys

from circles import read_symbols

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ENDS = re.compile(r"_(?:free|freep|close|closep|release)$")


def main() -> int:
    build = pathlib.Path(sys.argv[1]).resolve()
    defined, used = read_symbols(build)
    wanted = set().union(*used.values()) | {"main"}
    listed = subprocess.run(["git", "ls-files", "*.c", "*.h"], cwd=ROOT, capture_output=True, text=True, check=True)
    texts = {name: (ROOT / name).read_text() for name in listed.stdout.split()}
    # The program's own object is in no library.  What ends a thing in a process that never returns is dropped by
    # the compiler.
    program = {name: text for name, text in texts.items() if not name.startswith(("tests/", "bench/"))}
    main_text = program["frontend/cli/main.c"]
    bad = 0
    for symbol, home in sorted(defined.items()):
        name = re.compile(rf"\b{symbol}\b")
        if symbol in wanted or name.search(main_text):
            continue
        if any(f"CLEANUP({symbol})" in text for text in program.values()):
            continue
        own = len(name.findall(texts[home + ".c"])) > 1
        tested = any(name.search(text) for path, text in texts.items() if path.startswith("tests/"))
        if not own:
            print(f"{home}.c: nothing of the program uses {symbol}")
            bad += 1
        elif not tested and not ENDS.search(symbol):
            print(f"{home}.c: {symbol} could be static")
            bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
