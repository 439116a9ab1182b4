# SPDX-License-Identifier: MIT
"""packages.py - agents that run a package manager of this machine: what they give to it, when it runs again, how it
fails.  Its place is taken by a small program that makes a system with busybox; the real one: debootstrap.py."""

import os
import pathlib
import signal
import subprocess
import time

from lib import DAGBUILD, build, check, environment, finish, image, new_folder, run, start
from fake import *

# What stands where debootstrap is looked for: it notes its arguments, and makes a system.
DEBOOTSTRAP = """#!/bin/sh
printf '%s\\n' "$*" >>"$CALLS"
for word; do [ -z "$root" ] && case $word in /*) root=$word;; esac; done
[ ! -e "$FAIL" ] || { echo "I: trying"; echo "E: $(cat "$FAIL")"; exit 7; }
[ -z "$NAP" ] || { echo sleeping; sleep $NAP & sleep $NAP; }
mkdir -p "$root/bin" "$root/etc" "$root/dev/shm" "$root/var/log/apt" "$root/var/cache/apt/archives" "$root/var/lib/dpkg"
[ -n "$NOTHING" ] || : >"$root/var/lib/dpkg/status"
mknod -m 666 "$root/dev/full" c 1 7 && mount -t proc proc "$root/proc" && echo gone >"$root/dev/null" || exit 8
cp "$BUSYBOX" "$root/bin/busybox"
for name in sh cat echo ls; do ln "$root/bin/busybox" "$root/bin/$name"; done
umask >"$root/umask"
for name in etc/hostname etc/resolv.conf var/log/dpkg.log var/log/apt/term.log var/cache/apt/archives/a.deb; do
    echo "of the host" >"$root/$name"
done
chown 7:42 "$root/umask"
[ -z "$LINK" ] || { rm -r "$root/var/log"; ln -s "$LINK" "$root/var/log"; ln -s "$LINK" "$root/var/cache/ldconfig"; }
[ -z "$HOLD" ] || sleep 5 <"$root/dev/null" >/dev/null 2>&1 &
[ -z "$MOVE" ] || echo moved >"$MOVE"
"""

programs = new_folder()
(programs / "debootstrap").write_text(DEBOOTSTRAP)
(programs / "debootstrap").chmod(0o755)
calls, fail = programs / "calls", programs / "fail"
tools = {"PATH": f"{programs}:{os.environ['PATH']}", "CALLS": calls, "FAIL": fail, "BUSYBOX": "/bin/busybox"}


class Mirror(Registry):
    """`pages` by path."""

    def __init__(self, pages, hook=None):
        self.pages = pages
        super().__init__(None, hook)
        self.url = f"http://{self.host}/debian"

    def serve(self, x):
        page = self.pages.get(x.path)
        return x.answer(200, page) if page is not None else x.answer(404, "<html>no</html>")


def debian(mirror, rest="", suite="stable", **headers):
    more = "".join(f"{key}: {value}\n" for key, value in headers.items())
    return f"Bootstrap: debootstrap\nMirrorURL: {mirror}\nOSVersion: {suite}\n{more}\n{rest}"


def called():
    """The commands since the last time."""
    text = calls.read_text() if calls.exists() else ""
    calls.unlink(missing_ok=True)
    return text.splitlines()


# ---- what it is given, and what stays of it ----

mirror = Mirror({"/debian/dists/stable/InRelease": "of the first day"})
POST = "%post\n    cat /umask >/copied\n"
first = build(debian(mirror.url, POST, Include="less vim,nano"), env=tools)
check("a system of packages is a base", first.status == 0 and image(first).read("/copied") == b"0022\n", first)
words = called()[0].split() if first.status == 0 else []
check("debootstrap's words", words[:3] == ["--variant=minbase", "--exclude=openssl,udev,debconf-i18n,e2fsprogs",
      "--include=apt,less,vim,nano"] and words[3].startswith("--arch=") and words[4] == "stable" and
      words[6] == mirror.url, words)
check("it is told that a program runs on this machine", "runs on this machine" in first.err, first)
names = image(first).names() if first.status == 0 else set()
check("nothing of the host stays", not names & {"/etc/hostname", "/.host", "/dev/null", "/dev/zero"}, names)
check("nor what was only needed once", not names & {"/var/log/dpkg.log", "/var/log/apt/term.log",
      "/var/cache/apt/archives/a.deb"} and "/var/log/apt" in names, names)
check("etc/resolv.conf is empty", image(first).read("/etc/resolv.conf") == b"")
listing = subprocess.run(["unsquashfs", "-lln", "-o", str(image(first).offset), first.folder / "x.sif", "umask"],
                         capture_output=True, text=True, check=False).stdout
