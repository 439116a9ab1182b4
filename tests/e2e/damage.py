# SPDX-License-Identifier: MIT
"""What others remove from the cache, or change in it, is made again: no image lacks anything."""
import json
import os
import pathlib
import shutil
import subprocess
import threading

import lib
from lib import build, check, docker, finish, image, new_folder, run, start
from fake import Image, Registry, base, file, folder, symlink, tar

LOST = "gone, or was changed"


def serve_go(exchange):
    """What a script asks for when the cache is to be damaged."""
    if exchange.name != "/go":
        return False
    damage.pop()()
    return exchange.answer(200, "done")


damage = []
second = tar(folder("data"), file("data/a", "a" * 5000), file("data/b", "b"), symlink("data/l", "a"), folder("data/e"))
registry = Registry({"t/base:1": Image([base(), second])}, serve_go)
DEFINITION = docker(registry, "%post\n    cat /data/a >/copy\n    mkdir -p /made && echo m >/made/m\n")
GO = f"wget -q -O /dev/null http://{registry.host}/go"


def layers(cache):
    return sorted((cache / "layers").iterdir())


def holding(cache, path):
    """The layer that brings `path`."""
    return next(p for p in layers(cache) if (p / path).exists() or (p / path).is_symlink())


def copy_of(store):
    to = new_folder()
    subprocess.run(["cp", "-a", store, to / "cache"], check=True)
    return to


def is_right(done):
    names = image(done).names()
    want = {"/bin/busybox", "/data/a", "/data/b", "/data/l", "/data/e", "/copy", "/made/m"}
    return want <= names and "/data/added" not in names and image(done).read("/copy") == b"a" * 5000


first = build(DEFINITION)
check("a build", first.status == 0 and is_right(first), first)
whole = first.folder / "cache"

# ---- gone as a whole ----

for i, _ in enumerate(layers(whole)):
    at = copy_of(whole)
    gone = layers(at / "cache")[i]
    shutil.rmtree(gone)
    planned = run(["plan", first.folder / "x.def"], at)
    again = build(DEFINITION, folder=at)
    check(f"layer {i} is gone: made anew", again.status == 0 and is_right(again), again)
    check("plan shows the miss", "its layer is gone" in planned.out, planned)
    again = build(DEFINITION, folder=at)
    check("and then all is well", again.status == 0 and "is up to date" in again.err, again)

at = copy_of(whole)
shutil.rmtree(at / "cache/layers")
again = build(DEFINITION, folder=at)
check("all layers are gone", again.status == 0 and is_right(again), again)

# ---- in part ----


def remove_large(layer):
    for p in layer.rglob("*"):
        if p.is_file() and not p.is_symlink() and p.stat().st_size > 100_000:
            p.unlink()


def touch(layer, path="data/b"):
    os.utime(layer / path, (1, 1))


parts = {
    "a file is gone": ("data", lambda l: (l / "data/a").unlink()),
    "a large file is gone": ("bin", remove_large),
    "a file was emptied": ("data", lambda l: os.truncate(l / "data/a", 0)),
    "a file was overwritten": ("data", lambda l: (l / "data/a").write_text("A" * 5000)),
    "a file was added": ("data", lambda l: (l / "data/added").write_text("x")),
    "a link is gone": ("data", lambda l: (l / "data/l").unlink()),
    "an empty folder is gone": ("data", lambda l: (l / "data/e").rmdir()),
    "a folder was emptied": ("data", lambda l: [shutil.rmtree(l / "data"), (l / "data").mkdir()]),
    "a name was changed": ("data", lambda l: (l / "data/b").rename(l / "data/c")),
    "a mode was changed": ("data", lambda l: (l / "data/b").chmod(0o600)),
    "a time was changed": ("data", touch),
    "all was emptied": ("data", lambda l: shutil.rmtree(l / "data")),
    "of %post a file is gone": ("made", lambda l: (l / "made/m").unlink()),
    "there is no outline": ("made", lambda l: os.removexattr(l, "user.overlay.outline")),
}
for what, (path, hurt) in parts.items():
    at = copy_of(whole)
    hurt(holding(at / "cache", path))
    again = build(DEFINITION, folder=at)
    check(f"{what}: made anew, and said", again.status == 0 and is_right(again) and LOST in again.err, again)
    verified = run(["cache", "verify"], at)
    if what != "there is no outline":
        check("cache verify finds it", verified.status == 1, verified)

at = copy_of(whole)
holding(at / "cache", "data/a").joinpath("data/a").unlink()
again = build(DEFINITION, "--offline", folder=at)
check("offline it is an error", again.status != 0 and not (at / "x.sif").exists(), again)
again = build(DEFINITION, folder=at)
check("and then it is fetched", again.status == 0 and is_right(again), again)

# ---- of what a registry sent ----


def blobs(cache, word):
    return [p for p in (cache / "blobs").rglob("*") if p.is_file() and word in p.read_bytes()]


