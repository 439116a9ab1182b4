# SPDX-License-Identifier: MIT
"""library_images.py - `Bootstrap: library`: a SIF of a library as a base; the server is one of our own, which a real
Apptainer is asked to use, too."""

import json
import os
import subprocess

from lib import SOURCE, Sif, build, check, docker, finish, image, judge, new_folder, run
from fake import *

RIG = os.environ["RIG"]


def made(*lines, rest="%runscript\n    echo parent runs\n%labels\n    Parent yes\n"):
    """The bytes of an image."""
    result = build(docker(registry, "%post\n" + "".join(f"    {line}\n" for line in lines) + rest))
    check("an image for the library", result.status == 0, result)
    return (result.folder / "x.sif").read_bytes()


def library_def(server, name="lab/tools/parent:1", rest=""):
    return f"Bootstrap: library\nFrom: {name}\n{f'Library: {server}' if server else ''}\n{rest}"


def asked(library):
    return [f"{method} {path}" for method, path, _ in library.log]


registry = Registry({"t/base:1": Image([base()])})
first, second = made("echo parent >/parent"), made("echo moved >/parent")
POST = "%post\n    cat /parent >/child\n"

# ---- a base, from a server that sends the file, and from one that leads to it ----

for moves in (False, True):
    library = Library({"lab/tools/parent:1": first}, moves=moves)
    child = build(library_def(library.url, rest=POST))
    check("a SIF of a library is a base", child.status == 0 and image(child).read("/child") == b"parent\n", child)
    check("its scripts and labels stay", b"parent runs" in image(child).read("/.singularity.d/runscript") and
          b'"Parent": "yes"' in image(child).read("/.singularity.d/labels.json"), child)
    digest_name = "sha256." + digest(first)[7:]
    wanted = ["GET /v1/images/lab/tools/parent:1?arch=amd64", f"GET /v1/images/lab/tools/parent:{digest_name}?arch=amd64",
              f"GET /v1/imagefile/lab/tools/parent:{digest_name}?arch=amd64"]
    wanted += [f"GET /files/lab/tools/parent:{digest_name}"] if moves else []
    check("the name is asked for once, then the file by its digest", asked(library) == wanted, library.log)
blobs = [p for p in (child.folder / "cache/blobs").rglob("*") if p.is_file() and p.stat().st_size > 100_000]
check("the file itself is not kept", not blobs, blobs)

library.log.clear()
judge(build(library_def(library.url, rest=POST)), "cat /child", "parent")
library.log.clear()
again = build(library_def(library.url, rest=POST), folder=child.folder)
check("nothing to do the next time", "nothing has changed" in again.err, again)
check("one request tells", asked(library) == wanted[:1], library.log)
library.log.clear()
offline = build(library_def(library.url, rest=POST.replace("child", "other")), "--offline", folder=child.folder)
check("what was unpacked serves another definition, without a request",
      offline.status == 0 and image(offline).read("/other") == b"parent\n" and not library.log, f"{offline}{library.log}")
plan = run(["plan", "x.def"], child.folder)
check("a plan asks nothing", plan.status == 0 and plan.out.count(" hit") == 4 and not library.log, f"{plan}{library.log}")
missing = build(library_def(library.url), "--offline")
check("without a network and a cache it is an error", missing.status == 4 and "--offline" in missing.err and not library.log,
      missing)

# ---- names ----