check("owners are those of the packages", " 7/42 " in listing, listing)
check("the mirror was asked for one file, also before and after debootstrap ran",
      [path for _, path, _ in mirror.log] == ["/debian/dists/stable/InRelease"] * 3, mirror.log)

# ---- when it runs again ----

folder = first.folder


def again(text, definition, ran, *args, env=None):
    result = build(definition, *args, folder=folder, env={**tools, **(env or {})})
    check(f"{text}: it runs {'again' if ran else 'no more'}", result.status == 0 and len(called()) == ran, result)
    return result


same = again("nothing has changed", debian(mirror.url, POST, Include="less vim,nano"), 0)
check("so there is nothing to do", "nothing has changed" in same.err, same)
again("other blanks between the packages", debian(mirror.url, POST, Include="less   vim, nano"), 0)
again("another %post", debian(mirror.url, POST.replace("copied", "other"), Include="less,vim,nano"), 0)
again("one more package", debian(mirror.url, POST, Include="less vim nano tree"), 1)
again("one more in the environment", debian(mirror.url, POST, Include="less vim nano"), 1, env={"INCLUDE": "git"})
mirror.pages["/debian/dists/stable/InRelease"] = "of the second day"
again("another index", debian(mirror.url, POST, Include="less vim,nano"), 1)
mirror.pages["/debian/dists/testing/InRelease"] = "of the second day"
again("another release", debian(mirror.url, POST, suite="testing", Include="less vim,nano"), 1)
again("a slash behind the mirror", debian(mirror.url + "/", POST, Include="less vim,nano"), 1)
mirror.log.clear()
again("without a network", debian(mirror.url, POST, Include="less vim nano"), 0, "--offline")
plan = run(["plan", "x.def"], folder, tools)
check("a plan asks nothing and runs nothing", plan.status == 0 and plan.out.count(" hit") == 4 and not mirror.log and
      not called(), f"{plan}{mirror.log}")
other = Mirror({"/debian/dists/stable/Release": "unsigned"})
again("a mirror with an unsigned index", debian(other.url, POST), 1)
local = new_folder()
(local / "dists/stable").mkdir(parents=True)
(local / "dists/stable/InRelease").write_text("here")
again("a mirror in a folder", debian(f"file://{local}", POST), 1)
again("the same, written otherwise", debian(f"file:{local}", POST), 1)
(local / "dists/stable/InRelease").write_text("there")
again("its index has changed", debian(f"file:{local}", POST), 1)
two = "".join(debian(mirror.url, rest).replace("OSVersion", f"Stage: {stage}\nOSVersion")
              for stage, rest in (("one", "%post\n    echo 1 >/one\n"), ("two", "%files from one\n    /one\n")))
again("two stages with one base", two, 1)

# What the packages' own links lead to stays; so does a system whose devices somebody still uses.
victim = new_folder()
(victim / "important.log").write_text("of the host")
(victim / "aux-cache").write_text("of the host")
again("links of the packages", debian(mirror.url, Include="links"), 1, env={"LINK": victim})
check("lead nowhere on this machine", sorted(p.name for p in victim.iterdir()) == ["aux-cache", "important.log"], list(victim.iterdir()))
temporary = pathlib.Path("/var/tmp") / f"dagbuild-test-{os.getpid()}"
again("a folder for temporary files below /var/tmp", debian(mirror.url, Include="temporary"), 1, env={"TMPDIR": temporary})
again("a device in use", debian(mirror.url, Include="devices"), 1, env={"HOLD": "1"})

# What is remembered of a mirror is not what it has now.
remembered = new_folder()
(remembered / "x.def").write_text(debian(mirror.url, POST))


def elsewhere(definition, *args, env=None):
    return build(definition, *args, folder=remembered, env={**tools, **(env or {})})


check("a first build", elsewhere(debian(mirror.url, POST)).status == 0)
mirror.pages["/debian/dists/stable/InRelease"] = "of the third day"
called()
old = elsewhere(debian(mirror.url, POST, Include="nano"), "--pull=missing")
check("with --pull=missing nothing is installed from another index", old.status == 4 and "has changed" in old.err and
      not called(), old)
old = elsewhere(debian(mirror.url, POST, Include="nano"), "--offline")
check("nor with --offline at all", old.status == 4 and "no request may be made" in old.err and not called(), old)
old = elsewhere(debian(mirror.url, POST), "--offline", "--no-cache")
check("even if it was before", old.status == 4 and not called(), old)
moving = elsewhere(debian(f"file:{local}", POST, Include="moving"), env={"MOVE": local / "dists/stable/InRelease"})
check("an index that changes meanwhile", moving.status == 4 and "has changed" in moving.err, moving)
called()

