# SPDX-License-Identifier: MIT
"""Registries as they are: what others build from, we do, too; what nobody can build from is refused before anything
of it is fetched."""
import base64
import gzip
import json
import re
import subprocess

import lib
from lib import build, check, docker, finish, image, run
from fake import DOCKER, OCI, Image, Index, Layer, Registry, base, digest, file, tar

registry = Registry({"t/base:1": Image([base(), tar(file("etc/motd", "hello"))])})
done = build(docker(registry, "%post\n    cat /etc/motd >/copy\n"))
if check("a registry made of Python", done.status == 0, done):
    check("its layers", image(done).read("/copy") == b"hello", image(done).names())

# ---- HEAD is refused ----

image_ = Image([base()])
for status in (400, 403, 404, 405, 429, 500, 501, 503):
    def refuse(x, status=status):
        return x.command == "HEAD" and x.answer(status)

    r = Registry({"t/base:1": image_}, refuse)
    done = build(docker(r))
    check(f"HEAD gives {status}", done.status == 0 and r.count("HEAD") == 1, (done, r.log))

r = Registry({"t/base:1": image_}, lambda x: x.command == "HEAD" and x.answer(405))
done = build("Bootstrap: docker\nFrom: localhost:1/t/base:1\n", "--registry-mirror", f"localhost:1=http://{r.host}")
check("by a mirror", done.status == 0, (done, r.log))

for name, header in (("no digest", None), ("an unknown digest", "md5:00"), ("upper case", image_.digest.upper()),
                     ("sha512", "sha512:" + "0" * 128)):
    def other(x, header=header):
        headers = {"Content-Type": image_.media_type, "Docker-Content-Digest": header}
        return x.command == "HEAD" and x.answer(200, image_.raw, headers)

    r = Registry({"t/base:1": image_}, other)
    done = build(docker(r))
    check(f"HEAD tells {name}", done.status == 0, (done, r.log))

# ---- indexes ----

BASE = base()
LINUX = {"os": "linux", "architecture": "amd64"}


def built(what, image_, held=lambda done: True, hook=None):
    """Builds from it; gives the result and the registry."""
    r = Registry({"t/base:1": image_}, hook)
    done = build(docker(r))
    check(what, done.status == 0 and held(done), (str(done), r.log))
    return done, r


def refused(what, image_, says, hook=None):
    """Is refused without a blob."""
    r = Registry({"t/base:1": image_}, hook)
    done = build(docker(r))
    check(what, done.status not in (0, "late") and says in done.err and r.count("/blobs/") == 0, (str(done), r.log))
    return done


def says(text):
    return lambda done: text in done.err


def marked(name):
    return Image([BASE, tar(file(name, "x"))])


ld = subprocess.run(["/lib64/ld-linux-x86-64.so.2", "--help"], capture_output=True, text=True, check=False).stdout
runs = ["v1"] + [v for v in ("v2", "v3", "v4") if f"x86-64-{v} (supported" in ld]
for variant in runs:
    built(f"an index with amd64/{variant} alone",
          Index([(Image([BASE], architecture="arm64"), {"os": "linux", "architecture": "arm64"}),
                 (image_, {**LINUX, "variant": variant})]),
          says(f"using the image for linux/amd64/{variant}:") if variant != "v1" else lambda done: "using the image" not in done.err)
levels = Index([(marked(v or "none"), {**LINUX, "variant": v} if v else LINUX) for v in (None, "v1", "v2", "v3", "v4")])
done, r = built("an index with all variants", levels)
check("the best that this processor runs is taken", "/" + (runs[-1] if len(runs) > 1 else "none") in image(done).names())
again = run(["run", "--progress", "plain", "-o", "x.sif", "x.def"], done.folder)
check("and is there the next time", again.status == 0 and "nothing has changed" in again.err, again)
if len(runs) < 4:
    refused("none that runs here", Index([(image_, {**LINUX, "variant": "v4"})]), f"up to {runs[-1]} (it has: linux/amd64/v4)"
            if len(runs) > 1 else "(it has: linux/amd64/v4)")

for name, platform in (("x86_64", {"os": "linux", "architecture": "x86_64"}), ("nothing", {}), ("no platform", None),
                       ("upper case", {"os": "Linux", "architecture": "AMD64"}), ("no system", {"architecture": "amd64"})):
    built(f"an index that says {name}", Index([(image_, platform)]))
attestation = marked("attestation")
both = Index([(image_, None), (attestation, {"os": "unknown", "architecture": "unknown"})])
both.tree["manifests"][1]["annotations"] = {"vnd.docker.reference.type": "attestation-manifest"}
both.seal(both.media_type)
built("one image, and what attests of it", both)

