# SPDX-License-Identifier: MIT
"""What is in an image, and what a real Apptainer makes of it."""
import json
import subprocess

import lib
from lib import DAGBUILD, build, check, docker, finish, image, judge
from fake import Image, Registry, base, file, folder, tar


def no_shell():
    with open("/bin/busybox", "rb") as f:
        return tar(folder("opt"), file("opt/busybox", f.read(), mode=0o755))


def without_shell(**config):
    return Image([no_shell()], config=config)


registry = Registry(
    {
        "t/base:1": Image([base()]),
        "t/both:1": without_shell(Entrypoint=["/opt/busybox", "echo", "from"], Cmd=["default words"]),
        "t/entrypoint:1": without_shell(Entrypoint=["/opt/busybox", "echo", "from"]),
        "t/command:1": without_shell(Cmd=["/opt/busybox", "echo", "a  b"]),
    }
)


def metadata(result):
    """inspect-metadata.json of the image."""
    shown = subprocess.run([DAGBUILD, "inspect", "--json", image(result).path], capture_output=True, check=True)
    part = next(o for o in json.loads(shown.stdout)["objects"] if o["name"] == "inspect-metadata.json")
    with open(image(result).path, "rb") as f:
        f.seek(part["offset"])
        return json.loads(f.read(part["bytes"]))["data"]["attributes"]


def test_no_shell():
    """The default runscript runs in an image that has no shell: Apptainer interprets it."""
    done = build(docker(registry, name="t/both:1"))
    if check("an image without a shell", done.status == 0, done):
        judge(done, "", "from default words", "run")
        judge(done, "-n x", "from -n x", "run")
        judge(done, "it's a\"b c\\", "from it's a\"b c\\", "run")
    done = build(docker(registry, name="t/entrypoint:1"))
    if check("one with an entrypoint alone", done.status == 0, done):
        judge(done, "", "from", "run")
        judge(done, "{\"a\":1}", "from {\"a\":1}", "run")
    done = build(docker(registry, name="t/command:1"))
    if check("one with a command alone", done.status == 0, done):
        judge(done, "", "a  b", "run")
        judge(done, "/opt/busybox echo other", "other", "run")


def test_texts():
    """Of the texts in the SIF's JSON only line ends are cut; an empty file of the environment is there."""
    done = build(
        docker(
            registry,
            "\n%help\n    words, then a blank \n\n%environment\n    export A=1  \n\n%runscript\n    echo hi \n\n"
            "%post\n    : >>\"$APPTAINER_ENVIRONMENT\"\n",
        )
    )
    if not check("texts that end in blanks", done.status == 0, done):
        return
    got = metadata(done)
    environment = got["environment"]
    check("the help", got["helpfile"] == "    words, then a blank ", got)
    check("the runscript", got["runscript"] == "#!/bin/sh\n\n    echo hi ", got)
    check("the environment", environment["/.singularity.d/env/90-environment.sh"].endswith("\n    export A=1  "), got)
    check("an empty 91-environment.sh", environment.get("/.singularity.d/env/91-environment.sh") == "", got)
    check("its file", "/.singularity.d/env/91-environment.sh" in image(done).names())


LEFT = """
%post
    cd /tmp
    rm data
    echo changed >named
    head -c 3000000 /dev/urandom >source
    mkdir build && cp source build/
    ln source /linked
    chmod 755 /tmp
    rm -r /var/tmp
    echo done >/made
"""


