# SPDX-License-Identifier: MIT
"""What runs in a container reaches nothing of the host: no terminal, no file of a process beside it, no environment."""
import contextlib
import fcntl
import os
import shutil
import signal
import stat
import struct
import subprocess
import termios
import time

import lib
import terminal
from lib import DAGBUILD, HOME, SOURCE, build, check, docker, environment, finish, image, new_folder
from fake import Image, Registry, base, file, folder, tar

PROBE = HOME / "probe"
subprocess.run(["cc", "-O1", "-static", "-o", PROBE, SOURCE / "tests/rig/probe.c"], check=True)
FILES = base(file("bin/probe", PROBE.read_bytes(), mode=0o755))
registry = Registry(
    {
        "t/base:1": Image([FILES]),
        "t/folder:1": Image([FILES, tar(folder("etc/resolv.conf"))]),
        "t/folders:1": Image([FILES, tar(folder("etc/resolv.conf"), file("etc/resolv.conf/kept", "x"))]),
    }
)


@contextlib.contextmanager
def setting(path, value):
    """A sysctl for a while, where it may be set."""
    try:
        before = open(path).read()
        open(path, "w").write(value)
    except OSError:
        yield
        return
    try:
        yield
    finally:
        open(path, "w").write(before)


class Session(terminal.Terminal):
    """dagbuild in a session whose terminal is ours."""

    def __init__(self, place, args, **standard):
        """`standard` names the descriptors, stdin, stdout or stderr, that are files in `place` instead."""
        self.place, self.standard = place, standard
        os.chdir(place)
        os.environ.update(environment(place))
        super().__init__([DAGBUILD, *args])
        os.chdir(HOME)

    def login(self):
        super().login()
        for number, name in enumerate(["stdin", "stdout", "stderr"]):
            if name in self.standard:
                flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT
                os.dup2(os.open(self.place / self.standard[name], flags, 0o644), number)

    def run_to_end(self):
        self.status = self.finish()
        echoes = bool(termios.tcgetattr(self.slave)[3] & termios.ECHO)
        # What was typed, seen as bytes and not as lines.
        settings = termios.tcgetattr(self.slave)
        settings[3] &= ~termios.ICANON
        termios.tcsetattr(self.slave, termios.TCSANOW, settings)
        self.typed = struct.unpack("i", fcntl.ioctl(self.slave, termios.FIONREAD, b"\0" * 4))[0]
        self.device = os.fstat(self.slave).st_rdev
        self.harmed = not echoes or self.typed > 0 or f"device {self.device}," in self.output
        return self

    def __str__(self):
        return f"status {self.status}, {self.typed} bytes typed, device {self.device}\n{self.output}"


def test_terminal():
    """Neither scripts nor the programs of a shell get at the user's terminal; dev.tty.legacy_tiocsti is what old
    kernels do."""
    place = new_folder()
    (place / "x.def").write_text(
        docker(registry, "Stage: s\n%post\n    probe terminal\n    probe processes\n%test\n    probe terminal\n    probe processes\n")
    )
    (place / "input").write_text("")
    with setting("/proc/sys/dev/tty/legacy_tiocsti", "1"):
        done = Session(place, ["run", "--progress", "plain", "x.def"]).run_to_end()
        check("a build on a terminal", done.status == 0, done)
        check("nobody types there, or turns the echo off", not done.harmed, done)
        seen = done.output.count("/dev/tty: No such device or address")
        check("%post and %test have no /dev/tty", seen == 2, done)
        check("and get none", done.output.count("/dev/tty afterwards: No such device or address") == 2, done)
        done = Session(place, ["shell", "x.def", "s", "--", "probe", "terminal", "processes"]).run_to_end()
        check("a command of a shell has a terminal of its own", "/dev/tty: yes" in done.output, done)
        check("and not the user's", not done.harmed, done)
        for standard in ({"stdin": "input"}, {"stdout": "output"}, {"stdin": "input", "stderr": "errors"},
                         {"stdin": "input", "stdout": "output"}):
            words = ["shell", "x.def", "s", "--", "sh", "-c", "probe terminal processes; echo said; echo told >&2; exit 3"]
            done = Session(place, words, **standard).run_to_end()
            files = "".join((place / n).read_text() for n in standard.values() if n != "input")
            name = " and ".join(standard)
            check(f"a shell with {name} elsewhere", done.status == 3, done)
            check(f"{name} elsewhere: what is written arrives", "said" in done.output + files and "told" in done.output + files, done)
            check(f"{name} elsewhere: the terminal is not reached", not done.harmed and "terminal: " not in done.output + files, done)


