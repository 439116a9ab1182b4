# SPDX-License-Identifier: MIT
"""local_images.py - `Bootstrap: localimage`: squashfs files of every compression, SIF images and folders as bases; what
is in them comes through whole, an image's own scripts and labels stay, and no damaged or hostile file does harm."""

import io
import json
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import tarfile
import zlib

from lib import DAGBUILD, HOME, build, check, finish, image, judge, new_folder, run, start

IS_ROOT = os.environ["MODE"] == "root"
EPOCH = {"SOURCE_DATE_EPOCH": "1700000000"}
LOCAL = "Bootstrap: localimage\nFrom: base.img\n"
FIXTURE = f"Bootstrap: docker\nFrom: {os.environ['REGISTRY']}/fixtures/base:1\n"
BIG = os.urandom(300_000) + bytes(1_000_000) + os.urandom(200_000)

# ---- the tree ----


def entry(name, kind=tarfile.REGTYPE, data=b"", mode=0o644, uid=0, gid=0, link="", device=(0, 0), xattrs=()):
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.uid, info.gid, info.linkname, info.size = kind, mode, uid, gid, link, len(data)
    info.mtime = 1_600_000_000
    info.devmajor, info.devminor = device
    info.pax_headers = {f"SCHILY.xattr.{key}": value for key, value in xattrs}
    return info, data


def tree():
    folder = tarfile.DIRTYPE
    yield entry(".", folder, mode=0o755)
    for name in ("bin", "etc", "d", "de", "dev", "dev2", "devx", "empty"):
        yield entry(name, folder, mode=0o755)
    yield entry("bin/busybox", data=pathlib.Path("/bin/busybox").read_bytes(), mode=0o755)
    for applet in ("sh", "cat", "ls", "echo", "stat"):
        yield entry(f"bin/{applet}", tarfile.SYMTYPE, link="busybox")
    # Names that Apptainer loses when an ordinary user builds.
    for name in ("d/file", "de/file", "dev2/file", "devx/file"):
        yield entry(name, data=name.encode())
    yield entry("etc/owner", data=b"x", uid=12, gid=13)
    yield entry("etc/set-id", data=b"x", mode=0o4755)
    yield entry("etc/sticky", folder, mode=0o1777)
    yield entry("etc/secret", data=b"x", mode=0o000)
    yield entry("etc/fifo", tarfile.FIFOTYPE, mode=0o600)
    yield entry("etc/device", tarfile.CHRTYPE, device=(1, 3), mode=0o666)
    yield entry("etc/device2", tarfile.LNKTYPE, link="etc/device")
    yield entry("etc/whiteout", tarfile.CHRTYPE)
    yield entry("etc/whiteout2", tarfile.LNKTYPE, link="etc/whiteout")
    yield entry("etc/link-out", tarfile.SYMTYPE, link="../../../../../../etc/passwd")
    yield entry("etc/one", data=b"three names", mode=0o640, uid=5)
    yield entry("etc/two", tarfile.LNKTYPE, link="etc/one")
    yield entry("empty/three", tarfile.LNKTYPE, link="etc/one")
    yield entry("big", data=BIG)
    yield entry("block", data=bytes(range(256)) * 512)  # exactly one block
    yield entry("nothing")
    # An image's names are names: no mark of a layer.
    yield entry(".wh.etc", data=b"a file")
    yield entry("empty/.wh..wh..opq", data=b"another")
    yield entry("ü\udcff\n", data=b"odd")
    yield entry("n" * 255, data=b"long")
    deep = "/".join(["deep"] * 60)
    for depth in range(1, 61):
        yield entry(deep[: depth * 5 - 1], folder, mode=0o755)
    yield entry(deep + "/file", data=b"deep")
    yield entry("many", folder, mode=0o755)
    for i in range(3000):
        yield entry(f"many/{i}", data=str(i).encode())


