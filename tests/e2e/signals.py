# SPDX-License-Identifier: MIT
"""signals.py - whatever dagbuild is doing, SIGINT, SIGTERM and SIGHUP end it, and nothing is left.

Each phase is waited for by an event: a line, a request, a writer whom a fifo lets in, a file that the process has
open.  We are the reaper of orphans: a process that is left becomes our child."""

import ctypes
import fcntl
import os
import pathlib
import signal
import subprocess
import threading
import time

from lib import build, check, docker, finish, new_folder, start
from fake import *

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PR_SET_CHILD_SUBREAPER = 36
PATIENCE = 60  # seconds until we say that it never comes; what hangs, hangs for ever

ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
gate = threading.Event()  # what a slow registry waits for
reached = threading.Semaphore(0)


def slow_manifest(x):
    if x.kind == "manifests" and x.repository == "t/slow":
        reached.release()
        gate.wait()


def slow_blob(x):
    """Half of a layer, then nothing."""
    if x.kind == "blobs" and x.repository == "t/half" and x.command == "GET":
        data, _ = registry.find(x)
        if len(data) > 100000:
            x.send_response(200)
            x.send_header("Content-Length", str(len(data)))
            x.end_headers()
            x.wfile.write(data[: len(data) // 2])
            x.wfile.flush()
            reached.release()
            gate.wait()
            x.close_connection = True
            return True
    return slow_manifest(x)


noise = os.urandom(1 << 20)
registry = Registry(
    {
        "t/base:1": Image([base()]),
        "t/slow:1": Image([base()]),
        "t/half:1": Image([base(file("noise", noise * 8))]),
        "t/large:1": Image([base(*(file(f"noise{i}", noise + bytes([i])) for i in range(96)))]),
    },
    slow_blob,
)
DEF = docker(registry, "%post\n  echo made >/made\n")


def until(condition, what):
    """Poll for what the kernel has no event for."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"never: {what}")
        time.sleep(0.005)


def state(pid):
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def has_open(pid, end):
    """Has the process a file open whose path ends so?"""
    for link in pathlib.Path(f"/proc/{pid}/fd").glob("*"):
        try:
            if os.readlink(link).removesuffix(" (deleted)").endswith(end):
                return True
        except OSError:
            pass
    return False


def left(folder):
    """What a process of ours has left: processes, mounts, temporary files."""
    found = []
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:  # those that wind down become our children, and end
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.005)
        except ChildProcessError:
            break
    else:
        children = pathlib.Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        found += ["process " + pathlib.Path(f"/proc/{p}/cmdline").read_text().replace("\0", " ") for p in children]
        for p in children:
            os.kill(int(p), signal.SIGKILL)
    found += [m for m in pathlib.Path("/proc/self/mountinfo").read_text().splitlines() if str(folder) in m]
    cache = folder / "cache"
    for pattern in ("tmp/*", "tmp/.*", "locks/*", "leases/[a-z]*", ".dagbuild*", "../.dagbuild*", "../*.sif"):
        found += [str(p) for p in cache.glob(pattern)]
    return found


class Phase:
    """A command that is interrupted once it has come so far: `ready(process, folder)` waits for that."""

    def __init__(self, text, args, ready, prepare=None, definition=DEF, env=None, statuses=None):
        self.text, self.args, self.ready, self.prepare = text, args, ready, prepare
        self.definition, self.env, self.statuses = definition, env, statuses

    def interrupt(self, number):
        folder = new_folder()
        (folder / "x.def").write_text(self.definition)
        name = signal.Signals(number).name
        if self.prepare:
            self.prepare(folder)
        process = start(self.args, folder, self.env)
        try:
            kept = self.ready(process, folder)  # descriptors, say
            process.send_signal(number)
            out, err = process.communicate(timeout=PATIENCE)
        except (TimeoutError, subprocess.TimeoutExpired) as problem:
            process.kill()
            out, err = process.communicate()
            check(f"{name} while {self.text}", False, f"{problem}\n{out.decode()}{err.decode()}")
            gate.set()
            gate.clear()
            return
        gate.set()  # handlers of the registry go on
        gate.clear()
        wanted = self.statuses(number) if self.statuses else (130, -number)
        shown = f"status {process.returncode}\n{out.decode()}{err.decode()}"
        check(f"{name} while {self.text}", process.returncode in wanted, shown)
        found = left(folder)
        check("nothing is left", not found, f"{found}\n{shown}")
        del kept


# ---- ways to know how far it is ----


def line(text):
    def wait(process, _):
        for shown in process.stderr:
            if text in shown.decode():
                return
        raise TimeoutError(f"it ended and never said {text!r}")

    return wait


def request(process, _):
    if not reached.acquire(timeout=PATIENCE):
        raise TimeoutError("no request")


def make_fifo(name):
    return lambda folder: os.mkfifo(folder / name)


def fifo_is_opened(process, _):
    """It waits for a writer: open(2) sleeps."""
    until(lambda: "fifo" in wait_channel(process.pid) or "partner" in wait_channel(process.pid), "it opens the fifo")


def wait_channel(pid):
    return pathlib.Path(f"/proc/{pid}/wchan").read_text()


def fifo_is_read(name):
    def wait(_, folder):
        writer = open(folder / name, "wb", buffering=0)  # returns once there is a reader
        writer.write(b"Bootstrap: docker\n")
        return writer

    return wait


def opened(end):
    return lambda process, _: until(lambda: has_open(process.pid, end), f"{end} is open")


def store_with(name, how=fcntl.LOCK_EX):
    """A store, and a lock on a file of it that is held until the end of the phase."""

    def prepare(folder):
        r = build(DEF, folder=folder)
        assert r.status == 0, r
        (folder / "x.sif").unlink()
        if name:
            held.append(open(folder / "cache" / name, "ab"))
            fcntl.flock(held[-1], how)

    return prepare


held = []


def sparse_blob(folder):
    store_with(None)(folder)
    path = folder / "cache/blobs/sha256/ab" / ("cd" * 31)
    path.parent.mkdir(exist_ok=True)
    path.touch()
    os.truncate(path, 1 << 42)


def shell_statuses(number):
    return (128 + number,)


SCRIPT = docker(registry, "%post\n  echo it runs\n  exec sleep 600\n")
LOUD = docker(registry, "%post\n  while :; do echo 0123456789012345678901234567890123456789; done\n")
FIFO = "fifo.def"
PHASES = [
    *(
        Phase(f"{words[0]} waits for who writes to a fifo", [*words, FIFO], fifo_is_opened, make_fifo(FIFO))
        for words in (["check"], ["plan"], ["why"], ["shell"], ["run", "-o", "x.sif"])
    ),
    *(
        Phase(f"{words[0]} reads a pipe", [*words, FIFO], fifo_is_read(FIFO), make_fifo(FIFO))
        for words in (["check"], ["plan"], ["why"], ["shell"], ["run", "-o", "x.sif"])
    ),
    Phase("a file of arguments is read", ["check", "--build-arg-file", FIFO, "x.def"], fifo_is_read(FIFO), make_fifo(FIFO)),
    Phase("run asks a registry", ["run", "x.def"], request, definition=docker(registry, name="t/slow:1")),
    Phase("lock asks a registry", ["lock", "x.def"], request, definition=docker(registry, name="t/slow:1")),
    Phase("a layer is fetched", ["run", "x.def"], request, definition=docker(registry, name="t/half:1")),
    Phase("layers are unpacked", ["run", "x.def"], line(": From"), definition=docker(registry, name="t/large:1")),
    Phase("a script runs", ["run", "x.def"], line("| it runs"), definition=SCRIPT),
    Phase("an image is packed", ["run", "x.def"], line("pack: image"), definition=docker(registry, name="t/large:1")),
    Phase("a run waits for a lease", ["run", "x.def"], opened("leases/.lock"), store_with("leases/.lock")),
    Phase(
        "a run waits for the collector",
        ["run", "--no-cache", "--cache-max", "1K", "x.def"],
        opened("leases/.collector"),
        store_with("leases/.collector"),
    ),
    *(
        Phase(f"cache {words} waits for the collector", ["cache", *words.split()], opened("leases/.collector"),
              store_with("leases/.collector"))
        for words in ("prune --all", "verify", "clear")
    ),
    Phase("verify reads a large blob", ["cache", "verify"], opened("cd" * 31), sparse_blob),
    Phase("a shell runs", ["shell", "x.def", "stage1", "--", "sh", "-c", "echo it runs >&2; exec sleep 600"],
          line("it runs"), store_with(None), statuses=shell_statuses),
]

for phase in PHASES:
    for number in SIGNALS:
        phase.interrupt(number)
        while held:
            held.pop().close()

# ---- nobody reads what it writes ----


def pipe_is_full(process):
    """The conductor sleeps in a write to the pipe."""
    until(lambda: "pipe" in wait_channel(process.pid), "it writes to the full pipe")


for number in SIGNALS:
    folder = new_folder()
    (folder / "x.def").write_text(LOUD)
    process = start(["run", "--progress", "plain", "x.def"], folder)
    pipe_is_full(process)
    process.send_signal(number)
    try:
        status = process.wait(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        status = "late"
    process.stderr.close()
    process.stdout.close()
    check(f"{signal.Signals(number).name} while nobody reads its messages", status in (130, -number), status)
    check("nothing is left", not (found := left(folder)), found)

# ---- one signal, and another ----
TRAPS = docker(
    registry,
    """%post
  trap 'echo winds down; sleep 1; echo is done; exit 1' TERM
  echo it runs
  while :; do sleep 0.05; done
""",
)


def wind_down(text, signals, wanted):
    """Send the signals, the first when the script runs; the others as soon as it winds down, or at once."""
    folder = new_folder()
    (folder / "x.def").write_text(TRAPS)
    process = start(["run", "--progress", "plain", "x.def"], folder)
    line("| it runs")(process, folder)
    signals(process)
    out, err = process.communicate(timeout=PATIENCE)
    check(text, process.returncode == 130 and ("| is done" in err.decode()) == wanted, err.decode())
    check("nothing is left", not (found := left(folder)), found)


def twice_at_once(process):
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGTERM)


def insist(process):
    process.send_signal(signal.SIGINT)
    for shown in process.stderr:
        if b"winds down" in shown:
            break
    time.sleep(0.2)  # another one, not the same twice
    process.send_signal(signal.SIGINT)


wind_down("one signal lets a script wind down", lambda p: p.send_signal(signal.SIGTERM), True)
wind_down("so do two at once, as timeout(1) sends them", twice_at_once, True)
wind_down("a second one later kills it", insist, False)

# ---- signals that it was started to ignore ----
folder = new_folder()
(folder / "x.def").write_text(SCRIPT.replace("exec sleep 600", "sleep 1"))
process = start(["run", "--progress", "plain", "x.def"], folder, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
line("| it runs")(process, folder)
process.send_signal(signal.SIGHUP)
out, err = process.communicate(timeout=PATIENCE)
check("under nohup(1) a run does not end with its terminal", process.returncode == 0, err.decode())

finish()
