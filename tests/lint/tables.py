#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Check the tables that enums index: nothing may read past one, or meet a hole.

A table whose rows begin with `[ENUMERATOR] =` is either whole: without a size of its own, followed by
TABLE_HAS_ALL(TABLE, COUNT), with a row for each value; or meant to have holes: sized by the enum's count.
A table without such rows that is subscripted by more than a loop's counter is compared with ARRAY_LEN()
somewhere in its file.  Prints each violation as FILE:LINE: TEXT and exits 1 if there is one.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
ENUM = re.compile(r"\benum(?:\s+\w+)?\s*\{([^}]*)\}")
TABLE = re.compile(r"\b(\w+)\[(\w*)\]\s*=\s*\{")
ROW = re.compile(r"\[([A-Z]\w*)\]\s*=")
COUNTER = re.compile(r"\w{1,2}(?:\+\+|\s*[-+]\s*1)?|\w+\+\+|--\w+|\w*row\w*|at")


def sources():
    folders = ("base", "scheduler", "cache", "engine", "frontend", "bench")
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", *folders],
                            cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    for name in sorted(set(listed)):
        if name.endswith((".c", ".h")) and (ROOT / name).exists():
            text = (ROOT / name).read_text()
            yield name, COMMENT.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)


def enums(files):
    """Enumerator -> all of its enum, without the last one where that is a count; and the counts."""
    members, counts = {}, {}
    for _, text in files:
        for body in ENUM.findall(text):
            names = [part.split("=")[0].strip() for part in body.split(",") if part.strip()]
            for name in names:
                members[name] = names
            if names:
                counts[names[-1]] = names[:-1]
    return members, counts


def body_of(text, start):
    """From an opening brace to the one that closes it."""
    depth = 0
    for i in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[i], 0)
        if depth == 0:
            return text[start : i + 1]
    return text[start:]


def own_rows(body):
    """The designators of the table itself, not of what its rows hold."""
    flat, depth = [], 0
    for c in body:
        depth -= c == "}"
        flat.append(c if depth <= 1 else " ")
        depth += c == "{"
    return ROW.findall("".join(flat))


def check_table(text, start, name, size, rows, known):
    members, counts = known
    enum = members.get(rows[0])
    if enum is None or any(row not in enum for row in rows):
        return f"rows of '{name}' are named by no enum, or by several"
    if size:
        if size not in counts or counts[size] != [e for e in enum if e != size]:
            return f"'{name}' has {size} members, which is not the count of its enum"
        if set(rows) == set(counts[size]):
            return f"'{name}' has no holes: leave its size out, and say TABLE_HAS_ALL({name}, {size})"
        return None
    said = re.compile(r"TABLE_HAS_ALL\(\s*" + name + r",\s*(\w+)\)").search(text, start)
    if not said:
        return f"'{name}' lacks TABLE_HAS_ALL({name}, COUNT)"
    missing = [e for e in counts.get(said[1], ["its count"]) if e not in rows]
    return f"'{name}' has no row for {', '.join(missing)}" if missing else None


def check_subscripts(text, name, start):
    """Of a table without designators."""
    if f"ARRAY_LEN({name})" in text[start:]:
        return None
    for subscript in re.findall(r"(?<![\w.>])" + name + r"\[([^]]+)\]", text[start:]):
        if not subscript.isdigit() and not COUNTER.fullmatch(subscript.strip()):
            return f"'{name}[{subscript}]' is compared with ARRAY_LEN({name}) nowhere"
    return None


def main():
    files = list(sources())
    known = enums(files)
    bad = tables = 0
    for path, text in files:
        for match in TABLE.finditer(text):
            name, size = match.groups()
            body = body_of(text, match.end() - 1)
            rows = own_rows(body)
            tables += bool(rows)
            before = text.rfind("\n", 0, match.start())
            is_const = "const" in text[max(before, 0) : match.start()] or "}" in text[max(before, 0) : match.start()]
            wrong = None
            if rows:
                wrong = check_table(text, match.end(), name, size, rows, known)
            elif is_const and not size:
                wrong = check_subscripts(text, name, match.end())
            if wrong:
                bad += 1
                print(f"{path}:{text.count(chr(10), 0, match.start()) + 1}: {wrong}")
    print(f"{tables} tables that enums index, {bad} of all tables are wrong")
    return 1 if bad or tables == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
