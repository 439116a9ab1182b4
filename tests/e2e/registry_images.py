# SPDX-License-Identifier: MIT
"""registry_images.py - `Bootstrap: oras`: a SIF in a registry as a base; pushed as `apptainer push` does it, and by it."""

import hashlib
import http.client
import json
import os
import pathlib
import shutil
import subprocess

from lib import DAGBUILD, HOME, SOURCE, build, check, finish, image, judge, new_folder, run
from fake import *

REGISTRY = os.environ["REGISTRY"]
RIG = os.environ["RIG"]
SIF_LAYER = "application/vnd.sylabs.sif.layer.v1.sif"
SIF_CONFIG = "application/vnd.sylabs.sif.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def request(method, path, body=None, **headers):
    connection = http.client.HTTPConnection(REGISTRY)
    connection.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
    answer = connection.getresponse()
    answer.read()
    assert answer.status < 300, (method, path, answer.status)
    return answer


def upload(name, data):
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    where = request("POST", f"/v2/{name}/blobs/uploads/").headers["Location"]
    path = where[where.index("/v2/"):]
    request("PUT", f"{path}{'&' if '?' in path else '?'}digest={digest}", data, Content_Type="application/octet-stream")
    return digest


def descriptor(name, data, kind):
    return {"mediaType": kind, "size": len(data), "digest": upload(name, data)}


def push(name, tag, *layers, config=(b"{}", SIF_CONFIG), **more):
    """As `apptainer push` (1.4) does it; gives the manifest's digest."""
    document = {"schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor(name, *config),
                "layers": [descriptor(name, data, kind) for data, kind in layers], **more}
    text = json.dumps(document).encode()
    request("PUT", f"/v2/{name}/manifests/{tag}", text, Content_Type=MANIFEST)
    return "sha256:" + hashlib.sha256(text).hexdigest()


def oras(rest="", name="lab/parent:1"):
    return f"Bootstrap: oras\nFrom: {REGISTRY}/{name}\n{rest}"


# ---- an image, pushed ----

parent = build(f"""Bootstrap: docker
From: {REGISTRY}/fixtures/base:1

%post
    echo parent >/parent
%runscript
    echo "parent runs"
%labels
    Parent yes
""")
check("an image to push", parent.status == 0, parent)
data = (parent.folder / "x.sif").read_bytes()
digest = push("lab/parent", "1", (data, SIF_LAYER))

child = build(oras("%post\n    cat /parent >/child\n"))
check("a SIF in a registry is a base", child.status == 0 and image(child).read("/child") == b"parent\n", child)
check("its scripts and labels stay", b"parent runs" in image(child).read("/.singularity.d/runscript") and
      b'"Parent": "yes"' in image(child).read("/.singularity.d/labels.json"), child)
shown = subprocess.run([DAGBUILD, "inspect", child.folder / "x.sif"], capture_output=True, text=True, check=True).stdout
check("and the configuration of the registry's image", "oci-config.json" in shown, shown)
# In a folder of its own: below, the image becomes another one.
judged = build(oras("%post\n    cat /parent >/child\n"))
judge(judged, "cat /child", "parent")
judge(judged, "", "parent runs", "run")
blobs = [p for p in (child.folder / "cache/blobs").rglob("*") if p.is_file() and p.stat().st_size > 100_000]
check("the file itself is not kept", not blobs, blobs)

again = build(oras("%post\n    cat /parent >/child\n"), folder=child.folder)
check("nothing to do the next time", "nothing has changed" in again.err, again)
offline = build(oras("%post\n    cat /parent >/other\n"), "--offline", folder=child.folder)
check("what was unpacked serves another definition, without a network",
      offline.status == 0 and image(offline).read("/other") == b"parent\n", offline)
missing = build(oras(), "--offline")
check("without a network and a cache it is an error", missing.status == 4 and "--offline" in missing.err, missing)

