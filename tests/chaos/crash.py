#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Kill dagbuild, or make its system calls fail, and check that the next run is not affected.

    crash.py kill    kills at every system call of a small build
    crash.py signal  asks it to end at every such call, with SIGTERM
    crash.py fault   a full disk, EIO, EMFILE at every such call
                     [--every K [--offset I]] [--loader] [--user] [--only STATE:VARIANT:N]
    crash.py clear   kills `cache clear` at every call
                     [--every K [--offset I]] [--loader] [--user] [--only ...]
    crash.py bases   kills while bases are made: a busybox, an archive, a folder, a squashfs
                     [--every K [--offset I]] [--loader] [--user] [--only ...]
    crash.py lab3    [--points N] [--seed S] [--only ...]
                     kills at random calls of examples/lab3.def

Each point is a state of the store, a variant of the harm, and the number of the call.  The test puts the store into its
state, runs dagbuild under `killer`, and then again without it.  The second run must succeed, make byte for byte the
image that a build in an empty store makes, and leave no process, no mount and no temporary file; `cache verify` finds
nothing, and a third run has nothing to do.  Right after the harm the image is the earlier or the new one, never a
mixture; after a signal there is also no process, no mount and no temporary file left, before another run could remove
it.

A failure is printed with the words that repeat it (--only).  With CHAOS=full in the environment every call is tried,
the dynamic loader's too (as with --every 1 --loader).  Environment: DAGBUILD, KILLER, SOURCE; for lab3 also
DAGBUILD_REGISTRY_MIRRORS.
"""

import argparse
import collections
import glob
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import images

DAGBUILD = os.environ["DAGBUILD"]
# The soft limit that marks our processes: run.sh sets it.
MARK = resource.getrlimit(resource.RLIMIT_MSGQUEUE)[0]
KILLER = os.environ["KILLER"]
SOURCE = os.environ["SOURCE"]
EPOCH = "1700000000"
RUN_SECONDS = 120
FAILURES_MAX = 25

SMALL = """\
Bootstrap: scratch

%files
    one /one
    two /etc/deep/two
    folder/three /folder/

%appfiles tool
    two bin/tool
%apprun tool
    exec tool

%setup
    # dagbuild: pure
    mkdir $APPTAINER_ROOTFS/made

%labels
    Version 1

%runscript
    exec /one
"""

BASES = """\
Bootstrap: busybox
MirrorURL: file://{folder}/busybox
Stage: box

Bootstrap: docker-archive
From: image.tar
Stage: archive

Bootstrap: localimage
From: sandbox
Stage: folder

Bootstrap: localimage
From: image.sqfs
Stage: file

Bootstrap: scratch
Stage: last

%files from box
    /bin/sh /box
%files from archive
    /data /archive
%files from folder
    /note /folder
%files from file
    /note /file
