# SPDX-License-Identifier: MIT
"""places.py - the folders and files that a user names: for the cache, for the image; and which exit status says
that a name is wrong."""

import fcntl
import json
import os
import pty
import re
import signal
import socketserver
import struct
import subprocess
import time

from lib import DAGBUILD, Sif, build, check, docker, environment, finish, new_folder, run, start
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


def shell(line, folder):
    command = ["bash", "-c", line]
    return subprocess.run(command, cwd=folder, env=environment(folder), capture_output=True, text=True, check=False)


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

# What cleaned up took `version`: nothing is assumed, and the hint brings the cache back.
(shared / "dagbuild/version").unlink()
env = {"DAGBUILD_CACHEDIR": shared / "dagbuild"}
r = run(["run", "x.def"], folder, env)
check("a cache that lost its version", r.status == 2 and "like a cache, but no 'version'" in r.err, r)
subprocess.run(["sh", "-c", re.search("hint: if it is one: (.*); else", r.err)[1]], check=True)
r = run(["run", "x.def"], folder, env)
check("has it again", r.status == 0 and "nothing has changed" in r.err, r)

# ---- clearing beside runs that begin ----
folder = new_folder()
(folder / "x.def").write_text(DEF)
clears = subprocess.Popen(
    ["bash", "-c", 'while "$0" cache clear; do :; done', DAGBUILD],
    cwd=folder,
    env=environment(folder),
    stdin=subprocess.DEVNULL,
    stdout=subprocess.DEVNULL,
    stderr=subprocess.PIPE,
    start_new_session=True,
)
for i in range(6):
    r = run(["run", "-o", f"{i}.sif", "x.def"], folder)
    check("a run beside clears ends well", r.status == 0, r)
check("so do the clears", clears.poll() is None, clears.stderr.read() if clears.poll() is not None else "")
os.killpg(clears.pid, signal.SIGKILL)
clears.wait()
r = run(["run", "-o", "x.sif", "x.def"], folder)
check("after a clear that was killed a run ends well", r.status == 0, r)
r = run(["cache", "verify"], folder)
check("the cache is whole", r.status == 0, r)
r = run(["cache", "clear"], folder)
check("and can be cleared", r.status == 0 and not (folder / "cache").exists(), r)

# ---- a folder that gives a group, a bit and a list to what is made in it ----
def access_list(*entries):
    """acl(5), as in linux/posix_acl_xattr.h: tag, permissions, id."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def identities(definition, folder):
    """Of the layers that a build in `folder` makes, and the modes that its script shows."""
    epoch = {"SOURCE_DATE_EPOCH": 1700000000}
    done = build(definition, folder=folder, env=epoch)
    check("a build to compare", done.status == 0, done)
    told = json.loads(run(["why", "--json", "x.def"], folder, epoch).out)
    shown = [line.split("mode ")[1] for line in done.err.splitlines() if "| mode " in line]
    return [(step["name"], step["identity"]) for step in told["steps"]], shown


NONE = 0xFFFFFFFF
generous = new_folder()
if os.geteuid() == 0:
    os.chown(generous, -1, 4242)
generous.chmod(0o2775)
os.setxattr(generous, "system.posix_acl_default",
            access_list((1, 7, NONE), (4, 5, NONE), (8, 7, 4242), (16, 7, NONE), (32, 0, NONE)))
text = docker(registry, """%files
  f /opt/f
%post
  mkdir /folder
  touch /made /folder/made
  set +x
  for name in / /made /folder /folder/made /opt /opt/f; do echo "mode $(stat -c %a:%g $name) $name"; done
