#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Change random definitions at random, and compare each cached build with a clean one.

    differential.py [--seed N] [--edits M] [--dir DIR] [-v]

A world is a definition, host files, and tags in the test's own registry.  After each edit it is built twice: with the
store that has seen all earlier edits, and with an empty one.  Both builds must end alike; the images must be equal byte
for byte when SOURCE_DATE_EPOCH is set, and otherwise hold the same tree, apart from times.  Now and then an edit is
taken back, or only times change: then only the image may be made again.  After some edits a new world begins, in the
same store.

The seed is printed, and repeats the run; --edits then stops after the one of interest.  Environment:
DAGBUILD, SOURCE; CHAOS=full makes 1000 edits the default.
"""

import argparse
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import images
import trees
import worlds

DAGBUILD = os.environ["DAGBUILD"]
SOURCE = os.environ["SOURCE"]
REGISTRY = SOURCE + "/tests/rig/registry.sh"
EDITS_OF_A_WORLD = 13
FAILURES_MAX = 10


def remove_tree(folder):
    """Remove a tree, including files of subordinate owners."""
    before = [] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--map-auto"]
    subprocess.run([*before, "rm", "-rf", folder], check=True)


class State:
    """A world and its host's files, kept so that it can come back."""

    def __init__(self, world, host, folder):
        self.world = world.copied()
        self.folder = folder
        subprocess.run(["cp", "-a", host.folder, folder], check=True)

    def restore(self, host):
        shutil.rmtree(host.folder)
        subprocess.run(["cp", "-a", self.folder, host.folder], check=True)
        return self.world.copied()


class Run:
    def __init__(self, process, error_path, image):
        self.process, self.error_path, self.image = process, error_path, image

    def wait(self):
        self.status = self.process.wait(timeout=300)
        with open(self.error_path, encoding="utf-8", errors="replace") as file:
            self.stderr = file.read()
        return self

    def n_built(self):
        if "nothing has changed" in self.stderr:
            return 0
        found = re.search(r"(\d+) steps? built", self.stderr)
        return int(found[1]) if found else None


