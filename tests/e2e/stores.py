# SPDX-License-Identifier: MIT
"""One definition built in two caches: what steps and layers are called, and the image, depend on neither the cache nor
who fills it.  Where two users cannot have the same files, neither do they give them one name."""
import json
import os
import subprocess
import tarfile
import time

from lib import DAGBUILD, SOURCE, Run, build, check, docker, environment, finish, image, new_folder, run
from fake import Image, Registry, base, entry, file, folder, tar

# The usual layers of a registry say nothing of the root folder.
registry = Registry(
    {
        "t/base:1": Image([base(), tar(folder("d"), file("d/x", "x")), tar(folder("e"), file("e/y", "y"))]),
        # Other owners, some of which not all users have: below all, on its own, and upon the others.
        "t/usual:1": Image([base(), tar(file("owned", uid=1000, gid=1000))]),
        "t/lowest:1": Image([base(file("owned", uid=70000, gid=1))]),
        "t/alone:1": Image([base(), tar(file("owned", uid=1, gid=70000))]),
        "t/above:1": Image([base(folder("d", uid=70000)), tar(file("d/x", "x"))]),
        "t/many:1": Image([base(file("owned", uid=70000))] + [tar(folder("d"), file(f"d/{i}")) for i in range(100)]),
        "t/device:1": Image([base(), tar(folder("dev"), entry("dev/n", tarfile.CHRTYPE, devmajor=1, devminor=3))]),
    }
)
EPOCH = {"SOURCE_DATE_EPOCH": "1700000000"}
PLAIN = docker(registry, "%post\n    cp /d/x /made\n")


def names(result, env):
    """[(step, key, identity, chain)]; the key of `pack` holds the image's path."""
    shown = run(["why", "--json", "x.def"], result.folder, env)
    steps = json.loads(shown.out)["steps"]
    return [
        (s["name"], None if s["name"].endswith(".pack") else s["key"], s["identity"], s["chain"])
        for s in steps
        if s["status"] == "hit"
    ]


def filled(mask=0o022, mode=0o755):
    """What a build in a new cache gives; its folder's parent has `mode`, and the caller the umask `mask`."""
    at = new_folder()
    at.chmod(mode)
    before = os.umask(mask)
    result = build(PLAIN, folder=at, env=EPOCH)
    os.umask(before)
    return result


# ---- who fills the cache, and where it lies ----

usual = filled()
check("a build in a cache", usual.status == 0 and len(names(usual, EPOCH)) == 4, usual)
for text, how in {
    "under umask 077": {"mask": 0o077},
    "under umask 0": {"mask": 0},
    "below a folder whose group is inherited": {"mode": 0o2755},
}.items():
    other = filled(**how)
    same = other.status == 0 and names(other, EPOCH) == names(usual, EPOCH)
    check(f"{text}: keys and identities are the same", same, [other, names(usual, EPOCH), names(other, EPOCH)])
    images = [(r.folder / "x.sif").read_bytes() for r in (usual, other)]
    check(f"{text}: and so is the image", images[0] == images[1])
    layers = [len(list((r.folder / "cache/layers").iterdir())) for r in (usual, other)]
    check(f"{text}: no layer is unpacked twice", layers[0] == layers[1], layers)

# ---- when the cache was filled ----

# The base's own files, copies and new folders get the present time.  An epoch after that makes no later time of it,
# so what was made before it must not count.
STAGES = docker(registry, "Stage: one\n%files\n    host /in/host\n%post\n    mkdir /out\n    cp /in/host /out/made\n\n")
STAGES += docker(registry, "Stage: two\n%files from one\n    /out/made /new/folder/made\n%files\n    host /host\n")


def with_host(at):
    (at / "host").write_text("host\n")
    os.utime(at / "host", (1600000000, 1600000000))
    return at


one = build(STAGES, folder=with_host(new_folder()))
filled_by = int(time.time())
while int(time.time()) == filled_by:
    time.sleep(0.05)