many = Index([(image_, {"os": "linux", "architecture": f"\x1b[31m{n}" * 20}) for n in range(5000)])
done = refused("an index with all but ours", many, "and 4988 more")
check("not all are told", len(done.err) < 4000, len(done.err))

nested = image_
for depth in range(1, 5):
    nested = Index([(nested, LINUX)])
    if depth < 4:
        built(f"an index in an index, {depth} deep", nested)
refused("an index in an index, 4 deep", nested, "an index within an index")

wrong = Index([(image_, LINUX)])
wrong.tree["manifests"][0]["size"] += 1
wrong.seal(wrong.media_type)
refused("an index that lies about a size", wrong, "the index says")
wrong.tree["manifests"][0]["size"] = 5 << 20
wrong.seal(wrong.media_type)
refused("an index with a manifest of 5 MiB", wrong, "a manifest of 5242880 bytes")

built("an image for another machine, and no index", Image([BASE], architecture="arm64"), says("is made for linux/arm64"))

# ---- manifests ----


def changed(change, **more):
    return Image([BASE], change=change, **more)


def set_type(value):
    def change(tree):
        if value is None:
            del tree["config"]["mediaType"]
        else:
            tree["config"]["mediaType"] = value

    return change


for value in (None, "application/octet-stream", "text/plain", "application/json", "application/vnd.docker.container.image.v1+json"):
    built(f"a configuration of type {value}", changed(set_type(value)))
for value, what in (("application/vnd.cncf.helm.config.v1+json", "a Helm chart"), ("application/vnd.sylabs.sif.config.v1+json", "Bootstrap: oras"),
                    ("application/vnd.oci.empty.v1+json", "an artifact"), ("application/x-strange", "application/x-strange")):
    refused(f"a configuration of type {value}", changed(set_type(value)), what)
refused("an artifact", changed(lambda t: (set_type(None)(t), t.update(artifactType="application/x-sbom"))), "application/x-sbom")
for value, what in (("application/vnd.dev.cosign.simplesigning.v1+json", "a signature"), (OCI + "layer.v1.tar+encrypted", "encrypted"),
                    ("application/x-strange", "application/x-strange")):
    refused(f"a layer of type {value}", Image([Layer(BASE, media_type=value)]), what)
for value in (OCI + "layer.v1.tar", DOCKER + "image.rootfs.diff.tar.gzip", "application/octet-stream", ""):
    built(f"a layer of type '{value}'", Image([Layer(BASE, media_type=value)]))

refused("a configuration of 64 MiB", changed(lambda t: t["config"].update(size=64 << 20)), "a configuration of 67108864 bytes")
refused("layers of 2 TiB", changed(lambda t: t["layers"][0].update(size=2 << 40)), "layers of 2048 GiB")
refused("one layer with two sizes", changed(lambda t: t["layers"].append({**t["layers"][0], "size": 7})), "two sizes")
refused("1001 layers", changed(lambda t: t.update(layers=t["layers"] * 1001)), "1001 layers")
refused("a digest in upper case", changed(lambda t: t["layers"][0].update(digest=t["layers"][0]["digest"].upper())), "no valid digest")
refused("a sha512 digest", changed(lambda t: t["layers"][0].update(digest="sha512:" + "0" * 128)), "only sha256")
refused("layers and manifests", changed(lambda t: t.update(manifests=[])), "both an index and a manifest")
refused("no layers", changed(lambda t: t.pop("layers")), "lacks")
refused("schema 1", changed(lambda t: (t.clear(), t.update(schemaVersion=1, name="t/base", fsLayers=[]))), "schema 1")
refused("5 MiB of it", changed(lambda t: t.update(x="y" * (5 << 20))), "limit of 4194304")

hollow = gzip.compress(b"", mtime=0)
built("the same layer twice, and empty ones", Image([BASE, *[tar(file("a", "b"))] * 2, Layer(b"", hollow), Layer(tar()), Layer(tar())]))

done = build(docker(Registry({"t/base:1": Image([])})))
check("no layers at all: an image of nothing", done.status == 0, done)
for name, more, what in (("fewer diffIDs than layers", {"rootfs": {"type": "layers", "diff_ids": []}}, "the configuration 0"),
                         ("no rootfs", {"rootfs": None}, "no 'rootfs'"), ("a diffID that is none", {"rootfs": {"diff_ids": ["x"]}}, "malformed")):
    r = Registry({"t/base:1": Image([BASE], **more)})
    done = build(docker(r))
    check(f"a configuration with {name}", done.status != 0 and what in done.err and r.count("/blobs/") == 1, (str(done), r.log))