library = Library({"lab/tools/parent:1": first, "parent:latest": first, "lab/parent:latest": first})
server, name = {"DAGBUILD_LIBRARY": library.url}, f"lab/tools/parent:{digest_name}"
folder = build(library_def(library.url)).folder
for text, definition, args, env in [
    ("a path of one part, without a tag", library_def(library.url, "parent"), [], {}),
    ("a path of two parts", library_def(library.url, "lab/parent"), [], {}),
    ("library:// before it", library_def(library.url, "library://lab/tools/parent:1"), [], {}),
    ("the first of several tags", library_def(library.url, "lab/tools/parent:1,2"), [], {}),
    ("the host in the reference", library_def(None, f"//{library.host}/lab/tools/parent:1"), [], {}),
    ("it wins over the header", library_def("https://library.invalid", f"{library.host}/lab/tools/parent:1"), [], {}),
    ("the option", library_def(None), ["--library", library.url], {}),
    ("the header wins over it", library_def(library.url), ["--library", "https://library.invalid"], {}),
    ("the variable", library_def(None), [], server),
    ("the option wins over it", library_def(None), ["--library", library.url], {"DAGBUILD_LIBRARY": "https://library.invalid"}),
    ("Apptainer's variable", library_def(None), [], {"APPTAINER_LIBRARY": library.url}),
    ("ours wins", library_def(None), [], {**server, "APPTAINER_LIBRARY": "https://library.invalid"}),
    ("Singularity's variable", library_def(None), [], {"SINGULARITY_LIBRARY": library.url + "/"}),
    ("a server without scheme", library_def(library.host), [], {}),
    ("the file's digest", library_def(library.url, name), [], {}),
]:
    result = build(definition, *args, folder=folder, env=env)
    check(f"{text} names the same base", result.status == 0 and
          ("#1 cached" in result.err or "nothing has changed" in result.err), result)
below = Library({"lab/tools/parent:1": first},
                hook=lambda x: setattr(x, "path", x.path.removeprefix("/below")) if x.path.startswith("/below/") else x.answer(404))
result = build(library_def(below.url + "/below"), folder=new_folder())
check("a library below a path of its host", result.status == 0, f"{result}{below.log}")

nameless = build(library_def(None))
check("without a server it is an error", nameless.status == 2 and "no library is named" in nameless.err and
      "--library" in nameless.err and "x.def:" in nameless.err, nameless)
for name, says in [("a/b/c/d/e:1", "more than three parts"), ("lab//c:1", "empty"), ("lab/c:", "tag"), ("lab/../c:1", "path")]:
    result = run(["check", "x.def"], build(library_def(library.url, name)).folder)
    check(f"{name} is no image of a library", "invalid-reference" in result.out + result.err and says in result.out + result.err,
          result)
floating = run(["check", "x.def"], build(library_def(library.url, "lab/parent")).folder)
check("a name without a tag is told", "floating-tag" in floating.out + floating.err, floating)

# ---- the tag moves, a lock holds it ----

library = Library({"lab/tools/parent:1": first, "lab/tools/other:1": b"x"})
folder = build(library_def(library.url, rest=POST)).folder
locked = run(["lock", "x.def"], folder)
lock = (folder / "x.def.lock").read_text() if (folder / "x.def.lock").exists() else ""
check("a lock file holds the file's digest", locked.status == 0 and digest(first) in lock and "library" in lock, f"{locked}{lock}")
library.files = {"lab/tools/parent:1": second, "lab/tools/parent:old": first}
held = build(library_def(library.url, rest=POST), folder=folder)
check("with the lock the tag may move", held.status == 0 and image(held).read("/parent") == b"parent\n", held)
elsewhere = new_folder()
(elsewhere / "x.def.lock").write_text(lock)
held = build(library_def(library.url, rest=POST), folder=elsewhere)
check("also where nothing is cached", held.status == 0 and image(held).read("/parent") == b"parent\n", held)
moved = build(library_def(library.url, rest=POST), "--ignore-lock", folder=folder)
check("without it the new one is used", moved.status == 0 and image(moved).read("/parent") == b"moved\n", moved)
library.files.pop("lab/tools/parent:old")
gone = new_folder()
(gone / "x.def.lock").write_text(lock)
result = build(library_def(library.url, rest=POST), folder=gone)
check("a file that the library dropped is named", result.status == 4 and digest(first)[7:] in result.err, result)

# ---- what servers get wrong ----


def library_with(hook):
    return Library({"lab/tools/parent:1": first}, hook)


def images(answer):
    """A hook that answers what a name stands for."""
    return lambda x: answer(x) if x.path.startswith("/v1/images/") else None


def files(answer):
    return lambda x: answer(x) if x.path.startswith("/v1/imagefile/") else None


def says(**changes):
    data = {"hash": "sha256." + digest(first)[7:], "size": len(first), "uploaded": True, **changes}
    return images(lambda x: x.answer(200, json.dumps({"data": {k: v for k, v in data.items() if v is not None}})))


