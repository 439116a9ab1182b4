#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Check that no objects need each other: circles.py BUILD.

layers.py sees what a folder includes; this sees what each object of the build really uses, by its symbols
(nm).  Objects on a circle can only be read, tested and linked together.  What opens one: a file below both
for what they share, a table of functions that is passed in, a callback.  Prints each circle, and exits 1 if
there is one.
"""

import collections
import pathlib
import subprocess
import sys


def read_symbols(build: pathlib.Path):
    """Symbol -> the object that defines it; object -> the symbols that it uses."""
    defined, used = {}, collections.defaultdict(set)
    archives = [a for a in build.rglob("lib*.a") if a.parts[len(build.parts)] != "tests"]
    assert archives, f"{build}: nothing is built there"
    for archive in archives:
        folder = archive.parent.relative_to(build)
        listed = subprocess.run(["nm", "-A", "-P", archive], capture_output=True, text=True, check=True).stdout
        for line in listed.splitlines():
            head, _, rest = line.partition("]: ")
            name = f"{folder}/{head[head.rindex('[') + 1:].split('.')[0]}"
            symbol, kind = rest.split()[:2]
            if kind in "TDBRC":
                defined[symbol] = name
            elif kind == "U":
                used[name].add(symbol)
    return defined, used


def circles(graph):
    """Strongly connected sets of more than one (Tarjan)."""
    number, low, stack, found = {}, {}, [], []

    def visit(v):
        number[v] = low[v] = len(number)
        stack.append(v)
        for w in graph.get(v, ()):
            if w not in number:
                visit(w)
                low[v] = min(low[v], low[w])
            elif w in stack:
                low[v] = min(low[v], number[w])
        if low[v] == number[v]:
            at = stack.index(v)
            if len(stack) - at > 1:
                found.append(set(stack[at:]))
            del stack[at:]

    sys.setrecursionlimit(10000)
    for v in graph:
        if v not in number:
            visit(v)
    return found


def main() -> int:
    defined, used = read_symbols(pathlib.Path(sys.argv[1]).resolve())
    graph = {name: {defined[s] for s in symbols if s in defined} - {name} for name, symbols in used.items()}
    found = circles(graph)
    for circle in found:
        print("these need each other: " + ", ".join(sorted(circle)))
        for name in sorted(circle):
            print(f"  {name}: " + ", ".join(sorted(s for s in used[name] if defined.get(s) in circle - {name})))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
