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


test_no_shell()
test_texts()
finish()
