#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Plan every example of docs/definition-files.md and docs/diagnostics.md.

A block ```def is a whole definition.  `dagbuild plan` must pass it without a word, unless comments right
above the block say otherwise:

    <!-- fails: CODE... -->         exactly these errors, and exit status 2
    <!-- warns: CODE... -->         exactly these warnings
    <!-- args: WORD... -->          words of the command line, quoted as in a shell
    <!-- files: NAME... -->         files that exist beside the definition; NAME/ is a folder
    <!-- with: TEXT = VALUE -->     VALUE (escapes of Python; `VALUE * 70000` repeats it) is put for TEXT
    <!-- content: NAME -->          above a block of another kind: what the file NAME holds on this page

A file of no `content` block is empty.  Besides, docs/definition-files.md must name every word of
frontend/def/words.c, and docs/diagnostics.md have a section for each code, sorted.
"""

import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(os.environ.get("SOURCE", pathlib.Path(__file__).parents[2]))
DAGBUILD = os.path.abspath(os.environ.get("DAGBUILD", "dagbuild"))
DIRECTIVES = {"fails", "warns", "args", "files", "with", "content"}
SEVERITIES = {"Error.": "fails", "Error, can be disabled.": "fails", "Warning.": "warns"}

COMMENT = re.compile(r"<!-- (\w+): (.*) -->$")
DIAGNOSTIC = re.compile(r"^(?:.*?: )?(error|warning): .* \[([a-z-]+)\]$", re.M)


class Block:
    """A fenced block, and what is said of it."""

    def __init__(self, page, line, heading, language, comments):
        self.page, self.line, self.heading, self.language = page, line, heading, language
        self.comments = comments
        self.lines = []

    def words(self, name):
        return [w for text in self.texts(name) for w in shlex.split(self.replaced(text))]

    def texts(self, name):
        return [text for key, text in self.comments if key == name]

    def replaced(self, text):
        for rule in self.texts("with"):
            old, _, value = rule.partition(" = ")
            value, _, count = value.partition(" * ")
            value = value.encode("ascii").decode("unicode_escape")
            text = text.replace(old, value * int(count or 1))
        return text

    def text(self):
        return self.replaced("".join(line + "\n" for line in self.lines))


def parse_page(path):
    """The blocks of a page; a ValueError says what is wrong with the page."""
    blocks, comments, heading, block = [], [], "", None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        where = f"{path.name}:{number}"
        if block and line == "```":
            block = None
        elif block:
            block.lines.append(line)
        elif line.startswith("```"):
            block = Block(path.name, number, heading, line[3:], comments)
            blocks.append(block)
            comments = []
        elif match := COMMENT.match(line):
            if match[1] not in DIRECTIVES:
                raise ValueError(f"{where}: unknown comment '{match[1]}'")
            comments.append(match.groups())
        elif comments:
            raise ValueError(f"{where}: a comment stands above no block")
        elif line.startswith("#"):
            heading = line.lstrip("# ")
    if block:
        raise ValueError(f"{path.name}:{block.line}: the block is not closed")
    return blocks


