# SPDX-License-Identifier: MIT
"""debootstrap.py - `Bootstrap: debootstrap` with the real program and a real mirror of Debian: that of this machine."""

import os
import pathlib
import re
import subprocess

from lib import Sif, build, check, finish, judge, new_folder

sources = [pathlib.Path("/etc/apt/sources.list"), *pathlib.Path("/etc/apt/sources.list.d").glob("*")]
text = "".join(path.read_text() for path in sources if path.exists())
MIRROR = re.search(r"(?m)^[^#\n]*?(https?://\S+/debian)(?=[\s/])", text)[1]
SYSTEM = f"Bootstrap: debootstrap\nMirrorURL: {MIRROR}\nOSVersion: bookworm\nInclude: less\n"
POST = """
%post
    test -z "$(dpkg --audit)"
    dpkg -s less >/dev/null
    stat -c %G /etc/shadow >/group
    apt-get --version >/apt
"""
# What is there only in an image, and what we remove.
OWN = r"/(\.singularity\.d|\.exec|\.run|\.shell|\.test|singularity|environment)(/|$)|/(etc/hosts|group|apt|dev/.*)$"
REMOVED = (r"/(etc/hostname|var/log/.*\.log|var/log/apt/.*|var/cache/apt/archives/.*\.deb|var/cache/ldconfig/aux-cache|"
           r"dev/.*)$")


def names(root, without):
    found = ("/" + str(path.relative_to(root)) for path in root.rglob("*"))
    return {name for name in found if not re.match(without, name)}


built = build(SYSTEM + POST, seconds=600)
if check("a system of Debian is a base", built.status == 0, built):
    sif = Sif(built.folder / "x.sif")
    check("owners are those of the packages", sif.read("/group") == b"shadow\n", sif.read("/group"))
    judge(built, "cat /group", "shadow")
    again = build(SYSTEM + POST, folder=built.folder)
    check("nothing to do the next time", "nothing has changed" in again.err, again)
    if os.geteuid() == 0:
        plain = new_folder() / "root"
        command = ["debootstrap", "--variant=minbase", "--exclude=openssl,udev,debconf-i18n,e2fsprogs",
                   "--include=apt,less", "bookworm", plain, MIRROR]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        check("debootstrap alone", done.returncode == 0, done.stdout[-2000:])
        ours, theirs = names(sif.extract(), OWN), names(plain, REMOVED)
        check("the same files", ours == theirs, sorted(ours ^ theirs)[:40])

finish()