def pack(to, entries, *options):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT, errors="surrogateescape") as tar:
        for info, data in entries:
            tar.addfile(info, io.BytesIO(data))
    to.unlink(missing_ok=True)
    subprocess.run(["sqfstar", "-quiet", "-no-progress", *options, str(to)], input=out.getvalue(), check=True,
                   capture_output=True)


def listing(path, offset=0):
    """Mode, owner, size, time and name of everything, as unsquashfs has it."""
    out = subprocess.run(["unsquashfs", "-lln", "-o", str(offset), str(path)], capture_output=True, check=True).stdout
    lines = out.decode("utf-8", "surrogateescape").splitlines()
    # A folder's size depends on how it is packed.
    return {re.sub(r"^(d\S+ \S+) +\d+", r"\1", line) for line in lines if " squashfs-root" in line}


class Group:
    """A folder with a base and a store."""

    def __init__(self):
        self.folder = new_folder()
        self.base = self.folder / "base.img"

    def build(self, rest="", *args, env=None, base=None, first=LOCAL):
        if base:
            shutil.copyfile(base, self.base)
        return build(first + rest, *args, folder=self.folder, env=env)


def refused(text, result, status, *words):
    """It says why, in one error; nothing is left behind."""
    held = result.status == status and all(word in result.err for word in words) and result.err.count("error: ") == 1
    check(text, held and not (result.folder / "x.sif").exists() and
          not os.listdir(result.folder / "cache/tmp") if (result.folder / "cache").exists() else held, result)


# ---- every form ----

group = Group()
plain = group.folder / "gzip.sqfs"
pack(plain, tree())
first = group.build(env=EPOCH, base=plain)
check("a squashfs file is a base", first.status == 0, first)
sif = image(first)
wanted, got = listing(plain), listing(sif.path, sif.offset)
# Folders in which Apptainer's own files are made have another time; devices need real root.
wanted = {line for line in wanted if not re.search(r"squashfs-root(/etc|/dev)?$", line)}
# overlayfs takes a device of the number 0:0 for a whiteout.
wanted = {line for line in wanted if "/etc/whiteout" not in line}
if not IS_ROOT:
    wanted = {line for line in wanted if not line.startswith("c")}
check("all that it holds is in the image", wanted <= got, "\n".join(sorted(wanted - got)))
check("data comes through", sif.read("/big") == BIG and sif.read("/block") == bytes(range(256)) * 512, sif.path)
out = sif.extract()
check("a file keeps its names", (out / "etc/one").stat().st_nlink == 3, out)
(big,) = (group.folder / "cache/layers").glob("*/big")
check("holes are holes", big.stat().st_blocks * 512 < 800_000, big.stat())
check("what is left out is told of", f"{2 if IS_ROOT else 4} device files of the image are left out" in first.err, first)

bytes_of_first = pathlib.Path(sif.path).read_bytes()
for name, options in {
    "zstd": ["-comp", "zstd"], "xz": ["-comp", "xz"], "lz4": ["-comp", "lz4"],
    "lzma": ["-comp", "lzma"], "none": ["-noI", "-noD", "-noF", "-noX"], "blocks of 1 MiB": ["-b", "1M"],
    "blocks of 4 KiB": ["-b", "4K"], "no tail ends": ["-no-fragments"], "no attributes": ["-no-xattrs"],
    "no holes": ["-no-sparse"],
}.items():
    pack(group.base, tree(), *options)
    result = group.build(env=EPOCH)
    check(f"{name}: the same image", result.status == 0 and pathlib.Path(sif.path).read_bytes() == bytes_of_first, result)

pack(group.base, tree(), "-comp", "lzo")
result = group.build()
check("a compression that cannot be read is named", result.status == 3 and "compressed by 'lzo'" in result.err, result)

# ---- a folder ----