def write_files(block, contents, folder):
    for name in block.words("files"):
        path = folder / name
        if name.endswith("/"):
            path.mkdir(parents=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(contents.get(name, ""), encoding="utf-8")
    (folder / "image.def").write_text(block.text(), encoding="utf-8", newline="")


def plan(block, contents):
    """Plan a block; what is wrong, as lines."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name) / "here"
        folder.mkdir()
        write_files(block, contents, folder)
        env = dict(os.environ, HOME=name, DAGBUILD_CACHEDIR=f"{name}/cache")
        command = [DAGBUILD, "plan", *block.words("args"), "image.def"]
        done = subprocess.run(command, cwd=folder, env=env, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=60, check=False)
    stderr = done.stderr.decode("utf-8", "replace")
    found = {kind: set() for kind in ("error", "warning")}
    for severity, code in DIAGNOSTIC.findall(stderr):
        found[severity].add(code)
    wanted = {"error": set(block.words("fails")), "warning": set(block.words("warns"))}
    status = 2 if wanted["error"] else 0
    bad = [f"{kind}s: wanted {sorted(wanted[kind])}, got {sorted(found[kind])}"
           for kind in wanted if wanted[kind] != found[kind]]
    if done.returncode != status:
        bad.append(f"exit status: wanted {status}, got {done.returncode}")
    if not any(wanted.values()) and stderr and not bad:
        bad.append("wanted nothing on standard error")
    return bad + stderr.splitlines()[:12] if bad else []


def missing_words(page):
    """Words of the language's tables that the page does not have in backquotes."""
    tables = (SOURCE / "frontend/def/words.c").read_text(encoding="utf-8")
    # Of OtherURL0, OtherURL1, ... any number will do.
    forms = {"header_keys": r"`{}\d*`", "agents": "`{}`", "sections": r"`%{}\b", "app_sections": r"`%{}\b"}
    bad = []
    for name, form in forms.items():
        table = re.search(rf"\bwords_{name}\[\] = {{(.*?)\n}};", tables, re.S)
        words = re.findall(r'"([a-z0-9-]+)"', table[1]) if table else []
        if not words:
            bad.append(f"words.c has no table words_{name}")
        bad += [f"{name}: '{word}' is missing" for word in words
                if not re.search(form.replace("{}", word.rstrip("0123456789")), page, re.I)]
    return bad


def bad_sections(blocks, headings):
    """docs/diagnostics.md: what its sections say must be what their examples give."""
    bad = [] if headings == sorted(set(headings)) else ["the sections are not sorted"]
    text = (SOURCE / "docs/diagnostics.md").read_text(encoding="utf-8")
    for code in headings:
        severity = re.search(rf"^## {code}\n\n\*\*(.*?)\*\*", text, re.M)
        kind = SEVERITIES.get(severity[1]) if severity else None
        examples = [b for b in blocks if b.heading == code and b.language == "def"]
        if not kind:
            bad.append(f"{code}: the section does not begin with its severity")
        elif not examples or examples[0].words(kind) != [code]:
            bad.append(f"{code}: the first example does not give '{kind}: {code}'")
        bad += [f"{code}: line {b.line}: gives something else as well" for b in examples
                if set(b.words("fails") + b.words("warns")) - {code}]
    return bad


def undocumented(headings):
    """The first word of each line of `check --list` is a code."""
    done = subprocess.run([DAGBUILD, "check", "--list"], capture_output=True, text=True, check=False)
    codes = set(re.findall(r"^\s*([a-z]+(?:-[a-z]+)*)\b", done.stdout, re.M))
    if done.returncode != 0 or not codes:
        return [f"check --list: exit status {done.returncode}", *done.stderr.splitlines()[:3]]
    return ([f"'{code}' has no section" for code in sorted(codes - set(headings))] +
            [f"'{code}' is no code" for code in sorted(set(headings) - codes)])


def main():
    pages = {name: SOURCE / "docs" / name for name in ("definition-files.md", "diagnostics.md")}
    blocks = {name: parse_page(path) for name, path in pages.items()}
    headings = [line[3:] for line in pages["diagnostics.md"].read_text(encoding="utf-8").splitlines()
                if line.startswith("## ")]
    results = []
    for name in pages:
        contents = {b.texts("content")[0]: b.text() for b in blocks[name] if b.texts("content")}
        results += [(f"{b.page}:{b.line} {b.heading}", plan(b, contents))
                    for b in blocks[name] if b.language == "def"]
    page = pages["definition-files.md"].read_text(encoding="utf-8")
    results.append(("definition-files.md names all words of words.c", missing_words(page)))
    results.append(("diagnostics.md is what its examples show", bad_sections(blocks["diagnostics.md"], headings)))
    results.append(("diagnostics.md has all codes of check --list", undocumented(headings)))
    for number, (name, bad) in enumerate(results, 1):
        for line in bad:
            print(f"# {line}")
        print(f"{'not ok' if bad else 'ok'} {number} - {name}")
    print(f"1..{len(results)}")
    return 1 if any(bad for _, bad in results) else 0


if __name__ == "__main__":
    sys.exit(main())
