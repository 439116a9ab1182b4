# SPDX-License-Identifier: MIT
"""image_archives.py - `Bootstrap: oci-archive`, `docker-archive` and `oci`: what skopeo writes, in all its forms, is the
same base as the image in the registry; nothing in an archive leads out of it."""

import gzip
import io
import json
import os
import re
import shutil
import subprocess
import tarfile

from lib import DAGBUILD, build, check, finish, image, judge, new_folder, run
from fake import *

REGISTRY = os.environ["REGISTRY"]
EPOCH = {"SOURCE_DATE_EPOCH": "1700000000"}
POST = "%post\n    cat /stuff/note >/copy\n"
FIXTURE = f"docker://{REGISTRY}/fixtures/ssrc:1"


def copy(target, folder, source=FIXTURE):
    subprocess.run(["skopeo", "copy", "--quiet", "--insecure-policy", "--src-tls-verify=false", source, target], cwd=folder,
                   check=True)


def listing(result):
    """Every path but our own, with owners, modes, sizes and times."""
    command = ["unsquashfs", "-lln", "-o", str(image(result).offset), result.folder / "x.sif"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {line for line in text.splitlines() if ".singularity.d" not in line}


def base(agent, source, rest=""):
    return f"Bootstrap: {agent}\nFrom: {source}\n{rest}"


# ---- every form is the same base ----

made = new_folder()
copy("oci:layout:lab/one", made)
copy("oci-archive:one.oci.tar:lab/one", made)
copy("docker-archive:one.docker.tar:lab/one:1", made)
for name in ("one.oci.tar", "one.docker.tar"):
    (made / f"{name}.gz").write_bytes(gzip.compress((made / name).read_bytes(), 1))
subprocess.run(["zstd", "-q", "one.docker.tar"], cwd=made, check=True)


def rewrite(source, target, change):
    """A tar with each member, or those that `change(info, data)` gives for it."""
    with tarfile.open(source) as old, tarfile.open(target, "w") as new:
        for info in old:
            data = old.extractfile(info).read() if info.isreg() else b""
            for other, content in change(info, data):
                other.size = len(content)
                new.addfile(other, io.BytesIO(content))


def as_podman(info, data):
    """podman writes ID/layer.tar, too, as links."""
    yield info, data
    if info.name.endswith(".tar"):
        link = tarfile.TarInfo("0123/" + info.name.replace(".tar", "") + "/layer.tar")
        link.type, link.linkname = tarfile.SYMTYPE, "../../" + info.name
        yield link, b""


def to_links(info, data):
    for one, content in as_podman(info, data):
        if one.name == "manifest.json":
            manifest = json.loads(content)
            manifest[0]["Layers"] = [f"0123/{name.replace('.tar', '')}/layer.tar" for name in manifest[0]["Layers"]]
            content = json.dumps(manifest).encode()
        yield one, content


def compressed_layers(info, data):
    yield info, gzip.compress(data, 1) if info.name.endswith(".tar") and info.isreg() else data


rewrite(made / "one.docker.tar", made / "podman.tar", to_links)
rewrite(made / "one.docker.tar", made / "gzip.tar", compressed_layers)
theirs = build(base("docker", FIXTURE.removeprefix("docker://"), POST), folder=new_folder(), env=EPOCH)
check("the image of the registry", theirs.status == 0, theirs)
for agent, source in [
    ("oci", "./layout"), ("oci", "layout:lab/one"),
    ("oci-archive", "one.oci.tar"), ("oci-archive", "./one.oci.tar:lab/one"), ("oci-archive", "one.oci.tar.gz"),
    ("docker-archive", "one.docker.tar"), ("docker-archive", "one.docker.tar:lab/one:1"),
    ("docker-archive", "one.docker.tar:docker.io/lab/one:1"), ("docker-archive", "one.docker.tar:@0"),
    ("docker-archive", "one.docker.tar.gz"), ("docker-archive", "one.docker.tar.zst"), ("docker-archive", "podman.tar"),
    ("docker-archive", "gzip.tar"),
]:
    result = build(base(agent, source, POST), folder=made, env={**EPOCH, "DAGBUILD_CACHEDIR": made / "cache"})
    check(f"{agent} {source} is a base", result.status == 0 and image(result).read("/copy") == b"note\n", result)
    check("the same tree as from the registry", result.status == 0 and listing(result) == listing(theirs),
          listing(result) ^ listing(theirs) if result.status == 0 else "")
    again = build(base(agent, source, POST), folder=made, env=EPOCH)
    check("and is found again", "nothing has changed" in again.err, again)
left = list((made / "cache/tmp").iterdir()) + [p for p in (made / "cache/blobs").rglob("*") if p.is_file() and
                                               p.stat().st_size > 100_000]
check("no copy of an archive is left", not left, left)
alone = build(base("docker-archive", made / "one.docker.tar", POST))
judge(alone, "cat /copy", "note")
shown = subprocess.run([DAGBUILD, "inspect", alone.folder / "x.sif"], capture_output=True, text=True, check=True).stdout
check("with the configuration of the image", "oci-config.json" in shown, shown)
offline = build(base("oci-archive", made / "one.oci.tar"), "--offline")
check("no network is needed", offline.status == 0, offline)
shutil.copy(made / "one.oci.tar", made / "two.oci.tar")
result = build(base("oci-archive", "two.oci.tar", POST), folder=made, env=EPOCH)
check("another name is the same base", result.status == 0 and "#1 cached" in result.err, result)
plan = run(["plan", "x.def"], made, EPOCH)
check("a plan knows it", plan.status == 0 and plan.out.count(" hit") == 4, plan)

# ---- one of several ----

copy("oci:layout:lab/two:2", made, f"docker://{REGISTRY}/fixtures/base:1")
subprocess.run(["tar", "-cf", "both.oci.tar", "-C", "layout", "."], cwd=made, check=True)


def both(info, data):
    if info.name == "manifest.json":
        manifest = json.loads(data)
        data = json.dumps([*manifest, {**manifest[0], "RepoTags": ["lab/other:latest", "lab/more:3"]}]).encode()
    yield info, data


rewrite(made / "one.docker.tar", made / "both.docker.tar", both)
for agent, source, words in [
    ("oci", "layout", ["it has 2 images: lab/one sha256:", "lab/two:2 sha256:", "PATH:NAME"]),
    ("oci", "layout:lab/none", ["it does not have one image 'lab/none', but lab/one sha256:"]),
    ("oci-archive", "both.oci.tar", ["it has 2 images: lab/one sha256:"]),
    ("docker-archive", "both.docker.tar", ["it has 2 images: docker.io/lab/one:1, lab/other:latest, lab/more:3", "FILE:NAME:TAG"]),
    ("docker-archive", "both.docker.tar:lab/none:1", ["it has no image 'lab/none:1', but docker.io/lab/one:1, lab/other"]),
    ("docker-archive", "both.docker.tar:@2", ["it has no image '@2'"]),
    ("docker-archive", "both.docker.tar:@-1", ["it has no image '@-1'"]),
]:
    result = build(base(agent, source), folder=made)
    check(f"{agent} {source}: one must be chosen", result.status == 2 and all(word in result.err for word in words), result)
digest = json.loads((made / "layout/index.json").read_text())["manifests"][1]["digest"]
for agent, source in [("oci", "layout:lab/two:2"), ("oci-archive", "both.oci.tar:lab/two:2"),
                      ("oci-archive", f"both.oci.tar@{digest}"), ("docker-archive", "both.docker.tar:lab/other"),
                      ("docker-archive", "both.docker.tar:lab/more:3"), ("docker-archive", "both.docker.tar:@1")]:
    result = build(base(agent, source), folder=made)
    check(f"{agent} {source} is one of them", result.status == 0, result)

# ---- what an archive must not do ----

secret = made / "secret.json"
secret.write_text('{"secret": "of the host"}')


def links_to(name, target):
    def change(info, data):
        if info.name == name:
            info.type, info.linkname, data = tarfile.SYMTYPE, str(target), b""
        yield info, data
    return change


def without(pattern):
    return lambda info, data: [] if re.search(pattern, info.name) else [(info, data)]


def with_json(name, change):
    return lambda info, data: [(info, json.dumps(change(json.loads(data))).encode() if info.name == name else data)]


def damaged(pattern):
    return lambda info, data: [(info, data[:1000] + bytes([data[1000] ^ 1]) + data[1001:] if re.search(pattern, info.name) and
                                len(data) > 2000 else data)]


def manifest_with(**more):
    return with_json("manifest.json", lambda old: [{**old[0], **more}])


hostile = new_folder()
for text, source, change, words in [
    ("docker: manifest.json leads out", "docker", links_to("manifest.json", secret), ["lacks 'manifest.json'"]),
    ("docker: a configuration of the host", "docker", manifest_with(Config=str(secret)), ["lacks '"]),
    ("docker: a configuration above the archive", "docker", manifest_with(Config="../../../../../../etc/passwd"), ["lacks '"]),
    ("docker: layers of the host", "docker", manifest_with(Layers=["/etc/passwd"]), ["layers"]),
    ("docker: no manifest", "docker", without("manifest.json"), ["lacks 'manifest.json'", "oci-archive"]),
    ("docker: no layers", "docker", without("[.]tar$"), [".tar"]),
    ("docker: no configuration", "docker", without("[0-9a-f]{64}[.]json"), ["lacks '"]),
    ("docker: manifest.json is no list", "docker", with_json("manifest.json", lambda old: old[0]), ["names no image"]),
    ("docker: an empty list", "docker", with_json("manifest.json", lambda old: []), ["names no image"]),
    ("docker: no texts", "docker", manifest_with(Config=1), ["names no configuration"]),
    ("docker: layers that are numbers", "docker", with_json("manifest.json", lambda old: [{**old[0], "Layers": [1] * len(old[0]["Layers"])}]),
     ["is not a path"]),
    ("docker: a damaged layer", "docker", damaged("[.]tar$"), ["sha256"]),
    ("oci: index.json leads out", "oci", links_to("index.json", secret), ["no 'index.json'"]),
    ("oci: no index", "oci", without("index.json"), ["no 'index.json'"]),
    ("oci: no blobs", "oci", without("blobs/sha256/.+"), ["lacks 'blobs/sha256/"]),
    ("oci: a damaged layer", "oci", damaged("blobs/sha256/.+"), ["sha256"]),
    ("oci: an index in place of a layout", "oci", with_json("index.json", lambda old: [1]), ["not a JSON object"]),
    ("no archive", None, b"no archive at all", ["the archive"]),
    ("an empty file", None, b"", ["lacks 'manifest.json'"]),
    ("half an archive", None, (made / "one.docker.tar").read_bytes()[:100_000], ["the archive"]),
]:
    if source:
        rewrite(made / f"one.{source}.tar", hostile / "x.tar", change)
    else:
        (hostile / "x.tar").write_bytes(change)
    result = build(base(f"{source or 'docker'}-archive", "x.tar"), folder=hostile)
    check(f"{text}: is refused", result.status == 1 and result.err.count("error: ") == 1 and "of the host" not in result.err and
          all(word in result.err for word in words) and not (hostile / "x.sif").exists(), result)
    left = list((hostile / "cache/tmp").iterdir())
    check("and nothing is left", not left, left)


def fifo(info, data):
    if info.name == "manifest.json":
        info.type, data = tarfile.FIFOTYPE, b""
    yield info, data


rewrite(made / "one.docker.tar", hostile / "x.tar", fifo)
result = build(base("docker-archive", "x.tar"), folder=hostile, seconds=20)
check("a fifo in place of a document", result.status == 1 and "is not a file" in result.err, result)
zeros = gzip.compress(bytes(1 << 26), 9)
bomb = tarfile.TarInfo("bomb")
bomb.size = 1 << 36
(hostile / "x.tar").write_bytes(gzip.compress(bomb.tobuf(), 9) + zeros * 64)
result = build(base("docker-archive", "x.tar"), "--max-file", "100M", folder=hostile)
check("a bomb is refused before it goes off", result.status == 1 and "bomb" in result.err, result)
for source, words in [("layout", ["it is a folder", "Bootstrap: oci"]), ("none.tar", ["no 'none.tar'"])]:
    result = build(base("docker-archive", source), folder=made)
    check(f"{source} is refused", result.status == 2 and all(word in result.err for word in words), result)
before = (made / "one.oci.tar").read_bytes()
(made / "y.def").write_text(base("oci-archive", "one.oci.tar:lab/one"))
result = run(["run", "--force", "-o", "one.oci.tar", "y.def"], made)
check("an image does not replace its base", result.status == 2 and (made / "one.oci.tar").read_bytes() == before, result)
for name, code in [("none.tar", "missing-source"), (":x", "invalid-reference"), ("one.oci.tar@sha256:0123", "invalid-reference")]:
    (made / "y.def").write_text(base("oci-archive", name))
    result = run(["check", "y.def"], made)
    check(f"check tells of {name}", code in result.err, result)

finish()
