#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Check the golden outputs in JSON against their schemas, and what no schema can say.

For each case whose arguments ask for JSON or SARIF, `stdout` is read; for the cases of codes/ `json` and
`sarif`.  Each schema must be used by some case.
"""

import json
import pathlib
import sys

import jsonschema

HERE = pathlib.Path(__file__).resolve().parent
DOCS = HERE.parent.parent / "docs"

# Command and format -> schema.
SCHEMAS = {
    ("plan", "json"): DOCS / "plan.schema.json",
    ("check", "json"): DOCS / "diagnostics.schema.json",
    ("check", "sarif"): HERE / "sarif.schema.json",
}


def output_kind(case: pathlib.Path):
    """Command and format of a case."""
    args = case / "args"
    words = args.read_text().split() if args.exists() else ["plan"]
    for before, word in zip([""] + words, words):
        if before == "--format":
            return words[0], word
        if word.startswith("--format="):
            return words[0], word.split("=", 1)[1]
    return words[0], "text"


def plan_mistakes(plan):
    """Names and numbers refer to what is there, and steps come after what they wait for."""
    seen = set()
    for step in plan["steps"]:
        if step["name"] in seen:
            yield f"two steps are named {step['name']}"
        if not set(step["before"]) <= seen:
            yield f"{step['name']} comes before what it waits for"
        if step["kind"] == "copy" and step["inputs"]["from_step"] not in step["before"]:
            yield f"{step['name']} does not wait for what it copies"
        if step["stage"] >= len(plan["stages"]):
            yield f"{step['name']} is in no stage"
        seen.add(step["name"])
    if plan["target"]["step"] not in seen:
        yield "the target is no step"
    targets = [i for i, stage in enumerate(plan["stages"]) if stage["target"]]
    if targets != [plan["target"]["stage"]]:
        yield "the target's stage is not the one"


def diagnostics_mistakes(report):
    """The counts are right, and regions do not end before they begin."""
    for severity in ("error", "warning"):
        shown = sum(d["severity"] == severity for d in report["diagnostics"])
        if shown + report["not_shown"][f"{severity}s"] != report["total"][f"{severity}s"]:
            yield f"the number of {severity}s is wrong"
    for d in report["diagnostics"]:
        if (d["end_line"], d["end_column"]) < (d["line"], d["column"]):
            yield f"{d['code']} ends before it begins"


def sarif_mistakes(log):
    """Results refer to their rules, and each rule is used."""
    run = log["runs"][0]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    used = set()
    for result in run["results"]:
        if result["ruleIndex"] >= len(rules) or rules[result["ruleIndex"]] != result["ruleId"]:
            yield f"{result['ruleId']} is another rule's"
        used.add(result["ruleId"])
    if used != set(rules):
        yield "rules and results differ"


MISTAKES = {
    ("plan", "json"): plan_mistakes,
    ("check", "json"): diagnostics_mistakes,
    ("check", "sarif"): sarif_mistakes,
}


def validators():
    """A validator for each kind of output; the schemas themselves are checked."""
    result = {}
    for kind, path in SCHEMAS.items():
        schema = json.loads(path.read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        result[kind] = jsonschema.Draft202012Validator(schema)
    return result


def check(validator, kind, text):
    """All that is wrong with one output."""
    document = json.loads(text)
    mistakes = [f"{e.json_path}: {e.message[:300]}" for e in validator.iter_errors(document)]
    return mistakes or list(MISTAKES[kind](document))


def outputs():
    """Each golden output that may be JSON: its file and its kind."""
    for path in sorted(HERE.glob("*/stdout")):
        yield path, output_kind(path.parent)
    for format_ in ("json", "sarif"):
        for path in sorted(HERE.glob(f"codes/*/{format_}")):
            yield path, ("check", format_)


def main() -> int:
    by_kind = validators()
    unused = set(by_kind)
    bad = 0
    for path, kind in outputs():
        if kind not in by_kind:
            continue
        unused.discard(kind)
        for mistake in check(by_kind[kind], kind, path.read_text()):
            print(f"{path.relative_to(HERE)}: {mistake}")
            bad += 1
    for command, output in sorted(unused):
        print(f"no case shows '{command} --format {output}'")
        bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
