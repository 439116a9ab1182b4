# SPDX-License-Identifier: MIT
"""What strangers write reaches nobody's terminal as it is: each field that dagbuild shows is poisoned in turn, and what
it says (as text, as JSON, in its debug log) holds the field, but nothing that steers."""
import json
import os
import re
import struct
import unicodedata

from lib import build, check, docker, finish, new_folder, run
from fake import Image, Index, Layer, Registry, base, digest, entry, file, hardlink, symlink, tar

MARK = "poison"
STEERS = "\x1b]0;title\x07\x1b[31m\x9b32m\x90q\x9c\u202e\u2066\u200f\u061c\u2028\x7f\x08"
BIDI = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
POISON = MARK + STEERS + "end"
# The same without what ends a line in a definition, and as bytes that are no UTF-8.
RAW = POISON.encode() + b"\x9b33m\x80\xff"
HEADER = MARK + "\x1b[31m\udc9b32m\x07end"


def steering(text):
    """The characters of an output that steer, or are none."""
    for c in text:
        category, direction = unicodedata.category(c), unicodedata.bidirectional(c)
        if c not in "\n\t" and (category in ("Cc", "Cs", "Zl", "Zp") or direction in BIDI or c in "\u200e\u200f\u061c"):
            yield repr(c)


def clean(what, result, is_shown=True, status=None):
    """One check for each: that the field is there, and that nothing of it steers."""
    said = result.out + result.err
    bad = sorted(set(steering(said)))
    right = not bad and (MARK in said or not is_shown) and (status is None or result.status in status)
    right = right and "(null)" not in said
    check(f"{what}: {'is shown, and' if is_shown else ''} steers nothing", right, f"{bad}\n{result!s}\n{said!r}")
    return result


def made(change=None, layers=(), **more):
    return Image([base(), *layers], change=change, **more)


def from_registry(what, images=None, hook=None, rest="%post\n    true\n", is_shown=True, **more):
    registry = Registry({"t/base:1": images or made()}, hook)
    return clean(what, build(docker(registry, rest), **more), is_shown)


# ---- registries ----


def set_config(key):
    def change(tree):
        tree["config"][key] = POISON

    return change


def set_layer(key):
    def change(tree):
        tree["layers"][-1][key] = POISON

    return change


from_registry("the media type of a configuration", made(set_config("mediaType")), is_shown=False)
from_registry("the digest of a configuration", made(set_config("digest")), is_shown=False)
from_registry("the media type of a layer", made(set_layer("mediaType")), is_shown=False)
from_registry("the digest of a layer", made(set_layer("digest")), is_shown=False)
from_registry("the media type of a manifest", made(lambda tree: tree.update(mediaType=POISON)), is_shown=False)
platforms = [(made(), {"os": "linux", "architecture": POISON, "variant": POISON}), (made(), {"os": POISON})]
from_registry("the platforms of an index", Index(platforms))
from_registry("the platform of a configuration", made(architecture=POISON), is_shown=False)


def answers(status, code, headers=None, only=r"."):
    """A hook that answers so to what `only` matches."""

    def hook(x):
        body = json.dumps({"errors": [{"code": code, "message": POISON}]})
        return re.search(only, x.path) and x.answer(status, body, headers)

    return hook


def redirects(x):
    """To the same server, which then says no."""
    there = f"http://{x.server.registry.host}/{HEADER}"
    return MARK not in x.path and x.answer(307, headers={"Location": there})


def challenges(x):
    there = f"http://{x.server.registry.host}/{HEADER}"
    challenge = f'Bearer realm="{there}",service="{HEADER}",scope="{HEADER}"'
    return MARK not in x.path and x.answer(401, headers={"WWW-Authenticate": challenge})


# HEAD has no body to say it in.
from_registry("the message of a registry's error", hook=answers(404, "DENIED", only="/blobs/"))
from_registry("the code of a registry's error", hook=answers(403, POISON, only="/blobs/"))
from_registry("the message with status 429", hook=answers(429, "TOOMANYREQUESTS", {"Retry-After": "0"}, "/blobs/"))
from_registry("the place of a redirect", hook=redirects, is_shown=False)
from_registry("a challenge", hook=challenges, is_shown=False)
from_registry("a content type", hook=answers(200, "", {"Content-Type": HEADER}, "/manifests/"), is_shown=False)


def lying_digest(x):
    found = x.kind == "manifests" and x.server.registry.find(x)
    return found and x.answer(200, found[0], {"Content-Type": found[1], "Docker-Content-Digest": HEADER})


from_registry("a digest in a header", hook=lying_digest, is_shown=False)
from_registry("a manifest that is not JSON", hook=lambda x: x.kind == "manifests" and x.answer(200, RAW), is_shown=False)

# ---- layers ----

