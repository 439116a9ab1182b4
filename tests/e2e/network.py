# SPDX-License-Identifier: MIT
"""Servers and networks as they should not be: nothing that comes is without limit, nothing is tried in vain, and each
failure says what to do."""
import concurrent.futures
import os
import re
import socket
import subprocess

import lib
from lib import build, check, docker, finish, new_folder
from fake import Image, Registry, base, file, tar

IMAGE = Image([base()])
# Nothing here shall wait.
QUICK = {"DAGBUILD_RETRY_MS": "1"}
TRIES = 5
MIB = 1 << 20


def pull(hook=None, definition=None, of=IMAGE, env=None, args=(), tls=None):
    """A build upon an image of a registry with this hook; gives both."""
    registry = Registry({"t/base:1": of}, hook=hook, tls=tls)
    return registry, build(definition or docker(registry), *args, env={**QUICK, **(env or {})})


def only(kind, method="GET"):
    """Makes a hook answer requests for manifests or blobs alone."""
    return lambda hook: lambda x: x.kind == kind and x.command == method and hook(x)


def raw(*args, **more):
    return lambda x: x.raw(*args, **more)


def fails(text, says, run, once=True):
    registry, done = run
    held = done.status == 4 and says in done.err and (not once or "trying again" not in done.err)
    check(text, held, f"{done}\n{registry.log}")
    return registry


# ---- answers without end ----

CHUNK = b"10000\r\n" + b"A" * 0x10000 + b"\r\n"


def endless(status, more=b""):
    head = b"HTTP/1.1 " + status + b"\r\n" + more + b"Transfer-Encoding: chunked\r\n\r\n"

    def hook(x):
        x.raw(head)
        return x.command == "HEAD" or x.raw(CHUNK, None)

    return hook


for kind, status, more, says in (
    ("manifests", b"404 Not Found", b"", "HTTP status 404"),
    ("manifests", b"401 No", b'WWW-Authenticate: Basic realm="x"\r\n', "credentials are needed"),
    ("manifests", b"302 Found", b"Location: /v2/other\r\n", "HTTP status 404"),
    ("manifests", b"418 Teapot", b"", "HTTP status 418"),
    ("manifests", b"200 OK", b"", "longer than 4194304 bytes"),
    ("blobs", b"404 Not Found", b"", "HTTP status 404"),
    ("blobs", b"200 OK", b"", "longer than"),
):
    registry = fails(f"{kind}: {status.decode()} without end", says, pull(only(kind)(endless(status, more))))
    # What the kernel takes on its way to us counts here, too.
    check("it is not read", registry.sent < 8 * MIB * len(registry.log), f"{registry.sent}\n{registry.log}")
fails("500 without end", "gave up after 5 tries", pull(endless(b"500 No")), once=False)

for text, data in (
    ("headers", b"X-A: " + b"b" * 1000 + b"\r\n"),
    ("short headers", b"a:b\r\n"),
    ("a header", b"b" * 1000),
    ("answers before the answer", b"\r\nHTTP/1.1 100 Continue\r\n"),
):
    first = b"HTTP/1.1 100 Continue\r\n"
    hook = lambda x: x.raw(first) and x.raw(data, None)  # pylint: disable=cell-var-from-loop
    fails(f"{text} without end", "headers of more than", pull(hook))

# ---- lengths ----

for kind, length in (("manifests", 4 * MIB + 1), ("blobs", 1 << 40), ("blobs", 1 << 62)):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length
    registry = fails(f"{kind} of {length} bytes", "more than the limit of", pull(only(kind)(raw(head))))
    check("is asked for once", registry.count(f"GET .*{kind}") == 1, registry.log)
for length in (b"-5", b"9" * 26, b"2\r\nContent-Length: 99", b"0x10", b""):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: " + length + b"\r\n\r\n{}"
    registry, done = pull(only("manifests")(raw(head)))
    check(f"the length {length}", done.status == 4 and registry.count("GET .*manifests") == 1, f"{done}{registry.log}")

# ---- statuses ----

for status, more, says in (
    ("200 OK", b"Content-Type: text/html\r\n", "instead of JSON"),
    ("204 No Content", b"", "is empty, and of the type"),
    ("205 Reset Content", b"", "is empty, and of the type"),
    ("302 Found", b"", "not where to go"),
    ("304 Not Modified", b"", "HTTP status 304"),
    ("400 Bad", b"", "HTTP status 400"),
    ("501 No", b"", "HTTP status 501"),
):
    data = b"HTTP/1.1 " + status.encode() + b"\r\n" + more + b"\r\n" + b"<html>" * (status < "204")
    registry = fails(f"a manifest with {status}", says, pull(only("manifests")(raw(data))))
    check("is asked for once", registry.count("GET .*manifests") == 1, registry.log)
