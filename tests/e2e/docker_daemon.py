# SPDX-License-Identifier: MIT
"""docker_daemon.py - `Bootstrap: docker-daemon`: what podman's service and a server of our own give; and the small agents
`busybox` and `shub`."""

import os
import shutil
import subprocess
import time

from lib import build, check, finish, image, judge, new_folder, run
from fake import *

REGISTRY = os.environ["REGISTRY"]
EPOCH = {"SOURCE_DATE_EPOCH": "1700000000"}
POST = "%post\n    cat /stuff/note >/copy\n"
folder = new_folder()
subprocess.run(["skopeo", "copy", "--quiet", "--insecure-policy", "--src-tls-verify=false",
                f"docker://{REGISTRY}/fixtures/ssrc:1", f"docker-archive:{folder}/image.tar:lab/tool:1"], check=True)
archive = (folder / "image.tar").read_bytes()


def listing(result):
    command = ["unsquashfs", "-lln", "-o", str(image(result).offset), result.folder / "x.sif"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {line for line in text.splitlines() if ".singularity.d" not in line}


def daemon_def(name="lab/tool:1", rest=POST):
    return f"Bootstrap: docker-daemon\nFrom: {name}\n{rest}"


theirs = build(f"Bootstrap: docker\nFrom: {REGISTRY}/fixtures/ssrc:1\n{POST}", env=EPOCH)

# ---- a daemon of our own ----

honest = image_of(archive, "lab/tool:1")
ID = honest.ident


def listen(answer):
    return Daemon(new_folder() / "sock", answer)


def at(server, **more):
    return {**EPOCH, "DOCKER_HOST": server.url if server else None, "DAGBUILD_RETRY_MS": "10", **more}


server = listen(honest)
for name in ("lab/tool:1", "//lab/tool:1"):
    result = build(daemon_def(name), env=at(server))
    check(f"{name} of a daemon is a base", result.status == 0 and listing(result) == listing(theirs), result)
check("it was asked for a name and for what that stands for", server.log[:2] == ["/images/lab/tool:1/json",
      f"/images/get?names={ID[7:]}"], server.log)
server.log.clear()
again = build(daemon_def("//lab/tool:1"), folder=result.folder, env=at(server))
check("one request tells that nothing has changed", "nothing has changed" in again.err and len(server.log) == 1, again)
plan = run(["plan", "x.def"], result.folder, at(server))
check("a plan asks nothing", plan.status == 0 and plan.out.count(" hit") == 4 and len(server.log) == 1, f"{plan}{server.log}")
offline = build(daemon_def("//lab/tool:1", "%help\n    x\n"), "--offline", folder=result.folder, env=at(server))
check("without a question what is there serves", offline.status == 0 and len(server.log) == 1, offline)
locked = run(["lock", "x.def"], result.folder, at(server))
check("a lock file holds the image's digest", locked.status == 0 and ID in (result.folder / "x.def.lock").read_text(), locked)
result = build(daemon_def(), env=at(server, DOCKER_HOST="unix:///none", APPTAINER_DOCKER_HOST=server.url))
check("Apptainer's variable wins", result.status == 0, result)
left = [p for p in (result.folder / "cache/tmp").iterdir()] + [p for p in (result.folder / "cache/blobs").rglob("*") if
                                                               p.is_file() and p.stat().st_size > 100_000]
check("nothing of the archive is left", not left, left)


def mentions(name):
    """The archive, with an index that names another image."""
    data = io.BytesIO(archive)
    with tarfile.open(fileobj=data, mode="a") as more:
        text = json.dumps({"manifests": [{"digest": name}]}).encode()
        info = tarfile.TarInfo("index.json")
        info.size = len(text)
        more.addfile(info, io.BytesIO(text))
    return data.getvalue()


def only(path, answer):
    return lambda asked: answer if path in asked else honest(asked)


for text, answer, status, words in [
    ("no such image", only("/json", (404, b'{"message":"no such image: lab/tool"}')), 4, ["HTTP status 404", "no such image: lab"]),
    ("a daemon that fails", only("/json", (500, b"oops")), 4, ["HTTP status 500"]),
    ("no digest", only("/json", (200, b'{"Id":"12"}')), 4, ["no digest"]),
    ("no JSON", only("/json", (200, b"<html>")), 4, ["JSON"]),
    ("no archive", only("/get", (404, b'{"message":"gone"}')), 4, ["gone"]),
    ("another image's archive", lambda path: (200, json.dumps({"Id": "sha256:" + "ab" * 32}).encode() if "/json" in path else
                                              archive), 4, ["the archive is not of the image"]),
    ("another image's archive that mentions it", lambda path: (200, json.dumps({"Id": "sha256:" + "ab" * 32}).encode() if "/json" in path
                                                               else mentions("sha256:" + "ab" * 32)), 4, ["is not of the image"]),
    ("a broken archive", only("/get", (200, archive[:50_000])), 4, ["archive"]),
]:
    result = build(daemon_def(), env=at(listen(answer)))
    check(f"{text}: is an error", result.status == status and result.err.count("error: ") == 1 and
          all(word in result.err for word in words) and not (result.folder / "x.sif").exists(), result)
for text, env, status, words in [
    ("no daemon", {"DOCKER_HOST": "unix:///nowhere/sock"}, 4, ["no Docker daemon at unix:///nowhere/sock", "podman system service"]),
    ("no daemon at a port", {"DOCKER_HOST": "tcp://127.0.0.1:1"}, 4, ["no Docker daemon at tcp://127.0.0.1:1"]),
    ("an address by ssh", {"DOCKER_HOST": "ssh://host"}, 3, ["ssh://host", "docker save"]),
]:
    result = build(daemon_def(), env={**EPOCH, "DAGBUILD_RETRY_MS": "10", **env})
    check(f"{text}: is an error", result.status == status and all(word in result.err for word in words), result)
for name in ("lab/tool:1/json?x=", "a b", "//", "../../containers/x"):
    result = build(daemon_def(name), env=at(server))
    check(f"'{name}' is no name", result.status == 2 and "as 'docker images' shows it" in result.err, result)

# ---- podman's ----

if os.geteuid() == 0:
    place = new_folder()
    # What runs must be at a path of at most 50 characters: /mnt of its own.
    command = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs pod /mnt && exec "$@"', "sh", "podman", "--root", place / "d",
               "--runroot", "/mnt/r", "--storage-driver", "vfs", "--events-backend", "file", "system", "service", "--time=0",
               f"unix://{place}/sock"]
    service = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not (place / "sock").exists() and service.poll() is None:
            time.sleep(0.05)
        subprocess.run(["curl", "-sfT", folder / "image.tar", "-X", "POST", "--unix-socket", place / "sock",
                        "http://podman/images/load"], check=True, capture_output=True)
        env = {**EPOCH, "DOCKER_HOST": f"unix://{place}/sock"}
        result = build(daemon_def(), env=env)
        check("an image of podman is a base", result.status == 0 and listing(result) == listing(theirs), result)
        judge(result, "cat /copy", "note")
        missing = build(daemon_def("lab/none:1"), env=env)
        check("an image that podman does not have", missing.status == 4 and "lab/none" in missing.err, missing)
    finally:
        service.terminate()
        service.wait()