# ---- a tag that moves to the same layers with another configuration ----

POST = "%post\n    echo x >/x\n%test\n    true\n"


def moves(was, to):
    """Builds from the one and from the other; gives both results, with the image of each, and its configuration."""
    r = Registry()
    results = []
    for now in (was, to):
        r.images["t/base:1"] = now
        done = build(docker(r, POST), folder=results[0].folder if results else None)
        done.image = (done.folder / "x.sif").read_bytes() if done.status == 0 else b""
        done.config = configuration(done) if done.status == 0 else {}
        results.append(done)
    return results


def configuration(done):
    """What the image has of its base's."""
    shown = run(["inspect", "--json", "x.sif"], done.folder)
    part = next(o for o in json.loads(shown.out)["objects"] if o["name"] == "oci-config.json")
    return json.loads(done.image[part["offset"]:part["offset"] + part["bytes"]])


def cached(done):
    """The steps that were hits, by their last names."""
    numbers = dict(re.findall(r"^#(\d+) stage1\.(\w+):", done.err, re.M))
    return {numbers[n] for n in re.findall(r"^#(\d+) cached$", done.err, re.M)}


def settings(**config):
    return Image([BASE], config=config)


for key, one, two in (("WorkingDir", "/a", "/b"), ("User", "a", "b")):
    first, second = moves(settings(**{key: one}), settings(**{key: two}))
    check(f"another {key} shows in no file: all but the image is a hit", first.status == second.status == 0
          and cached(second) == {"post", "meta", "test"}, (first, second))
    check("the image has it", (first.config[key], second.config[key]) == (one, two), (first, second))
for key, one, two, file_ in (("Labels", {"a": "one"}, {"a": "two"}, "labels.json"), ("Env", ["A=one"], ["A=two"], "env/10-docker2singularity.sh")):
    first, second = moves(settings(**{key: one}), settings(**{key: two}))
    check(f"another {key} is in a file: all is rebuilt", first.status == second.status == 0 and not cached(second), (first, second))
    check("the image has it, in the file, too", (first.config[key], second.config[key]) == (one, two)
          and b"two" in image(second).read("/.singularity.d/" + file_), image(second).read("/.singularity.d/" + file_))
first, second = moves(Image([BASE], created="2020-01-01T00:00:00Z"), Image([BASE], created="2021-01-01T00:00:00Z"))
check("what is no part of an image leaves it as it is", first.status == second.status == 0 and first.image == second.image
      and cached(second) == {"post", "meta", "test", "pack"}, (first, second))

# ---- by tag alone ----


def by_tag(status):
    return lambda x: x.kind == "manifests" and x.name.startswith("sha256") and x.answer(status, "{}")


built("a manifest that is served by its tag alone", image_, hook=by_tag(404))
built("an index that is", Index([(image_, LINUX)]), hook=lambda x: x.kind == "manifests" and x.name not in ("1", image_.digest)
      and x.answer(404, "{}"))
refused("one that has another digest then", image_, "404", lambda x: x.kind == "manifests" and (
    x.answer(404, "{}") if x.name.startswith("sha256") else x.command == "GET" and x.answer(200, marked("other").raw)))
r = Registry({"t/base:1": image_}, by_tag(404))
done = build(docker(r, name="t/base@" + image_.digest))
check("a digest without a tag", done.status == 4 and "404" in done.err and r.count("GET .*/1$") == 0, (str(done), r.log))
r = Registry({"t/base:1": Index([(image_, LINUX)])}, lambda x: x.name == image_.digest and x.answer(404, "{}"))
done = build(docker(r))
check("an entry of an index has no tag", done.status == 4 and "404" in done.err and image_.digest in done.err, (str(done), r.log))

# ---- what came along, and what is elsewhere ----

EXTRA = gzip.compress(tar(file("extra", "one")), mtime=0)


def along(tree):
    """The last layer's data, and the configuration's, are in the manifest."""
    tree["layers"][-1]["data"] = base64.b64encode(EXTRA).decode()


with_data = Image([BASE, Layer(tar(file("extra", "one")), EXTRA)], change=along)
del with_data.blobs[digest(EXTRA)]
done, r = built("a layer in its descriptor", with_data, lambda done: image(done).read("/extra") == b"one")
check("is not asked for", r.count(digest(EXTRA)) == 0, r.log)


def configured(tree):
    raw = inner.blobs[tree["config"]["digest"]]
    tree["config"]["data"] = base64.b64encode(raw).decode()


