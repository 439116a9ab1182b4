# SPDX-License-Identifier: MIT
"""Images and registries in Python: what no honest server would hold or answer.

    from fake import *
    registry = Registry({"t/base:1": Image([base(), tar(file("etc/motd", "hello"))])})
    registry.host                       # 127.0.0.1:PORT; registry.log holds (METHOD, PATH, headers)

Everything is in memory; servers listen on 127.0.0.1 at a free port and end with the process.
"""

import gzip
import hashlib
import http.server
import io
import itertools
import json
import re
import socketserver
import ssl
import subprocess
import tarfile
import threading
import time
import urllib.parse
import zlib

OCI = "application/vnd.oci.image."
DOCKER = "application/vnd.docker."
LAYER, LAYER_GZIP = OCI + "layer.v1.tar", OCI + "layer.v1.tar+gzip"


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


# ---- tar entries, and tars of them ----


def entry(name, kind, data=b"", **fields):
    info = tarfile.TarInfo(name)
    info.type, info.size, info.mtime = kind, len(data), 1700000000
    for key, value in fields.items():
        setattr(info, key, value)
    return info, data


def file(name, data=b"", mode=0o644, **fields):
    data = data.encode() if isinstance(data, str) else data
    return entry(name, tarfile.REGTYPE, data, mode=mode, **fields)


def folder(name, mode=0o755, **fields):
    return entry(name, tarfile.DIRTYPE, mode=mode, **fields)


def symlink(name, to, **fields):
    return entry(name, tarfile.SYMTYPE, linkname=to, mode=0o777, **fields)


def hardlink(name, to, **fields):
    return entry(name, tarfile.LNKTYPE, linkname=to, **fields)


def gnu_sparse(name, size, offset, data):
    """A file of `size` bytes with `data` at `offset`, in GNU tar's old form: blocks for tar()."""
    def number(value):
        return b"\x80" + value.to_bytes(11, "big")

    info, _ = entry(name, b"S", data)
    block = bytearray(info.tobuf(format=tarfile.GNU_FORMAT))
    block[386:398], block[398:410], block[483:495] = number(offset), number(len(data)), number(size)
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + data + bytes(-len(data) % 512)


def pax_sparse(name, size, offset, data, form):
    """The same with pax records: `form` is 0.0, 0.1 or 1.0."""
    records = {"GNU.sparse.name": name, "GNU.sparse.numblocks": "1"}
    if form == "1.0":
        records |= {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(size)}
        data = f"1\n{offset}\n{len(data)}\n".encode().ljust(512, b"\0") + data
    else:
        records["GNU.sparse.size"] = str(size)
    if form == "0.1":
        records["GNU.sparse.map"] = f"{offset},{len(data)}"
    if form == "0.0":
        records |= {"GNU.sparse.offset": str(offset), "GNU.sparse.numbytes": str(len(data))}
    return file("GNUSparseFile.0/" + name, data, pax_headers=records)