def test_typing():
    """Where only the input is a terminal, what is typed comes through, and its end."""
    place = new_folder()
    (place / "x.def").write_text(docker(registry, "Stage: s\n"))
    done = build(docker(registry, "Stage: s\n"), folder=place)
    check("a stage", done.status == 0, done)
    session = Session(place, ["shell", "x.def", "s", "--", "sh", "-c", "echo ready >&2; cat; echo ended"], stdout="output")
    session.expect("ready")
    os.write(session.master, b"typed\n\x04")
    session.run_to_end()
    check("typed words and their end", (place / "output").read_text() == "typed\nended\n", session)
    session = Session(place, ["shell", "x.def", "s", "--", "sh", "-c", "exec 0<&-; echo ready >&2; sleep 1; exit 4"], stdout="output")
    session.expect("ready")
    os.write(session.master, b"nobody reads\n")
    session.run_to_end()
    check("that nobody reads", session.status == 4, session)


def modes(path):
    st = os.stat(path)
    return stat.S_IMODE(st.st_mode), st.st_gid, st.st_mtime_ns, st.st_ctime_ns


OWN = ("pipe:", "socket:", "/memfd:", "/dev/null", "anon_inode:")


def test_processes():
    """Through /proc nothing of the host is reached or changed, and no environment read: not even what the caller owns,
    as here dagbuild itself."""
    for security in ("container", "apptainer"):
        place = new_folder()
        program = place / "dagbuild"
        shutil.copy(DAGBUILD, program)
        before = modes(program)
        text = "%post\n    probe processes; probe descriptors; probe null\n"
        (place / "x.def").write_text(docker(registry, text))
        done = subprocess.run(
            [program, "run", "--progress", "plain", f"--security={security}", "x.def"], cwd=place, capture_output=True, text=True,
            env=environment(place, {"SECRET_TOKEN": "sesame"}), stdin=subprocess.DEVNULL, start_new_session=True,
        )
        said = done.stdout + done.stderr
        lines = [line.split("| ", 1)[-1] for line in said.splitlines()]
        check(f"{security}: a build by a dagbuild of one's own", done.returncode == 0, said)
        check(f"{security}: its file is as it was", modes(program) == before, said)
        reached = [line.split()[1:] for line in lines if line.startswith("reached: /proc/1/")]
        outside = [r for r in reached if security == "container" or not (r[1].startswith(OWN) or r[1] == "/")]
        check(f"{security}: process 1 leads to nothing of the host", not outside, outside)
        check(f"{security}: no lock is seen", "/locks/" not in said, said)
        check(f"{security}: nor the caller's environment", "sesame" not in said and "environment: /proc/1" not in said, said)
        check(f"{security}: a script has three descriptors", "descriptors: 0 1 2" in lines, said)
        check(f"{security}: /dev/null keeps its mode", stat.S_IMODE(os.stat("/dev/null").st_mode) == 0o666, said)
        check(f"{security}: neither way", "mode of /dev/null: yes" not in said and "mode of standard input: yes" not in said, said)


# Of a script: what it has of its own, and every file and folder of its root, with the mode.
SURROUNDINGS = """%post
    probe descriptors
    grep Sig /proc/self/status
    umask
    uname -r
    : >/made
    mkdir /folder
    set +x
    for file in $(find / -xdev) $(find /dev -xdev) /etc/resolv.conf /etc/hosts; do
        case $file in /dev/pts/*) ;; *) echo "mode $(stat -c %a:%u:%g $file) $file" ;; esac
    done
    cat /proc/self/personality && echo "personality above"
"""
HABITS = {
    "open files": 'exec 3</etc/passwd 9>"$PWD/nine"',
    "ignored signals": 'trap "" HUP USR1 PIPE TERM',
    "mask of modes": "umask 077",
}


def build_with(habits, flags=()):
    """By a caller with these words of a shell, and options of setarch."""
    place = new_folder()
    (place / "x.def").write_text(docker(registry, SURROUNDINGS))
    setarch = ["setarch", *flags] if flags else []
    done = subprocess.run(
        ["bash", "-c", "; ".join([*habits, 'exec "$@"']), "sh", *setarch, DAGBUILD, "run", "--progress", "plain", "x.def"],
        cwd=place, env=environment(place), capture_output=True, text=True, stdin=subprocess.DEVNULL, close_fds=False,
    )
    return done, sorted(line.split("| ", 1)[1] for line in done.stderr.splitlines() if "| " in line)


