# SPDX-License-Identifier: MIT
"""places.py - the folders and files that a user names: for the cache, for the image; and which exit status says
that a name is wrong."""

import os
import pty
import signal

from lib import DAGBUILD, build, check, docker, environment, finish, new_folder, run
from fake import *

registry = Registry({"t/base:1": Image([base()])})
DEF = docker(registry, "%post\n  echo made >/made\n")


def tree(folder):
    """Every path below, with the size of files."""
    return sorted((str(p.relative_to(folder)), p.is_dir() or p.lstat().st_size) for p in folder.rglob("*"))


def write(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{name} is important\n")


def at_terminal(args, folder, answer, env=None):
    """dagbuild at a terminal that gives the answer as soon as it is asked: status, and what was shown."""
    pid, master = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execve(DAGBUILD, [DAGBUILD, *map(str, args)], environment(folder, env))
    shown = b""
    try:
        while data := os.read(master, 65536):
            shown += data
            if answer and shown.endswith(b"[y/N] "):
                os.write(master, answer)
                answer = None
    except OSError:
        pass  # the other end is closed
    os.close(master)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()


# ---- a cache folder with other things in it ----
folder = new_folder()
shared = folder / "shared"
write(shared, "thesis/chapter1.tex", "tmp/mine/f", "logs/mylog")
(folder / "x.def").write_text(DEF)
before = tree(shared)
env = {"DAGBUILD_CACHEDIR": shared}
for words in ("run x.def", "lock x.def", "cache verify", "cache prune --all", "cache clear", "plan x.def", "cache du"):
    r = run(words.split(), folder, env)
    wanted = 2 if words.split()[0] in ("run", "lock") else 0
    check(f"{words}: a folder with other things is no cache", r.status == wanted, r)
    check(f"{words}: they stay", tree(shared) == before, tree(shared))
r = run(["run", "x.def"], folder, env)
check("the error names one of them", "which is not dagbuild's" in r.err, r)
check("and what to do", f"as '{shared}/dagbuild'" in r.err, r)
r = run(["run", "x.def"], folder, {"DAGBUILD_CACHEDIR": shared / "dagbuild"})
check("as the hint says", r.status == 0 and (shared / "dagbuild/version").exists(), r)

# ---- other things in a cache ----
cache = shared / "dagbuild"
env = {"DAGBUILD_CACHEDIR": cache}
check("backups are told", (cache / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55"))
strange = ["thesis.tex", "tmp/experimental/f", "logs/mylog", "layers/mine/f", "blobs/sha256/mine", "records/ab/mine.json"]
write(cache, *strange)
stays = lambda: [name for name in strange if not (cache / name).exists()] == []
r = run(["run", "--no-cache", "x.def"], folder, env)
check("other things in a cache do not disturb it", r.status == 0 and stays(), r)
r = run(["cache", "verify", "--repair"], folder, env)
check("verify does not see them", r.status == 0 and stays(), r)
r = run(["cache", "prune", "--all"], folder, env)
check("prune leaves them", r.status == 0 and stays(), r)
run(["run", "x.def"], folder, env)
before = tree(cache)
r = run(["cache", "clear", "--dry-run"], folder, env)
check("clear --dry-run removes nothing", r.status == 0 and tree(cache) == before, r)
check("and says how much would go", r.err.startswith("would free "), r)
check("and what would stay", "holds 6 things that are not dagbuild's" in r.err, r)
r = run(["cache", "clear"], folder, env)
left = [name for name, _ in tree(cache)]
check("clear leaves them, and removes all else", r.status == 0 and stays(), r)
check("folders on the way to them apart", all(any(s.startswith(n) for s in strange) for n in left), left)
check("and says so", "holds 6 things that are not dagbuild's and stay: '" in r.err, r)

# ---- clear asks at a terminal ----
folder = new_folder()
r = build(DEF, folder=folder)
status, shown = at_terminal(["cache", "clear"], folder, b"n\n")
check("clear asks", status == 1 and "[y/N]" in shown and "nothing was removed" in shown, shown)
check("no is no", (folder / "cache/version").exists())
status, shown = at_terminal(["cache", "clear"], folder, b"\n")
check("so is nothing", status == 1 and (folder / "cache/version").exists(), shown)
status, shown = at_terminal(["cache", "clear"], folder, b"\3")
check("Ctrl-C, too", status == -signal.SIGINT and (folder / "cache/version").exists(), shown)
status, shown = at_terminal(["cache", "clear"], folder, b"y\n")
check("yes removes", status == 0 and not (folder / "cache").exists(), shown)
build(DEF, folder=folder)
status, shown = at_terminal(["cache", "clear", "--yes"], folder, b"")
check("--yes is not asked", status == 0 and "[y/N]" not in shown and not (folder / "cache").exists(), shown)
build(DEF, folder=folder)
r = run(["cache", "clear"], folder)
check("nor is a script", r.status == 0 and not (folder / "cache").exists(), r)

finish()