group = Group()
if IS_ROOT:
    subprocess.run(["unsquashfs", "-q", "-n", "-d", str(group.base), str(plain)], check=True, capture_output=True)
    (group.base / "etc/device2").unlink()
    result = group.build(env=EPOCH)
    # Devices are left out; a link with one name has no other.
    lost = {line for line in wanted if line[0] not in "c"} - listing(image(result).path, image(result).offset)
    check("a folder is a base, and all that it holds is in the image", result.status == 0 and not lost,
          f"{result}\n" + "\n".join(sorted(lost)))
    shutil.rmtree(group.base)
group.base.mkdir()
empty = group.build()
check("an empty folder, too", empty.status == 0, empty)
(group.base / "file").write_text("one\n")
(group.base / "secret").write_text("hidden\n")
os.utime(group.base / "file", (1400000000, 1400000000))
group.base.chmod(0o750)
(group.base / "secret").chmod(0)


def root_mode(result):
    return [line.split()[0] for line in listing(result.folder / "x.sif", image(result).offset) if line.endswith(" squashfs-root")][0]


result = group.build(env=EPOCH)
held = image(result).read("/file") == b"one\n" and image(result).read("/secret") == b"hidden\n"
check("what it holds is in the image, with its root's mode", result.status == 0 and held and
      root_mode(result) == "drwxr-x---", result)
again = group.build(env=EPOCH)
check("nothing changed", "nothing has changed" in again.err or "0 steps built" in again.err, again)
before = pathlib.Path(image(again).path).read_bytes()
os.umask(0o077)
clean = Group()
clean.base.symlink_to(group.base)
other = clean.build(env=EPOCH)
os.umask(0o022)
check("umask and cache do not matter", other.status == 0 and pathlib.Path(image(other).path).read_bytes() == before, other)
for text, change in [
    ("another content", lambda: (group.base / "file").write_text("two\n")),
    ("another mode", lambda: (group.base / "file").chmod(0o600)),
    ("another mode of the root", lambda: group.base.chmod(0o711)),
    ("another time, where times count", lambda: os.utime(group.base / "file", (1500000000, 1500000000))),
    ("another time of the root", lambda: os.utime(group.base, (1300000000, 1300000000))),
]:
    change()
    result = group.build(env=EPOCH)
    fresh = Group()
    fresh.base.symlink_to(group.base)
    other = fresh.build(env=EPOCH)
    check(f"{text} is another base", "steps built" in result.err and "#1 cached" not in result.err and
          pathlib.Path(image(result).path).read_bytes() == pathlib.Path(image(other).path).read_bytes(), [result, other])
usual = group.build("%help\n    x\n")
os.utime(group.base / "file", (1600000000, 1600000000))
result = group.build("%help\n    x\n")
check("where they do not, it is not", "nothing has changed" in result.err or "0 steps built" in result.err, result)
(group.folder / "x.def").write_text(LOCAL)
result = run(["run", "-o", "base.img/out.sif", "x.def"], folder=group.folder)
check("the output cannot be in it", result.status == 2 and "in a folder that a stage starts from" in result.err, result)
result = run(["run", "--cache-dir", "base.img/cache", "x.def"], folder=group.folder)
check("nor can the cache", result.status == 2 and "the cache" in result.err and "--cache-dir" in result.err, result)
shutil.rmtree(group.base)

# ---- an image, and one upon it ----

PARENT = FIXTURE + """
%environment
    export PARENT=yes BOTH=parent
%runscript
    echo "parent runs $PARENT $BOTH"
%startscript
    echo started
%test
    test "$PARENT" = yes
%help
    Help of the parent.
%labels
    Parent yes
    Both parent
%apprun tool
    echo "tool of the parent"
%post
    mkdir /opt
    echo parent >/opt/file
    echo "export WRITTEN=parent" >>"$APPTAINER_ENVIRONMENT"
"""
group = Group()
parent = group.build(first=PARENT, rest="")
check("an image for a base", parent.status == 0, parent)
os.rename(group.folder / "x.sif", group.base)
child = group.build("%post\n    cat /opt/file >/opt/copy\n")
check("an image upon it", child.status == 0, child)
sif = image(child)


def text(path):
    return sif.read(path).decode()