colon = build(library_def(library_with(says(hash=digest(first))).url))
check("a digest with a colon is one, too", colon.status == 0, colon)
broken = [0]


def breaks_once(x):
    broken[0] += 1
    if broken[0] > 1:
        return None
    x.send_response(200)
    x.send_header("Content-Length", str(len(first)))
    x.end_headers()
    return x.raw(first[:-1000])


library = library_with(files(breaks_once))
result = build(library_def(library.url), env={"DAGBUILD_RETRY_MS": "10"})
ranges = [headers.get("Range") for method, path, headers in library.log if "imagefile" in path]
check("a download that breaks off goes on", result.status == 0 and ranges == [None, f"bytes={len(first) - 1000}-"],
      f"{result}{ranges}")

damaged = first[:-1] + bytes([first[-1] ^ 1])
for text, hook, words in [
    ("another file", files(lambda x: x.answer(200, damaged)), ["sha256:" + digest(first)[7:19]]),
    ("a shorter file", files(lambda x: x.answer(200, first[:-1])), ["bytes"]),
    ("a longer file", files(lambda x: x.answer(200, first + b"x")), ["more than the limit"]),
    ("a page instead of the file", files(lambda x: x.answer(200, "<html>no</html>")), ["bytes"]),
    ("no such image", images(lambda x: x.answer(404, '{"error":{"code":404,"message":"image not found"}}')),
     ["HTTP status 404", "image not found", "check the name"]),
    ("a page instead of JSON", images(lambda x: x.answer(200, "<html>")), ["instead of JSON"]),
    ("no digest", says(hash=None), ["no digest and size"]),
    ("a digest of another kind", says(hash="sif.6b1d3c8a"), ["no digest and size"]),
    ("no size", says(size=None), ["no digest and size"]),
    ("the size 0", says(size=0), ["no digest and size"]),
    ("a size beyond reason", says(size=1 << 50), ["1 TiB"]),
    ("a file that is not uploaded", says(uploaded=False), ["not been uploaded"]),
    ("a digest that names another file", says(hash="sha256." + "0" * 64), ["0000000000000000"]),
    ("a redirect to a link-local address", files(lambda x: x.answer(303, "", {"Location": "http://169.254.169.254/x"})),
     None),
    ("a redirect without end", files(lambda x: x.answer(303, "", {"Location": x.path})), ["redirects"]),
    ("an answer without end", images(lambda x: x.raw(b"HTTP/1.1 200 OK\r\n\r\n") and x.raw(b"{" * 65536, None)), ["longer than"]),
]:
    library = library_with(hook)
    result = build(library_def(library.url), env={"DAGBUILD_RETRY_MS": "10", "DAGBUILD_NET_TIMEOUT": "2"})
    check(f"{text} is refused", result.status == 4 and result.err.count("error: ") == 1 and
          all(word in result.err for word in words or []) and not (result.folder / "x.sif").exists(), f"{result}{library.log[-3:]}")
    left = [p for p in (result.folder / "cache").glob("blobs/sha256/*/*")]
    check("and nothing of it is kept", not left, left)
# ---- the same server, a real client ----

if os.geteuid() == 0:
    # Apptainer would not fetch the same file twice.
    for data, moves in ((first, False), (second, True)):
        library = Library({"lab/tools/parent:1": data}, moves=moves)
        folder = new_folder()
        folder.chmod(0o777)  # Apptainer runs as another user
        command = [SOURCE / "tests/rig/apptainer.sh", RIG, "build", "--library", library.url, "x.sif", "library://lab/tools/parent:1"]
        theirs = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        check("Apptainer builds from it", theirs.returncode == 0 and (folder / "x.sif").exists(), f"{theirs}{library.log}")
        check("with these requests", library.count("GET /v1/images/lab/tools/parent:1[?]arch=amd64") and
              library.count("GET /v1/imagefile/lab/tools/parent:1[?]arch=amd64"), library.log)
        ours = build(library_def(library.url))
        check("and has the same files", Sif(folder / "x.sif").names() == image(ours).names(),
              Sif(folder / "x.sif").names() ^ image(ours).names())

finish()