now = {"SOURCE_DATE_EPOCH": int(time.time())}
told = [run(words, one.folder, now) for words in (["plan", "x.def"], ["why", "x.def"])]
wanted = ("miss: before the epoch", "it was made before SOURCE_DATE_EPOCH")
# Which of two stages with one base makes it, and has it in its history, is chance.
check("plan and why say so of both bases", all(t.out.count(w) == 2 for w, t in zip(wanted, told)), "".join(map(str, told)))
cached = build(STAGES, folder=one.folder, env=now)
clean = build(STAGES, folder=with_host(new_folder()), env=now)
images = [(r.folder / "x.sif").read_bytes() for r in (cached, clean)]
check("an epoch after the cache was filled: the image is a clean build's", images[0] == images[1], [cached, clean])
same = names(cached, now) == names(clean, now)
check("and so are keys and identities", same, [names(cached, now), names(clean, now)])
again = build(STAGES, folder=one.folder, env=now)
check("what was made then counts", "nothing has changed" in again.err, again)
for text, epoch in {"an earlier epoch": now["SOURCE_DATE_EPOCH"] - 1000, "one that is to come": 4000000000}.items():
    build(STAGES, folder=one.folder, env={"SOURCE_DATE_EPOCH": epoch})
    again = build(STAGES, folder=one.folder, env={"SOURCE_DATE_EPOCH": epoch})
    check(f"{text}: the second run finds what the first made", "nothing has changed" in again.err, again)

# ---- who has other ids ----


def chain(result, env=None):
    """Of the base: what it is called."""
    shown = run(["why", "--json", "x.def", "stage1.base"], result.folder, env)
    steps = json.loads(shown.out)["steps"]
    return steps[0]["chain"] if steps and steps[0]["status"] == "hit" else f"{result}{shown}"


def built_by_user(subids, definition):
    """As build(), by a user with so many subordinate ids; and what its base is called."""
    at = new_folder()
    (at / "x.def").write_text(definition)

    def dagbuild(*args):
        words = [SOURCE / "tests/rig/as_user.sh", f"--subids={subids}", at, DAGBUILD, *args]
        done = subprocess.run(words, cwd=at, env=environment(at), capture_output=True, text=True, check=False)
        return Run(done.returncode, done.stdout, done.stderr, 0, at)

    done = dagbuild("run", "--progress", "plain", "-o", "x.sif", "x.def")
    shown = dagbuild("why", "--json", "x.def", "stage1.base")
    if done.status or shown.status:
        return None, f"{done}{shown}"
    return done, json.loads(shown.out)["steps"][0]["chain"]


if os.geteuid() == 0:
    # To root every owner is possible, and so it is to the second of the users.
    for which in ("usual", "lowest", "alone", "above", "many"):
        text = docker(registry, name=f"t/{which}:1")
        root = chain(build(text))
        _, few = built_by_user(65536, text)
        fits = which == "usual"
        named = "the same" if fits else "another"
        check(f"{which}: a user who lacks an owner has {named} name", (few == root) == fits, [root, few])
        if which in ("usual", "alone"):
            _, many = built_by_user(200000, text)
            check(f"{which}: one who has all has root's", many == root, [root, many])
    text = docker(registry, name="t/device:1")
    root = build(text)
    has_device = "/dev/n" in image(root).names()
    _, user = built_by_user(65536, text)
    check("a device that a user cannot make gives another name", (user != chain(root)) == has_device, [user, root])
else:
    for which in ("lowest", "alone", "above", "many"):
        one = build(docker(registry, name=f"t/{which}:1"), env=EPOCH)
        was = chain(one, EPOCH)
        again = run(["run", "-o", "x.sif", "x.def"], one.folder, EPOCH)
        check(f"{which}: the second run finds what the first made", "nothing has changed" in again.err, [one, again])
        anew = run(["run", "-o", "x.sif", "--no-cache", "x.def"], one.folder, EPOCH)
        same = anew.status == 0 and chain(one, EPOCH) == was
        check(f"{which}: a base made of the same layers is called the same", same, [anew, was, chain(one, EPOCH)])

finish()
