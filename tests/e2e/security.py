# SPDX-License-Identifier: MIT
"""docs/security.md says what a script may do to its host; here it is measured, in each mode."""
import ctypes
import os
import re
import socket
import subprocess
import tarfile

import lib
from lib import DAGBUILD, HOME, SOURCE, build, check, docker, environment, finish, new_folder
from fake import Image, Registry, base, entry, file, folder

PAGE = (SOURCE / "docs/security.md").read_text()
PROBE = HOME / "probe"
subprocess.run(["cc", "-O1", "-static", "-o", PROBE, SOURCE / "tests/rig/probe.c"], check=True)
# What root may lack; setpriv(1) takes it away.
LACKING = "-setpcap,-mknod,-sys_ptrace,-sys_resource,-sys_chroot"


NULL = entry("null", tarfile.CHRTYPE, devmajor=1, devminor=3, mode=0o666)
registry = Registry({"t/base:1": Image([base(file("bin/probe", PROBE.read_bytes(), mode=0o755), folder("mnt"), NULL)])})


def table():
    """The page's table of what was found: {row: {column: value}}."""
    lines = PAGE[PAGE.index("\n| can it ... |"):].lstrip().splitlines()
    lines = lines[: lines.index("")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0]: dict(zip(cells[0][1:], row[1:])) for row in cells[2:]}


def probe(*options, before=(), word="run"):
    """The probe's lines as a dict, from %post, or from a shell."""
    place = new_folder()
    text = docker(registry, f"Stage: s\n%post\n    PROBE_PORT={registry.port} probe security\n")
    (place / "x.def").write_text(text if word == "run" else docker(registry, "Stage: s\n"))
    words = [*before, DAGBUILD, "run", "--progress", "plain", *options, "x.def"]
    how = {"cwd": place, "env": environment(place), "capture_output": True, "text": True, "stdin": subprocess.DEVNULL}
    done = subprocess.run(words, **how)
    if word == "shell":
        check("a stage for a shell", done.returncode == 0, done.stderr)
        command = ["sh", "-c", f"PROBE_PORT={registry.port} probe security"]
        done = subprocess.run([*before, DAGBUILD, "shell", *options, "x.def", "s", "--", *command], **how)
    check(f"{' '.join([word, *options])} {'with less ' if before else ''}ends well", done.returncode == 0, done.stderr)
    lines = [line.split("| ", 1)[-1].partition(": ") for line in (done.stdout + done.stderr).splitlines()]
    found = {name: value for name, colon, value in lines if colon and name in ROWS}
    rows = [int(value) for name, colon, value in lines if name == "rows"]
    check("the page has a row for each that the probe finds", rows == [len(found)], sorted(found))
    return found


def names_of_capabilities():
    """capabilities(7): all that this kernel has."""
    header = open("/usr/include/linux/capability.h").read()
    known = re.findall(r"^#define CAP_([A-Z_]+)\s+(\d+)$", header, re.M)
    last = int(open("/proc/sys/kernel/cap_last_cap").read())
    return {name.lower(): int(number) for name, number in known if int(number) <= last}


def capabilities(text, granted):
    """"a b" or "all but a b", as far as the caller has them."""
    names = set(re.findall(r"[a-z_]+", text.removeprefix("all but")))
    return (granted - names) if text.startswith("all but") else (granted & names)


def granted_to_caller(column):
    """In a namespace that the caller made it has all."""
    known = names_of_capabilities()
    own = int(re.search(r"^CapEff:\s*(\w+)", open("/proc/self/status").read(), re.M)[1], 16)
    lacking = re.findall(r"-([a-z_]+)", LACKING) if column.startswith("root without") else []
    if not column.startswith("root"):
        return set(known)
    return {name for name, number in known.items() if own >> number & 1} - set(lacking)


def knows_landlock_scopes():
    """landlock(7): version 6, Linux 6.12."""
    create_ruleset, ask_version = 444, 1
    return ctypes.CDLL(None).syscall(create_ruleset, None, 0, ask_version) >= 6


def is_so(name, said, found, column):
    if name == "capabilities":
        granted = granted_to_caller(column)
        return capabilities(said, granted) == capabilities(found, granted)
    if name == "connect to the host's abstract sockets" and not knows_landlock_scopes():
        return True
    return found == "absent" or said in (found, "as the caller")


def compare(column, found, what):
    """What the page says under `column` is what was found, row for row."""
    wrong = [
        f"{name}: the page says {row[column]}, it is {found.get(name, 'not told')}"
        for name, row in ROWS.items()
        if not is_so(name, row[column], found.get(name, "not told"), column)
    ]
    check(f"docs/security.md, {column}: {what}", not wrong, "\n".join(wrong))


ROWS = table()


def beside():
    """What is on the host, named after our port: a socket with an abstract name, shared memory."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(f"\0dagbuild-test-{registry.port}")
    server.listen()
    ipc_creat, ipc_rmid = 0o1000, 0
    libc = ctypes.CDLL(None)
    segment = libc.shmget(registry.port, 4096, ipc_creat | 0o666)
    return server, lambda: libc.shmctl(segment, ipc_rmid, None)


def test_modes():
    server, remove = beside()
    try:
        if os.environ["MODE"] == "root":
            less = ["setpriv", "--bounding-set", LACKING, "--inh-caps=-all", "--groups=1,100"]
            compare("root", probe(before=["setpriv", "--groups=1,100", "--inh-caps=+sys_admin,+sys_ptrace"]), "a section")
            compare("root", probe(word="shell"), "a shell")
            compare("root without all capabilities", probe(before=less), "a section")
            compare("root, apptainer", probe("--security=apptainer"), "a section")
            compare("root, apptainer", probe("--security", "apptainer", word="shell"), "a shell")
        else:
            compare("subordinate ids", probe(), "a section")
            compare("subordinate ids", probe(word="shell"), "a shell")
            compare("subordinate ids, apptainer", probe("--security=apptainer"), "a section")
    finally:
        remove()
        server.close()


def test_option():
    """What was built with another security is another build, and a failed step's shell has the step's own."""
    place = new_folder()
    text = docker(registry, "Stage: s\n%post\n    grep Seccomp: /proc/self/status\n")
    first = build(text, folder=place)
    again = build(text, "-F", "--security", "container", folder=place)
    other = build(text, "-F", "--security=apptainer", folder=place)
    check("the default filters", first.status == 0 and "Seccomp:\t2" in first.err, first)
    check("and is container", again.status == 0 and "nothing has changed" in again.err, again)
    check("apptainer does not, and is another build", other.status == 0 and "Seccomp:\t0" in other.err, other)
    why = lib.run(["why", "--security=apptainer", "x.def"], place)
    check("why knows the option", "s.post (%post) is in the cache" in why.out, why)
    wrong = build(text, "--security=none")
    check("another word is none", wrong.status == 2 and "'none' is not one of container, apptainer" in wrong.err, wrong)
    failing = build(docker(registry, "%post\n    false\n"), "--security=apptainer", folder=place)
    check("a failing section", failing.status == 1, failing)
    for options, filters in (([], 0), (["--security=container"], 2)):
        shell = lib.run(["shell", "--failed", *options, "--", "grep", "Seccomp:", "/proc/self/status"], place)
        check(f"its shell {options}", f"Seccomp:\t{filters}" in shell.out, shell)


test_modes()
test_option()
finish()
