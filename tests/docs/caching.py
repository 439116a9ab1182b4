#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Compare the table of inputs in docs/caching.md with the list that the code has.

caching.py [--update]: the list is what `dagbuild why --list-inputs --json` prints; --update writes the table
from it.
"""

import json
import os
import pathlib
import subprocess
import sys

SOURCE = pathlib.Path(os.environ.get("SOURCE", pathlib.Path(__file__).parents[2]))
DAGBUILD = os.path.abspath(os.environ.get("DAGBUILD", "dagbuild"))
PAGE = SOURCE / "docs" / "caching.md"
BEGIN, END = "<!-- inputs -->\n", "<!-- end of inputs -->\n"


def rows_of_code():
    """The table's lines as the code would have them."""
    output = subprocess.run([DAGBUILD, "why", "--list-inputs", "--json"], check=True, stdout=subprocess.PIPE).stdout
    inputs = json.loads(output)["inputs"]
    every = [kind for part in inputs[:1] for kind in part["steps"]]
    lines = ["| input | steps | what it is |", "|---|---|---|"]
    for part in inputs:
        missing = [kind for kind in every if kind not in part["steps"]]
        steps = ", ".join(part["steps"])
        if len(missing) < 2 < len(every):
            steps = "all but " + missing[0] if missing else "all"
        lines.append(f"| `{part['name']}` | {steps} | {part['what']} |")
    return lines


def main():
    page = PAGE.read_text()
    before, rest = page.split(BEGIN)
    table, after = rest.split(END)
    wanted = rows_of_code()
    if sys.argv[1:] == ["--update"]:
        PAGE.write_text(before + BEGIN + "\n".join(wanted) + "\n" + END + after)
        return 0
    found = table.splitlines()
    for line in wanted:
        if line not in found:
            print(f"# docs/caching.md lacks: {line}")
    for line in found:
        if line not in wanted:
            print(f"# the code has no such input: {line}")
    bad = wanted != found
    print("not ok 1" if bad else "ok 1", "- docs/caching.md lists the inputs that keys have")
    print("1..1")
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