# ---- busybox ----

files = new_folder()
shutil.copy("/bin/busybox", files / "busybox")
(files / "page").write_text("<html>not found</html>")
library = Library({"program:1": (files / "busybox").read_bytes(), "page:1": b"<html>not found</html>"})
PROGRAM = f"{library.url}/files/program:1"


def busybox(url, rest="%post\n    id -u >/id\n"):
    return f"Bootstrap: busybox\nMirrorURL: {url}\n{rest}"


result = build(busybox(PROGRAM))
check("a busybox is a base", result.status == 0 and image(result).read("/id") == b"0\n", result)
names = image(result).names() if result.status == 0 else set()
check("with all its names", {"/bin/sh", "/bin/ls", "/bin/vi", "/etc/passwd", "/etc/group"} <= names, names)
check("it was fetched once", library.count("GET /files/program:1") == 1, library.log)
check("and nothing of it ran on this machine", "runs on this machine" not in result.err, result)
judge(result, "cat /id", "0")
again = build(busybox(PROGRAM), folder=result.folder)
check("nothing to do the next time", "nothing has changed" in again.err, again)
locked = run(["lock", "x.def"], result.folder)
library.files["program:1"] += b"\n"
held = build(busybox(PROGRAM), folder=result.folder)
check("with a lock file it is what it was", locked.status == 0 and "nothing has changed" in held.err, f"{locked}{held}")
other = new_folder()
shutil.copy(result.folder / "x.def.lock", other / "x.def.lock")
held = build(busybox(PROGRAM), folder=other)
check("where it is not, and is another now, that is an error", held.status == 4 and "is not what it was" in held.err, held)
local = build(busybox(f"file://{files}/busybox"))
check("a program of this host", local.status == 0, local)
for text, url, words in [("a page", f"{library.url}/files/page:1", ["is no program"]), ("nothing there", f"{library.url}/none", ["there is no such file"]),
                         ("a page of this host", f"file://{files}/page", ["is no program"])]:
    result = build(busybox(url))
    check(f"{text}: is an error", result.status == 4 and all(word in result.err for word in words), result)

# ---- shub ----

result = build("Bootstrap: shub\nFrom: lab/base:1\n")
check("Singularity Hub is gone", result.status == 2 and "closed in 2021" in result.err and "localimage" in result.err, result)

finish()
