# SPDX-License-Identifier: MIT
"""The live list on real terminals: tmux shows what a person sees, and keeps what has scrolled away."""
import os
import re
import shlex
import subprocess
import threading
import time

from lib import DAGBUILD, check, docker, environment, finish, new_folder
from fake import Image, Layer, Registry, base, file, tar

DEADLINE_S = 120
LIVE = re.compile(r"^\[\d+/\d+\]|^ and \d+ more$|^ \S+\.\S+ +%post ")


class Screen:
    """dagbuild ARGS on a terminal of tmux; `folder` as for lib.run()."""

    def __init__(self, folder, columns, rows, *args):
        self.socket = str(folder / "tmux")
        env = environment(folder, {"TMUX": None, "CI": None, "LC_ALL": "C.UTF-8", "TERM": "xterm-256color"})
        command = f"{shlex.join([DAGBUILD, *args])}; echo status $?; read wait"
        settings = ("history-limit 20000", "status off", "default-shell /bin/sh")
        (folder / "tmux.conf").write_text("".join(f"set -g {one}\n" for one in settings))
        self.tmux("-f", str(folder / "tmux.conf"), "-u", "new-session", "-d", "-x", str(columns), "-y", str(rows),
                  f"trap : INT; cd {folder} && {command}", env=env)  # fmt: skip

    def tmux(self, *args, env=None):
        done = subprocess.run(["tmux", "-S", self.socket, *args], env=env, capture_output=True, check=True)
        return done.stdout.decode("utf-8", "replace")

    def shown(self):
        """The lines of the window."""
        return self.tmux("capture-pane", "-p").rstrip("\n").split("\n")

    def all(self):
        """What has scrolled away, too."""
        return self.tmux("capture-pane", "-p", "-S", "-").rstrip("\n").split("\n")

    def history(self):
        return int(self.tmux("display-message", "-p", "#{history_size}"))

    def wait(self, regex):
        """Until a line of the window matches; the lines, or None."""
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            lines = self.shown()
            if any(re.search(regex, line) for line in lines):
                return lines
            time.sleep(0.1)
        return None

    def type(self, key):
        self.tmux("send-keys", key)

    def resize(self, columns, rows):
        self.tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def close(self):
        self.tmux("kill-server")


def wide(registry, stages, post):
    """So many stages that the last one copies from."""
    text = "".join(docker(registry, f"Stage: worker-{n:02}\n\n%post\n    {post}\n\n") for n in range(stages))
    copies = "".join(f"%files from worker-{n:02}\n    /out.txt /out-{n:02}.txt\n" for n in range(stages))
    return text + docker(registry, f"Stage: final\n\n{copies}")


def define(text):
    folder = new_folder()
    (folder / "x.def").write_text(text)
    return folder


def check_kept(what, screen, built):
    """Each step that was built is there once, and nothing of the list."""
    lines = screen.all()
    done = [line.split()[1] for line in lines if re.match(r" done +\S", line)]
    once = len(done) == built and len(set(done)) == built
    check(f"{what}: {built} steps are there, each once", once, "\n".join(lines))
    left = [line for line in lines if LIVE.search(line)]
    check(f"{what}: nothing of the list is left", not left, "\n".join(left[:20]))
    room = len([line for line in lines if line]) + 1
    check(f"{what}: tmux keeps no more than that", screen.history() <= room, f"{screen.history()} of {room}")


registry = Registry({"t/base:1": Image([base()])})
output = "for i in 1 2 3 4 5 6 7 8 9 10; do echo line $i; sleep 0.05; done; echo x >/out.txt"

# ---- what scrolls away are lines that stay ----

for columns, rows, stages in ((80, 24, 30), (80, 8, 12), (40, 5, 12)):
    screen = Screen(define(wide(registry, stages, output)), columns, rows, "run", "-j30", "-o", "x.sif", "x.def")
    seen = screen.wait(r"^status 0")
    check(f"{columns}x{rows}: it builds", seen, "\n".join(screen.all()))
    posts = len([1 for line in screen.all() if re.match(r" done +\S+\.post", line)])
    check(f"{columns}x{rows}: of each stage %post", posts == stages, "\n".join(screen.all()))
    check_kept(f"{columns}x{rows}", screen, len([1 for line in screen.all() if re.match(r" done ", line)]))
    screen.close()

# ---- a window that changes ----

gate = threading.Event()