labels = json.loads(text("/.singularity.d/labels.json"))
check("its scripts stay", "parent runs" in text("/.singularity.d/runscript") and
      "started" in text("/.singularity.d/startscript") and "PARENT" in text("/.singularity.d/test"), sif.path)
check("and its help, labels and variables", "Help of the parent" in text("/.singularity.d/runscript.help") and
      labels["Parent"] == "yes" and "PARENT=yes" in text("/.singularity.d/env/90-environment.sh") and
      "WRITTEN=parent" in text("/.singularity.d/env/91-environment.sh"), labels)
check("labels of its header are the child's", labels["org.label-schema.usage.singularity.deffile.bootstrap"] ==
      "localimage" and labels["org.label-schema.usage.singularity.deffile.from"] == "base.img", labels)
check("its definition is history", "Help of the parent" in text("/.singularity.d/bootstrap_history/Apptainer0") and
      "cat /opt/file" in text("/.singularity.d/Singularity"), sif.names())
check("its app stays, and variables do not lead to it", "tool of the parent" in text("/scif/apps/tool/scif/runscript")
      and text("/.singularity.d/env/94-appsbase.sh") == "", sif.path)
shown = subprocess.run([DAGBUILD, "inspect", sif.path], capture_output=True, text=True, check=True).stdout
check("and the configuration of the registry's image", "oci-config.json" in shown, shown)
judge(child, "cat /opt/copy", "parent")
judge(child, "", "parent runs yes parent", "run")

base = group.base
group = Group()
child = group.build(base=base, rest="""%environment
    export BOTH=child
%runscript
    echo "child runs $PARENT $BOTH"
%labels
    Child yes
    Both child
%help
    Help of the child.
%apprun own
    echo "own app"
""")
sif = image(child)
labels = json.loads(text("/.singularity.d/labels.json"))
check("variables are added, labels of the same name are not", labels["Child"] == "yes" and labels["Both"] == "parent" and
      "label 'Both' is not set" in child.err and "PARENT=yes" in text("/.singularity.d/env/90-environment.sh"), child)
check("a help text of the base stays", "Help of the parent" in text("/.singularity.d/runscript.help") and
      "%help is not stored" in child.err, child)
check("variables lead to the child's apps only", "SCIF_APPROOT_own" in text("/.singularity.d/env/94-appsbase.sh") and
      "tool" not in text("/.singularity.d/env/94-appsbase.sh"), sif.path)
judge(child, "", "child runs yes child", "run")

# ---- an OCI layout ----

group = Group()
subprocess.run(["skopeo", "copy", "--quiet", "--insecure-policy", "--src-tls-verify=false",
                f"docker://{os.environ['REGISTRY']}/fixtures/ssrc:1", f"oci:{group.folder}/layout:one"], check=True)
FROM_LAYOUT = "Bootstrap: oci\nFrom: ./layout\n"
FROM_REGISTRY = f"Bootstrap: docker\nFrom: {os.environ['REGISTRY']}/fixtures/ssrc:1\n"
POST = "%post\n    cat /stuff/note >/copy\n"
result = group.build(POST, first=FROM_LAYOUT, env=EPOCH)
check("a folder with an OCI layout is a base", result.status == 0 and image(result).read("/copy") == b"note\n", result)
left = [p for p in (group.folder / "cache/blobs").rglob("*") if p.is_file() and p.stat().st_size > 100_000]
check("its layers are not kept twice", not left, left)
theirs = Group().build(POST, first=FROM_REGISTRY, env=EPOCH)
listings = [{line for line in listing(r.folder / "x.sif", image(r).offset) if ".singularity.d" not in line}
            for r in (result, theirs)]
check("it is the same tree as from the registry", listings[0] == listings[1], listings[0] ^ listings[1])
again = group.build(POST, first=FROM_LAYOUT, env=EPOCH)
check("and is found again", "nothing has changed" in again.err, again)
same = group.build(POST, first=FROM_REGISTRY, env=EPOCH)
check("the same layers from a registry are not unpacked again", same.status == 0 and
      len(list((group.folder / "cache/layers").iterdir())) == 7, [same, os.listdir(group.folder / "cache/layers")])
