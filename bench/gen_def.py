#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""gen_def.py SHAPE STAGES [--ninja]: a definition of many stages, or a Ninja manifest of as many edges.

SHAPE is `chain` (each stage copies from the one before) or `fan` (the last one copies from all of
them).  A stage has five steps: base, copy or files, post, meta, test; with the image at the end.

SHAPE `files` can be built: each stage, on a base that tests/rig has, copies the host's folder tree/N, and from ten
stages above it, so that the last stage needs all.
"""

import sys


def stage(shape, i, n):
    lines = ["Bootstrap: docker", "From: registry.example/base:1.0", f"Stage: stage{i}", ""]
    sources = []
    if shape == "chain" and i > 0:
        sources = [i - 1]
    elif shape == "fan":
        sources = range(n - 1) if i == n - 1 else [0] if i > 0 else []
    for source in sources:
        lines += [f"%files from stage{source}", f"    /opt/out{source} /opt/in{source}"]
    lines += ["%post", f"    make -C /src part{i}", "    make install DESTDIR=/opt"]
    lines += ["%labels", f"    Part {i}", "%test", f"    test -e /opt/out{i}", ""]
    return "\n".join(lines) + "\n"


def stage_with_files(i, n):
    lines = ["Bootstrap: docker", "From: alpine:3.17", f"Stage: stage{i}"]
    rank = n - 1 - i
    for below in range(10 * rank + 1, min(10 * rank + 11, n)):
        k = n - 1 - below
        lines += [f"%files from stage{k}", f"    /opt/out{k} /opt/out{k}"]
    lines += ["%files", f"    tree/{i} /opt/in", "%post", f"    echo {i} > /opt/out{i}"]
    lines += ["%labels", f"    Part {i}", "%test", f"    test -e /opt/out{i}", ""]
    return "\n".join(lines) + "\n"


def definition(shape, n):
    for i in range(n):
        yield stage_with_files(i, n) if shape == "files" else stage(shape, i, n)


def manifest(shape, n):
    """Five edges for each stage, with the same commands and dependencies."""
    yield "rule run\n  command = $cmd\n"
    for i in range(n):
        before = []
        if shape == "chain" and i > 0:
            before = [i - 1]
        elif shape == "fan":
            before = range(n - 1) if i == n - 1 else [0] if i > 0 else []
        copies = " ".join(f"stage{k}.meta" for k in before)
        yield f"build stage{i}.base: run\n  cmd = pull registry.example/base:1.0\n"
        yield f"build stage{i}.copy: run stage{i}.base {copies}\n  cmd = cp /opt/out /opt/in{i}\n"
        yield f"build stage{i}.post: run stage{i}.copy\n  cmd = make -C /src part{i} && make install DESTDIR=/opt\n"
        yield f"build stage{i}.meta: run stage{i}.post\n  cmd = label Part {i}\n"
        yield f"build stage{i}.test: run stage{i}.meta\n  cmd = test -e /opt/out{i}\n"


def main():
    shape, n = sys.argv[1], int(sys.argv[2])
    make = manifest if "--ninja" in sys.argv else definition
    sys.stdout.writelines(make(shape, n))


main()