hurts = {
    "changed": lambda p: p.write_bytes(p.read_bytes().replace(b"quiet", b"loud")),
    "emptied": lambda p: os.truncate(p, 0),
}
marked = Registry({"t/marked:1": Image([base()], {"Env": ["SOUND=quiet"]})})
MARKED = docker(marked, "%post\n    true\n", "t/marked:1")
at = new_folder()
again = build(MARKED, folder=at)
for what, hurt in hurts.items():
    (config,) = blobs(at / "cache", b"SOUND=quiet")
    hurt(config)
    asked = marked.count("GET .*/blobs/")
    again = build(MARKED, "--no-cache", folder=at)
    env = image(again).read("/.singularity.d/env/10-docker2singularity.sh") if again.status == 0 else b""
    check(f"a configuration is {what}: fetched again", again.status == 0 and b"quiet" in env, again)
    check("once", marked.count("GET .*/blobs/") == asked + 1, marked.log)
    check("and kept", blobs(at / "cache", b"SOUND=quiet") == [config])
(manifest,) = blobs(at / "cache", b"schemaVersion")
os.truncate(manifest, 0)
again = build(MARKED, "--no-cache", folder=at)
check("a manifest is emptied: whole again", again.status == 0 and blobs(at / "cache", b"schemaVersion") == [manifest], again)

# ---- made while the clock was ahead ----

for record in (at / "cache/records").rglob("*.json"):
    text = json.loads(record.read_text())
    text.update({name: text[name] + 3_600_000 for name in ("made_ms", "time_ms") if name in text})
    record.write_text(json.dumps(text))
asked = marked.count("HEAD .*/manifests/")
again = build(MARKED, folder=at)
check("records of a time to come are hits", again.status == 0 and "is up to date" in again.err, again)
check("but the tag is asked for", marked.count("HEAD .*/manifests/") == asked + 1, marked.log)
again = build(MARKED, "--no-cache", folder=at)
check("and --no-cache builds", again.status == 0 and "4 steps built, 0 reused" in again.err, again)

# ---- a store that was copied is whole; one copied without its attributes costs a build ----

at = copy_of(whole)
again = build(DEFINITION, folder=at)
check("cp -a: only the image is packed", again.status == 0 and is_right(again) and LOST not in again.err, again)
check("all steps but one are hits", "1 step built, 3 reused" in again.err, again)
at = new_folder()
subprocess.run(["cp", "-r", whole, at / "cache"], check=True)
again = build(DEFINITION, folder=at)
check("cp -r: rebuilt", again.status == 0 and is_right(again), again)

# ---- two at once ----

at = copy_of(whole)
holding(at / "cache", "data/a").joinpath("data/a").unlink()
others = [new_folder() for _ in range(2)]
for other in others:
    (other / "x.def").write_text(DEFINITION)
env = {"DAGBUILD_CACHEDIR": at / "cache"}
running = [start(["run", "-o", "x.sif", "x.def"], other, env) for other in others]
ends = [p.communicate() for p in running]
for p, (out, err), other in zip(running, ends, others):
    done = lib.Run(p.returncode, out.decode(), err.decode(), 0, other)
    check("two processes over a damaged layer", done.status == 0 and is_right(done), done)

# ---- while a build goes on ----


def remove_at(cache, path):
    return lambda: holding(cache, path).joinpath(path).unlink()


at = new_folder()
damage.append(remove_at(at / "cache", "data/b"))
again = build(docker(registry, f"%post\n    {GO}\n"), folder=at)
check("damage while %post runs: no image", again.status == 1 and not (at / "x.sif").exists(), again)
check("it says what to do", "built again" in again.err, again)
again = build(docker(registry, f"%post\n    {GO} || true\n"), folder=at)
check("the next run makes it", again.status == 0 and "/data/b" in image(again).names(), again)

at = new_folder()
damage.append(remove_at(at / "cache", "made/one"))
STAGES = f"""Bootstrap: docker
From: {registry.host}/t/base:1
Stage: one
%post
    mkdir /made && echo 1 >/made/one && echo 2 >/made/two

Bootstrap: docker
From: {registry.host}/t/base:1
Stage: two
%files from one
    /made /made
%post
    {GO}

"""
LAST = docker(registry, "%files from two\n    /bin/busybox /two\n%files from one\n    /made /made\n")
again = build(STAGES + LAST, "-j1", folder=at)
check("damage to a stage that is copied from", again.status == 1 and not (at / "x.sif").exists(), again)
damage.append(lambda: None)
again = build(STAGES + LAST, folder=at)
check("it is made anew, too", again.status == 0 and {"/made/one", "/made/two"} <= image(again).names(), again)

# ---- shells ----

at = copy_of(whole)
(at / "x.def").write_text(DEFINITION)
holding(at / "cache", "data/a").joinpath("data/a").unlink()
shell = run(["shell", "x.def", "--", "true"], at)
check("a shell on what is damaged is refused", shell.status == 1 and "incomplete" in shell.err, shell)
at = new_folder()
failed = build(docker(registry, "%post\n    false\n"), folder=at)
holding(at / "cache", "data/a").joinpath("data/a").unlink()
shell = run(["shell", "--failed", "--", "true"], at)
check("and where a step failed", shell.status == 1 and "incomplete" in shell.err, shell)

# ---- the place ----

told = "note: the cache is in"
place = pathlib.Path("/tmp") / f"dagbuild-place-{os.getpid()}"
try:
    env = {"DAGBUILD_CACHEDIR": place}
    done = build(DEFINITION, env=env)
    check("a cache in /tmp is pointed out", done.status == 0 and done.err.count(told) == 1, done)
    done = build(DEFINITION, env=env)
    check("once", done.status == 0 and told not in done.err, done)
finally:
    run(["cache", "clear"], env=env)

finish()