index = json.loads((group.folder / "layout/index.json").read_text())
digest = index["manifests"][0]["digest"]
index["manifests"].append({**index["manifests"][0], "digest": "sha256:" + "0" * 64})
(group.folder / "layout/index.json").write_text(json.dumps(index))
result = group.build(first=FROM_LAYOUT)
check("of several images one must be chosen", result.status == 2 and "it has 2 images" in result.err and digest in
      result.err, result)
result = group.build(POST, first=FROM_LAYOUT.replace("layout", f"layout@{digest}"), env=EPOCH)
check("by its digest", result.status == 0 and "#1 cached" in result.err, result)
group = Group()
shutil.copytree(same.folder / "layout", group.folder / "layout")
index["manifests"].pop()
(group.folder / "layout/index.json").write_text(json.dumps(index))
blobs = sorted((group.folder / "layout/blobs/sha256").iterdir(), key=lambda p: p.stat().st_size)
data = bytearray(blobs[-1].read_bytes())
data[1000] ^= 1
blobs[-1].write_bytes(data)
result = group.build(first=FROM_LAYOUT)
check("a damaged layer is refused", result.status == 1 and "sha256" in result.err, result)
blobs[-1].unlink()
result = group.build(first=FROM_LAYOUT)
check("a missing one, too", result.status == 1 and "it lacks 'blobs/sha256/" in result.err, result)
os.mkfifo(blobs[-1])
result = group.build(first=FROM_LAYOUT)
check("and a fifo in its place", result.status == 1 and "is not a file" in result.err, result)
(group.folder / "layout/index.json").unlink()
result = group.build(first=FROM_LAYOUT)
check("a folder without an index is none", result.status == 1 and "it has no 'index.json'" in result.err, result)

# ---- what counts ----

group = Group()
pack(group.base, [entry(".", tarfile.DIRTYPE, mode=0o755), entry("a", data=b"one")])
group.build("%help\n    Help.\n")
result = group.build("%help\n    Help.\n")
check("nothing changed", "nothing has changed" in result.err, result)
os.utime(group.base)
result = group.build("%help\n    Help.\n")
check("another time is no change", "nothing has changed" in result.err, result)
shutil.copyfile(group.base, group.folder / "copy.img")
result = group.build("%help\n    Help.\n", first=LOCAL.replace("base.img", "./copy.img"))
check("nor is another name: the base is a hit", "1 reused" in result.err and "#1 cached" in result.err, result)
pack(group.base, [entry(".", tarfile.DIRTYPE, mode=0o755), entry("a", data=b"two")])
plan = run(["why", "x.def", "stage1.base"], folder=group.folder)
result = group.build("%help\n    Help.\n")
check("another content is", image(result).read("/a") == b"two", result)

# ---- the output ----

group = Group()
group.build(first="Bootstrap: scratch\n")
before = (group.folder / "x.sif").read_bytes()
(group.folder / "x.sif").rename(group.folder / "base.sif")
(group.folder / "base.def").write_text(LOCAL.replace("base.img", "base.sif"))
result = run(["run", "--force", "base.def"], folder=group.folder)
check("an image is not overwritten by one that starts from it", result.status == 2 and
      "the image that a stage starts from" in result.err and (group.folder / "base.sif").read_bytes() == before, result)

# ---- an image that a script on the host makes ----

group = Group()
pack(group.folder / "source.img", [entry(".", tarfile.DIRTYPE, mode=0o755), entry("a", data=b"one")])
made = "Bootstrap: localimage\nFrom: made.img\n%pre\n    cp source.img made.img\n"
(group.folder / "x.def").write_text(made)
result = run(["plan", "x.def"], folder=group.folder)
check("plan does not know what %pre will make", result.status == 0, result)
result = group.build(first=made)
check("an image that %pre makes is a base", result.status == 0 and image(result).read("/a") == b"one", result)

