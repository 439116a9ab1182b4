# SPDX-License-Identifier: MIT
"""base_kinds.py - the product's example, whose last stage starts from each kind of base that there is: it is the same tree."""

import os
import subprocess

from lib import SOURCE, Sif, check, finish, new_folder, run
from fake import *

REGISTRY = os.environ["REGISTRY"]
EPOCH = {"SOURCE_DATE_EPOCH": "1700000000"}
EXAMPLE = (SOURCE / "examples/lab3.def").read_text()
ALPINE = f"docker://{REGISTRY}/library/alpine:3.17"
folder = new_folder()
env = {**EPOCH, "DAGBUILD_REGISTRY_MIRRORS": f"docker.io=http://{REGISTRY}"}


def build(name, definition, **more):
    (folder / f"{name}.def").write_text(definition)
    return run(["run", "--progress", "plain", f"{name}.def"], folder, {**env, **more})


def listing(name):
    sif = Sif(folder / f"{name}.sif")
    command = ["unsquashfs", "-lln", "-o", str(sif.offset), sif.path]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {line for line in text.splitlines() if ".singularity.d" not in line}, sif.read("/bin/hello")


def copy(target):
    subprocess.run(["skopeo", "copy", "--quiet", "--insecure-policy", "--src-tls-verify=false", ALPINE, target], cwd=folder,
                   check=True)


# ---- the base in every form ----

copy("oci:layout:alpine")
copy("oci-archive:alpine.oci.tar:alpine")
copy("docker-archive:alpine.docker.tar:alpine:3.17")
made = build("alpine", "Bootstrap: docker\nFrom: alpine:3.17\n")
check("the base as a SIF", made.status == 0, made)
sif = Sif(folder / "alpine.sif")
data = (folder / "alpine.sif").read_bytes()
(folder / "alpine.sqfs").write_bytes(data[sif.offset:])
subprocess.run(["unsquashfs", "-q", "-n", "-d", folder / "sandbox", folder / "alpine.sqfs"], check=True, capture_output=True)
library = Library({"lab/alpine:3.17": data})
daemon = Daemon(folder / "sock", image_of((folder / "alpine.docker.tar").read_bytes(), "alpine:3.17"))
config, layer = b"{}", data
manifest = json.dumps({
    "schemaVersion": 2,
    "config": {"mediaType": "application/vnd.sylabs.sif.config.v1+json", "size": len(config), "digest": digest(config)},
    "layers": [{"mediaType": "application/vnd.sylabs.sif.layer.v1.sif", "size": len(layer), "digest": digest(layer)}],
}).encode()


class Pushed:
    raw, media_type = manifest, "application/vnd.oci.image.manifest.v1+json"
    manifests, blobs = {}, {digest(config): config, digest(layer): layer}


Pushed.manifests[digest(manifest)] = Pushed
oras = Registry({"lab/alpine:3.17": Pushed})
KINDS = {
    "registry": "Bootstrap: docker\nFrom: alpine:3.17\n",
    "layout": "Bootstrap: oci\nFrom: layout:alpine\n",
    "oci-archive": "Bootstrap: oci-archive\nFrom: alpine.oci.tar\n",
    "docker-archive": "Bootstrap: docker-archive\nFrom: alpine.docker.tar\n",
    "daemon": "Bootstrap: docker-daemon\nFrom: alpine:3.17\n",
    "SIF": "Bootstrap: localimage\nFrom: alpine.sif\n",
    "squashfs": "Bootstrap: localimage\nFrom: alpine.sqfs\n",
    "sandbox": "Bootstrap: localimage\nFrom: sandbox\n",
    "oras": f"Bootstrap: oras\nFrom: {oras.host}/lab/alpine:3.17\n",
    "library": f"Bootstrap: library\nLibrary: {library.url}\nFrom: lab/alpine:3.17\n",
}

# ---- the example on each ----

before, after = EXAMPLE.split(KINDS["registry"])
wanted = None
for kind, header in KINDS.items():
    name = f"lab3-{kind}"
    result = build(name, before + header + after, DOCKER_HOST=daemon.url)
    if not check(f"lab3 from {kind}", result.status == 0, result):
        continue
    got = listing(name)
    wanted = wanted or got
    check("is the same tree", got == wanted, got[0] ^ wanted[0])
    with open(os.environ["JUDGE"], "a", encoding="utf-8") as f:
        f.write(f"{folder}/{name}.sif|hello|Hello, Go examples!\n")
folder.chmod(0o755)

finish()
