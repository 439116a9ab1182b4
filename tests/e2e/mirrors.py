# SPDX-License-Identifier: MIT
"""Mirrors: whatever one does wrong, the next one is asked, then the registry itself; what failed is remembered for the
run, by both of its processes, and told in order."""
import socket
import subprocess
import threading

import lib
from lib import build, check, docker, finish, image, new_folder
from fake import Image, Registry, base, file, tar

IMAGE, OTHER = Image([base()]), Image([base(), tar(file("etc/other", "here"))])
LAYER = IMAGE.tree["layers"][0]["digest"]
IMAGES = {"t/base:1": IMAGE, "t/other:1": OTHER}
# Nothing here shall wait, and one thing is done after the other, unless it is said.
QUICK = {"DAGBUILD_RETRY_MS": "1", "DAGBUILD_NET_TIMEOUT": "1"}


def through(origin, *mirrors, definition=None, env=None, jobs=1):
    """A build from `origin` through these mirrors, registries or URLs."""
    urls = [mirror if isinstance(mirror, str) else f"http://{mirror.host}" for mirror in mirrors]
    args = [f"-j{jobs}"] + [word for url in urls for word in ("--registry-mirror", f"{origin.host}={url}")]
    return build(definition or docker(origin), *args, env={**QUICK, **(env or {})})


def status(number, body="{}", **headers):
    return lambda x: x.answer(number, body, {k.replace("_", "-"): v for k, v in headers.items()})


def endless(x):
    x.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    return x.command == "HEAD" or x.raw(b"10000\r\n" + b"A" * 0x10000 + b"\r\n", None)


def damaged(kind):
    def hook(x):
        found = x.kind == kind and x.command == "GET" and x.server.registry.find(x)
        return found and x.answer(200, found[0][:-1] + b"?", {"Content-Type": found[1]})

    return hook


