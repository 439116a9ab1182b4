# SPDX-License-Identifier: MIT
"""Images of more layers than can be mounted: the lowest are merged, once, and nobody sees a difference."""
import base64
import os
import shutil

from lib import build, check, docker, finish, image, new_folder, run, start
from fake import Image, Layer, Registry, base, file, folder, hardlink, symlink, tar

MERGED = "become one"


def numbered(i):
    return tar(file(f"l/{i}", str(i)))


def at(n, special):
    """n layers: the base, those of `special` (number: entries), and numbered ones."""
    return [base()] + [tar(*special[i]) if i in special else numbered(i) for i in range(1, n)]


# What layers do to one another: low (merged with merged), across (above to merged), high.
SPECIAL = {
    1: [folder("l"), folder("w"), file("w/a", "1"), file("w/b", "1"), folder("o"), file("o/old", "1"), file("h/x", "x"), file("h/low", "low")],
    2: [file("w/.wh.a"), hardlink("h/y", "h/x"), hardlink("h/link", "h/low"), folder("w", mode=0o750)],
    3: [file("o/.wh..wh..opq"), file("o/new", "3")],
    4: [symlink("lnk", "w")],
    5: [file("lnk/through", "5"), file("kind", "file")],
    6: [folder("kind"), file("kind/now", "folder")],
    370: [file("w/.wh.b"), hardlink("h/z", "h/y")],
    380: [file("o/.wh..wh..opq"), file("o/newest", "380")],
    390: [file("lnk/late", "390"), folder("l", mode=0o700)],
}
N = 400
layers = at(N, SPECIAL)
layers[200] = layers[20]  # images repeat layers
layers[395] = layers[30]


# The lowest come along with the manifest.
brought = [Layer(numbered(i)) for i in range(1, 102)]


def bring(manifest):
    for i in (0, 1):
        manifest["layers"][i]["data"] = base64.b64encode(brought[i].blob).decode()


registry = Registry(
    {
        "t/base:1": Image(layers),
        "t/more:1": Image(at(101, {})),
        # Only the lowest layers differ, and all stand alone: none of the others is called by what is below it.
        **{
            f"t/alone:{w}": Image([base(file("lowest", w)), *[tar(folder("l"), file(f"l/{i}", "")) for i in range(1, 101)]])
            for w in ("one", "two")
        },
        "t/small:1": Image([base()]),
        "t/brought:1": Image(brought, change=bring),
        "t/toomany:1": Image(at(1001, {})),
    }
)


def blobs():
    return registry.count(r"^GET .*/blobs/")


first = build(docker(registry, "%post\n    test -f /l/7\n    touch /w/made\n"), seconds=300)
check(f"an image of {N} layers", first.status == 0, first)
check("is told of before", f"has {N} layers: the lowest 301 {MERGED}" in first.err, first)
names = image(first).names()
want = {f"/l/{i}" for i in range(1, N) if i not in SPECIAL and i not in (200, 395)}
check("all files are there", want <= names, want - names)
check("a whiteout below", "/w/a" not in names, names)
check("a whiteout above", "/w/b" not in names, names)
check("opaque folders", "/o/old" not in names and "/o/new" not in names and "/o/newest" in names, names)
check("through a link", {"/w/through", "/w/late"} <= names, names)
check("a folder for a file", image(first).read("/kind/now") == b"folder", names)
check("no mark is left", not [n for n in names if ".wh." in n], names)
tree = image(first).extract()
check("modes", (tree / "w").stat().st_mode & 0o777 == 0o750 and (tree / "l").stat().st_mode & 0o777 == 0o700)
check("links below", os.path.samefile(tree / "h/low", tree / "h/link"))
check("a link to what was merged", (tree / "h/z").read_text() == "x" and os.path.samefile(tree / "h/y", tree / "h/z"))