name = RAW.replace(b"\x00", b"").decode("utf-8", "surrogateescape")
from_registry("a name that leads out", made(layers=[tar(file("a/../../" + name, "x"))]), is_shown=False)
from_registry("the target of a hard link", made(layers=[tar(hardlink("x", "no/" + name))]))
looped = tar(symlink("loop", "loop"), file("loop/" + name, "x"))
from_registry("a link in the way", made(layers=[looped]), is_shown=False)
from_registry("a name that is too long", made(layers=[tar(file(name + "x" * 300, "x"))]))
from_registry("an entry of no known kind", made(layers=[tar(entry(name, b"Z"))]), is_shown=False)
attribute = {"SCHILY.xattr.security." + POISON: "x"}
from_registry("an attribute's name", made(layers=[tar(file("x", "x", pax_headers=attribute))]), is_shown=False)
from_registry("an owner's name", made(layers=[tar(file("x", "x", uname=POISON, gname=POISON))]), is_shown=False)
broken = Layer(tar(file("x", "x")), blob=RAW)
from_registry("a layer that is none", made(layers=[broken]), is_shown=False)

# ---- configurations: they are in the image, and in plans ----

settings = {"Env": ["A=" + POISON, POISON], "Labels": {POISON: POISON}, "Entrypoint": [POISON], "User": POISON}
result = from_registry("a configuration", made(config=settings), is_shown=False)
if check("it builds", result.status == 0, result):
    clean("inspect of its image", run(["inspect", "--json", "x.sif"], result.folder), is_shown=False)

# ---- scripts ----

registry = Registry({"t/base:1": made()})
printf = "".join(f"\\{byte:03o}" for byte in RAW)
post = f"%post\n    printf 'before {printf}\\n'; printf '{printf}' >&2\n"
clean("what a script prints", build(docker(registry, post)), status=[0])
result = clean("what a script prints before it fails", build(docker(registry, post + "    false\n")), status=[1])
logs = list((result.folder / "cache/logs").iterdir())
check("its log has each byte of it", any(RAW in log.read_bytes() for log in logs), logs)
for args in (["shell", "--list"], ["shell", "--list", "--json"]):
    clean(" ".join(args), run(args, result.folder), is_shown=False, status=[0])
traced = build(docker(registry, post), "--trace", "trace", "--no-cache")
trace = (traced.folder / "trace").read_text("utf-8", "surrogateescape")
check("a trace is clean JSON", MARK in trace and not list(steering(trace)), list(steering(trace)))
events = [json.loads(line) for line in trace.splitlines()]
check("a trace has what was printed", any(STEERS in e.get("text", "") for e in events), trace)
logged = build(docker(registry, post), env={"DAGBUILD_LOG": "all"})
clean("the debug log", logged)

# ---- definitions: names of stages are in plans, caches, histories ----

staged = docker(registry, f"Stage: {POISON}\n%files\n    /nosuch/{POISON}\n{post}")
folder = new_folder()
(folder / "x.def").write_bytes(staged.encode().replace(b"\xe2\x80\xa8", b""))
for args in (["check"], ["check", "--format", "json"], ["check", "--format", "sarif"], ["run"], ["plan"], ["why"]):
    clean(f"a definition: {' '.join(args)}", run([*args, "x.def"], folder), is_shown=args[0] == "check")

named = docker(registry, f"Stage: {POISON}\n%post\n    exit 3\n").replace("\u2028", "")
failed = clean("a stage's name", build(named))
named = named.replace("exit 3", "true")
built = clean("a stage's name, built", build(named, folder=failed.folder), status=[0])
for line in ("plan", "plan --format json", "plan --dot", "plan --format mermaid", "why", "why --json"):
    args = line.split()
    clean(f"a stage's name: {' '.join(args)}", run([*args, "x.def"], built.folder))
for args in (["cache", "ls"], ["cache", "ls", "--json"], ["shell", "--list"], ["shell", "--list", "--json"]):
    clean(f"a stage's name: {' '.join(args)}", run(args, built.folder))
for args in (["run", "--target", POISON, "x.def"], ["shell", "x.def", POISON], ["why", "x.def", POISON + ".x"]):
    clean(f"a stage's name on the command line: {args[0]}", run(args, built.folder))
step = POISON.replace("\u2028", "") + ".post"
clean("a summary of a step", run(["run", "--target", step, "x.def"], built.folder), status=[0])

poisoned = {
    "an agent": f"Bootstrap: {POISON}\nFrom: x\n",
    "a reference": f"Bootstrap: docker\nFrom: {POISON}\n",
    "a header": f"{docker(registry)}{POISON}: x\n",
    "a section": f"{docker(registry)}\n%{POISON}\n",
    "a section's argument": f"{docker(registry)}\n%post {POISON}\n",
    "a stage to copy from": f"{docker(registry)}\n%files from {POISON}\n    /a /b\n",
    "a placeholder": f"{docker(registry)}\n%post\n    echo {{{{ {MARK} }}}} {POISON}\n",
    "an argument": f"{docker(registry)}\n%arguments\n    {MARK}{STEERS}\n",
    "a label": f"{docker(registry)}\n%labels\n    {POISON}\n",
    "a code in a comment": f"{docker(registry)}\n# dagbuild: allow {POISON}\n%post\n    true\n",
    "a long line": f"{docker(registry)}\n%post\n    {POISON} {'x' * 300} [[ {POISON} ]]\n",
}
for what, text in poisoned.items():
    folder = new_folder()
    (folder / "x.def").write_bytes(text.replace("\u2028", "").encode() + b"# \x9b\xff\n")
    for form in ("text", "json", "sarif"):
        clean(f"{what}: check, {form}", run(["check", "--format", form, "x.def"], folder), is_shown=False)
    clean(f"{what}: run", run(["run", "x.def"], folder), is_shown=what != "a label")