fails("what is no HTTP", "HTTP/0.9", pull(only("manifests")(raw(b'{"schemaVersion":2}'))))
for code, tries in (("TOOMANYREQUESTS", TRIES), ("UNAVAILABLE", TRIES), ("DENIED", 1)):
    body = '{"errors":[{"code":"%s","message":"m"}]}' % code
    registry, done = pull(only("blobs")(lambda x: x.answer(403, body)))  # pylint: disable=cell-var-from-loop
    check(f"403 with {code}: {tries}", done.status == 4 and registry.count("GET .*blobs") == tries, f"{done}")


# ---- right answers in other forms ----


def plain(x, head, tail=b""):
    data, media_type = x.server.registry.find(x)
    return x.raw(head.encode() + f"Content-Type: {media_type}\r\n\r\n".encode() + (x.command == "GET") * (data + tail))


def chunked(x):
    data, media_type = x.server.registry.find(x)
    x.raw(f"HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
    body = b"%x\r\n" % len(data) + data + b"\r\n0\r\nDocker-Content-Digest: sha256:00\r\n\r\n"
    return x.raw((x.command == "GET") * body)


def hints(x):
    early = "HTTP/1.1 103 Early Hints\r\nLocation: /x\r\nContent-Length: 1\r\nDocker-Content-Digest: sha256:00\r\n\r\n"
    return plain(x, early + "HTTP/1.1 200 OK\r\n")


def longer(x):
    data, _ = x.server.registry.find(x)
    return plain(x, f"HTTP/1.1 200 OK\r\nContent-Length: {len(data)}\r\n", b"HTTP/1.1 500 what is more\r\n\r\n")


for text, hook in (
    ("HTTP/1.0, until the end", lambda x: plain(x, "HTTP/1.0 200 OK\r\n")),
    ("chunks with a trailer", chunked),
    ("an answer before the answer", hints),
    ("more than its length", longer),
    ("a Content-Encoding that is none", lambda x: plain(x, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n")),
):
    _, done = pull(hook)
    check(text, done.status == 0, done)


_, done = pull(only("manifests", "HEAD")(lambda x: x.answer(405, "x" * MIB)))
check("the connection after a long refusal", done.status == 0, done)

# ---- too slow ----

SLOW = {"DAGBUILD_NET_TIMEOUT": "1", **QUICK}


def drops(head, data=b"a"):
    return lambda x: x.raw(head) and x.raw(data, None, pause=0.2)


DROPS = (
    ("an answer", drops(b"", b""), "no answer within 1 s"),
    ("headers", drops(b"HTTP/1.1 200 OK\r\n"), "no answer within 1 s"),
    ("a manifest", only("manifests")(drops(b"HTTP/1.1 200 OK\r\n\r\n")), "less than 1 KiB"),
    ("a blob", only("blobs")(drops(b"HTTP/1.1 200 OK\r\n\r\n")), "less than 1 KiB"),
    ("the text of a refusal", only("manifests")(drops(b"HTTP/1.1 404 No\r\n\r\n")), "HTTP status 404"),
)
with concurrent.futures.ThreadPoolExecutor() as pool:
    runs = pool.map(lambda row: pull(row[1], env=SLOW), DROPS)
for (text, _, says), (_, done) in zip(DROPS, runs):
    check(f"{text} by drops", done.status == 4 and says in done.err, done)
    check("is not tried for long", done.err.count("trying again") < TRIES - 1, done)
for value in ("0", "x", "-1", "100000", ""):
    done = build("Bootstrap: scratch\n", "--net-timeout", value)
    check(f"--net-timeout '{value}'", done.status == 2 and "seconds, from 1 to" in done.err, done)
done = build("Bootstrap: scratch\n", env={"DAGBUILD_NET_TIMEOUT": "soon"})
check("DAGBUILD_NET_TIMEOUT=soon", done.status == 2 and "DAGBUILD_NET_TIMEOUT" in done.err, done)

# ---- blobs that break off ----

BIG = Image([base(), tar(file("big", os.urandom(6 * MIB)))])
BIG_LAYER = BIG.tree["layers"][1]["digest"]


def breaking(pieces):
    """A hook: the big layer comes in pieces(start, data), each on a connection of its own."""

    def hook(x):
        if x.name != BIG_LAYER:
            return False
        data = BIG.blobs[BIG_LAYER]
        start = int((re.findall(r"bytes=(\d+)-", x.headers.get("Range") or "") or ["0"])[0])
        head = b"HTTP/1.1 206 Partial\r\nContent-Range: bytes %d-%d/%d\r\n" % (start, len(data) - 1, len(data))
        head = head if start > 0 else b"HTTP/1.1 200 OK\r\n"
        return pieces(x, start, data, head + b"Content-Length: %d\r\n\r\n" % (len(data) - start))

    return hook


def steps(size):
    return breaking(lambda x, start, data, head: x.raw(head + data[start : start + size]))


registry, done = pull(steps(MIB + 1), of=BIG)
check("a blob in steps of 1 MiB", done.status == 0 and registry.count(BIG_LAYER) > TRIES, f"{done}{registry.log}")
registry, done = pull(steps(1000), of=BIG)
check("in steps of 1000 bytes", done.status == 4 and registry.count(BIG_LAYER) == TRIES, f"{done}{registry.log}")
seesaw = breaking(lambda x, start, data, head: x.raw(head.replace(b"206", b"200") + data[: 1 + registry.count("") % 2]))
registry, done = Registry({"t/base:1": BIG}), None
registry.hook = seesaw
done = build(docker(registry), env=QUICK)
check("that begins anew", done.status == 4 and registry.count(BIG_LAYER) == TRIES, f"{done}{registry.log}")


def liar(answer):
    """Half of it, then `answer` to who wants the rest; all of it to who begins anew."""
    asked = []

    def pieces(x, start, data, head):
        asked.append(start)
        if start > 0:
            return answer(x, start, data)
        return x.raw(head + data[: MIB if len(asked) == 1 else len(data)])

    return breaking(pieces)


def part(start, data, told):
    head = b"HTTP/1.1 206 P\r\nContent-Range: %s\r\nContent-Length: %d\r\n\r\n" % (told, len(data) - start)
    return head + data[start:]


for text, answer in (
    ("416", lambda x, start, data: x.answer(416, "", {"Content-Range": f"bytes */{len(data)}"})),
    ("another range", lambda x, start, data: x.raw(part(0, data, b"bytes 0-%d/%d" % (len(data) - 1, len(data))))),
    ("a range of nonsense", lambda x, start, data: x.raw(part(start, data, b"bytes x-y/z"))),
    ("206 without a range", lambda x, start, data: x.raw(b"HTTP/1.1 206 P\r\n\r\n" + data[start:])),
    ("all of it", lambda x, start, data: x.answer(200, data)),
    ("the wrong end", lambda x, start, data: x.raw(part(start, data, b"bytes %d-9/9" % start))),
):
    registry, done = pull(liar(answer), of=BIG)
    check(f"a resumed blob: {text}", done.status == 0, f"{done}{registry.log}")

# ---- redirects ----

loop = lambda x: x.answer(302, "", {"Location": x.path})
registry = fails("a redirect to itself", "more than 10 redirects", pull(loop))
check("is followed ten times", len(registry.log) == 11, registry.log)
for location in (
    "file:///etc/passwd",
    "ftp://127.0.0.1/x",
    "http://me:secret@127.0.0.1/x",
    "http://",
    "http://127.0.0.1:99999/",
    "gopher://x",
):
    run = pull(lambda x: x.answer(302, "", {"Location": location}))  # pylint: disable=cell-var-from-loop
    registry = fails(f"a redirect to {location}", "is not a valid http or https URL", run)
    check("is not followed", len(registry.log) == 1, registry.log)


run = pull(lambda x: x.answer(302, "", {"Location": "/" + "x" * 9000}))
registry = fails("a redirect to a URL without end", "redirects to a URL of", run)
check("is not followed", len(registry.log) == 1 and len(run[1].err) < 2000, run[1])


# Another host than this machine's is one behind a proxy.
def proxied(hook, env=None, name="registry.invalid", args=("--no-https",)):
    proxy = Registry({"t/base:1": IMAGE}, hook=hook)
    variables = {"http_proxy": f"http://{proxy.host}", "https_proxy": f"http://{proxy.host}", **QUICK}
    return proxy, build(f"Bootstrap: docker\nFrom: {name}/t/base:1\n", *args, env={**variables, **(env or {})})


proxy, done = proxied(None)
check("a proxy is asked", done.status == 0 and all("http://registry.invalid/" in p for _, p, _ in proxy.log), done)
for host, place in (
    ("127.0.0.1", "this machine"),
    ("localhost", "this machine"),
    ("0.0.0.0", "this machine"),
    ("[::]", "this machine"),
    ("[::1]", "this machine"),
    ("[::ffff:127.0.0.1]", "this machine"),
    ("[::ffff:7f00:1]", "this machine"),
    ("2130706433", "this machine"),
    ("0x7f000001", "this machine"),
    ("0177.0.1", "this machine"),
    ("169.254.169.254", "a link-local address"),
    ("10.0.0.1", "a private network"),
    ("[fd00::1]", "a private network"),
):
    target = f"http://{host}:1/x"
    run = proxied(lambda x: x.answer(307, "", {"Location": target}))  # pylint: disable=cell-var-from-loop
    proxy = fails(f"a redirect to {host}", f"redirects to {place}", run)
    check("is not followed", len(proxy.log) == 1, proxy.log)

# ---- proxies ----

fails("a proxy that refuses", "HTTP status 403", proxied(lambda x: x.answer(403, "no")))
fails("a proxy that wants a password", "NAME:PASSWORD@HOST", proxied(lambda x: x.answer(407, "no")))
for status in (403, 407):
    run = proxied(lambda x: x.answer(status, "no"), args=())  # pylint: disable=cell-var-from-loop
    proxy = fails(f"a tunnel refused with {status}", f"the proxy answers with HTTP status {status}", run)
    check("is asked for once", proxy.count("CONNECT") == 1, proxy.log)
run = proxied(lambda x: x.answer(503, "no"), args=())
fails("a tunnel that is not there yet", "gave up after 5 tries", run, once=False)
for value in ("ftp://127.0.0.1:1", "http://me:secret@127.0.0.1:x", "::::"):
    run = proxied(None, env={"http_proxy": value})
    fails(f"http_proxy={value}", "'http_proxy' does not hold a proxy address", run)
    check("its password is not shown", "secret" not in run[1].err, run[1])
dead = {name: "http://127.0.0.1:9" for name in ("http_proxy", "HTTPS_PROXY", "ALL_PROXY")}
_, done = pull(env=dead)
check("proxies do not concern this machine", done.status == 0, done)

# ---- nobody there ----

with socket.socket() as closed:
    closed.bind(("127.0.0.1", 0))
    done = build(f"Bootstrap: docker\nFrom: 127.0.0.1:{closed.getsockname()[1]}/t/base:1\n", env=QUICK)
check("a port where nobody listens", done.status == 4 and done.err.count("trying again") == 2, done)
check("what to do is told", "hint: " in done.err and "--offline" in done.err, done)

# ---- certificates ----

CERTIFICATES = new_folder()


def certificate(name):
    """Files of a certificate that signs itself, and its key."""
    files = [CERTIFICATES / f"{name}.{end}" for end in ("crt", "key")]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
        + ["-out", files[0], "-keyout", files[1], "-subj", "/CN=" + name, "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True,
        capture_output=True,
    )
    return files


SERVER, CLIENT, OTHER = (certificate(name) for name in ("server", "client", "other"))
registry = fails("a certificate of nobody's", "certificate", pull(tls=SERVER))
check("no request is made", registry.log == [], registry.log)
_, done = pull(tls=SERVER)
check("what to do is told", "SSL_CERT_FILE" in done.err and "reset" not in done.err, done)
fails("the certificate of another", "certificate", pull(tls=SERVER, env={"SSL_CERT_FILE": OTHER[0]}))
_, done = pull(tls=SERVER, env={"SSL_CERT_FILE": SERVER[0]})
check("SSL_CERT_FILE", done.status == 0, done)
_, done = pull(tls=SERVER, env={"SSL_CERT_DIR": f"/nothing:{CERTIFICATES}"})
check("SSL_CERT_DIR", done.status == 0, done)


def host_folder(registry, *files):
    """A home with a folder for this registry, as podman has it; files are (name, path)."""
    home = new_folder()
    folder = home / ".config/containers/certs.d" / registry.host
    folder.mkdir(parents=True)
    for name, path in files:
        (folder / name).write_bytes(path.read_bytes())
    return {"HOME": home, **QUICK}


registry = Registry({"t/base:1": IMAGE}, tls=SERVER)
done = build(docker(registry), env=host_folder(registry, ("ca.crt", SERVER[0])))
check("certs.d", done.status == 0, done)
registry = Registry({"t/base:1": IMAGE}, tls=(*SERVER, CLIENT[0]))
done = build(docker(registry), env=host_folder(registry, ("ca.crt", SERVER[0])))
check("a registry that wants a certificate of us", done.status == 4, done)
pair = (("client.cert", CLIENT[0]), ("client.key", CLIENT[1]))
done = build(docker(registry), env=host_folder(registry, ("ca.crt", SERVER[0]), *pair))
check("certs.d with ours", done.status == 0, done)
done = build(docker(registry), env=host_folder(registry, ("ca.crt", SERVER[0]), pair[0]))
check("a certificate without its key", done.status == 4 and "has no key next to it" in done.err, done)

finish()