there = len(list((first.folder / "cache/layers").iterdir()))
check("one layer instead of 301", there <= 100 + 5, there)
before = blobs()
again = build(docker(registry, "%post\n    touch /other\n"), folder=first.folder)
check("another definition merges nothing", again.status == 0 and MERGED not in again.err, again)
check("and asks for no layer", blobs() == before, blobs() - before)
again = build(docker(registry, "%post\n    touch /third\n"), "--offline", "--no-cache", folder=first.folder)
check("nor does one without network", again.status == 0 and "/l/399" in image(again).names(), again)

# ---- two at once, and from a damaged layer ----

shared = new_folder()
folders = [new_folder() for _ in range(2)]
for f in folders:
    (f / "x.def").write_text(docker(registry, "", "t/more:1"))
running = [start(["run", "-o", "x.sif", "x.def"], f, {"DAGBUILD_CACHEDIR": shared / "cache"}) for f in folders]
ends = [p.communicate()[1].decode() for p in running]
check("two at once", [p.returncode for p in running] == [0, 0], "\n".join(ends))
merged = next(p for p in (shared / "cache/layers").iterdir() if (p / "bin/busybox").exists())
check("101 layers: two are merged", (merged / "l/1").exists() and not (merged / "l/2").exists(), merged)
(merged / "l/1").unlink()
again = build(docker(registry, "%post\n    cat /l/1\n", "t/more:1"), folder=shared)
check("a merged layer that lost a file is made anew", again.status == 0 and "/l/1" in image(again).names(), again)

done = build(docker(registry, "", "t/brought:1"))
merged = next(p for p in (done.folder / "cache/layers").iterdir() if (p / "l/1").exists() and (p / "l/2").exists())
shutil.rmtree(merged)
again = build(docker(registry, "", "t/brought:1"), "--offline", folder=done.folder)
check("what came with the manifest needs no network", again.status == 0 and "/l/1" in image(again).names(), again)

# ---- many steps ----

STEPS = 25
WHICH = "%post\n    cat /lowest >/which\n"

STAGES = "".join(
    f"Bootstrap: docker\nFrom: {registry.host}/t/small:1\nStage: s{i}\n%post\n    touch /from\n\n" for i in range(STEPS)
)


def many(rest, name="t/more:1"):
    copies = "".join(f"%files from s{i}\n    /from /copies/{i}\n" for i in range(STEPS))
    return STAGES + docker(registry, copies + rest, name)


done = build(many("%post\n    ls /copies | wc -l >/count\n"), seconds=300)
check(f"{STEPS} steps upon many layers", done.status == 0 and image(done).read("/count").split() == [str(STEPS).encode()], done)
check("the chain is shortened, and it is said", "the lowest 61 become one" in done.err, done)
names = image(done).names()
check("nothing is lost", {f"/copies/{i}" for i in range(STEPS)} | {f"/l/{i}" for i in range(1, 101)} <= names, names)
again = build(many("%post\n    ls /copies >/other\n"), folder=done.folder)
check("another script merges nothing", again.status == 0 and "become one" not in again.err, again)
again = build(many("%post\n    ls /copies >/other\n"), folder=done.folder)
check("and then all is current", "is up to date" in again.err, again)

# What stands on merged layers is not taken for what stands on others, however alike the rest is.
for which in ("one", "two"):
    done = build(docker(registry, WHICH, f"t/alone:{which}"), folder=done.folder)
    merged = done.status == 0 and MERGED in done.err
    check(f"a step upon merged layers, {which}", merged and image(done).read("/which") == which.encode(), done)
    done = build(many(WHICH, f"t/alone:{which}"), folder=done.folder)
    check("and upon a shortened chain", done.status == 0 and image(done).read("/which") == which.encode(), done)

broken = build(many("%post\n    touch /left\n    false\n"), folder=done.folder)
shell = run(["shell", "--failed", "--", "ls", "/left", "/copies/24"], done.folder)
check("a shell where a step upon them failed", broken.status == 1 and shell.status == 0, f"{broken}\n{shell}")

# ---- limits ----

before = blobs()
done = build(docker(registry, "", "t/toomany:1"))
check("more are refused", done.status == 4 and "1001" in done.err, done)
check("before any is fetched", blobs() - before == 0, blobs() - before)

finish()
