# SPDX-License-Identifier: MIT
"""Registries as they are: what others build from, we do, too."""
import lib
from lib import build, check, docker, finish, image
from fake import Image, Registry, base, file, tar

registry = Registry({"t/base:1": Image([base(), tar(file("etc/motd", "hello"))])})
done = build(docker(registry, "%post\n    cat /etc/motd >/copy\n"))
if check("a registry made of Python", done.status == 0, done):
    check("its layers", image(done).read("/copy") == b"hello", image(done).names())

# ---- HEAD is refused ----

image_ = Image([base()])
for status in (400, 403, 404, 405, 429, 500, 501, 503):
    def refuse(x, status=status):
        return x.command == "HEAD" and x.answer(status)

    r = Registry({"t/base:1": image_}, refuse)
    done = build(docker(r))
    check(f"HEAD gives {status}", done.status == 0 and r.count("HEAD") == 1, (done, r.log))

r = Registry({"t/base:1": image_}, lambda x: x.command == "HEAD" and x.answer(405))
done = build("Bootstrap: docker\nFrom: localhost:1/t/base:1\n", "--registry-mirror", f"localhost:1=http://{r.host}")
check("by a mirror", done.status == 0, (done, r.log))

for name, header in (("no digest", None), ("an unknown digest", "md5:00"), ("upper case", image_.digest.upper()),
                     ("sha512", "sha512:" + "0" * 128)):
    def other(x, header=header):
        headers = {"Content-Type": image_.media_type, "Docker-Content-Digest": header}
        return x.command == "HEAD" and x.answer(200, image_.raw, headers)

    r = Registry({"t/base:1": image_}, other)
    done = build(docker(r))
    check(f"HEAD tells {name}", done.status == 0, (done, r.log))

finish()
