#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Graphviz and mermaid read every plan that dagbuild draws, and read in it what was meant.

The golden plans are drawn without a word; then one with each status in which every text is one of LABELS, or
made of their pieces at random, is read back, and its boxes hold those texts.  Environment: DRAW_PLAN, SOURCE.
"""

import itertools
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import unicodedata
import xml.etree.ElementTree

SOURCE = pathlib.Path(os.environ["SOURCE"])
HERE = SOURCE / "tests/drawings"
NPM = SOURCE / "build/npm"
STATUSES = ("unknown", "hit", "miss", "maybe")
CHARACTERS_MAX = 64
SVG = "{http://www.w3.org/2000/svg}"

# What some parser takes for more than text: of strings, of HTML, of Markdown, of either language.
PIECES = [
    b'"', b"'", b"`", b"\\", b"\\n", b"\\N", b"\\G", b"\\l", b"\\\\", b'\\"', b"\n", b"\r", b"\t", b"\x01", b"\x1b[31m",
    b"\x7f", b"[", b"]", b"(", b")", b"{", b"}", b"<", b">", b"<b>", b"</table>", b"<br/>", b"<!--", b"&", b"&amp;",
    b"&#35;", b"&quot", b"#", b"#35;", b"#quot;", b";", b"|", b"->", b"-->", b"--", b"==>", b"~~~", b"%%", b"%%{init: {}}%%",
    b"::: ", b":::hit", b"@{", b"end", b"end;", b"subgraph", b"class", b"click n0", b"style", b"default", b"graph TB",
    b"digraph {", b"node", b"strict", b"**", b"__", b"1. ", b"- ", b"$$x$$", b"http://x", b"javascript:", b"fa:fa-x",
    b"\xc3\xa4", b"\xe6\xbc\xa2", b"\xf0\x9f\x98\x80", b"\xff", b"\xc2\x9b", b"\xe2\x80\xae", b"\xe2\x80\xa8", b" ", b"x",
]  # fmt: skip

checks = []


def check(text, held, evidence=""):
    checks.append(bool(held))
    print(f"{'ok' if held else 'not ok'} {len(checks)} - {text}", flush=True)
    if not held:
        print("\n".join("# " + line for line in str(evidence)[:4000].splitlines()), flush=True)


def labels_of(seed):
    """Each piece between letters, and alone; then pieces at random."""
    choice = random.Random(seed)
    labels = [b"a" + piece + b"z" for piece in PIECES] + [piece for piece in PIECES if piece.strip()]
    for _ in range(120):
        labels.append(b"".join(choice.choices(PIECES, k=choice.randint(2, 8))))
    return [label for label in labels if len(label) <= CHARACTERS_MAX and label.strip()]


def shown(label):
    """As a drawing shows it: blanks are spaces, what cannot be shown is a question mark."""
    out = ""
    for c in label.decode("utf-8", "surrogateescape"):
        if c in " \t\r\n\v\f":
            out += " "
        else:
            out += "?" if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") or c == "\u202e" else c
    return plain(out)


def plain(text):
    """Without what a reader does not see: the width of blanks, and spaces of no width."""
    return re.sub(r"[ \u00a0]+", " ", text.replace("\u200b", "")).strip()


def draw(labels, form):
    fed = b"".join(label + b"\0" for label in labels)
    return subprocess.run([os.environ["DRAW_PLAN"], form], input=fed, capture_output=True, check=True).stdout


def expected_boxes(labels):
    """The lines of each box, in order."""
    for n, label in enumerate(labels):
        status = STATUSES[n % 4]
        says = [] if status == "unknown" else [status if n // 4 % 2 else plain(f"{status}: {shown(label)}")]
        yield [shown(label)] + says
        yield [shown(label), shown(label)] + says


def compare(form, labels, boxes):
    """Boxes by number, each a list of lines."""
    wrong = []
    for n, want in enumerate(expected_boxes(labels)):
        got = [plain(line) for line in boxes.get(n, ["(no box)"])]
        if got != [line for line in want]:
            wrong.append(f"box {n}, {labels[n // 2]!r}: {got} is not {want}")
    check(f"{form}: {len(labels)} names are read as they are", not wrong and boxes, "\n".join(wrong))


# ---- Graphviz ----


def dot(kind, text):
    done = subprocess.run(["dot", f"-T{kind}"], input=text, capture_output=True, check=False)
    return done.stdout, done.stderr.decode("utf-8", "replace") or (done.returncode and f"status {done.returncode}")


def check_dot(labels):
    svg, talk = dot("svg", draw(labels, "dot"))
    check("dot: a plan with each status is drawn without a word", not talk, talk)
    boxes = {}
    for group in xml.etree.ElementTree.fromstring(svg).iter(SVG + "g"):
        title = group.find(SVG + "title")
        if group.get("class") == "node" and re.fullmatch(r"n\d+", title.text):
            boxes[int(title.text[1:])] = ["".join(t.itertext()) for t in group.iter(SVG + "text")]
    compare("dot", labels, boxes)
    fills = set(re.findall(rb'fillcolor="([^"]*)"', draw(labels, "dot")))
    check("dot: each status has a colour of its own", len(fills) == len(STATUSES), fills)


# ---- mermaid ----


def mermaid(files):
    command = ["node", HERE / "parse.mjs", *files]
    done = subprocess.run(command, cwd=NPM, capture_output=True, check=False)
    if done.returncode != 0:
        sys.exit(f"parse.mjs: {done.stderr.decode()}")
    return json.loads(done.stdout)


def check_mermaid(labels):
    with tempfile.NamedTemporaryFile(suffix=".mmd") as file:
        file.write(draw(labels, "mermaid"))
        file.flush()
        [plan] = mermaid([file.name])
    check("mermaid: a plan with each status is read", "error" not in plan, plan.get("error"))
    texts = plan.get("texts", {})
    compare("mermaid", labels, {int(k[1:]): v for k, v in texts.items() if re.fullmatch(r"n\d+", k)})
    frames = [plain(" ".join(texts.get(f"s{n}", []))) for n in range(len(labels))]
    wrong = [(f, l) for f, l in zip(frames, labels) if not f.startswith(plain("stage " + shown(l)))]
    check("mermaid: the stages' names, too", not wrong, wrong[:5])
    used = {c for k, v in plan.get("classes", {}).items() if k[0] == "n" for c in v.split()} - {"default"}
    check("mermaid: each status has a class, which is there", used == set(STATUSES) and used <= set(plan["defined"]), used)


# ---- the golden plans ----


def golden(form):
    """Outputs of the cases whose arguments ask for the format."""
    for args in sorted((SOURCE / "tests/golden").glob("*/args")):
        out = args.parent / "stdout"
        if re.search(rf"^plan .*--({form}|format[ =]{form})( |$)", args.read_text(), re.M) and out.stat().st_size:
            yield out


def main():
    subprocess.run([HERE / "install.sh", NPM], check=True)
    for out, kind in itertools.product(golden("dot"), ("svg", "png")):
        check(f"{out.parent.name} as {kind}", not dot(kind, out.read_bytes())[1])
    files = list(golden("mermaid"))
    for file, plan in zip(files, mermaid(files)):
        check(f"{file.parent.name} is read by mermaid", "error" not in plan and plan.get("edges"), plan)
    seed = int(os.environ.get("DRAW_SEED", "1"))
    check_dot(labels_of(seed))
    check_mermaid(labels_of(seed))
    print(f"1..{len(checks)}")
    return 0 if all(checks) else 1


if __name__ == "__main__":
    sys.exit(main())