""")
pair = [generous, new_folder()]
for place in pair:
    write(place, "f")
    (place / "f").chmod(0o644)
(ours, seen), (theirs, others) = (identities(text, place) for place in pair)
check("a folder's list, group and bit reach no layer", ours == theirs, (ours, theirs))
check("and no script sees them", seen == others and "644:0 /made" in seen, (seen, others))
kept = [p for p in generous.glob("cache/layers/*/**") if any("posix_acl" in name for name in os.listxattr(p))]
check("no file of a layer has a list", not kept, kept)

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
check("and what would stay", "contains 6 items that are not dagbuild's" in r.err, r)
r = run(["cache", "clear"], folder, env)
left = [name for name, _ in tree(cache)]
check("clear leaves them, and removes all else", r.status == 0 and stays(), r)
check("folders on the way to them apart", all(any(s.startswith(n) for s in strange) for n in left), left)
check("and says so", "contains 6 items that are not dagbuild's and stay: '" in r.err, r)

# ---- a cache of an older release ----
def make_older(cache):
    """As release 0.1.0 left it: keys of 32 digits, another memo, a folder for mounts.  The layers had no other names."""
    (cache / "layers/empty").mkdir()
    for path in [*cache.glob("records/*/*.json"), *cache.glob("history/*/*.json")]:
        content = json.loads(path.read_text())
        for part in (content, *content.get("builds", [])):
            if "key" in part:
                part["key"] = part["key"][:32]
        path.with_name(path.stem[:30] + ".json").write_text(json.dumps(content))
        path.unlink()
    memo = cache / "stat-memo"
    if memo.exists():
        memo.write_bytes(memo.read_bytes().replace(b"memo 2", b"memo 1", 1))
    (cache / "version").write_text("dagbuild store 1\n")


def names(cache, pattern):
    return {str(p.relative_to(cache)) for p in cache.glob(pattern)}


old = lambda cache: {n for n in names(cache, "records/*/*") | names(cache, "history/*/*") if len(n.split("/")[-1]) == 35}
FILES = DEF.replace("%post", "%files\n  f /f\n%post")
folder = new_folder()
cache = folder / "cache"
write(folder, "f")
os.utime(folder / "f", (1e9, 1e9))
time.sleep(2.5)  # younger files are not in the memo
r = build(FILES, folder=folder)
check("a cache to grow old", r.status == 0 and (cache / "stat-memo").exists(), r)
(folder / "failing.def").write_text(FILES + "  echo seen >/seen\n  false\n")
r = run(["run", "failing.def"], folder)
check("and a step that failed in it", r.status == 1 and len(names(cache, "failed/*")) == 1, r)
make_older(cache)
blobs, layers = (names(cache, p) for p in ("blobs/sha256/*/*", "layers/*"))
for log in cache.glob("logs/*"):
    log.write_text("older\n")
before = tree(cache)
r = run(["plan", "x.def"], folder)
check("plan says that it is of an older release", r.status == 0 and "files of an older dagbuild" in r.err, r)
check("and uses nothing of it", r.out.count("miss:") == 5, r)
check("nor changes anything", tree(cache) == before)
for words in ("cache prune --all --dry-run", "cache clear --dry-run"):
    r = run(words.split(), folder)
    check(f"{words} says what would go", r.status == 0 and "would free " in r.err, r)
    check("and changes nothing either", tree(cache) == before)
FAILED = ["shell", "--failed", "--", "cat", "/seen", "/f"]
r = run(FAILED, folder)
check("what a failed step left is there", r.out == "seen\nf is important\n", r)

# A process of the older release that is still at work.
record = json.loads(next(p for p in cache.glob("records/*/*") if '"x.post"' in p.read_text() or ".post" in p.read_text()).read_text())
lease = open(cache / "leases/abcdefghijkl", "w", encoding="utf-8")
fcntl.flock(lease, fcntl.LOCK_EX)
lease.write(f"S{time.time_ns()}\nP1\n" + "".join(f"{line}\n" for line in ("R" + record["key"], *("L" + n for n in record["snapshot"]))))
lease.flush()
r = run(["run", "x.def"], folder)
check("a run says it, and builds all", r.status == 0 and "files of an older dagbuild" in r.err and "cached" not in r.err, r)
check("and that some of it stays", "running processes need them" in r.err, r)
check("its record stays", old(cache) == {f"records/{record['key'][:2]}/{record['key'][2:]}.json"}, old(cache))
check("and its layers", {f"layers/{n}" for n in record["snapshot"]} <= names(cache, "layers/*"))
logs = {p.name: p.read_text() for p in cache.glob("logs/*")}
check("no older log does", logs and "older\n" not in logs.values(), logs)
r = run(["run", "x.def"], folder)
check("the new ones are hits", r.status == 0 and "nothing has changed" in r.err, r)
lease.close()
r = run(["run", "--no-cache", "x.def"], folder)
check("the next run removes the rest", r.status == 0 and not old(cache) and not (cache / "older").exists(), r)
check("and says no more of it", "needs it" not in r.err and "need it" not in r.err, r)
r = run(["plan", "x.def"], folder)
check("nor does plan", "older" not in r.err, r)
r = run(FAILED, folder)
check("what the failed step left is still there", r.out == "seen\nf is important\n", r)
check("and its layers alone are", 0 < len(layers & names(cache, "layers/*")) - 1 < len(layers) - 1, names(cache, "layers/*"))
check("so are the downloads", blobs and blobs <= names(cache, "blobs/sha256/*/*"), blobs)
r = run(["cache", "verify"], folder)
check("it is in order", r.status == 0, r)

folder = new_folder()
cache = folder / "cache"
build(DEF, folder=folder)
make_older(cache)
r = run(["plan", "x.def"], folder)
check("plan says who removes it", "a build removes them at its end, 'dagbuild cache prune' removes them now" in r.err, r)
r = run(["cache", "prune"], folder)
check("prune does at once", r.status == 0 and not old(cache) and not (cache / "older").exists(), r)
r = run(["run", "--offline", "x.def"], folder)
check("what tags were is gone, too", r.status == 4 and "was never resolved" in r.err, r)
r = run(["run", "x.def"], folder)
check("until a run asks again", r.status == 0, r)
r = run(["run", "--offline", "--no-cache", "x.def"], folder)
check("and then no registry is needed", r.status == 0, r)

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

# ---- the image: only a regular file is ever replaced ----
folder = new_folder()
env = {"SOURCE_DATE_EPOCH": 1700000000}  # the same bytes each time
build(DEF, folder=folder, env=env)
made = (folder / "x.sif").read_bytes()
asked = len(registry.log)
(folder / "dir").mkdir()
os.mkfifo(folder / "fifo")
(folder / "note.txt").write_text("mine\n")
for name, to in (("loop", "loop"), ("null", "/dev/null"), ("to-fifo", "fifo"), ("nowhere", "missing/x.sif"), ("to-dir", "dir")):
    (folder / name).symlink_to(to)
with socketserver.UnixStreamServer(str(folder / "socket"), socketserver.BaseRequestHandler):
    for output in (
        *("dir", "dir/", ".", "dir/..", "fifo", "socket", "loop", "null", "to-fifo", "to-dir", "nowhere", ""),
        *("/dev/null", "/proc/x.sif", "/sys/x.sif", "missing/x.sif", "note.txt/x.sif", "/", "x" * 300),
    ):
        for force in ([], ["--force"]):
            before = [(p.name, p.lstat().st_ino, p.lstat().st_mode) for p in folder.iterdir() if p.name != "cache"]
            r = run(["run", "-o", output, *force, "--no-cache", "x.def"], folder)
            after = [(p.name, p.lstat().st_ino, p.lstat().st_mode) for p in folder.iterdir() if p.name != "cache"]
            check(f"-o {output[:20]!r} {force}: a mistake", r.status == 2 and "hint: " in r.err, r)
            check("nothing was replaced", before == after, after)
check("and nothing was built before", len(registry.log) == asked, registry.log[asked:])
r = run(["run", "-o", "note.txt", "x.def"], folder)
check("another file is not replaced", r.status == 1 and (folder / "note.txt").read_text() == "mine\n", r)
r = run(["run", "-o", "note.txt", "--force", "x.def"], folder, env)
check("but with --force", r.status == 0 and (folder / "note.txt").read_bytes() == made, r)

(folder / "there").mkdir()
(folder / "there/old.sif").write_bytes(made)
for name, to in (("link", "there/old.sif"), ("link2", "link"), ("new", "there/new.sif"), ("absolute", folder / "there/abs.sif")):
    (folder / name).symlink_to(to)
    r = run(["run", "-o", name, "--no-cache", "x.def"], folder, env)
    check(f"a link to {to}: the file is replaced", r.status == 0 and (folder / name).read_bytes() == made, r)
    check("and the link stays", (folder / name).is_symlink() and (folder / name).resolve().is_file(), r)
    r = run(["run", "-o", name, "x.def"], folder, env)
    check("the image is current by the link", r.status == 0 and "nothing has changed" in r.err, r)
check("nothing is left beside it", sorted(os.listdir(folder / "there")) == ["abs.sif", "new.sif", "old.sif"])

# What the command itself reads is no output, nor is the image one for events.
folder = new_folder()
inputs = {"x.def": DEF, "x.def.lock": "", "arguments": "", "auth.json": "{}"}
for name, text in inputs.items():
    (folder / name).write_text(text)
(folder / "x.sif").symlink_to("x.def")
os.link(folder / "x.def", folder / "second")
reading = ("--build-arg-file", "arguments", "--authfile", "auth.json", "--ignore-lock", "--force")
for name in (*inputs, "x.sif", "second"):
    for option, image in (("-o", name), ("--trace", "new.sif")):
        r = run(["run", *reading, "-o", image, *([] if option == "-o" else [option, name]), "x.def"], folder)
        there = {n: (folder / n).read_text() for n in inputs}
        check(f"{option} {name}: it is read", r.status == 2 and "would be lost" in r.err and there == inputs, r)
r = run(["run", *reading, "-o", "new.sif", "--trace", "./new.sif", "x.def"], folder)
check("--trace is not the image", r.status == 2 and "is the image" in r.err and not (folder / "new.sif").exists(), r)
r = run(["run", *reading, "-o", "new.sif", "--trace", "./events", "x.def"], folder)
check("other files are", r.status == 0 and (folder / "new.sif").exists() and (folder / "events").exists(), r)
for options in (("-o",), ("-o", "new.sif", "--trace")):
    for name in ("cache/version", "cache/layers/x.sif"):
        held = (folder / "cache/version").read_bytes()
        r = run(["run", *reading, *options, name, "x.def"], folder)
        left = (folder / "cache/version").read_bytes() == held and not (folder / "cache/layers/x.sif").exists()
        check(f"{options[-1]} {name}: the cache is not written to", r.status == 2 and "is in the cache" in r.err and left, r)

# While a script runs, a fifo takes the place of the image: looked at again before it is published.
racing = docker(registry, "%files\n  gate /gate\n%post\n  echo at the gate\n  read line </gate || true\n")
folder = new_folder()
(folder / "gate").write_text("open\n")
(folder / "x.def").write_text(racing)
process = start(["run", "--progress", "plain", "-o", "x.sif", "x.def"], folder)
for line in process.stderr:
    if b"at the gate" in line:
        break
os.mkfifo(folder / "x.sif")
rest = process.stderr.read().decode()
check("a fifo that came meanwhile stays", process.wait() == 2 and (folder / "x.sif").is_fifo(), rest)

# What looks like a temporary file of ours is not one by half.
folder = new_folder()
for name in (".dagbuild-mine.tmp", ".dagbuild-abcdefghijkl.tmp.bak", ".dagbuild-abcdefghijk.tmp", ".dagbuild-.tmp"):
    (folder / name).write_text("mine\n")
(folder / ".dagbuild-abcdefghijkl.tmp").write_text("left by a dead one\n")
r = build(DEF, folder=folder)
left = sorted(p.name for p in folder.glob(".dagbuild*"))
check("only what a dead one left is removed beside the image", r.status == 0 and len(left) == 4, left)

# ---- the image of a stage has its own name ----
two = f"Bootstrap: docker\nFrom: {registry.host}/t/base:1\nStage: one\n\n%post\n  echo 1 >/one\n\n"
two += f"Bootstrap: docker\nFrom: {registry.host}/t/base:1\nStage: a/b\n\n%post\n  echo 2 >/two\n\n"
two += f"Bootstrap: docker\nFrom: {registry.host}/t/base:1\n\n%post\n  echo 3 >/three\n"
folder = new_folder()
(folder / "two.def").write_text(two)
images = lambda: sorted(p.name for p in folder.glob("*.sif"))
r = run(["run", "two.def"], folder)
whole = (folder / "two.sif").read_bytes()
check("the image of the definition", r.status == 0 and images() == ["two.sif"], r)
r = run(["run", "--target", "one", "two.def"], folder)
check("that of a stage", r.status == 0 and images() == ["two.one.sif", "two.sif"], r)
check("the first one stays", (folder / "two.sif").read_bytes() == whole)
r = run(["run", "--target", "stage3", "two.def"], folder)
check("the last stage, when it is named", r.status == 0 and "two.stage3.sif" in images(), r)
r = run(["run", "--target", "one.post", "two.def"], folder)
check("a step makes no image", r.status == 0 and len(images()) == 3, r)
r = run(["run", "--target", "a/b", "two.def"], folder)
check("a stage whose name is none for a file", r.status == 2 and "-o" in r.err and len(images()) == 3, r)
r = run(["plan", "--target", "one", "--format", "json", "two.def"], folder)
check("plan looks at the same image", r.out.count('"miss"') == 0 and '"hit"' in r.out, r.out)

# ---- a definition is read once, and may be a pipe ----
folder = new_folder()
for how in ("<(cat x.def)", "- <x.def", "- < <(cat x.def)", "/dev/stdin <x.def"):
    (folder / "x.def").write_text(DEF + f"%help\n  {how}\n")
    for command in ("check", "plan", "run -o x.sif", "run -o x.sif", "why"):
        r = shell(f"{DAGBUILD} {command} {how}", folder)
        check(f"{command} {how}", r.returncode == 0, r)
    check("the image has it", how in Sif(folder / "x.sif").read("/.singularity.d/Singularity").decode())
    r = shell(f"{DAGBUILD} run {how}", folder)
    check("an image needs a name", r.returncode == 2 and "-o" in r.stderr, r)
    if how.startswith(("-", "<")):
        r = shell(f"{DAGBUILD} lock {how}", folder)
        check("and so does a lock file", r.returncode == 2 and "hint" in r.stderr, r)
r = shell(f"({DAGBUILD} check -; cat) <x.def", folder)
check("standard input is read, not only looked at", r.returncode == 0 and r.stdout == "", r)
r = shell(f"{DAGBUILD} shell - stage1.base -- cat <x.def", folder)
check("a shell does not get the definition as its input", r.returncode == 0 and r.stdout == "", r)
(folder / "x.def").write_text(DEF + "%help\n  {{ word }}\n")
r = shell(f"{DAGBUILD} run -o x.sif --build-arg-file <(echo word=first) x.def", folder)
help_text = Sif(folder / "x.sif").read("/.singularity.d/runscript.help").decode()
check("so may a file of arguments", r.returncode == 0 and "first" in help_text, r)

# The text is the one that was checked, whatever becomes of the file while the base is fetched.
(folder / "x.def").write_text(DEF + "%help\n  before\n")
changing = lambda x: (folder / "x.def").write_text(DEF + "%help\n  after\n") and False
registry.hook = changing
r = run(["run", "-o", "x.sif", "--no-cache", "x.def"], folder)
registry.hook = None
help_text = Sif(folder / "x.sif").read("/.singularity.d/runscript.help").decode()
check("a definition that changes meanwhile", r.status == 0 and help_text.strip() == "before", help_text)

# So does the lock file count that there was, or that there was none; and what was checked is not checked again.
folder = new_folder()
base_of = lambda name: f"{registry.host}/t/{name}:1"
other = Registry({"t/other:1": Image([base()])})
DEFINITION = docker(registry, "Stage: one\n") + docker(other, "Stage: two\n%files\n  here /here\n", "t/other:1")


def lock(digest):
    """x.def.lock with the first of the two bases."""
    entry = {"agent": "docker", "reference": base_of("base"), "platform": "linux/amd64", "date": "2026-01-01T00:00:00Z"}
    (folder / "x.def.lock").write_text(json.dumps({"version": 1, "bases": [{**entry, "digest": digest}]}))


RIGHT, WRONG = registry.images["t/base:1"].digest, "sha256:" + "1" * 64
LOCKS = (folder / "x.def.lock").unlink
for name, before, after, said in (
    ("appears", None, lambda: lock(WRONG), ""),
    ("changes", lambda: lock(RIGHT), lambda: lock(WRONG), "1 base from x.def.lock"),
    ("goes", lambda: lock(RIGHT), LOCKS, "1 base from x.def.lock"),
    ("is damaged", lambda: lock(RIGHT), lambda: (folder / "x.def.lock").write_text("{"), "1 base from x.def.lock"),
):
    (folder / "x.def.lock").unlink(missing_ok=True)
    (folder / "x.def").write_text(DEFINITION)
    (folder / "here").write_text("here\n")
    if before:
        before()
    asked = []

    def changes(x):
        if not asked:
            asked.append(x)
            after()
        return False

    # The second base is in no lock file: it is asked for while the first process looks.
    other.hook = changes
    r = run(["run", "--all-stages", "-o", "x.sif", "--no-cache", "x.def"], folder)
    other.hook = None
    check(f"a lock file that {name} meanwhile", asked and r.status == 0 and said in r.err, r)
other.hook = lambda x: (folder / "here").unlink(missing_ok=True) and False
(folder / "x.def.lock").unlink(missing_ok=True)
(folder / "here").write_text("here\n")
r = run(["run", "--all-stages", "-o", "x.sif", "--no-cache", "x.def"], folder)
other.hook = None
check("a file that goes meanwhile is missed by its step", r.status == 1 and "x.def:7:1: copy" in r.err, r)
check("the definition is checked once", r.err.count("warning: ") == 1, r)

# ---- what a wrong name is told, and by which status ----
folder = new_folder()
build(DEF, folder=folder)
(folder / "dir").mkdir()
(folder / "text").write_text("no store, no image\n")
os.mkfifo(folder / "fifo")
for words, wanted, said in (
    ("run missing.def", 2, "the definition cannot be read"),
    ("plan missing.def", 2, "the definition cannot be read"),
    ("check missing.def", 2, "the definition cannot be read"),
    ("why missing.def", 2, "the definition cannot be read"),
    ("lock missing.def", 2, "the definition cannot be read"),
    ("shell missing.def", 2, "the definition cannot be read"),
    ("run dir", 2, "'dir' is a folder"),
    ("run x.sif", 2, "is an image, not a definition"),
    ("check x.sif", 2, "is an image, not a definition"),
    ("run --build-arg-file missing x.def", 2, "the file of build arguments cannot be read"),
    ("run -o dir x.def", 2, "'dir' is the name of a folder|'.*/dir' is a folder"),
    ("run --cache-dir text x.def", 2, "Not a directory"),
    ("run --cache-dir text/below x.def", 2, "Not a directory"),
    ("cache du --cache-dir text", 2, "Not a directory"),
    ("run --authfile missing x.def", 2, "authfile"),
    ("run --trace dir x.def --no-cache", 2, "trace"),
    ("run --target nosuch x.def", 2, "nosuch"),
    ("inspect missing.sif", 2, "missing.sif"),
    ("inspect dir", 2, "'dir' is a folder"),
    ("inspect fifo", 2, "'fifo' is a fifo"),
    ("inspect /dev/zero", 2, "is a device"),
    ("inspect text", 1, "SIF"),
    ("fly", 2, "unknown command"),
):
    r = run(words.split(), folder, seconds=20)
    check(f"{words}: status {wanted}", r.status == wanted, r)
    check("it is said why", re.search(said, r.err), r)
    check("and what to do", "hint: " in r.err or r.status == 1, r)
for name in ("dir", "fifo"):
    (folder / "x.def.lock").symlink_to(name)
    for words in ("run x.def", "lock x.def", "lock --update x.def"):
        r = run(words.split(), folder, seconds=20)
        check(f"{words}: {name} as lock file", r.status == 2 and f"is a {name.replace('dir', 'folder')}" in r.err, r)
    check("it stays", (folder / "x.def.lock").is_symlink())
    (folder / "x.def.lock").unlink()
(folder / "x.def.lock").symlink_to("shared.lock")
r = run(["lock", "x.def"], folder)
check("a lock file may be a link", r.status == 0 and (folder / "x.def.lock").is_symlink(), r)
check("the file is written where it leads", "bases" in (folder / "shared.lock").read_text())

finish()