def test_tmp():
    """What %post makes in /tmp is not in the image, what it removes and changes of others' is as it says."""
    folder = lib.new_folder()
    for name in ("data", "named", "stays"):
        (folder / name).write_text(name)
    files = "\n%files\n    data /tmp/\n    named /tmp/named\n    stays /tmp/stays\n    data /var/tmp/data\n"
    text = docker(registry, files + LEFT)
    done = build(text, folder=folder)
    if not check("files in /tmp", done.status == 0, done):
        return
    there = {name for name in image(done).names() if "tmp" in name}
    check("are dropped", there == {"/tmp", "/tmp/named", "/tmp/stays", "/var/tmp"}, there)
    check("their size is told", "not in the image: 3.0 MB in 2 names (--keep-tmp keeps it)" in done.err, done)
    check("what was there is changed", image(done).read("/tmp/named") == b"changed\n")
    check("another name stays", len(image(done).read("/linked")) == 3000000)
    root = image(done).extract()
    modes = [oct((root / name).stat().st_mode)[-4:] for name in ("tmp", "var/tmp")]
    check("the folders have their modes", modes == ["1777", "1777"], modes)
    judge(done, "/bin/sh -c true", "")
    kept = build(text, "-F", "--keep-tmp", folder=folder)
    there = {name for name in image(kept).names() if name.startswith("/tmp")}
    wanted = {"/tmp", "/tmp/named", "/tmp/stays", "/tmp/source", "/tmp/build", "/tmp/build/source"}
    check("--keep-tmp is another build", kept.status == 0 and "+ rm data" in kept.err, kept)
    check("--keep-tmp keeps them", there == wanted and "not in the image" not in kept.err, kept)
    again = build(text, "-F", folder=folder)
    check("both are remembered", again.status == 0 and "+ rm data" not in again.err, again)


def test_tmp_modes():
    """A base whose /tmp is private, or missing, gets what programs expect."""
    odd = tar(folder("tmp", mode=0o700), file("tmp/of-base", "x"), folder("var/tmp", mode=0o755))
    registry.images["t/odd:1"] = Image([base(), odd])
    done = build(docker(registry, "%post\n    touch /tmp/new; rm /tmp/of-base\n", name="t/odd:1"))
    if check("a base with a private /tmp", done.status == 0, done):
        root = image(done).extract()
        modes = [oct((root / name).stat().st_mode)[-4:] for name in ("tmp", "var/tmp")]
        check("is made fit", modes == ["1777", "1777"], modes)
        check("what %post removed is gone", not list((root / "tmp").iterdir()))


def test_tmp_of_a_stage():
    """Another stage cannot copy what was dropped, and is told why."""
    stages = docker(registry, "Stage: build\n%post\n    echo x >/tmp/x\n") + "\n"
    stages += docker(registry, "%files from build\n    /tmp/x /x\n")
    done = build(stages)
    hint = "is dropped when it ends: make it in another folder, such as /opt, or give --keep-tmp"
    check("a stage's /tmp", done.status != 0 and "[source-in-tmp]" in done.err and hint in done.err, done)
    kept = build(stages, "--keep-tmp")
    if check("is copied from with --keep-tmp", kept.status == 0 and "source-in-tmp" not in kept.err, kept):
        check("as it was", image(kept).read("/x") == b"x\n")


def test_duplicate():
    """Two stages of one name, when that is allowed: the first is copied from."""
    stages = "".join(docker(registry, f"Stage: b\n%post\n    echo {n} >/x\n") + "\n" for n in (1, 2))
    stages += docker(registry, "%files from b\n    /x /x\n")
    check("two stages of one name", build(stages).status == 2)
    done = build(stages, "--disable", "duplicate-stage", "--all-stages")
    if check("may be allowed", done.status == 0 and "b_2.post" in done.err, done):
        check("the first is copied from", image(done).read("/x") == b"1\n")


def test_repository():
    """A source that lies at the root of the definition's repository is found there."""
    folder = lib.new_folder()
    (folder / ".git").mkdir()
    (folder / "tool").write_text("x")
    (folder / "def/deep").mkdir(parents=True)
    (folder / "def/deep/x.def").write_text("Bootstrap: scratch\n%files\n    tool /tool\n")
    hint = "it exists in the repository's root: cd "
    done = lib.run(["check", "x.def"], folder / "def/deep")
    check("a source at the repository's root", done.status == 2 and hint + "../.." in done.err, done)
    done = lib.run(["check", "deep/x.def"], folder / "def")
    check("from a folder between", done.status == 2 and hint + "deep/../.." in done.err, done)
    check("from the root", lib.run(["check", "def/deep/x.def"], folder).status == 0)


test_no_shell()
test_texts()
test_tmp()
test_tmp_modes()
test_tmp_of_a_stage()
test_duplicate()
test_repository()
finish()