# ---- the command line, the environment, files beside ----

clean("an option", run(["run", "--" + POISON]))
clean("an option's value", run(["run", "--progress", POISON, "x.def"]))
clean("a command", run([POISON]))
clean("a definition's name", run(["check", POISON + ".def"]))
clean("an image's name", run(["inspect", POISON + ".sif"]))
folder = new_folder()
(folder / (POISON + ".def")).write_text(docker(registry, "%post\n    true\n%wrong\n"))
for form in ("text", "json", "sarif"):
    clean(f"the name of a definition with mistakes, {form}", run(["check", "--format", form, POISON + ".def"], folder))
folder = new_folder()
(folder / (POISON + ".def")).write_text(docker(registry, "%post\n    true\n"))
clean("the name of a definition that is built", run(["run", POISON + ".def"], folder), status=[0])
clean("the name of its lock file", run(["lock", POISON + ".def"], folder), status=[0])
clean("an argument", build(docker(registry), "--build-arg", POISON + "=1"))
for variable in ("DAGBUILD_CACHE_MAX", "SOURCE_DATE_EPOCH", "DAGBUILD_REGISTRY_MIRRORS", "DAGBUILD_CACHEDIR"):
    value = {"DAGBUILD_CACHEDIR": "/proc/" + POISON}.get(variable, POISON)
    clean(f"${variable}", build(docker(registry), env={variable: value}))

folder = new_folder()
locked = {"agent": "docker", "reference": POISON, "platform": POISON, "date": POISON, "digest": digest(b"")}
(folder / "x.def.lock").write_text(json.dumps({"version": 1, "bases": [locked]}, ensure_ascii=False))
clean("a lock file: run", build(docker(registry), "--locked", folder=folder), is_shown=False)
clean("a lock file: lock", run(["lock", "x.def"], folder), status=[0])
(folder / "x.def.lock").write_bytes(RAW)
clean("a lock file that is none", build(docker(registry), folder=folder), is_shown=False)
for text in ({"auths": {POISON: {"auth": POISON}}}, {"credHelpers": {registry.host: POISON}}, POISON):
    (folder / "auth.json").write_text(json.dumps(text))
    clean("an authentication file", build(docker(registry), "--authfile", "auth.json", folder=folder), is_shown=False)

# ---- who is asked besides ----

folder = new_folder()
helper = folder / "docker-credential-other"
helper.write_bytes(b"#!/bin/sh\nprintf '%s' '" + RAW + b"' >&2\nprintf '%s' '" + RAW + b"'\nexit 1\n")
helper.chmod(0o755)
private = Registry({"t/base:1": made()}, challenges)
(folder / "auth.json").write_text(json.dumps({"credHelpers": {private.host: "other"}}))
path = f"{folder}:{os.environ['PATH']}"
asked = build(docker(private), "--authfile", "auth.json", folder=folder, env={"PATH": path})
clean("what a credential helper says", asked, is_shown=False)
mirror = Registry({}, answers(404, POISON))
options = ("--registry-mirror", f"{registry.host}=http://{mirror.host}", "--no-cache")
clean("what a mirror answers", build(docker(registry), *options), is_shown=False, status=[0])

# ---- images ----

sif = build(docker(registry, "%post\n    true\n")).folder / "x.sif"
content = bytearray(sif.read_bytes())
version = content.index(b"SIF_MAGIC") + 10
content[version : version + 3] = b"\x1b[m"
(sif.parent / "version.sif").write_bytes(content)
clean("a SIF's version", run(["inspect", "version.sif"], sif.parent), is_shown=False, status=[3])
content = bytearray(sif.read_bytes())
descriptors = struct.unpack_from("<q", content, 96)[0]
objects = json.loads(run(["inspect", "--json", "x.sif"], sif.parent).out)["objects"]
at = content.find(next(o["name"] for o in objects if len(o["name"]) > 4).encode(), descriptors)
content[at : at + 40] = POISON.encode()[:38] + b"\x9b\0"
(sif.parent / "names.sif").write_bytes(content)
for args in (["inspect"], ["inspect", "--json"]):
    clean(f"an object's name: {' '.join(args)}", run([*args, "names.sif"], sif.parent), status=[0])

# ---- the store: somebody else may have written it ----

store = built.folder / "cache"
os.mkdir(store / "layers" / (MARK + "\x1b[31m\n"))
os.mkdir(store / "failed" / (MARK + "\x1b[32m"))
for line in ("verify", "verify --json", "prune --all --dry-run", "prune --all --dry-run --json", "du", "clear"):
    clean(f"a store: cache {line}", run(["cache", *line.split()], built.folder), is_shown=False)

finish()
