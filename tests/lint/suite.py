#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""suite.py BUILD: check how the tests of a build folder are run, so that a busy machine fails none of them.

A test has a limit that is ten times what the longest takes, and a TMPDIR of its own (tests/scratch.sh), and names no
place outside it.  Prints each violation and exits 1 if there is one.
"""

import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
LIMIT_S = 600
# What writes nothing.
READERS = ("lint/", "docs/options", "docs/caching")
TEMPLATE = re.compile(r"/(?:var/)?tmp/[\w.-]*X{6}|dir=[\"']/")


def runs(folder):
    """Violations of how tests are run."""
    words = ["ctest", "--test-dir", folder, "--show-only=json-v1"]
    shown = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    for test in json.loads(shown)["tests"]:
        properties = {one["name"]: one["value"] for one in test["properties"]}
        if test["name"].startswith(READERS):
            continue
        if properties.get("TIMEOUT", 0) < LIMIT_S:
            yield f"{test['name']}: has less than {LIMIT_S} s"
        # What is not built has no command.
        if not test.get("command", [""])[0].endswith("/scratch.sh"):
            yield f"{test['name']}: has no TMPDIR of its own"


def places():
    """Violations of where tests write."""
    words = ["git", "grep", "-nIE", "XXXXXX|dir=", "--", "tests", ":!tests/lint", ":!tests/fuzz/seeds"]
    for line in subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False).stdout.splitlines():
        if TEMPLATE.search(line):
            yield f"{line}: lies outside TMPDIR"


def main():
    found = [*runs(sys.argv[1]), *places()]
    print("\n".join(found) if found else "no violations")
    return 1 if found else 0


sys.exit(main())