# ---- a file that changes while it is unpacked ----

group = Group()
for name in ("one", "two"):
    pack(group.folder / name, [entry(".", tarfile.DIRTYPE, mode=0o755), entry("name", data=name.encode()),
                               entry("data", data=os.urandom(120_000_000))], "-noD", "-noF", "-noI")
shutil.copyfile(group.folder / "one", group.base)
(group.folder / "x.def").write_text(LOCAL)
process = start(["run", "-o", "x.sif", "x.def"], group.folder)
child = None
while child is None and process.poll() is None:
    names = subprocess.run(["pgrep", "-f", "internal-unpack image"], capture_output=True, text=True, check=False).stdout
    for pid in map(int, names.split()):
        try:
            if os.readlink(f"/proc/{pid}/fd/3") == str(group.base):
                os.kill(pid, signal.SIGSTOP)
                child = pid
        except OSError:
            pass  # it has ended, or is not ours
if child:
    shutil.copyfile(group.folder / "two", group.base)
    os.kill(child, signal.SIGCONT)
err = process.communicate(timeout=120)[1].decode()
check("a file that changes is an error", child and process.returncode == 1 and "it changes while it is used" in err, err)
shutil.copyfile(group.folder / "one", group.base)
result = group.build()
check("and what was unpacked of it serves nobody", result.status == 0 and image(result).read("/name") == b"one", result)
shutil.rmtree(group.folder)

# ---- what cannot be a base ----