by_digest = build(oras("%help\n    x\n", f"lab/parent@{digest}"), folder=child.folder)
check("a digest names the same base", by_digest.status == 0 and "#1 cached" in by_digest.err, by_digest)
slashes = build(f"Bootstrap: oras\nFrom: //{REGISTRY}/lab/parent:1\n%help\n    x\n", folder=child.folder)
check("so does the name behind two slashes", slashes.status == 0 and "#1 cached" in slashes.err, slashes)

# ---- the tag moves, a lock holds it ----

lock = run(["lock", "x.def"], folder=child.folder)
locked = (child.folder / "x.lock").read_text() if (child.folder / "x.lock").exists() else str(lock)
check("a lock file holds the manifest's digest", lock.status == 0 and digest in locked, f"{lock}\n{locked}")
other = build(f"Bootstrap: docker\nFrom: {REGISTRY}/fixtures/base:1\n%post\n    echo moved >/parent\n")
push("lab/parent", "1", ((other.folder / "x.sif").read_bytes(), SIF_LAYER))
held = build((child.folder / "x.def").read_text(), folder=child.folder)
check("with the lock the tag may move", held.status == 0 and image(held).read("/parent") == b"parent\n", held)
moved = build((child.folder / "x.def").read_text(), "--ignore-lock", folder=child.folder)
check("without it the new one is used", moved.status == 0 and image(moved).read("/parent") == b"moved\n", moved)

# ---- other forms ----

for name, layers, more in [
    ("an empty configuration of another type", [(data, SIF_LAYER)],
     {"config": (b"{}", "application/vnd.oci.empty.v1+json"), "artifactType": SIF_CONFIG}),
    ("the type that was misspelt once", [(data, "appliciation/vnd.sylabs.sif.layer.tar")], {}),
    ("a title", [(data, SIF_LAYER)], {"annotations": {"org.opencontainers.image.title": "a b.sif"}}),
]:
    push("lab/forms", "1", *layers, **more)
    result = build(oras(name="lab/forms:1"))
    check(f"{name} is read", result.status == 0, result)

push("lab/two", "1", (data, SIF_LAYER), (b"more", SIF_LAYER))
push("lab/text", "1", (b"no image at all" * 100, SIF_LAYER))
for name, status, words in [
    ("fixtures/base:1", 4, ["it is no SIF", "Bootstrap: docker"]),
    ("lab/two:1", 4, ["has one layer, and this has 2"]),
    ("lab/text:1", 4, ["it is no image: neither SIF nor squashfs"]),
    ("lab/absent:1", 4, ["lab/absent:1"]),
]:
    result = build(oras(name=name))
    check(f"{name} is refused", result.status in (1, 3, status) and all(word in result.err for word in words) and
          result.err.count("error: ") == 1 and not (result.folder / "x.sif").exists(), result)
result = build(f"Bootstrap: docker\nFrom: {REGISTRY}/lab/parent:1\n")
check("the agent for containers names this one", "Bootstrap: oras" in result.err, result)
result = build(oras("Fingerprints: 0123456789ABCDEF0123456789ABCDEF01234567\n"))
check("signatures are not ignored", result.status != 0 and "public keys" in result.err, result)

# ---- pushed by Apptainer itself ----

if os.geteuid() == 0:
    folder = new_folder()
    shutil.copy(parent.folder / "x.sif", folder / "x.sif")
    for path in (folder, folder / "x.sif"):
        path.chmod(0o755)
    pushed = subprocess.run([SOURCE / "tests/rig/apptainer.sh", RIG, "push", "--no-https", "-U", "x.sif",
                             f"oras://{REGISTRY}/lab/theirs:1"], cwd=folder, capture_output=True, text=True, check=False)
    check("Apptainer pushes", pushed.returncode == 0, pushed.stderr)
    result = build(oras(name="lab/theirs:1"))
    check("and dagbuild starts from that", result.status == 0 and image(result).read("/parent") == b"parent\n", result)

finish()
