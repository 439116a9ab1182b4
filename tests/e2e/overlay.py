# SPDX-License-Identifier: MIT
"""Where overlayfs is not a plain folder, the image is as if it were, or the user is told."""
import subprocess

from lib import build, check, docker, finish, image, new_folder
from fake import Image, Registry, base, file, folder, hardlink, tar

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

finish()
