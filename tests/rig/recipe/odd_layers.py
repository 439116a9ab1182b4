#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write the layers that tools do not write, but images do have.

odd_layers.py KIND OUT.tar

  go     on top of the stand-in golang image: an entry `bin/NAME` without its folder, over the
         link bin -> usr/bin; a hard link to a file of a layer below; an opaque folder.
  below, above
         two layers of rig/layers:1, with what is legal but nasty.
"""

import io
import sys
import tarfile

TIME = 1700000000


def add(tar, name, kind=tarfile.REGTYPE, data=b"", mode=0o644, link="", uid=0, gid=0, pax=None):
    info = tarfile.TarInfo(name)
    info.type = kind
    info.mode = mode
    info.mtime = TIME
    info.uid, info.gid = uid, gid
    info.linkname = link
    info.size = len(data)
    info.pax_headers = pax or {}
    tar.addfile(info, io.BytesIO(data) if data else None)


def go(tar):
    add(tar, "bin/rig-greet", data=b"#!/bin/sh\necho greetings\n", mode=0o755)
    add(tar, "usr/local/bin/apk-again", kind=tarfile.LNKTYPE, link="sbin/apk")
    add(tar, "opt/rig", kind=tarfile.DIRTYPE, mode=0o755)
    add(tar, "opt/rig/new", data=b"new\n")
    add(tar, "opt/rig/.wh..wh..opq")


def below(tar):
    add(tar, "./", kind=tarfile.DIRTYPE, mode=0o755)
    for name in ("d", "d/keep", "opaque", "opaque/sub", "gone"):
        add(tar, name, kind=tarfile.DIRTYPE, mode=0o755)
    add(tar, "d/a", data=b"a\n")
    add(tar, "d/b", data=b"b\n")
    add(tar, "opaque/old", data=b"old\n")
    add(tar, "opaque/sub/old", data=b"old\n")
    add(tar, "gone/file", data=b"gone\n")
    add(tar, "real", kind=tarfile.DIRTYPE, mode=0o755)
    add(tar, "lnk", kind=tarfile.SYMTYPE, link="/real")
    add(tar, "setuid", data=b"#!/bin/sh\n", mode=0o4755)
    add(tar, "owned", data=b"owned\n", mode=0o640, uid=33, gid=44)
    add(tar, "wall", kind=tarfile.DIRTYPE, mode=0o000)
    add(tar, "readonly", kind=tarfile.DIRTYPE, mode=0o555)
    add(tar, "readonly/file", data=b"inside\n", mode=0o444)
    add(tar, "fifo", kind=tarfile.FIFOTYPE, mode=0o600)
    add(tar, "caps", data=b"x", mode=0o755, pax={"SCHILY.xattr.user.rig": "value"})
    add(tar, "l" * 120 + "/" + "n" * 120, data=b"long\n")
    add(tar, "gr\u00fc\u00dfe", data="gr\u00fc\u00df dich\n".encode())


def above(tar):
    add(tar, "d/.wh.a")
    add(tar, "d/c", kind=tarfile.LNKTYPE, link="d/b")
    # Opaque applies to what lies below, wherever in the archive it stands.
    add(tar, "opaque", kind=tarfile.DIRTYPE, mode=0o755)
    add(tar, "opaque/new", data=b"new\n")
    add(tar, "opaque/.wh..wh..opq")
    add(tar, "opaque/later", data=b"later\n")
    add(tar, ".wh.gone")
    add(tar, ".wh.never-was")
    add(tar, "lnk/through", data=b"through\n")
    add(tar, "../../escape", data=b"inside\n")
    add(tar, "/absolute", data=b"inside\n")
    add(tar, "twice", data=b"first\n")
    add(tar, "twice", data=b"second\n")


def main():
    kind, out = sys.argv[1:]
    with tarfile.open(out, "w", format=tarfile.PAX_FORMAT) as tar:
        {"go": go, "below": below, "above": above}[kind](tar)


main()
