# SPDX-License-Identifier: MIT
"""Trees and archives of any shape: holes, sizes, depth, memory; what leads out of the root; where a tar ends."""
import itertools
import os
import resource
import subprocess
import sys
import tarfile

import lib
from lib import DAGBUILD, build, check, docker, environment, finish, image, judge, new_folder
from fake import (
    Image,
    Layer,
    Registry,
    Stream,
    base,
    file,
    folder,
    gnu_sparse,
    hardlink,
    pax_sparse,
    symlink,
    tar,
)

GIB = 1 << 30
BASE = base()
registry = Registry({"t/base:1": Image([BASE])})


def upon(*layers):
    """A definition upon the base and `layers`, and another tag for it each time."""
    name = f"t/image{len(registry.images)}:1"
    registry.images[name] = Image([BASE, *layers])
    return docker(registry, "", name)


def said(result, *words):
    return all(word in result.err for word in words)


def listed(result, path):
    """(bytes, first letter) of a file in the image, as unsquashfs lists it."""
    sif = image(result)
    command = ["unsquashfs", "-o", str(sif.offset), "-lln", sif.path, path.lstrip("/")]
    lines = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
    words = next(line for line in lines if line.endswith("squashfs-root" + path)).split()
    return int(words[2]), words[0][0]


# ---- holes and sizes ----


def test_holes():
    """20 GB of nothing, made by a script, copied from the host and from a stage, and in a layer."""
    here = new_folder()
    with open(here / "host", "wb") as f:
        f.truncate(20 * GIB)
    text = (
        docker(registry, "Stage: one\n%post\n    truncate -s 20G /sparse\n    echo x >>/sparse\n")
        + docker(registry, "Stage: two\n%files from one\n    /sparse /copied\n%files\n    host /from-host\n")
    )
    done = build(text, folder=here)
    if check("holes of 20 GiB", done.status == 0, done):
        check("in their full size", listed(done, "/copied") == (20 * GIB + 2, "-"), image(done).names())
        check("from the host too", listed(done, "/from-host") == (20 * GIB, "-"))
        check("the image holds none of it", os.stat(image(done).path).st_size < 64 << 20)
        blocks = sum(f.lstat().st_blocks for f in (here / "cache").rglob("*")) * 512
        check("nor does the cache", blocks < 128 << 20, blocks)
    for form in ("0.0", "0.1", "1.0"):
        done = build(upon(tar(pax_sparse("s", 20 * GIB, 5 * GIB, b"here", form))))
        check(f"a sparse file of a layer, pax {form}", done.status == 0 and listed(done, "/s") == (20 * GIB, "-"), done)
    done = build(upon(tar(gnu_sparse("s", 1 << 40, 1 << 39, b"here"))))
    check("one of 1 TiB, in GNU's form", done.status == 0 and listed(done, "/s") == (1 << 40, "-"), done)


def test_sizes():
    """What is too large is refused, with its name and what to do."""
    for size in ((1 << 40) + 1, 1 << 43):
        sparse = [(f"pax {form}", pax_sparse("s", size, 0, b"x", form)) for form in ("0.0", "0.1", "1.0")]
        for form, one in [("GNU's form", gnu_sparse("s", size, 0, b"x")), *sparse]:
            done = build(upon(tar(one)))
            check(f"{size} bytes in {form}", done.status == 4 and said(done, "entry 's'", "--max-file"), done)
    three = [gnu_sparse(f"s{i}", 400 * GIB, 0, b"x") for i in range(3)]
    done = build(upon(tar(*three)))
    check("three of 400 GiB", done.status == 4 and said(done, "entry 's2'", "a layer may have", "--max-file"), done)
    check("--max-file 2T takes them", build(upon(tar(*three)), "--max-file", "2T").status == 0)
    script = docker(registry, "%post\n    mkdir /d\n    truncate -s 2048G /d/big\n")
    done = build(script)
    check("2 TiB made by a script", done.status == 1 and said(done, "'d/big'", "2.0 TiB", "--max-file"), done)
    check("the same by DAGBUILD_MAX_FILE", build(script, env={"DAGBUILD_MAX_FILE": "3T"}).status == 0)
    done = build(script, env={"DAGBUILD_MAX_FILE": "much"})
    check("a limit that is none", done.status == 2 and said(done, "DAGBUILD_MAX_FILE", "'much'"), done)
    check("nor is 0", build(script, "--max-file", "0").status == 2)
    here = new_folder()
    with open(here / "host", "wb") as f:
        f.truncate(2 << 40)
    done = build(docker(registry, "%files\n    host /from-host\n"), folder=here)
    check("2 TiB from the host", done.status == 1 and said(done, "copy 'host'", "--max-file"), done)
    # What is there under a higher limit is a hit, and may not fit into the image of a lower one.
    first = build(script, "--max-file", "3T")
    again = build(script, folder=first.folder)
    check("a hit stays one", again.status == 0, again)
    (first.folder / "x.sif").unlink()
    again = build(script, folder=first.folder)
    check("but is not packed", again.status == 1 and said(again, "'d/big'", "--max-file"), again)


