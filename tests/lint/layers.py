#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Check every #include of the project against the layers: arrows point down only.

A file may include its own folder and what its row allows.  Prints each violation as
FILE:LINE: TEXT and exits 1 if there is one.
"""

import pathlib
import re
import sys

# Folder -> the folders that its files may include; never single headers.
LAYERS = {
    "base": [],
    "scheduler": ["base"],
    "cache": ["base"],
    # Tools: they know no step, no plan, and of the store at most its blobs.
    "engine/net": ["base"],
    "engine/tree": ["base"],
    "engine/unpack": ["base", "engine/tree"],
    "engine/oci": ["base", "cache", "engine/net"],
    "engine/run": ["base", "engine/tree"],
    "engine/image": ["base"],
    "engine/meta": ["base", "engine/oci"],
    # The step as data, and what every kind of step needs.
    "engine/work": [
        "base", "cache", "scheduler", "engine/tree", "engine/oci", "engine/run", "engine/image",
        "engine/meta",
    ],
    "engine/agent": [
        "base", "cache", "scheduler", "engine/tree", "engine/unpack", "engine/oci", "engine/image", "engine/work",
    ],
    "engine/steps": [
        "base", "cache", "scheduler", "engine/tree", "engine/run", "engine/image", "engine/meta",
        "engine/work", "engine/agent",
    ],
    "engine/executor": [
        "base", "cache", "scheduler", "engine/tree", "engine/oci", "engine/work", "engine/agent",
        "engine/steps",
    ],
    # They ask the executor, and change nothing.
    "engine/why": ["base", "cache", "scheduler", "engine/work", "engine/executor"],
    "engine/shell": ["base", "cache", "scheduler", "engine/run", "engine/work", "engine/executor"],
    "frontend/def": ["base"],
    "frontend/shell": ["base"],
    "frontend/check": ["base", "frontend/def", "frontend/shell", "engine/oci", "engine/tree"],
    "frontend/plan": ["base", "frontend/def", "scheduler", "engine/work"],
    "frontend/export": ["base", "frontend/plan", "scheduler", "engine/work"],
    "frontend/ui": ["base", "scheduler", "engine/work"],
    "frontend/options": ["base", "frontend/def", "frontend/plan", "engine/oci", "engine/run"],
    "frontend/project": [
        "base", "scheduler", "cache", "engine/image", "engine/oci", "engine/run", "engine/work", "engine/agent",
        "engine/executor", "engine/why",
        "frontend/def", "frontend/check", "frontend/plan", "frontend/ui", "frontend/options",
    ],
    "frontend/cli": [
        "base", "scheduler", "cache", "engine/tree", "engine/unpack", "engine/image", "engine/run",
        "engine/work", "engine/agent", "engine/executor", "engine/why", "engine/shell",
        "frontend/plan", "frontend/export", "frontend/ui", "frontend/options", "frontend/project",
    ],
}

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


def is_allowed(folder: str, included: str) -> bool:
    """May a file of `folder` include the header `included`?"""
    home = str(pathlib.PurePosixPath(included).parent)
    return home == folder or home in LAYERS[folder]


def check_table() -> int:
    """Is each row's folder below it in the house, so that there is no circle?  Is none forgotten?"""
    above, bad = [], 0
    root = pathlib.Path(__file__).resolve().parent.parent.parent
    for folder, rows in LAYERS.items():
        for row in rows:
            if row not in above:
                print(f"tests/lint/layers.py:1: {folder} may include {row}, which is not above its row")
                bad += 1
        above.append(folder)
    readme = (root / "engine/README.md").read_text()
    for folder in LAYERS:
        if folder.startswith("engine/") and f"| `{folder[7:]}/` |" not in readme:
            print(f"engine/README.md:1: {folder} has no row")
            bad += 1
    for top in ("base", "scheduler", "cache", "engine", "frontend"):
        for path in (root / top).rglob("*.[ch]"):
            if str(path.parent.relative_to(root)) not in LAYERS:
                print(f"{path.relative_to(root)}:1: its folder has no row in tests/lint/layers.py")
                bad += 1
    return bad


def main() -> int:
    root = pathlib.Path(__file__).resolve().parent.parent.parent
    bad = check_table()
    for folder in LAYERS:
        for path in sorted((root / folder).glob("*.[ch]")):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                match = INCLUDE.match(line)
                if match and not is_allowed(folder, match.group(1)):
                    print(f"{path.relative_to(root)}:{number}: {folder} may not include {match.group(1)}")
                    bad += 1
    names = {}
    for folder in LAYERS:
        for path in (root / folder).glob("*.c"):
            if path.name in names:
                print(f"{path.relative_to(root)}:1: the name is taken by {names[path.name]}")
                bad += 1
            names[path.name] = path.relative_to(root)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