"""

BUILD = ["run", "-j1", "-o", "image.sif", "in.def"]
CLEAR = ["cache", "clear"]
KILLS = {"main": ["--kill", "main"], "tree": ["--kill", "tree"]}
SIGNALS = {"term": ["--kill", "ask"]}
FAULTS = {
    "space": ["--fault", "ENOSPC"],
    "full": ["--fault", "ENOSPC", "--lasting"],
    "io": ["--fault", "EIO"],
    "files": ["--fault", "EMFILE"],
}

Harm = collections.namedtuple("Harm", "report status stderr")


class Wrong(Exception):
    """What went wrong at a point."""


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def same(a, b):
    with open(a, "rb") as one, open(b, "rb") as other:
        return one.read() == other.read()


class Place:
    """A folder with a definition, an image, and a store."""

    def __init__(self, work, definition, as_user):
        self.as_user = [SOURCE + "/tests/rig/as_user.sh", "--subids", work] if as_user else []
        self.folder = os.path.join(work, "place")
        self.image = os.path.join(self.folder, "image.sif")
        self.store = os.path.join(work, "store")
        self.states = os.path.join(work, "states")
        self.clean = os.path.join(work, "clean.sif")
        self.report = os.path.join(work, "report")
        self.harmed = BUILD
        os.makedirs(self.states)
        write(os.path.join(self.folder, "in.def"), definition)
        if as_user:
            os.chmod(work, 0o755)
            # The image goes into the user's folder.
            subprocess.run([*self.as_user, "true"], check=True)
            os.chown(self.folder, os.stat(work).st_uid, -1)
        listing = subprocess.run([DAGBUILD, "--help"], capture_output=True, text=True, check=False).stdout
        self.has_verify = re.search(r"^\s+cache\b", listing, re.M) is not None

    def run(self, *words, before=(), store=None):
        env = dict(os.environ, DAGBUILD_CACHEDIR=store or self.store, SOURCE_DATE_EPOCH=EPOCH)
        try:
            return subprocess.run([*before, *self.as_user, DAGBUILD, *words], cwd=self.folder, env=env, text=True, timeout=RUN_SECONDS,
                                  errors="replace", stdin=subprocess.DEVNULL, capture_output=True, check=False)
        except subprocess.TimeoutExpired as e:
            raise Wrong(f"no end after {RUN_SECONDS} s: {words}, {(e.stderr or b'')[-500:]}") from e

    def build(self, *words, **how):
        return self.run(*BUILD, *words, **how)

    def must_build(self, *words, **how):
        done = self.build(*words, **how)
        if done.returncode != 0:
            raise Wrong(f"a run without harm fails ({done.returncode}):\n{done.stderr}")
        return done

    def save_state(self, name):
        """Keep the store and the present image as a state to begin with."""
        folder = os.path.join(self.states, name)
        os.makedirs(folder)
        if os.path.exists(self.store):
            subprocess.run(["cp", "-a", self.store, folder + "/store"], check=True)
        if os.path.exists(self.image):
            subprocess.run(["cp", "-a", self.image, folder + "/image"], check=True)

    def enter_state(self, name):
        folder = os.path.join(self.states, name)
        shutil.rmtree(self.store, ignore_errors=True)
        for path in glob.glob(self.folder + "/*.sif") + glob.glob(self.folder + "/.*.tmp"):
            os.unlink(path)
        if os.path.exists(folder + "/store"):
            subprocess.run(["cp", "-a", folder + "/store", self.store], check=True)
        if os.path.exists(folder + "/image"):
            subprocess.run(["cp", "-a", folder + "/image", self.image], check=True)

    def harm(self, options, n):
        if os.path.exists(self.report):
            os.unlink(self.report)
        killer = [KILLER, "--report", self.report, "--of", DAGBUILD, *options, str(n)]
        done = self.run(*self.harmed, before=killer)
        if done.returncode not in (0, 3):
            raise Wrong(f"killer: {done.stderr}")
        report = self.last_report()
        return Harm(report, report["status"], done.stderr)

    def last_report(self):
        if not os.path.exists(self.report):
            return {"reached": False, "call": "?"}
        with open(self.report, encoding="utf-8") as file:
            return json.load(file)


# ---- what must be so ----

def processes_of_ours():
    """Processes of dagbuild and of its containers, found by the limit that all inherit: some have an empty
    environment."""
    own = os.readlink("/proc/self/ns/pid")
    for path in glob.glob("/proc/[0-9]*"):
        try:
            with open(path + "/limits", encoding="ascii") as file:
                is_ours = re.search(rf"^Max msgqueue size +{MARK} ", file.read(), re.M)
            with open(path + "/cmdline", "rb") as file:
                words = file.read().split(b"\0")
            is_dagbuild = words[0] in (b"dagbuild", os.fsencode(DAGBUILD))
            # A script on the host lies in a folder of the store.
            is_dagbuild |= any(b"/tmp/scratch-" in word for word in words)
            if is_ours and (is_dagbuild or os.readlink(path + "/ns/pid") != own):
                yield path
        except OSError:
            continue


def temporary_files(place, files_before):
    """Names that no finished run leaves: next to the image, and anywhere in the store except in layers."""
    yield from set(os.listdir(place.folder)) - files_before - {"image.sif"}
    yield from (entry for entry in glob.glob(place.store + "/tmp/*") + glob.glob(place.store + "/tmp/.*"))
    for folder, folders, files in os.walk(place.store):
        if folder == place.store and "layers" in folders:
            folders.remove("layers")
        yield from (os.path.join(folder, name) for name in files if name.endswith(".tmp"))


def check_nothing_left(place, files_before):
    left = list(processes_of_ours())
    if left:
        raise Wrong(f"processes are left: {left}")
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as file:
        if place.store in file.read():
            raise Wrong("something is still mounted")
    left = sorted(temporary_files(place, files_before))
    if left:
        raise Wrong(f"temporary files are left: {left}")


def check_harmed(place, harm, was, is_fault):
    """Check right after the harm."""
    if harm.report["overdue"]:
        raise Wrong("processes lived on after the kill")
    if os.path.exists(place.image) and not same(place.image, place.clean) and not (
            was and same(place.image, was)):
        raise Wrong("there is an image that is neither the earlier one nor the new one")
    if not is_fault:
        return
    if harm.report["signal"] or harm.status not in (0, 1, 2, 3, 4):
        raise Wrong(f"status {harm.status}, signal {harm.report['signal']}:\n{harm.stderr}")
    if harm.status != 0 and not re.search(r"\berror: .", harm.stderr, re.M):
        raise Wrong(f"status {harm.status} without an error:\n{harm.stderr}")
    if re.search(r"[Aa]ssert|Sanitizer|core dumped", harm.stderr):
        raise Wrong(harm.stderr)
    if harm.status == 0 and not (os.path.exists(place.image) and
                                 same(place.image, place.clean)):
        raise Wrong("the run succeeded, and the image is not right")


def check_asked(place, harm, files_before):
    """Check right after a signal: the run ended because of it, or had finished before it came."""
    if harm.report["signal"] != signal.SIGTERM and harm.status not in (0, 130):
        raise Wrong(f"status {harm.status}, signal {harm.report['signal']}:\n{harm.stderr}")
    if harm.status == 0 and not same(place.image, place.clean):
        raise Wrong("the run succeeded, and the image is not right")
    check_nothing_left(place, files_before)
    left = glob.glob(place.store + "/leases/[a-z]*") + glob.glob(place.store + "/locks/*")
    if left:
        raise Wrong(f"what a running process needs is left: {left}")


def check_store(place):
    if place.has_verify:
        done = place.run("cache", "verify")
        if done.returncode != 0:
            raise Wrong(f"cache verify: {done.returncode}\n{done.stdout}{done.stderr}")


def check_after(place, files_before):
    place.must_build()
    if not same(place.image, place.clean):
        raise Wrong("the next run's image is not that of a clean build")
    check_nothing_left(place, files_before)
    check_store(place)
    again = place.must_build()
    if "nothing has changed" not in again.stderr:
        raise Wrong(f"the run after it has something to do:\n{again.stderr}")


def try_point(place, state, options, n, is_fault):
    """Whether the build has an N-th call, and what happened there."""
    place.enter_state(state)
    was = os.path.join(place.states, state, "image")
    files_before = set(os.listdir(place.folder))
    harm = place.harm(options, n)
    check_harmed(place, harm, was if os.path.exists(was) else None, is_fault)
    if "ask" in options:
        check_asked(place, harm, files_before)
    if place.harmed == CLEAR:
        check_store(place)
    check_after(place, files_before)
    return harm.report


# ---- going through the points ----

class Tally:
    def __init__(self, command, as_user):
        self.command = command + (" --user" if as_user else "")
        self.points = 0
        self.failures = []
        self.calls = collections.Counter()
        self.endings = collections.Counter()

    def point(self, place, state, variant, options, n):
        """False when there is nothing more to try: the build has fewer calls, or too many failures were found."""
        is_fault = "--fault" in options
        try:
            report = try_point(place, state, options, n, is_fault)
        except Wrong as e:
            report = place.last_report()
            text = f"{self.command} --only {state}:{variant}:{n} ({report['call']} {report.get('path', '')}): {e}"
            self.failures.append(text)
            print("# " + text.replace("\n", "\n# "), flush=True)
            self.points += 1
            return report["reached"] and len(self.failures) < FAILURES_MAX
        if not report["reached"]:
            return False
        self.points += 1
        if self.points % 250 == 0:
            print(f"# {self.points} points; {state}:{variant}:{n}", flush=True)
        self.calls[report["call"]] += 1
        if is_fault:
            self.endings["done" if report["status"] == 0 else f"status {report['status']}"] += 1
        return True

    def close(self, text):
        print(f"{'not ok' if self.failures else 'ok'} - {text}: {self.points} points, {len(self.failures)} failures",
              flush=True)
        print("# calls: " + ", ".join(f"{name} {n}" for name, n in self.calls.most_common()))
        if self.endings:
            print("# ends: " + ", ".join(f"{name} {n}" for name, n in self.endings.most_common()))
        return bool(self.failures)


def prepare_small(place):
    write(place.folder + "/one", "1\n")
    write(place.folder + "/two", "2\n" * 3000)
    write(place.folder + "/folder/three", "earlier\n")
    place.save_state("empty")
    place.must_build()
    place.save_state("earlier")
    write(place.folder + "/folder/three", "3\n")
    place.enter_state("empty")
    place.must_build()
    shutil.copyfile(place.image, place.clean)


def prepare_bases(place):
    shutil.copy("/bin/busybox", place.folder + "/busybox")
    write(place.folder + "/sandbox/note", "a note\n")
    sqfs = ["mksquashfs", place.folder + "/sandbox", place.folder + "/image.sqfs", "-quiet", "-no-progress"]
    subprocess.run(sqfs, check=True, stdout=subprocess.DEVNULL)
    archives = [images.docker_archive(images.data(text).bytes()) for text in ("earlier\n", "later\n")]
    for archive, state in zip(archives, ("empty", "earlier")):
        with open(place.folder + "/image.tar", "wb") as file:
            file.write(archive)
        place.save_state(state)
        place.must_build()
    shutil.copyfile(place.image, place.clean)


def prepare_lab3(place):
    place.save_state("empty")
    place.run("run", "-j1", "--target", "final.base", "in.def")
    place.run("run", "-j1", "--target", "compiler.base", "in.def")
    place.save_state("bases")
    place.run("run", "-j1", "--target", "compiler.post", "in.def")
    place.save_state("compiled")
    place.enter_state("empty")
    place.must_build()
    shutil.copyfile(place.image, place.clean)


def only(place, tally, variants, text):
    state, variant, n = text.split(":")
    tally.point(place, state, variant, variants[variant], int(n))


def sweep(place, variants, args, tally):
    for state in ("earlier",) if place.harmed == CLEAR else ("empty", "earlier"):
        for index, (variant, options) in enumerate(variants.items()):
            # Each variant begins at another call, so that samples differ.
            n = 1 + (index * args.every // len(variants) + args.offset) % args.every
            while tally.point(place, state, variant, options, n):
                n += args.every


def random_points(place, args, tally):
    chance = random.Random(args.seed)
    counted = {}
    for state in ("empty", "bases", "compiled"):
        place.enter_state(state)
        counted[state] = place.harm([], 0).report["counted"]
    print(f"# calls of lab3: {counted}; seed {args.seed}", flush=True)
    weights = {"empty": 1, "bases": 2, "compiled": 3}
    for _ in range(args.points):
        state = chance.choices(list(weights), list(weights.values()))[0]
        variant = chance.choice(list(KILLS))
        tally.point(place, state, variant, KILLS[variant], chance.randint(1, counted[state]))


def main():
    is_full = os.environ.get("CHAOS") == "full"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["kill", "signal", "fault", "clear", "bases", "lab3"])
    parser.add_argument("--every", type=int, help="a sample: every K-th call")
    parser.add_argument("--offset", type=int, default=0, help="0 to K-1: another sample; all K are every call")
    parser.add_argument("--points", type=int, default=500 if is_full else 5)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--loader", action="store_true", help="also the dynamic loader's calls")
    parser.add_argument("--user", action="store_true", help="as an ordinary user with subordinate ids")
    parser.add_argument("--only", metavar="STATE:VARIANT:N")
    parser.add_argument("--dir", help="work in this folder (default: below the temporary folder)")
    args = parser.parse_args()
    if args.every is None:
        args.every = 1 if is_full else 800 if args.what == "bases" else 200 if args.user else 60

    variants = {"fault": FAULTS, "signal": SIGNALS}.get(args.what, KILLS)
    if args.loader or (args.what in ("kill", "signal") and is_full):
        variants = {name: [*options, "--loader"] for name, options in variants.items()}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    work = tempfile.mkdtemp(prefix="chaos.", dir=args.dir)
    started = time.monotonic()
    tally = Tally(f"crash.py {args.what}", args.user)
    try:
        if args.what == "lab3":
            with open(SOURCE + "/examples/lab3.def", encoding="utf-8") as file:
                place = Place(work, file.read(), args.user)
            prepare_lab3(place)
        elif args.what == "bases":
            place = Place(work, BASES.format(folder=os.path.join(work, "place")), args.user)
            prepare_bases(place)
        else:
            place = Place(work, SMALL, args.user)
            prepare_small(place)
            place.harmed = CLEAR if args.what == "clear" else BUILD
        if args.only:
            only(place, tally, variants, args.only)
        elif args.what == "lab3":
            random_points(place, args, tally)
        else:
            sweep(place, variants, args, tally)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return tally.close(f"{tally.command} in {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    sys.exit(main())