# ---- memory ----

# Runs what follows, and prints the most memory that any of its processes had, in KiB.  A process of its own,
# since a child counts what its parent had when it was made.
WATCH = """import os, subprocess, sys
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=2)
_, status, usage = os.wait4(child.pid, 0)
print(os.waitstatus_to_exitcode(status), usage.ru_maxrss)
"""


def peak(definition):
    """(status, what it said, bytes) of a build."""
    here = new_folder()
    (here / "x.def").write_text(definition)
    command = [sys.executable, "-c", WATCH, DAGBUILD, "run", "--progress", "plain", "-o", "x.sif", "x.def"]
    done = subprocess.run(command, cwd=here, env=environment(here), capture_output=True, text=True, check=False)
    status, kib = done.stdout.split()
    return int(status), done.stderr, int(kib) << 10


def head(one):
    """The header of an entry, with its extended ones."""
    return one[0].tobuf(format=tarfile.PAX_FORMAT, encoding="utf-8", errors="surrogateescape")


LONG = "/".join("%03d" % i + "x" * 236 for i in range(16))[:3900]


def pax_map(rows):
    """A sparse file whose map has so many rows of 4 bytes."""
    info, _ = pax_sparse("s", 512, 0, b"", "1.0")
    start = b"%d\n" % rows
    info.size = len(start) + 4 * rows
    yield head((info, b""))
    yield start
    for _ in range(rows // 10000):
        yield b"0\n0\n" * 10000
    yield bytes(-info.size % 512)


def test_memory():
    """No archive makes us take more than 128 MiB beyond what an ordinary one takes."""
    status, text, usual = peak(upon(tar(file("f", "x"))))
    check("an ordinary build", status == 0, text)
    hostile = {
        "60,000 folders below a long path": (0, (head(folder(f"{LONG}/{i}")) for i in range(60000))),
        "100,000 links to nothing": (4, itertools.repeat(head(hardlink("a", LONG)), 100000)),
        "a map of ten million rows": (4, pax_map(10000000)),
        "long names of links": (0, (head(symlink(f"l{i}", "y" * 4000)) for i in range(20000))),
    }
    for name, (wanted, pieces) in hostile.items():
        status, text, took = peak(upon(Stream(pieces)))
        check(name, status == wanted, f"{status}: {text[:2000]}")
        check("takes little memory", took < usual + (128 << 20), f"{took >> 20} MiB")
    # The same where the layers below must be asked: a whiteout is among them.
    pieces = (head(file(name)) for name in itertools.chain([".wh.none"], (f"{LONG}/{i}" for i in range(20000))))
    status, text, took = peak(upon(Stream(pieces)))
    check("upon its parents", status == 0 and took < usual + (128 << 20), f"{took >> 20} MiB\n{text[:2000]}")


# ---- depth ----


def test_depth():
    """Folders as deep as a tar can say, and deeper than that by a script: built, copied, packed, removed."""
    deep = "/".join(["top"] + ["a-folder"] * 447)
    steps = [folder(deep[:end]) for end in range(len(deep) + 1) if deep[end : end + 1] in ("/", "")]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    done = build(upon(tar(*steps, file(deep + "/leaf", "x"))), "-j2")
    if check("448 folders in a layer", done.status == 0, done):
        check("are in the image", "/" + deep + "/leaf" in image(done).names())
    # Each half has a path that a system call takes.
    script = """%post
    mkdir -p /one /two
    d=; i=0
    while [ $i -lt 300 ]; do d=$d/a-folder-of; i=$((i + 1)); done
    mkdir -p /one$d /two$d
    echo x >/two$d/leaf
    cd /one$d
    mv /two .
"""
    copy = docker(registry, "Stage: two\n%files from one\n    /one /copied\n")
    done = build(docker(registry, "Stage: one\n" + script) + copy, "-j2")
    if check("600 folders by a script, copied and packed", done.status == 0, done):
        where = image(done)
        command = ["unsquashfs", "-o", str(where.offset), "-s", where.path]
        shown = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        check("are inodes of the image", int(shown.split("Number of inodes")[1].split()[0]) > 600, shown)
    gone = lib.run(["cache", "clear"], folder=done.folder)
    check("and can be removed", gone.status == 0 and not (done.folder / "cache").exists(), gone)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# ---- where a tar ends ----


def test_tails():
    """What follows the last byte of data may be missing; data may not."""
    whole = tar(folder("q"), file("q/f", "y" * 700))
    end = 512 + 512 + 700
    for name, length in (("no padding", end), ("half of it", end + 100), ("half a zero block", 2048 + 100)):
        for kind, layer in (("gzip", Layer(whole[:length])), ("plain", Layer(whole[:length], blob=whole[:length]))):
            done = build(upon(layer))
            right = done.status == 0 and image(done).read("/q/f") == b"y" * 700
            check(f"a tar with {name}, {kind}", right, done)
    done = build(upon(whole[: end - 100]))
    check("a tar cut within data", done.status == 4 and said(done, "within the data"), done)
    done = build(upon(whole[: 512 + 200]))
    check("a tar cut within a header", done.status == 4, done)


# ---- what leads elsewhere ----


def test_escapes():
    """Names and links that lead out of the root make nothing there."""
    canary = new_folder() / "canary"
    canary.mkdir()
    out, up = str(canary), "../" * 20 + str(canary).lstrip("/")
    layers = {
        "names with `..`": [file(up + "/a", "x"), file(out + "/b", "x"), file("c/" + up + "/c", "x"), folder(up + "/d")],
        "names through links": [
            symlink("l", out),
            file("l/through", "x"),
            symlink("m", up),
            file("m/through", "x"),
            folder("m/folder"),
            symlink("n", "l"),
            file("n/chain", "x"),
            symlink("p", "/proc/self/root" + out),
            file("p/magic", "x"),
            symlink("w", "/proc/self/cwd"),
            file("w/magic", "x"),
        ],
        "names that are there already": [
            folder("q"),
            folder("q/r"),
            file("q/r/f", "x"),
            symlink("q/r", out),
            file("q/r/g", "x"),
            hardlink("q/r", "etc/passwd"),
            file("q/r", "new"),
        ],
    }
    for name, entries in layers.items():
        done = build(upon(tar(*entries)))
        check(name, done.status == 0, done)
        check("make nothing outside", not any(canary.iterdir()), list(canary.iterdir()))
    with_passwd = [symlink("s", "/etc/passwd"), hardlink("h", "s"), file("h", "new")]
    done = build(upon(tar(*with_passwd)))
    right = done.status == 0 and image(done).read("/etc/passwd").startswith(b"root:")
    check("a file in the place of a link is a file of its own", right, done)


def test_windows():
    """A zstd frame that wants 2 GiB of memory is refused."""
    plain = tar(file("z", "x"))
    header = b"\x28\xb5\x2f\xfd" + bytes([0, (31 - 10) << 3])
    blob = header + ((len(plain) << 3) | 1).to_bytes(3, "little") + plain
    done = build(upon(Layer(plain, blob=blob)))
    check("a window of 2 GiB", done.status == 4, done)


# ---- links and sockets ----

MAKE_SOCKET = """
#include <sys/socket.h>
#include <sys/un.h>
int main(void)
{
	struct sockaddr_un address = {AF_UNIX, "/left"};
	return bind(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&address, sizeof(address));
}
"""


def test_kinds():
    """What a script leaves is there as Apptainer keeps it, and folders have the links that they should."""
    here = new_folder()
    (here / "socket.c").write_text(MAKE_SOCKET)
    subprocess.run(["cc", "-static", "-o", here / "socket", here / "socket.c"], check=True)
    text = docker(
        registry,
        """%files
    socket /bin/socket
%post
    socket
    mkfifo /fifo
    mkdir -p /n/ten /n/zero
    touch /n/zero/f /n/zero/g
    cd /n/ten
    mkdir 1 2 3 4 5 6 7 8 9 10
    ln /n/zero/f /n/f
""",
    )
    done = build(text, folder=here)
    if not check("a socket and a fifo", done.status == 0, done):
        return
    check("the socket is kept", listed(done, "/left")[1] == "s", image(done).names())
    check("so is the fifo", listed(done, "/fifo")[1] == "p")
    judge(done, "stat -c %h%F /left", "1socket")
    for path, links in (("/n", 4), ("/n/ten", 12), ("/n/ten/1", 2), ("/n/zero", 2), ("/n/f", 2), ("/n/zero/f", 2)):
        judge(done, f"stat -c %h {path}", str(links))


for test in (
    test_holes,
    test_sizes,
    test_memory,
    test_depth,
    test_tails,
    test_escapes,
    test_windows,
    test_kinds,
):
    test()
finish()
