# SPDX-License-Identifier: MIT
"""TAP for end-to-end tests in Python; what lib.sh is for shells.  A failed check is shown with its evidence, the
script goes on, and its exit status tells at the end.

    import lib                          # puts tests/rig on the path
    from lib import build, check, finish
    from fake import *
    ...
    finish()
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SOURCE = pathlib.Path(os.environ["SOURCE"])
sys.path.insert(0, str(SOURCE / "tests/rig"))
DAGBUILD = os.environ["DAGBUILD"]
HOME = pathlib.Path(os.environ["HOME"])

_checks = []


def check(text, held, evidence=""):
    """One line of TAP; gives `held` back."""
    _checks.append(bool(held))
    print(f"{'ok' if held else 'not ok'} {len(_checks)} - {text}", flush=True)
    if not held:
        print("\n".join("# " + line for line in str(evidence).splitlines()), flush=True)
    return held


def finish():
    print(f"1..{len(_checks)}", flush=True)
    # Threads of servers do not hold us up.
    os._exit(0 if _checks and all(_checks) else 1)


class Run:
    """What one dagbuild did: status ("late" when it had to be killed), out, err, seconds; `folder` it ran in."""

    def __init__(self, status, out, err, seconds, folder):
        self.status, self.out, self.err, self.seconds, self.folder = status, out, err, seconds, folder

    def __str__(self):
        return f"{self.folder}: status {self.status} in {self.seconds:.1f} s\n{self.out}{self.err}"


def new_folder():
    return pathlib.Path(tempfile.mkdtemp(dir=HOME))


def environment(folder, changes=None):
    """The test's own without proxies and DAGBUILD_*; a store in `folder`.  A change to None removes."""
    env = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy") and not k.startswith("DAGBUILD_")}
    env["DAGBUILD_CACHEDIR"] = str(folder / "cache")
    env.update(changes or {})
    return {k: str(v) for k, v in env.items() if v is not None}


def start(args, folder, env=None, **more):
    return subprocess.Popen(
        [DAGBUILD, *map(str, args)],
        cwd=folder,
        env=environment(folder, env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        **more,
    )


def run(args, folder=None, env=None, seconds=120):
    """dagbuild ARGS in `folder` (default: a new one).  After so many seconds it is killed."""
    folder = folder or new_folder()
    begun = time.monotonic()
    process = start(args, folder, env)
    try:
        out, err = process.communicate(timeout=seconds)
        status = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        status = "late"
    text = [b.decode("utf-8", "surrogateescape") for b in (out, err)]
    return Run(status, *text, time.monotonic() - begun, folder)


def build(definition, *args, folder=None, env=None, seconds=120):
    """`dagbuild run` of a definition's text; the image is `image(result)`."""
    folder = folder or new_folder()
    (folder / "x.def").write_text(definition)
    return run(["run", "--progress", "plain", "-o", "x.sif", *args, "x.def"], folder, env, seconds)


def docker(registry, rest="", name="t/base:1"):
    """A definition upon an image of a fake registry."""
    return f"Bootstrap: docker\nFrom: {registry.host}/{name}\n{rest}"


# ---- what is in an image ----


class Sif:
    """The root filesystem in a SIF, read by unsquashfs."""

    def __init__(self, path):
        self.path = str(path)
        shown = subprocess.run([DAGBUILD, "inspect", "--json", self.path], capture_output=True, check=True)
        parts = [o for o in json.loads(shown.stdout)["objects"] if "filesystem" in o]
        self.offset = parts[0]["offset"]

    def _unsquashfs(self, *args):
        command = ["unsquashfs", "-o", str(self.offset), *args]
        return subprocess.run(command, capture_output=True, check=False).stdout

    def names(self):
        """Paths, "/bin/sh", of all that is there."""
        lines = self._unsquashfs("-l", self.path).decode("utf-8", "surrogateescape").splitlines()
        return {line.removeprefix("squashfs-root") for line in lines if line.startswith("squashfs-root/")}

    def read(self, path):
        return self._unsquashfs("-cat", self.path, path.lstrip("/"))

    def extract(self):
        """The tree in a new folder."""
        to = new_folder() / "root"
        self._unsquashfs("-q", "-n", "-d", str(to), self.path)
        return to


def image(result):
    return Sif(result.folder / "x.sif")


def judge(result, words, wanted, how="exec"):
    """Have a real Apptainer exec, or run, WORDS in the image when the test is over; what it must print."""
    result.folder.chmod(0o755)  # Apptainer runs as another user
    with open(os.environ["JUDGE"], "a", encoding="utf-8") as f:
        f.write(f"{result.folder}/x.sif|{words}|{wanted}|{how}\n")


def remove(folder):
    shutil.rmtree(folder, ignore_errors=True)
