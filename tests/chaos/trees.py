# SPDX-License-Identifier: MIT
"""What an image holds, as lines that can be compared; times are left out."""

import hashlib
import json
import os
import re
import shutil
import stat
import subprocess


def unpack(dagbuild, image, folder):
    listing = subprocess.run([dagbuild, "inspect", "--json", image], check=True, capture_output=True, text=True).stdout
    offset = [o["offset"] for o in json.loads(listing)["objects"] if o["type"] == "Partition"][0]
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run(["unsquashfs", "-quiet", "-no-progress", "-offset", str(offset), "-dest", folder, image], check=True,
                   stdout=subprocess.DEVNULL)


def content(path):
    with open(path, "rb") as file:
        text = file.read()
    if path.endswith("/.singularity.d/labels.json"):
        text = re.sub(rb'build-date": "[^"]*"', b'build-date": ""', text)
    return f"{len(text)} {hashlib.sha256(text).hexdigest()[:16]}"


def describe(path, name, first):
    st = os.lstat(path)
    words = [name, stat.filemode(st.st_mode), oct(st.st_mode & 0o7777), f"{st.st_uid}:{st.st_gid}"]
    if stat.S_ISLNK(st.st_mode):
        words.append("-> " + os.readlink(path))
    if stat.S_ISREG(st.st_mode):
        words.append(content(path))
    if stat.S_ISBLK(st.st_mode) or stat.S_ISCHR(st.st_mode):
        words.append(hex(st.st_rdev))
    if st.st_nlink > 1 and not stat.S_ISDIR(st.st_mode):
        words.append("= " + first.setdefault(st.st_ino, name))
    words += [f"{key}={os.getxattr(path, key, follow_symlinks=False)!r}"
              for key in sorted(os.listxattr(path, follow_symlinks=False))]
    return " ".join(words)


def lines(root):
    names = ["."]
    for folder, folders, files in os.walk(root):
        names += [os.path.relpath(os.path.join(folder, name), root) for name in folders + files]
    first = {}
    return [describe(os.path.join(root, name), name, first) for name in sorted(names)]


def differences(dagbuild, a, b, work):
    """Lines of the images `a` and `b` that differ."""
    listings = []
    for index, image in enumerate((a, b)):
        folder = os.path.join(work, f"tree{index}")
        unpack(dagbuild, image, folder)
        listings.append(lines(folder))
        shutil.rmtree(folder)
    one, other = map(set, listings)
    return sorted([f"cached: {line}" for line in one - other] + [f"clean:  {line}" for line in other - one],
                  key=lambda line: line[8:])
