# SPDX-License-Identifier: MIT
"""Base images for the differential test: made here, pushed into the test's own registry.

Each variant differs from the first in one respect that a build may or may not depend on.
"""

import gzip
import hashlib
import io
import json
import tarfile
import urllib.request

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
CONFIG = "application/vnd.oci.image.config.v1+json"
OLD = 1500000000
APPLETS = "cat chmod chown cp echo env false find id ls ln mkdir mkfifo mv readlink rm sh sort stat test touch true xargs".split()


class Layer:
    """A tar file, gzipped, always the same bytes."""

    def __init__(self):
        self.data = io.BytesIO()
        self.tar = tarfile.open(fileobj=self.data, mode="w", format=tarfile.PAX_FORMAT)

    def add(self, name, text=None, *, kind=tarfile.REGTYPE, link="", mode=None, owner=(0, 0), mtime=OLD, xattrs=None):
        info = tarfile.TarInfo(name)
        content = text if isinstance(text, bytes) else (text or "").encode()
        info.type, info.linkname, info.mtime = kind, link, mtime
        info.mode = mode if mode is not None else 0o755 if kind == tarfile.DIRTYPE else 0o644
        info.uid, info.gid = owner
        info.size = len(content) if kind == tarfile.REGTYPE else 0
        info.pax_headers = {f"SCHILY.xattr.{key}": value for key, value in (xattrs or {}).items()}
        self.tar.addfile(info, io.BytesIO(content))
        return self

    def folder(self, name, **how):
        return self.add(name, kind=tarfile.DIRTYPE, **how)

    def link(self, name, target, **how):
        return self.add(name, kind=tarfile.SYMTYPE, link=target, **how)

    def bytes(self):
        self.tar.close()
        return self.data.getvalue()


def system():
    layer = Layer()
    for name in ("bin", "dev", "etc", "home", "proc", "root", "sys", "tmp", "var", "var/tmp"):
        layer.folder(name, mode=0o1777 if name.endswith("tmp") else 0o755)
    with open("/bin/busybox", "rb") as file:
        layer.add("bin/busybox", file.read(), mode=0o755)
    for name in APPLETS:
        layer.link("bin/" + name, "busybox")
    layer.add("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n").add("etc/base", "base\n")
    return layer.bytes()


def data(a="a\n", a_mode=0o644, a_owner=(0, 0), mtime=OLD, a_xattrs=None):
    layer = Layer().folder("data", mtime=mtime).folder("data/dir", mtime=mtime, mode=0o750)
    layer.add("data/a", a, mode=a_mode, owner=a_owner, mtime=mtime, xattrs=a_xattrs)
    layer.add("data/b", "b\n" * 2000, mtime=mtime).add("data/dir/c", "c\n", mtime=mtime)
    layer.link("data/dir/to-a", "../a", mtime=mtime)
    return layer


def above():
    """Whiteouts, hard links, set-id bits, a fifo, what other builds leave."""
    layer = Layer().folder("data").add("data/.wh.b").folder("data/dir").add("data/dir/.wh..wh..opq")
    layer.add("data/dir/new", "new\n").add("data/dir/twin", kind=tarfile.LNKTYPE, link="data/dir/new")
    layer.add("data/setuid", "s\n", mode=0o4755).add("data/dir/pipe", kind=tarfile.FIFOTYPE)
    layer.folder(".singularity.d").folder(".singularity.d/env").add(".singularity.d/runscript.help", "base help\n")
    layer.add(".singularity.d/env/60-base.sh", "export FROM_BASE=1\n", mode=0o755)
    layer.add(".singularity.d/labels.json", json.dumps({"from.base": "1"}))
    layer.add(".singularity.d/Singularity", "Bootstrap: scratch\n")
    return layer.bytes()


# name: layers above the system, environment
VARIANTS = {
    "plain": lambda: ([data().bytes()], []),
    "content": lambda: ([data(a="A\n").bytes()], []),
    "times": lambda: ([data(mtime=OLD + 1000).bytes()], []),
    "mode": lambda: ([data(a_mode=0o600, a_owner=(7, 8)).bytes()], []),
    "xattr": lambda: ([data(a_xattrs={"user.note": "hello"}).bytes()], []),
    "environment": lambda: ([data().bytes()], ["BASE_SAYS=more"]),
    "above": lambda: ([data().bytes(), above()], []),
}


def configuration(layers, environment=()):
    digests = ["sha256:" + hashlib.sha256(layer).hexdigest() for layer in layers]
    return json.dumps({"architecture": "amd64", "os": "linux",
                       "config": {"Env": ["PATH=/bin", *environment], "Cmd": ["/bin/sh"]},
                       "rootfs": {"type": "layers", "diff_ids": digests}}).encode()


def docker_archive(*layers):
    """What `docker save` writes."""
    archive = Layer()
    config = configuration(layers)
    name = hashlib.sha256(config).hexdigest() + ".json"
    archive.add(name, config)
    for i, layer in enumerate(layers):
        archive.add(f"{i}/layer.tar", layer)
    names = [f"{i}/layer.tar" for i in range(len(layers))]
    return archive.add("manifest.json", json.dumps([{"Config": name, "RepoTags": None, "Layers": names}])).bytes()


class Registry:
    def __init__(self, host):
        self.host = host
        self.manifests = {}
        self.shared = {}

    def request(self, method, path, body, kind):
        url = path if path.startswith("http") else f"http://{self.host}/v2/{path}"
        request = urllib.request.Request(url, data=body, method=method, headers={"Content-Type": kind})
        with urllib.request.urlopen(request) as answer:
            return answer.headers

    def put_blob(self, content, kind):
        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        where = self.request("POST", "rig/base/blobs/uploads/", b"", "application/octet-stream")["Location"]
        self.request("PUT", where + ("&" if "?" in where else "?") + "digest=" + digest, content,
                     "application/octet-stream")
        return {"mediaType": kind, "digest": digest, "size": len(content)}

    def put_layer(self, content):
        if content not in self.shared:
            self.shared[content] = self.put_blob(gzip.compress(content, 1, mtime=0), LAYER)
        return self.shared[content]

    def push_all(self):
        below = system()
        for name, make in VARIANTS.items():
            layers, environment = make()
            layers = [below, *layers]
            config = configuration(layers, environment)
            manifest = {"schemaVersion": 2, "mediaType": MANIFEST,
                        "config": self.put_blob(config, CONFIG),
                        "layers": [self.put_layer(layer) for layer in layers]}
            self.manifests[name] = json.dumps(manifest).encode()
            self.move_tag(name, name)

    def move_tag(self, tag, variant):
        self.request("PUT", "rig/base/manifests/" + tag, self.manifests[variant], MANIFEST)

    def digest(self, variant):
        return "sha256:" + hashlib.sha256(self.manifests[variant]).hexdigest()