for name, status, words, make in [
    ("no file", 2, ["there is no 'base.img'", "[missing-source]"], lambda path: path.unlink(missing_ok=True)),
    ("no image", 1, ["it is no image: neither SIF nor squashfs"], lambda path: path.write_bytes(b"text\n")),
    ("an empty file", 1, ["it is no image"], lambda path: path.write_bytes(b"")),
    ("a cut squashfs", 1, ["squashfs is damaged"], lambda path: path.write_bytes(plain.read_bytes()[:100])),
    ("half a squashfs", 1, ["damaged"], lambda path: path.write_bytes(plain.read_bytes()[: plain.stat().st_size // 2])),
    ("a SIF without a root", 1, ["it holds no root filesystem"], lambda path: path.write_bytes(no_root(sif.path))),
    ("an encrypted SIF", 3, ["is encrypted"], lambda path: path.write_bytes(with_fs(sif.path, 6))),
    ("a SIF with ext3", 3, ["is ext3"], lambda path: path.write_bytes(with_fs(sif.path, 2))),
    ("an ext3 file", 3, ["is ext3"], lambda path: path.write_bytes(bytes(1080) + b"\x53\xef" + bytes(3000))),
    ("a fifo", 2, ["neither a file nor a folder"], os.mkfifo),
]:
    def row(sif_path):
        data = bytearray(pathlib.Path(sif_path).read_bytes())
        for at in range(4096, 4096 + 48 * 585, 585):
            if struct.unpack_from("<I", data, at)[0] == 0x4004:
                return data, at
        raise AssertionError("no partition")

    def no_root(sif_path):
        data, at = row(sif_path)
        data[at + 4] = 0
        return bytes(data)

    def with_fs(sif_path, fs):
        data, at = row(sif_path)
        struct.pack_into("<I", data, at + 201, fs)
        return bytes(data)

    group = Group()
    make(group.base)
    refused(f"{name} is refused", group.build(), status, *words)

group = Group()
shutil.copyfile(plain, group.base)

# ---- hostile ones ----


def attribute_bomb(n):
    """A root folder with `n` attributes of 60,000 bytes, all at one place."""
    def block(data):
        out = b""
        for at in range(0, len(data), 8192):
            piece = data[at:at + 8192]
            packed = zlib.compress(piece, 9)
            out += (struct.pack("<H", len(packed)) + packed if len(packed) < len(piece) else
                    struct.pack("<H", len(piece) | 0x8000) + piece)
        return out

    none = 2**64 - 1
    inode = block(struct.pack("<HHHHIIIIIIHHI", 8, 0o755, 0, 0, 0, 1, 2, 3, 0, 2, 0, 0, 0))
    folders = 96 + len(inode)
    body = inode + block(struct.pack("<I", 0))
    ids = 96 + len(body)
    body += struct.pack("<Q", folders)
    pairs = 96 + len(body)
    body += block(struct.pack("<HHcI", 0, 1, b"a", 60000) + bytes(60000) +
                  struct.pack("<HHcIQ", 256, 1, b"b", 8, 5) * n)
    lists = 96 + len(body)
    body += block(struct.pack("<QII", 0, n + 1, 65535))
    table = 96 + len(body)
    body += struct.pack("<QIIQ", pairs, 1, 0, lists)
    head = struct.pack("<IIIIIHHHHHHQQQQQQQQ", 0x73717368, 1, 0, 131072, 0, 1, 17, 16, 1, 4, 0, 0, 96 + len(body), ids,
                       table, 96, folders, none, none)
    return head + body + bytes(-len(body) % 4096)


canary = HOME / "canary"
canary.write_text("untouched\n")
small = [entry(".", tarfile.DIRTYPE, mode=0o755), entry("aa", tarfile.SYMTYPE, link=str(HOME)),
         entry("bb", tarfile.DIRTYPE, mode=0o755), entry("bb/canary", data=b"overwritten\n"), entry("cc", data=b"x")]
source = new_folder() / "small"
pack(source, small, "-noI", "-noD", "-noF", "-noX", "-no-xattrs")
good = source.read_bytes()
for name, old, new in [
    ("a name '..'", b"bb", b".."), ("a name with a slash", b"cc", b"c/"), ("an empty one", b"cc", b"\0c"),
    ("a link and a folder of one name", b"bb", b"aa"), ("'.'", b"cc", b".\0"),
]:
    # Names come last in the tables: behind the data.
    at = good.rindex(old)
    group = Group()
    group.base.write_bytes(good[:at] + new + good[at + 2:])
    result = group.build()
    held = result.status == 1 and "no file can have" in result.err or name.startswith("a link") and result.status == 0
    check(f"{name} leads nowhere", held and canary.read_text() == "untouched\n" and
          sorted(os.listdir(HOME)).count("c") == 0, result)

# A folder that holds the root: its entry in the table of folders leads to the root's inode.
root_ref = struct.unpack_from("<Q", good, 32)[0]
at = good.rindex(b"bb")
circle = bytearray(good)
struct.pack_into("<H", circle, at - 8, root_ref & 0xFFFF)
group = Group()
group.base.write_bytes(circle)
result = group.build()
check("a folder within itself ends", result.status == 1 and "a folder has two names" in result.err and
      result.seconds < 20, result)

# Any byte may be wrong: an error, or another image, but never a crash; every build of these has its own.
step = max(1, len(good) // 40)
bad = []
group = Group()
for at in range(0, len(good), step):
    group.base.write_bytes(good[:at] + bytes([good[at] ^ 0xFF]) + good[at + 1:])
    result = group.build()
    if result.status not in (0, 1) or "child ended with status" in result.err:
        bad.append(f"byte {at}: {result}")
check("no wrong byte crashes it", not bad, "\n".join(bad))
check("and nothing was written outside", canary.read_text() == "untouched\n" and not list(HOME.glob("c")))

# Many attributes that share one large value take no room in the image.
group = Group()
group.base.write_bytes(attribute_bomb(2000))
result = group.build()
check("so are attributes without end", result.status == 1 and "extended attributes of more than 1 MiB" in result.err and
      result.seconds < 10, result)

group = Group()
pack(group.base, [entry(".", tarfile.DIRTYPE, mode=0o755), entry("zeros", data=bytes(50_000_000))])
result = group.build("", "--max-file", "10M")
check("a file above the limit is refused before it is made", result.status == 1 and "--max-file" in result.err, result)

finish()