def slow(x):
    """Half of the large layer, then nothing until the gate opens."""
    found = x.kind == "blobs" and x.server.registry.find(x)
    if not found or len(found[0]) < 4000000 or x.command == "HEAD":
        return False
    x.send_response(200)
    x.send_header("Content-Length", str(len(found[0])))
    x.end_headers()
    half = len(found[0]) // 2
    for at in range(0, half, 20000):
        x.wfile.write(found[0][at : min(at + 20000, half)])
        x.wfile.flush()
        gate.wait(0.1)
    gate.wait(DEADLINE_S)
    x.wfile.write(found[0][half:])
    return True


large = Layer(tar(file("large", os.urandom(8000000))))
name = "a-private-registry-of-the-institute/with-a-long-name/golang:1.20.2-alpine"
far = Registry({name: Image([base(), large])}, slow)
folder = define(docker(far, "Stage: compiler-with-tools\n\n%post\n    true\n", name))
screen = Screen(folder, 80, 24, "run", "-o", "x.sif", "x.def")
lines = screen.wait(r"compiler\S* .*downloading \d+% of \d\.\d MB, \d.*/s, \d+s left +\d+\.\ds$")
check("80 columns: percent, size, rate, time left, and the time at the edge", lines, "\n".join(screen.shown()))
row = next((line for line in lines or [] if "downloading" in line), "")
check("the row ends one column before the edge", len(row) == 79, row)
screen.resize(40, 12)
lines = screen.wait(r"^ comp\S* +\d+%.*left +\d+\.\ds$")
check("40 columns: they are still there", lines, "\n".join(screen.shown()))
check("and only one list", len([1 for line in screen.all() if LIVE.search(line)]) == 1, "\n".join(screen.all()))
screen.resize(100, 30)
screen.wait(r"^ compiler-with-tools.base +From .*downloading \d+% of \d\.\d MB.* \d+\.\ds$")
screen.resize(80, 24)
screen.wait(r"downloading \d+% of \d\.\d MB.* \d+\.\ds$")
gate.set()
check("it builds", screen.wait(r"^status 0"), "\n".join(screen.all()))
# tmux tells of a new size a little after it has wrapped the lines: a list drawn meanwhile is out of reach.
left = [line for line in screen.all() if "downloading" in line or LIVE.search(line)]
check("next to nothing of the list is left", len(left) <= 4, "\n".join(screen.all()))
ended = next((line for line in screen.shown() if re.match(r" done +compiler-with-tools.base", line)), "")
check("what has ended has its time at the edge", re.search(r"\.\.\S+alpine +\d\S*s$", ended), ended)
screen.close()

# ---- a registry that does not answer, and Ctrl-C ----

quiet = threading.Event()
silent = Registry({"t/base:1": Image([base()])}, lambda x: quiet.wait(DEADLINE_S) and False)
folder = define(docker(silent, "Stage: one\n\n%post\n    true\n"))
screen = Screen(folder, 80, 24, "run", "-o", "x.sif", "x.def")
lines = screen.wait(r"^ one\.base +From 127\S+ +resolving +[12]\.\ds$")
check("what is resolved is shown after a second", lines, "\n".join(screen.shown()))
screen.type("C-c")
check("Ctrl-C ends it", screen.wait(r"^status 130"), "\n".join(screen.shown()))
check("and the list is gone", not any("resolving" in line for line in screen.all()), "\n".join(screen.all()))
screen.close()

folder = define(docker(registry, "Stage: one\n\n%post\n    echo begun; sleep 1000\n"))
screen = Screen(folder, 80, 24, "run", "-o", "x.sif", "x.def")
check("a script runs", screen.wait(r"^ one\.post +%post +begun|sleep +\d"), "\n".join(screen.shown()))
screen.type("C-c")
check("Ctrl-C ends it", screen.wait(r"^status 130"), "\n".join(screen.shown()))
check("and nothing of the list is left", not any(LIVE.search(line) for line in screen.all()), "\n".join(screen.all()))
check("the cursor is there", screen.tmux("display-message", "-p", "#{cursor_flag}").strip() == "1")
screen.close()

folder = define(docker(registry, "Stage: one\n\n%post\n    for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.1; done\n"))
screen = Screen(folder, 1, 1, "run", "-o", "x.sif", "x.def")
for size in ((1, 1), (2, 1), (1, 50), (300, 2), (80, 24)):
    screen.resize(*size)
    time.sleep(0.2)
check("windows of any size do no harm", screen.wait(r"^status 0"), "\n".join(screen.all()))
screen.close()

finish()