def broken(x):
    """The layer breaks off in the middle."""
    data = IMAGE.blobs[LAYER]
    if x.name != LAYER or "Range" in x.headers:
        return x.name == LAYER and x.answer(503, "{}")
    return x.raw(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(data) + data[: len(data) // 2])


# What a mirror does, and how often it is asked in all: HEAD and GET of the manifest, then no more.
HEAD_AND_GET, TWICE = 2, 4
for text, hook, requests in (
    ("400", status(400), HEAD_AND_GET),
    ("401", status(401, WWW_Authenticate='Basic realm="m"'), 1),
    ("403", status(403), HEAD_AND_GET),
    ("404", status(404), HEAD_AND_GET),
    ("405", status(405), HEAD_AND_GET),
    ("410", status(410), HEAD_AND_GET),
    ("429 for a minute", status(429, Retry_After="60"), 1),
    ("500", status(500), TWICE),
    ("503", status(503), TWICE),
    ("a page to log in", status(200, "<html>log in</html>", Content_Type="text/html"), HEAD_AND_GET),
    ("nothing", lambda x: x.raw(b""), 2),
    ("no HTTP", lambda x: x.raw(b"hello\r\n"), 1),
    ("redirects to a file", status(302, Location="file:///etc/passwd"), 1),
    ("redirects to itself", lambda x: x.answer(302, "", {"Location": x.path}), 11),
    ("an answer without end", endless, HEAD_AND_GET),
    ("no answer", lambda x: x.raw(b"", None, pause=0.1), 1),
):
    first, second, origin = Registry(IMAGES, hook), Registry(IMAGES), Registry(IMAGES)
    done = through(origin, first, second)
    check(f"{text}: the next mirror has it", done.status == 0 and not origin.log and second.log, done)
    check(f"{text}: asked {requests} times", len(first.log) == requests, f"{done}{first.log}")

for text, hook, requests in (
    ("a damaged manifest", damaged("manifests"), "GET .*manifests"),
    ("damaged blobs", damaged("blobs"), "GET .*blobs"),
):
    first, second, origin = Registry(IMAGES, hook), Registry(IMAGES), Registry(IMAGES)
    done = through(origin, first, second)
    check(f"{text}: the next mirror's are taken", done.status == 0 and not origin.log, done)
    check(f"{text}: asked for once", first.count(requests) == 1, f"{done}{first.log}")

# Two layers at once: both are found damaged before any is asked for again.
TWO_LAYERS = {"t/base:1": OTHER}
both = threading.Barrier(2)


def damaged_together(x):
    found = x.name in [layer["digest"] for layer in OTHER.tree["layers"]] and x.server.registry.find(x)
    if found:
        both.wait(60)
    return found and x.answer(200, found[0][:-1] + b"?")


first, second, origin = Registry(TWO_LAYERS, damaged_together), Registry(TWO_LAYERS), Registry(TWO_LAYERS)
done = through(origin, first, second, jobs=2)
check("two damaged layers: the next mirror's are taken", done.status == 0 and second.count("GET .*blobs") == 2, done)
check("the next mirror is not blamed", not origin.log, f"{done}{origin.log}")

first, origin = Registry(IMAGES, broken), Registry(IMAGES)
done = through(origin, first)
ranges = [headers["Range"] for _, path, headers in origin.log if LAYER in path]
check("where a mirror broke off the registry goes on", done.status == 0, done)
check("from there", ranges == [f"bytes={len(IMAGE.blobs[LAYER]) // 2}-"], f"{done}{origin.log}")

with socket.socket() as closed:
    closed.bind(("127.0.0.1", 0))
    down = f"http://127.0.0.1:{closed.getsockname()[1]}"
    second, origin = Registry(IMAGES), Registry(IMAGES)
    done = through(origin, down, second)
    check("nobody there: the next mirror has it", done.status == 0 and not origin.log, done)
    check("nobody is waited for", "trying again" not in done.err, done)

    # ---- what is told ----
    lacking, broken_one, origin = Registry({}), Registry({}, status(500)), Registry({})
    done = through(origin, down, lacking, broken_one)
    said = [f"mirror {down}: ", f"then mirror http://{lacking.host}: ", f"then mirror http://{broken_one.host}: "]
    places = [done.err.find(text) for text in said + [f"then {origin.host}: "]]
    check("none has it: status 4", done.status == 4 and done.err.count("error:") == 1, done)
    check("all that were asked are told, in order", -1 not in places and places == sorted(places), done)

# ---- what is remembered ----

TWO = "Bootstrap: docker\nFrom: {0}/t/base:1\nStage: one\n\nBootstrap: docker\nFrom: {0}/t/other:1\nStage: two\n\n"
TWO += "%files from one\n    /etc/passwd /one\n"
first, origin = Registry(IMAGES, status(500)), Registry(IMAGES)
done = through(origin, first, definition=TWO.format(origin.host))
check("two images past a broken mirror", done.status == 0, done)
check("which is asked for the first alone", len(first.log) == TWICE and not first.count("other"), first.log)
first, origin = Registry({"t/other:1": OTHER}), Registry(IMAGES)
done = through(origin, first, definition=TWO.format(origin.host))
check("a mirror that lacks an image", done.status == 0 and first.count("t/base") == HEAD_AND_GET, f"{done}{first.log}")
check("is asked for the other", not origin.count("t/other") and first.count("GET .*t/other/blobs"), origin.log)
check("which is in the image", image(done).read("/etc/other") == b"here")

# A registry that talks https is talked to so, whatever its mirrors did.
TLS = [new_folder() / "tls.crt", new_folder() / "tls.key"]
subprocess.run(
    ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    + ["-out", TLS[0], "-keyout", TLS[1], "-subj", "/CN=t", "-addext", "subjectAltName=IP:127.0.0.1"],
    check=True,
    capture_output=True,
)
first, origin = Registry({}), Registry(IMAGES, tls=TLS)
done = through(origin, first, env={"SSL_CERT_FILE": TLS[0]})
check("after a mirror that lacks it: https", done.status == 0 and origin.count("GET .*blobs") == 2, f"{done}")
first, origin = Registry(IMAGES, tls=TLS), Registry(IMAGES)
done = through(origin, f"https://{first.host}")
check("a mirror whose certificate is refused", done.status == 0 and not first.log and origin.log, done)

# ---- what names none ----

origin = Registry(IMAGES)
names = ("=http://h", "*=http://h", "docker .io=http://h", "http://docker.io=http://h", "h=http://h/?x", "h=http://h/#x")
for name in (*names, "h=", "h", "h=h", "h=ftp://h", "h=http://u:p@h", "h=http://"):
    done = build(docker(origin), "--registry-mirror", name)
    check(f"--registry-mirror {name}", done.status == 2 and "does not name a mirror" in done.err, done)
check("is a mistake before any request", not origin.log, origin.log)
for name in ("h=http://h/path/", "[::1]:5000=https://h", "h_1.x-y:80=http://[::1]:1"):
    done = build(docker(origin), "--registry-mirror", name)
    check(f"--registry-mirror {name}: one of another host", done.status == 0, done)

finish()