def tar(*entries, format=tarfile.PAX_FORMAT):
    """Entries are what the functions above return, or whole blocks, used as they are."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format, errors="surrogateescape") as archive:
        for one in entries:
            if isinstance(one, bytes):
                out.write(one)
            else:
                archive.addfile(one[0], io.BytesIO(one[1]))
    return out.getvalue()


def base(*more):
    """The tar of a small system with busybox and all its applets, and `more` entries."""
    names = ("bin", "dev", "etc", "proc", "root", "sys", "usr", "usr/bin", "var")
    entries = [folder(name) for name in names]
    entries += [folder(name, mode=0o1777) for name in ("tmp", "var/tmp")]
    with open("/bin/busybox", "rb") as f:
        entries.append(file("bin/busybox", f.read(), mode=0o755))
    applets = subprocess.run(["/bin/busybox", "--list"], capture_output=True, text=True, check=True).stdout.split()
    entries += [symlink("bin/" + name, "busybox") for name in applets if name != "busybox"]
    entries += [file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"), file("etc/group", "root:x:0:\n")]
    return tar(*entries, *more)


# ---- images ----


class Layer:
    """What a registry holds for one layer: `blob`, whose content is the tar `plain`."""

    def __init__(self, plain, blob=None, media_type=LAYER_GZIP):
        self.plain = plain
        self.blob = gzip.compress(plain, 1, mtime=0) if blob is None else blob
        self.media_type = media_type

    def diff_id(self):
        return digest(self.plain)

    def descriptor(self):
        return {"mediaType": self.media_type, "digest": digest(self.blob), "size": len(self.blob)}


class Stream(Layer):
    """A layer whose tar is never held as a whole: only `pieces`, in whole blocks."""

    def __init__(self, pieces):  # pylint: disable=super-init-not-called
        packer, hashed, out = zlib.compressobj(1, zlib.DEFLATED, 31), hashlib.sha256(), []
        for piece in itertools.chain(pieces, [bytes(1024)]):
            hashed.update(piece)
            out.append(packer.compress(piece))
        out.append(packer.flush())
        self.blob, self.media_type = b"".join(out), LAYER_GZIP
        self.hashed = "sha256:" + hashed.hexdigest()

    def diff_id(self):
        return self.hashed


class Image:
    """An image of `layers`: tars, or Layers.  `config` is merged into the configuration's own
    `config`, `more` into its top.  change(manifest) may change the manifest, a dict, in place."""

    def __init__(self, layers, config=None, change=None, **more):
        layers = [l if isinstance(l, Layer) else Layer(l) for l in layers]
        self.config = {
            "architecture": "amd64",
            "os": "linux",
            "config": config or {},
            "rootfs": {"type": "layers", "diff_ids": [l.diff_id() for l in layers]},
            **more,
        }
        raw = json.dumps(self.config).encode()
        self.blobs = {digest(l.blob): l.blob for l in layers}
        self.blobs[digest(raw)] = raw
        self.tree = {
            "schemaVersion": 2,
            "mediaType": OCI + "manifest.v1+json",
            "config": {"mediaType": OCI + "config.v1+json", "digest": digest(raw), "size": len(raw)},
            "layers": [l.descriptor() for l in layers],
        }
        if change:
            change(self.tree)
        self.manifests = {}
        self.seal(self.tree.get("mediaType", OCI + "manifest.v1+json"))

    def seal(self, media_type):
        self.raw, self.media_type = json.dumps(self.tree).encode(), media_type
        self.digest = digest(self.raw)
        self.manifests[self.digest] = self


class Index(Image):
    """An index of (image, platform) pairs; platform is a dict, or None for none."""

    def __init__(self, pairs, media_type=OCI + "index.v1+json"):  # pylint: disable=super-init-not-called
        self.blobs, self.manifests = {}, {}
        entries = []
        for image, platform in pairs:
            one = {"mediaType": image.media_type, "digest": image.digest, "size": len(image.raw)}
            if platform is not None:
                one["platform"] = platform
            entries.append(one)
            self.blobs.update(image.blobs)
            self.manifests.update(image.manifests)
        self.tree = {"schemaVersion": 2, "mediaType": media_type, "manifests": entries}
        self.seal(media_type)


# ---- registries ----


class Exchange(http.server.BaseHTTPRequestHandler):
    """One request.  `kind` is manifests, blobs or other; `repository` and `name` what it asks for (for other
    kinds `name` is the path)."""

    protocol_version = "HTTP/1.1"
    # Otherwise each answer waits for an acknowledgement that the other side delays by 40 ms.
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def send_header(self, keyword, value):
        """Any text, as UTF-8: http.server itself fails on what latin-1 lacks."""
        super().send_header(keyword, value.encode("utf-8", "surrogateescape").decode("latin-1"))

    def answer(self, status, body=b"", headers=None):
        """Answer, and return True.  Headers are a dict; a list as value repeats the header."""
        body = body.encode() if isinstance(body, str) else body
        headers = {"Content-Length": str(len(body)), **(headers or {})}
        self.send_response(status)
        for key, value in headers.items():
            for one in value if isinstance(value, list) else [value]:
                if one is not None:
                    self.send_header(key, one)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        return True

    def raw(self, data, times=1, pause=0):
        """Write `data` as it is, `times` times (None: until the peer is gone), end the connection, and return True."""
        self.close_connection = True
        while times is None or times > 0:
            self.wfile.write(data)
            self.server.registry.sent += len(data)
            times = times and times - 1
            time.sleep(pause)
        return True

    def serve(self):
        path = urllib.parse.urlsplit(self.path).path
        length = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(length)
        registry = self.server.registry
        registry.log.append((self.command, self.path, dict(self.headers)))
        match = re.fullmatch(r"/v2/(.+)/(manifests|blobs)/([^/]+)", path)
        self.repository, self.kind, self.name = match.groups() if match else ("", "other", path)
        try:
            if not (registry.hook and registry.hook(self)):
                registry.serve(self)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    do_GET = do_HEAD = do_POST = do_CONNECT = serve


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_):
        pass


class Registry:
    """`images` by "REPOSITORY:TAG".  hook(exchange) may answer first, and returns true when it has.  `tls` is a list of
    files: certificate, key, and the authority of clients if they must show a certificate.  `ip` is another loopback
    address.  A proxy is a registry, too: clients ask it for whole URLs."""

    def __init__(self, images=None, hook=None, tls=None, ip="127.0.0.1"):
        self.images, self.hook, self.log, self.sent = images or {}, hook, [], 0
        self.server = Server((ip, 0), Exchange)
        self.server.registry = self
        self.port = self.server.server_address[1]
        self.host = f"{ip}:{self.port}"
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls[:2])
            if len(tls) > 2:
                context.verify_mode = ssl.CERT_REQUIRED
                context.load_verify_locations(tls[2])
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def count(self, pattern):
        """How many requests ("METHOD PATH") match the pattern."""
        return sum(1 for method, path, _ in self.log if re.search(pattern, f"{method} {path}"))

    def find(self, x):
        for key, image in self.images.items():
            repository, tag = key.rsplit(":", 1)
            if repository != x.repository:
                continue
            if x.kind == "manifests" and x.name == tag:
                return image.raw, image.media_type
            if x.kind == "manifests" and x.name in image.manifests:
                image = image.manifests[x.name]
                return image.raw, image.media_type
            if x.kind == "blobs" and x.name in image.blobs:
                return image.blobs[x.name], "application/octet-stream"
        return None

    def serve(self, x):
        if x.name == "/v2/":
            return x.answer(200, "{}")
        found = self.find(x)
        if not found:
            code = "BLOB_UNKNOWN" if x.kind == "blobs" else "MANIFEST_UNKNOWN"
            errors = {"errors": [{"code": code, "message": "not here"}]}
            return x.answer(404, json.dumps(errors), {"Content-Type": "application/json"})
        data, media_type = found
        headers = {"Content-Type": media_type, "Docker-Content-Digest": digest(data)}
        asked = re.fullmatch(r"bytes=(\d+)-", x.headers.get("Range") or "")
        if asked and x.kind == "blobs":
            start = int(asked[1])
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
            return x.answer(206, data[start:], headers)
        return x.answer(200, data, headers)


# ---- libraries ----


class Library(Registry):
    """The library that `library://` asks.  `files` by "PATH:TAG" are the files for amd64.  With `moves` the file is
    elsewhere, below /files, as on the public server."""

    def __init__(self, files=None, hook=None, moves=False, **more):
        self.files, self.moves = files or {}, moves
        super().__init__(None, hook, **more)
        self.url = f"http://{self.host}"

    def find_file(self, name):
        path, _, tag = name.partition(":")
        for key, data in self.files.items():
            if key == f"{path}:{tag}" or (key.startswith(path + ":") and "sha256." + digest(data)[7:] == tag):
                return data
        return None

    def send(self, x, data):
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", x.headers.get("Range") or "")
        if not asked:
            return x.answer(200, data)
        start, end = int(asked[1]), min(int(asked[2] or len(data)), len(data) - 1)
        return x.answer(206, data[start:end + 1], {"Content-Range": f"bytes {start}-{end}/{len(data)}"})

    def serve(self, x):
        url = urllib.parse.urlsplit(x.path)
        match = re.fullmatch(r"/(v1/images|v1/imagefile|files)/(.+)", url.path)
        data = self.find_file(match[2]) if match else None
        if url.path == "/version":
            return x.answer(200, '{"data":{"version":"fake","apiVersion":"2.0.0-alpha.2"}}')
        if data is None or (match[1] != "files" and "arch=amd64" not in url.query):
            return x.answer(404, '{"error":{"code":404,"message":"not here"}}', {"Content-Type": "application/json"})
        if match[1] == "v1/images":
            said = {"hash": "sha256." + digest(data)[7:], "size": len(data), "uploaded": True, "arch": "amd64"}
            return x.answer(200, json.dumps({"data": said}), {"Content-Type": "application/json"})
        if match[1] == "v1/imagefile" and self.moves:
            return x.answer(303, "", {"Location": f"{self.url}/files/{match[2]}"})
        return self.send(x, data)

# ---- daemons ----


class DaemonExchange(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def address_string(self):
        return "here"

    def do_GET(self):
        self.server.log.append(self.path)
        status, body = self.server.answer(self.path)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except BrokenPipeError:
            pass


class Daemon(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """A Docker daemon at the socket `path`; answer(path) gives status and body."""

    daemon_threads = True

    def __init__(self, path, answer):
        super().__init__(str(path), DaemonExchange)
        self.answer, self.log, self.url = answer, [], f"unix://{path}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


def image_of(archive, name):
    """An answer for Daemon: the one image of an archive of `docker save`, under that name."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as members:
        config = json.load(members.extractfile("manifest.json"))[0]["Config"]
        ident = digest(members.extractfile(config).read())

    def answer(path):
        if path == f"/images/{name}/json":
            return 200, json.dumps({"Id": ident}).encode()
        if path == f"/images/get?names={ident[7:]}":
            return 200, archive
        return 404, b'{"message":"no such image"}'

    answer.ident = ident
    return answer
