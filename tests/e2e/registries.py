# SPDX-License-Identifier: MIT
"""Registries as they are: what others build from, we do, too."""
import lib
from lib import build, check, docker, finish, image
from fake import Image, Registry, base, file, tar

registry = Registry({"t/base:1": Image([base(), tar(file("etc/motd", "hello"))])})
done = build(docker(registry, "%post\n    cat /etc/motd >/copy\n"))
if check("a registry made of Python", done.status == 0, done):
    check("its layers", image(done).read("/copy") == b"hello", image(done).names())

finish()