def test_inherited():
    """Open files, ignored signals, blocked signals, the mask of modes, flags of the personality: neither a script has
    the caller's, nor any file that it finds."""
    done, seen = build_with(HABITS.values(), ["--addr-no-randomize", "--uname-2.6", "--read-implies-exec"])
    check("a build by a caller with habits", done.returncode == 0, done.stderr)
    check("open files", "descriptors: 0 1 2\n" in done.stderr, done.stderr)
    check("signals", done.stderr.count("Ign:\t0000000000000000") == 1 and done.stderr.count("Blk:\t0000000000000000") == 1, done.stderr)
    check("umask", "| 0022" in done.stderr, done.stderr)
    check("personality", "00000000" in seen and "personality above" in seen, done.stderr)
    other, others = build_with(["umask 000"])
    check("a build by a caller with others", other.returncode == 0, other.stderr)
    both = set(seen) ^ set(others)
    check("a script sees no difference", not [line for line in both if "SigQ" not in line], sorted(both))
    check("and all may read the files that it is given", {f"mode 644:0:0 /etc/{name}" for name in ("resolv.conf", "hosts")} <= set(seen), seen)


def test_closed():
    """Who closes standard descriptors does not have files of the cache in their places."""
    place = new_folder()
    (place / "x.def").write_text(docker(registry, "%post\n    sleep 1000\n"))
    process = subprocess.Popen(
        ["bash", "-c", 'exec "$@" <&- >&- 2>&-', "sh", DAGBUILD, "run", "x.def"], cwd=place, env=environment(place)
    )
    end = time.monotonic() + 60
    while not list(place.glob("cache/logs/*")) and process.poll() is None and time.monotonic() < end:
        time.sleep(0.02)
    links = [os.readlink(f"/proc/{process.pid}/fd/{number}") for number in range(3)]
    process.send_signal(signal.SIGINT)
    status = process.wait(60)
    check("closed descriptors are /dev/null", links == ["/dev/null"] * 3, links)
    check("and a build goes on without", status == 130, status)


def test_bound_proc():
    """In a container whose /proc is masked the kernel permits no new one: that container's is bound, and its processes,
    of the same user, are seen, but not reached."""
    if os.environ["MODE"] != "root":
        return
    place = new_folder()
    (place / "x.def").write_text(docker(registry, "%post\n    probe processes\n    echo /proc/*\n"))
    for path in (HOME, place):
        path.chmod(0o755)
    beside = 'sleep 1000 & "$@"; status=$?; kill $!; exit $status'
    words = 'mount -t tmpfs mask /proc/fs && mount -t tmpfs mask /proc/irq && exec "$@"'
    as_user = [SOURCE / "tests/rig/as_user.sh", "--subids", place, "sh", "-c", beside, "sh"]
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", words, "sh", *as_user, DAGBUILD, "run", "--progress", "plain", "x.def"],
        cwd=place, capture_output=True, text=True, env=environment(place, {"SECRET_TOKEN": "sesame"}),
        stdin=subprocess.DEVNULL, start_new_session=True,
    )
    said = done.stdout + done.stderr
    check("a build where /proc is masked", done.returncode == 0, said)
    check("whose processes are seen", f"/proc/{os.getpid()}" in said.split(), said)
    programs = [line.split()[-1] for line in said.splitlines() if "| reached: " in line and "/exe " in line]
    check("its processes are not reached", programs and set(programs) <= {"/bin/busybox", "/bin/probe"}, said)
    check("nor what they know", "sesame" not in said, said)


def test_host_files():
    done = build(docker(registry, '%post\n    grep -w "$(hostname)" /etc/hosts\n    cp /etc/hosts /etc/resolv.conf /tmp\n'
                                  '    cat /tmp/hosts\n    cat /tmp/resolv.conf\n'))
    check("the container's name is in its /etc/hosts", done.status == 0, done)
    check("beside the host's lines", all(line.strip() in done.err for line in open("/etc/hosts")), done)
    check("and the host's servers", all(line.strip() in done.err for line in open("/etc/resolv.conf")), done)
    check("the image has neither", image(done).read("/etc/hosts") == b"", done)
    done = build(docker(registry, "%post\n    grep . /etc/resolv.conf\n", name="t/folder:1"))
    check("an empty folder in the place of resolv.conf gives way", done.status == 0, done)
    done = build(docker(registry, "%post\n    true\n", name="t/folders:1"))
    check("one with files does not", done.status == 1 and "'/etc/resolv.conf' of the image is a folder" in done.err, done)
    check("and there is a hint", "hint: every image has a file there" in done.err, done)


test_terminal()
test_typing()
test_processes()
test_inherited()
test_closed()
test_bound_proc()
test_host_files()
finish()