class Test:
    def __init__(self, seed, work, verbose):
        self.seed, self.work, self.verbose = seed, work, verbose
        self.chance = random.Random(seed)
        self.failures = []
        self.n_edits = self.n_failing = self.n_again = self.n_worlds = self.edits_of_world = 0
        self.registry = None
        self.tags = {}
        os.mkdir(work + "/states")

    def start_registry(self):
        folder = self.work + "/registry"
        subprocess.run([REGISTRY, "start", folder, self.work + "/storage"], check=True)
        with open(folder + "/port", encoding="ascii") as file:
            self.registry = images.Registry("127.0.0.1:" + file.read().strip())
        self.registry.push_all()

    def stop_registry(self):
        subprocess.run([REGISTRY, "stop", self.work + "/registry"], check=True)

    # ---- one world ----

    def begin_world(self):
        self.n_worlds += 1
        folder = f"{self.work}/host"
        shutil.rmtree(folder, ignore_errors=True)
        os.mkdir(folder)
        self.world = worlds.World(self.chance)
        self.host = worlds.Host(self.chance, folder)
        shutil.rmtree(self.work + "/states")
        os.mkdir(self.work + "/states")
        self.kept = []
        # Older than the granularity of a filesystem's clock, like nearly all files of a user.
        if self.n_worlds % 4 == 1:
            time.sleep(2.3)
            self.host.is_old = True

    def put_world(self):
        """Make the registry's tags and the definition follow the world."""
        world = self.world
        world.host_name = self.registry.host
        for stage in world.stages:
            if stage.base == "DIGEST":
                stage.base = self.registry.digest(self.chance.choice(sorted(images.VARIANTS)))
        for tag, variant in world.tags.items():
            if self.tags.get(tag) != variant:
                self.registry.move_tag(tag, variant)
                self.tags[tag] = variant
        with open(self.work + "/in.def", "w", encoding="utf-8") as file:
            file.write(world.definition())

    def start(self, name, jobs):
        env = {key: value for key, value in os.environ.items() if not key.startswith(("DAGBUILD_", "SOURCE_DATE"))}
        env.update(self.world.environment, DAGBUILD_CACHEDIR=f"{self.work}/{name}")
        if self.world.epoch is not None:
            env["SOURCE_DATE_EPOCH"] = str(self.world.epoch)
        image, error_path = f"{self.work}/{name}.sif", f"{self.work}/{name}.err"
        command = [DAGBUILD, "run", "-j", str(jobs), "--progress", "plain", "-o", image, *self.world.arguments(),
                   self.work + "/in.def"]
        with open(error_path, "wb") as error:
            return Run(subprocess.Popen(command, cwd=self.host.folder, env=env, stdin=subprocess.DEVNULL, stderr=error),
                       error_path, image)

    # ---- one edit ----

    def compare(self, cached, clean):
        if cached.status != clean.status:
            return f"status {cached.status}, a clean build's {clean.status}:\n{cached.stderr}\n{clean.stderr}"
        # A host file may be missing; otherwise every definition is valid.
        if cached.status not in (0, 1) and not (cached.status == 2 and "[missing-source]" in cached.stderr):
            return f"status {cached.status}:\n{cached.stderr}"
        if cached.status != 0:
            return None
        with open(cached.image, "rb") as one, open(clean.image, "rb") as other:
            if one.read() == other.read():
                return None
        if os.geteuid() != 0:
            return "the images differ" if self.world.epoch is not None else None
        found = trees.differences(DAGBUILD, cached.image, clean.image, self.work)
        if found:
            return "the trees differ:\n" + "\n".join(found)
        return "the images differ, but in times only" if self.world.epoch is not None else None

    def build_and_compare(self, may_build):
        """What is wrong; `may_build` is the number of steps that may be made, or None for any."""
        self.put_world()
        jobs = self.chance.randint(1, 4)
        clean = self.start("clean", 2)
        cached = self.start("cached", jobs).wait()
        clean.wait()
        wrong = self.compare(cached, clean)
        remove_tree(self.work + "/clean")
        if os.path.exists(clean.image):
            os.unlink(clean.image)
        if not wrong and cached.status == 0 and may_build is not None:
            self.n_again += 1
            may_build += self.world.host_scripts()
            if cached.n_built() is None or cached.n_built() > may_build:
                wrong = f"steps were made again:\n{cached.stderr}"
        self.n_failing += cached.status != 0
        return wrong, cached.status == 0

    def choose(self):
        """Change the world; returns what was done, and how many steps may then be made."""
        kind = self.chance.random()
        if kind < 0.12 and self.kept:
            state = self.chance.choice(self.kept)
            self.world = state.restore(self.host)
            return "back to an earlier state", 1
        if kind < 0.17 and self.kept:
            self.world = self.kept[-1].restore(self.host)
            return self.host.edit_touch(), 1
        if kind < 0.5:
            return "host: " + self.host.edit(), None
        return self.world.edit(), None

    def step(self):
        if self.edits_of_world == 0:
            self.begin_world()
            what, may_build = "a new world", None
        else:
            what, may_build = self.choose()
        self.n_edits += 1
        self.edits_of_world = (self.edits_of_world + 1) % EDITS_OF_A_WORLD
        wrong, is_built = self.build_and_compare(may_build)
        if self.verbose:
            print(f"# {self.n_edits}: {what}{'' if is_built else ' (fails)'}", flush=True)
        if wrong:
            text = f"edit {self.n_edits} ({what}): {wrong}"
            self.failures.append(text)
            print(f"not ok - seed {self.seed}, " + text.replace("\n", "\n# ") + "\n# arguments: " +
                  f"{self.world.arguments()} epoch {self.world.epoch} tags {self.world.tags}\n# " +
                  self.world.definition().replace("\n", "\n# "), flush=True)
        if is_built and not wrong:
            self.kept.append(State(self.world, self.host, f"{self.work}/states/{self.n_edits}"))
        elif not self.kept:
            self.edits_of_world = 0
        elif self.chance.random() < 0.9:
            # Failing builds teach little: most of the time their edit is taken back.
            self.world = self.kept[-1].restore(self.host)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--edits", type=int, default=1000 if os.environ.get("CHAOS") == "full" else 50)
    parser.add_argument("--dir", help="work in this folder (default: below the temporary folder)")
    parser.add_argument("--keep", action="store_true", help="stop at the first failure, and keep the work folder")
    parser.add_argument("-v", "--verbose", action="store_true", help="tell each edit")
    args = parser.parse_args()

    # Makes the registry end, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    print(f"# seed {args.seed}", flush=True)
    started = time.monotonic()
    work = tempfile.mkdtemp(prefix="differential.", dir=args.dir)
    test = Test(args.seed, work, args.verbose)
    try:
        test.start_registry()
        while test.n_edits < args.edits and len(test.failures) < (1 if args.keep else FAILURES_MAX):
            test.step()
    finally:
        test.stop_registry()
        if args.keep and test.failures:
            print(f"# kept: {work}")
        else:
            remove_tree(work)
    print(f"{'not ok' if test.failures else 'ok'} - seed {args.seed}: {test.n_edits} edits of {test.n_worlds} worlds, "
          f"{test.n_failing} that do not build, {test.n_again} taken back, {len(test.failures)} failures, "
          f"{time.monotonic() - started:.0f} s")
    return 1 if test.failures else 0


if __name__ == "__main__":
    sys.exit(main())
