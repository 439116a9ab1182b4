#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""planted.py [--only NAME]... [--list | --check]: plant each fault of faults.py, and see a test fail.

The work tree is copied into TMPDIR and built there once.  All tests that the rows name must pass first: one that
fails, or is skipped, shows nothing.  Then each row's fault is put in, what its test needs is built, and the test
must fail.  Prints a line for each fault; exits 1 if one was not found, if it does not compile, or if its row is
out of date; --check looks at that alone.  With --only, what the test says is printed, too.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree

from faults import FAULTS

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
PRESET = "dev"  # compiles faster than `release`
# All other tests (e2e, golden) run the program.
UNIT = re.compile(r"unit/(\w+)")


class Wrong(Exception):
    """A row, or the tree, of which nothing can be shown."""


def copy_tree(to):
    """What git knows of or would add, as it lies here; and a link to the end-to-end tests' rig, which is large."""
    words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(words, cwd=SOURCE, capture_output=True, text=True, check=True)
    for name in listed.stdout.rstrip("\0").split("\0"):
        if not os.path.lexists(SOURCE / name):
            continue
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(SOURCE / name, to / name, follow_symlinks=False)
    (to / "build").mkdir()
    (to / "build/rig").symlink_to((SOURCE / "build/rig").resolve())


class Tree:
    """The copy, and what is built of it."""

    def __init__(self, root):
        self.root = root
        self.build = root / "build" / PRESET
        # Where CMAKE_C_COMPILER_LAUNCHER is ccache, it knows the sources from the tree itself.
        self.env = dict(os.environ, CCACHE_BASEDIR=str(root), CCACHE_NOHASHDIR="1")
        copy_tree(root)
        self.run("cmake", "--preset", PRESET, "-DWERROR=OFF")

    def run(self, *words):
        done = subprocess.run(
            words, cwd=self.root, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        if done.returncode != 0:
            raise Wrong(f"'{' '.join(map(str, words))}' fails:\n{done.stdout[-4000:]}")

    def make(self, tests):
        """Build what the tests need, and nothing else."""
        units = {match[1] for match in map(UNIT.fullmatch, tests) if match}
        others = {test for test in tests if not UNIT.fullmatch(test)}
        targets = sorted(units | ({"dagbuild"} if others else set()))
        jobs = len(os.sched_getaffinity(0))
        self.run("cmake", "--build", self.build, f"-j{jobs}", "--target", *targets)

    def outcomes(self, tests):
        """{test: ("run" | "fail" | ..., what it said)}, in the words of ctest: "run" has passed."""
        report = self.build / "planted.xml"
        report.unlink(missing_ok=True)
        wanted = "|".join(re.escape(test) for test in sorted(tests))
        words = ["ctest", "--test-dir", self.build, "-R", f"^({wanted})$", "--output-junit", report]
        subprocess.run(words, env=self.env, capture_output=True, check=False)
        cases = xml.etree.ElementTree.parse(report).getroot().iter("testcase")
        return {case.get("name"): (case.get("status"), case.findtext("system-out") or "") for case in cases}


def planted(fault, text):
    """The text of the fault's file, with the fault in it."""
    n = text.count(fault.old)
    if n != 1:
        raise Wrong(f"this row is out of date: its text is {n} times in {fault.file}")
    return text.replace(fault.old, fault.new)


def is_found(tree, fault):
    """Whether the fault's test fails, and what the test says."""
    path = tree.root / fault.file
    text = path.read_text()
    try:
        path.write_text(planted(fault, text))
        tree.make({fault.test})
        outcome, said = tree.outcomes({fault.test})[fault.test]
    finally:
        path.write_text(text)
    return outcome == "fail", said


def check_unchanged(tree, tests):
    tree.make(tests)
    outcomes = tree.outcomes(tests)
    for test in sorted(tests):
        outcome, said = outcomes.get(test, ("no such test", ""))
        if outcome != "run":
            raise Wrong(f"{test} does not pass without a fault ({outcome}):\n{said[-4000:]}")


def check_faults(tree, faults, shows_output):
    """The number of those that were not found."""
    missed = 0
    for fault in faults:
        began = time.monotonic()
        said, remark = "", ""
        try:
            found, said = is_found(tree, fault)
        except Wrong as e:
            found, remark = False, f": {e}"
        missed += not found
        seconds = time.monotonic() - began
        print(f"{'ok' if found else 'not ok'} - {fault.name}, by {fault.test} in {seconds:.1f} s{remark}", flush=True)
        if shows_output:
            print("".join(f"# {line}\n" for line in said.splitlines()), end="")
    return missed


def check_rows(faults):
    """The number of rows that are out of date."""
    stale = 0
    for fault in faults:
        try:
            planted(fault, (SOURCE / fault.file).read_text())
        except Wrong as e:
            print(f"{fault.name}: {e}")
            stale += 1
    return stale


def choose(names):
    unknown = set(names) - {fault.name for fault in FAULTS}
    if unknown:
        sys.exit(f"no fault is called {', '.join(sorted(unknown))}")
    return [fault for fault in FAULTS if not names or fault.name in names]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="plant this one (may be repeated)")
    parser.add_argument("--list", action="store_true", help="print the faults, their files and tests")
    parser.add_argument("--check", action="store_true", help="only look whether the rows fit the files")
    options = parser.parse_args()
    faults = choose(options.only)
    if options.list:
        for fault in faults:
            print(f"{fault.name}: {fault.file}, {fault.test}")
        return 0
    if options.check:
        return 1 if check_rows(faults) else 0
    with tempfile.TemporaryDirectory(prefix="planted-") as folder:
        # Some tests run as another user.
        os.chmod(folder, 0o755)
        try:
            tree = Tree(pathlib.Path(folder))
            check_unchanged(tree, {fault.test for fault in faults})
        except Wrong as e:
            print(f"not ok - {e}")
            return 1
        missed = check_faults(tree, faults, bool(options.only))
    print(f"{len(faults)} faults, {missed} not found")
    return 1 if missed else 0


sys.exit(main())
