# SPDX-License-Identifier: MIT
"""Where overlayfs is not a plain folder, the image is as if it were, or the user is told."""
import os
import subprocess

from lib import build, check, docker, finish, image, new_folder
from fake import Image, Registry, base, file, folder, hardlink, symlink, tar

RENAME = """
#include <stdio.h>
int main(int argc, char **argv)
{
	if (argc == 3 && rename(argv[1], argv[2]) == 0)
		return 0;
	perror("rename");
	return 1;
}
"""


def program(text):
    """A static program."""
    at = new_folder()
    (at / "x.c").write_text(text)
    subprocess.run(["cc", "-static", "-o", at / "x", at / "x.c"], check=True)
    return (at / "x").read_bytes()


registry = Registry(
    {"t/base:1": Image([base(), tar(file("bin/rename", program(RENAME), mode=0o755), folder("d"), file("d/x", "x"))])}
)

# ---- rename(2) of a folder ----

failed = build(docker(registry, "%post\n    rename /d /e\n"))
check("a folder of the base cannot be renamed", failed.status == 1 and "Invalid cross-device link" in failed.err, failed)
check("the error explains it", "cannot be renamed (EXDEV)" in failed.err, failed)
failed = build(docker(registry, "%post\n    rename /d /e || true\n    for i in $(seq 30); do echo $i; done\n    false\n"))
check("not what failed long before", failed.status == 1 and "(EXDEV)" not in failed.err, failed)
moved = build(docker(registry, "%post\n    mv /d /e\n    mkdir /f\n    rename /f /g\n"))
check("mv does it", moved.status == 0 and {"/e/x", "/g"} <= image(moved).names(), moved)

# ---- files with several names ----

# What the script does to NAME/a, NAME/b, NAME/sub/c, one file that holds "A": then which of the names are one file,
# and what they hold.  Names that are missing are in no set.
TOGETHER = [{"a", "b", "sub/c"}]
CASES = {
    "nothing": ("true", TOGETHER, {"a": "A"}),
    "append": ("echo more >>a", TOGETHER, {"a": "Amore\n"}),
    "second": ("echo more >>sub/c", TOGETHER, {"a": "Amore\n"}),
    "truncate": (": >b", TOGETHER, {"a": ""}),
    "mode": ("chmod 640 b", TOGETHER, {"a": "A"}),
    "recursive": ("chmod -R 750 .", TOGETHER, {"a": "A"}),
    "both-ways": ("echo more >>a; chmod 640 b", TOGETHER, {"b": "Amore\n"}),
    "equal": ("echo new >a; echo new >b", TOGETHER, {"sub/c": "new\n"}),
    "replaced": ("echo new >t; mv t a", [{"a"}, {"b", "sub/c"}], {"a": "new\n", "b": "A"}),
    "sed": ("sed -i s/A/B/ a", [{"a"}, {"b", "sub/c"}], {"a": "B", "b": "A"}),
    "removed": ("rm b; echo more >>a", [{"a", "sub/c"}], {"a": "Amore\n"}),
    "folder-removed": ("rm -r sub; mkdir sub; echo more >>a", [{"a", "b"}], {"b": "Amore\n"}),
    "all-removed": ("cp a t; rm -r a b sub; mv t a", [{"a"}], {"a": "A"}),
    "linked": ("ln a new; echo more >>new", [{"a", "b", "sub/c", "new"}], {"b": "Amore\n"}),
    "copied": ("cp -a a copy; echo more >>a", TOGETHER + [{"copy"}], {"copy": "A", "b": "Amore\n"}),
    "touched": ("touch -d @1000000000 b", TOGETHER, {"a": "A"}),
    "parted": ("echo 1 >>a; echo 2 >>b", [{"a"}, {"b"}, {"sub/c"}], {"a": "A1\n", "b": "A2\n"}),
    "target": ("true", TOGETHER, {"b": "B"}),
    "over": ("ln -f ../target/a b; echo more >>a", [{"a", "sub/c"}, {"b"}], {"a": "Amore\n", "b": "B"}),
    "files": ("true", TOGETHER, {"b": "host\n"}),
    "files-post": ("echo more >>b", TOGETHER, {"sub/c": "host\nmore\n"}),
}


def group(name):
    text = "B" if name == "target" else "A"
    return [folder(name), folder(f"{name}/sub"), file(f"{name}/a", text)] + [
        hardlink(f"{name}/{link}", f"{name}/a") for link in ("b", "sub/c")
    ]


entries = [e for name in CASES for e in group(name)]
# A stranger's mark is none.
entries.append(file("foreign", "f", pax_headers={"SCHILY.xattr.user.dagbuild.links": "x" * 12}))
registry = Registry({"t/base:1": Image([base(), tar(*entries), tar(symlink("low", "nothing"))])})
script = "".join(f"    (cd /{name}; {what})\n" for name, (what, _, _) in CASES.items())
at = new_folder()
(at / "host").write_text("host\n")
done = build(docker(registry, f"%files\n    host /files/a\n    host /files-post/a\n%post\n{script}"), folder=at)
if check("a script changes files with several names", done.status == 0, done):
    tree = image(done).extract()
    for name, (what, together, texts) in CASES.items():
        want = {frozenset(s) for s in together}
        have = {}
        for p in (tree / name).rglob("*"):
            if p.is_file():
                have.setdefault(p.stat().st_ino, set()).add(str(p.relative_to(tree / name)))
        shown = {p: (tree / name / p).read_text() for p in texts}
        same = {frozenset(s) for s in have.values()} == want
        counted = all((tree / name / next(iter(s))).stat().st_nlink == len(s) for s in want)
        if name == "target":  # one of its names is in another folder
            counted = (tree / name / "a").stat().st_nlink == 4 and os.path.samefile(tree / "target/a", tree / "over/b")
        if name == "over":
            counted = True
        check(f"{name}: {what}", same and counted and shown == texts, (have, shown))
    check("modes", {(tree / n / "a").stat().st_mode & 0o777 for n in ("mode", "both-ways")} == {0o640})
    check("times", (tree / "touched/sub/c").stat().st_mtime == 1000000000)
    check("a folder's time stays", (tree / "append/sub").stat().st_mtime == 1700000000)
    check("that of two is told", "'/parted/" in done.err and done.err.count("were one file") == 1, done)
    marked = [p for p in tree.rglob("*") if not p.is_symlink() and os.listxattr(p)]
    check("no mark is in the image", not marked, marked)
    again = build(docker(registry, "%post\n    echo x >>/nothing/b\n"), folder=at)
    tree = image(again).extract()
    check("again, from the cache", (tree / "nothing/a").read_text() == "Ax\n" and again.status == 0, again)

# ---- a layer of several images: what it is depends on what is below ----

through, hiding = tar(file("lnk/through", "t")), base(file(".wh.below"))
registry = Registry(
    {
        **{f"t/through:{w}": Image([base(), tar(folder(w), symlink("lnk", w)), through]) for w in ("one", "two")},
        "t/lowest:1": Image([hiding]),
        "t/higher:1": Image([tar(file("below", "b")), hiding]),
    }
)
at = new_folder()
for which in ("one", "two"):
    done = build(docker(registry, name=f"t/through:{which}"), folder=at)
    check(f"through a link to {which}", done.status == 0 and f"/{which}/through" in image(done).names(), done)
done = build(docker(registry, name="t/lowest:1"), folder=at)
check("a whiteout with nothing below", done.status == 0, done)
done = build(docker(registry, name="t/higher:1"), folder=at)
check("hides something elsewhere", done.status == 0 and "/below" not in image(done).names(), done)

finish()