inner = Image([BASE])
outer = Image([BASE], change=configured)
del outer.blobs[outer.tree["config"]["digest"]]
built("a configuration in its descriptor", outer)
index = Index([(image_, LINUX)])
index.tree["manifests"][0]["data"] = base64.b64encode(image_.raw).decode()
index.seal(index.media_type)
index.manifests = {index.digest: index}
built("a manifest in its descriptor", index)
refused("data that is something else", changed(lambda t: t["layers"][0].update(data="AAAA")), "its data is not what it says")

FOREIGN = (OCI + "layer.nondistributable.v1.tar+gzip", DOCKER + "image.rootfs.foreign.diff.tar.gzip", OCI + "layer.v1.tar+gzip")


def elsewhere(*urls, media_type=FOREIGN[0], size=None):
    """An image whose second layer only the URLs have."""
    def change(tree):
        tree["layers"][1]["urls"] = list(urls)
        if size:
            tree["layers"][1]["size"] = size

    made = Image([BASE, Layer(tar(file("extra", "one")), EXTRA, media_type)], change=change)
    del made.blobs[digest(EXTRA)]
    return made


def serve_extra(x):
    return x.name == "/far/extra" and x.answer(200, EXTRA)


far = Registry({}, serve_extra)
url = f"http://{far.host}/far/extra"
for media_type in FOREIGN:
    done, r = built(f"a layer elsewhere, of type {media_type}", elsewhere(url, media_type=media_type))
    check("the registry is asked first", r.count("/blobs/" + digest(EXTRA)) >= 1, r.log)
r = Registry({"t/base:1": Image([BASE, Layer(tar(file("extra", "one")), EXTRA, FOREIGN[0])], change=lambda t: t["layers"][1].update(urls=[url]))})
far.log.clear()
done = build(docker(r))
check("and nobody else, if it has it", done.status == 0 and not far.log, (done, far.log))
built("the first URL that has it", elsewhere("ftp://x/y", f"http://{far.host}/none", f"{url}?x=y#z"))

far.log.clear()
up = base64.b64encode(b"bob:pw").decode()
private = Registry({"t/base:1": elsewhere(url)}, lambda x: x.headers.get("Authorization") != "Basic " + up and x.answer(
    401, "{}", {"WWW-Authenticate": 'Basic realm="r"'}))
folder = lib.new_folder()
(folder / "config.json").write_text(json.dumps({"auths": {h: {"auth": up} for h in (private.host, far.host)}}))
done = build(docker(private), env={"DOCKER_CONFIG": folder})
check("without credentials", done.status == 0 and "Authorization" not in str(far.log), (done, far.log))

stop = Registry({}, lambda x: x.answer(307, "", {"Location": url}))
built("a URL that redirects", elsewhere(f"http://{stop.host}/x"))
done = build(docker(Registry({"t/base:1": elsewhere(url, size=len(EXTRA) - 1)})))
check("its size has the same limit", done.status == 4, done)
bad = Registry({}, lambda x: x.answer(200, b"x" * len(EXTRA)))
done = build(docker(Registry({"t/base:1": elsewhere(f"http://{bad.host}/x")})))
check("its digest is checked", done.status == 4 and not list(done.folder.glob("cache/blobs/sha256/*/" + digest(EXTRA)[9:])), done)
built("one that is wrong is passed over", elsewhere(f"http://{bad.host}/x", url))
done = build(docker(Registry({"t/base:1": elsewhere("file:///etc/passwd", "ftp://x/y")})))
check("URLs of other kinds are none", done.status == 4 and "404" in done.err, done)

# ---- what servers say of documents ----

for name, value in (("text/plain", "text/plain; charset=utf-8"), ("nothing", None), ("a character set", OCI + "manifest.v1+json; charset=utf-8"),
                    ("octet-stream", "application/octet-stream"), ("upper case", (OCI + "manifest.v1+json").upper())):
    def typed(x, value=value):
        if x.kind != "manifests":
            return False
        return x.answer(200, image_.raw, {"Content-Type": value, "Docker-Content-Digest": image_.digest, "ETag": 'W/"x"'})

    built(f"a Content-Type that says {name}", image_, hook=typed)
refused("a manifest that is called an index", image_, "not what its Content-Type says",
        lambda x: x.kind == "manifests" and x.answer(200, image_.raw, {"Content-Type": OCI + "index.v1+json"}))
refused("a digest that lies", image_, "",
        lambda x: x.kind == "manifests" and x.answer(200, image_.raw, {"Docker-Content-Digest": digest(b"")}))

finish()
