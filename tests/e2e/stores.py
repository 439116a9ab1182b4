# SPDX-License-Identifier: MIT
"""One definition built in two caches: what steps and layers are called, and the image, depend on neither the cache nor
who fills it.  Where two users cannot have the same files, neither do they give them one name."""
import json
import os
import subprocess

from lib import build, check, docker, finish, new_folder, run
from fake import Image, Registry, base, file, folder, tar

# The usual layers of a registry say nothing of the root folder.
registry = Registry(
    {
        "t/base:1": Image([base(), tar(folder("d"), file("d/x", "x")), tar(folder("e"), file("e/y", "y"))]),
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

finish()