# Two bases without a lock are not one.
pair = "".join(debian(url, rest).replace("OSVersion", f"Stage: {stage}\nOSVersion")
               for stage, url, rest in (("one", mirror.url, "%post\n    echo 1 >/one\n"),
                                        ("two", f"file:{local}", "%files from one\n    /one\n")))
check("two mirrors", elsewhere(pair).status == 0 and len(called()) == 2)
plan = run(["plan", "--no-cache=one", "x.def"], remembered, tools)
lines = [line for line in plan.out.splitlines() if line.startswith("  base")]
check("one stage's base is not the other's", len(lines) == 2 and " hit" not in lines[0] and " hit" in lines[1], plan)

# ---- failures ----


def fails(text, status, words, definition, *args):
    result = build(definition, *args, env={**tools, "DAGBUILD_RETRY_MS": "10"})
    check(f"{text} is an error", result.status == status and result.err.count("error: ") == 1 and
          all(word in result.err for word in words) and not (result.folder / "x.sif").exists(), result)
    left = list((result.folder / "cache/tmp").glob("*")) if (result.folder / "cache").exists() else []
    check("and leaves nothing", not left, left)
    return result


endless = Mirror({}, lambda x: x.raw(b"HTTP/1.1 200 OK\r\n\r\n") and x.raw(b"x" * 65536, None))
fails("no such release", 4, ["does not have 'dists/none/InRelease'", "OSVersion"], debian(mirror.url, suite="none"))
for more in (None, {"WWW-Authenticate": 'Basic realm="x"'}, {"WWW-Authenticate": 'Bearer realm="http://127.0.0.1:1/"'}):
    guarded = Mirror({}, lambda x: x.answer(401, "no", more))  # pylint: disable=cell-var-from-loop
    fails("a mirror that asks who we are", 4, ["HTTP status 401"], debian(guarded.url))
    check("gets no answer", not any("Authorization" in headers for _, _, headers in guarded.log), guarded.log)
for text, definition in [("Include", debian(mirror.url, Include="less --help")), ("OSVersion", debian(mirror.url, suite="--help"))]:
    fails(f"an option in {text}", 2, ["is no package"], definition)
secret = fails("a password in a URL", 2, ["a name or a password"], debian("http://me:secret@127.0.0.1/debian"))
check("is not shown", "secret" not in secret.err.replace("MirrorURL: http", ""), secret)
fails("no mirror", 4, ["127.0.0.1:1/"], debian("http://127.0.0.1:1/debian"))
fails("no folder", 4, ["does not have", "look at the URL"], debian(f"file://{local}/none"))
fails("another scheme", 2, ["not a URL of http or https"], debian("ftp://127.0.0.1/debian"))
fails("an index without end", 4, ["longer than"], debian(endless.url))
fails("no network", 4, ["--offline"], debian(mirror.url), "--offline")
called()
fail.write_text("Failed getting release file")
fails("what debootstrap says", 1, ["debootstrap exited with status 7", "E: Failed getting release file", "whole output"],
      debian(mirror.url))
fail.write_text("\x1b[2J hidden \x07")
result = fails("what it says in colours", 1, ["hidden"], debian(mirror.url))
check("is cleaned", "\x1b" not in result.err and "\x07" not in result.err, result)
fail.unlink()
called()
nothing = build(debian(mirror.url), env={**tools, "NOTHING": "1"})
check("a program that does nothing", nothing.status == 1 and "has installed nothing" in nothing.err, nothing)
called()
refused = fails("--no-host-scripts", 2, ["--no-host-scripts forbids"], debian(mirror.url), "--no-host-scripts")
check("nothing ran", not called(), refused)
if os.geteuid() == 0:
    hide = "mount --bind /dev/null /usr/sbin/debootstrap && exec \"$@\""
    folder = new_folder()
    (folder / "x.def").write_text(debian(mirror.url))
    done = subprocess.run(["unshare", "-m", "sh", "-c", hide, "sh", DAGBUILD, "run", "x.def"], cwd=folder,
                          env=environment(folder), capture_output=True, text=True, check=False)
    check("a machine without debootstrap", done.returncode == 3 and "no program 'debootstrap'" in done.stderr and
          "install the package" in done.stderr, done)

# ---- a signal ----

# Nobody else sleeps as long.
nap = str(80000000 + os.getpid())
folder = new_folder()
(folder / "x.def").write_text(debian(mirror.url))
process = start(["run", "--progress", "plain", "x.def"], folder, {**tools, "NAP": nap})
while b"sleeping" not in (line := process.stderr.readline()) and line:
    pass
begun = time.monotonic()
process.send_signal(signal.SIGTERM)
process.communicate(timeout=60)
check("a signal ends it", time.monotonic() - begun < 10 and process.returncode != 0, process.returncode)
check("and all it started", subprocess.run(["pgrep", "-fx", f"sleep {nap}"], check=False).returncode == 1)

finish()
