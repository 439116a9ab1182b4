# SPDX-License-Identifier: MIT
"""package_agents.py - `Bootstrap: dnf`, `yum`, `zypper`, `arch`: the real programs, against tiny repositories."""

import functools
import http.server
import os
import re
import shutil
import subprocess
import threading

from lib import DAGBUILD, build, check, environment, finish, image, judge, new_folder, run
from packages import index, pacman_repository, rpm, rpm_repository

served = new_folder()
log = []


class Files(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        log.append(str(args))


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Files, directory=served))
threading.Thread(target=server.serve_forever, daemon=True).start()
URL = f"http://127.0.0.1:{server.server_address[1]}"
rpm_repository(served / "rpm")
pacman_repository(served / "arch", f"{URL}/arch")


def definition(agent, rest="", **headers):
    lines = "".join(f"{key}: {value}\n" for key, value in headers.items() if value)
    return f"Bootstrap: {agent}\n{lines}\n{rest}"


POST = "%post\n    hello >/said\n    stat -c %u:%g /var/log/script >/owner\n"


def names(result):
    return image(result).names() if result.status == 0 else set()


def says(result):
    return image(result).read("/said").decode().strip() if result.status == 0 else ""


# ---- rpm ----

REPO, UPDATES = f"{URL}/rpm/repo", f"{URL}/rpm/updates"
for agent in ("dnf", "yum", "zypper"):
    system = functools.partial(definition, agent, POST, MirrorURL=REPO)
    result = build(system(Include="hello"))
    check(f"{agent}: a system of packages is a base", says(result) == "hello 1.0", result)
    check("owners are those of the packages", image(result).read("/owner") == b"12:13\n", result)
    found = names(result)
    check("the packages' own database is there", any(re.match("/var/lib/rpm/(rpmdb|Packages)", name) for name in found), found)
    check("nothing of the work stays", not found & {"/.host", "/dev/null", "/etc/hostname", "/var/log/dnf.log", "/var/log/hawkey.log",
          "/var/cache/yum-bootstrap", "/var/cache/zypp"} and not any(name.startswith("/root/") for name in found), found)
    again = build(system(Include="hello"), folder=result.folder)
    check("nothing to do the next time", "nothing has changed" in again.err, again)
    updated = build(system(Include="hello", UpdateURL=UPDATES), folder=result.folder)
    check("with updates there are newer packages", says(updated) == "hello 1.1", updated)
    judge(updated, "hello", "hello 1.1")
    missing = build(system(Include="none"))
    check("a package that is not there", missing.status == 1 and f"{'zypper' if agent == 'zypper' else 'dnf'} exited" in missing.err and
          "none" in missing.err and not (missing.folder / "x.sif").exists(), missing)
    refused = build(definition(agent, MirrorURL=f"{URL}/none"))
    check("a repository that is not there", refused.status == 4 and "does not have 'repodata/repomd.xml'" in refused.err, refused)
    refused = build(system(Include="hello"), "--no-host-scripts")
    check("--no-host-scripts refuses it", refused.status == 2 and "--no-host-scripts" in refused.err, refused)

# The version in a URL, and what the package manager replaces itself.
arch = os.uname().machine
os.symlink(served / "rpm", served / f"9-{arch}")
for agent in ("dnf", "zypper"):
    result = build(definition(agent, POST, MirrorURL=f"{URL}/%{{OSVERSION}}-$basearch/repo", OSVersion="9", Include="hello"))
    check(f"{agent}: a URL with a version and the architecture", says(result) == "hello 1.0", result)
result = build(definition("dnf", POST, MirrorURL=REPO, SetOpt="install_weak_deps=False", Include="hello"))
check("dnf: an option", says(result) == "hello 1.0", result)
result = build(definition("dnf", POST, MirrorURL=REPO, Include="hello"), env={"GPG": "http://127.0.0.1/key"})
check("a key by http is refused", result.status == 2 and "https" in result.err, result)
result = build(definition("dnf", POST, MirrorURL=REPO, SetOpt="base.gpgcheck=0", Include="hello"), env={"GPG": "https://127.0.0.1/key"})
check("a key, and an option that does without", result.status == 2 and "asks for signatures" in result.err, result)
for agent, headers in (("dnf", {"SetOpt": "tsflags=justdb"}), ("dnf", {"SetOpt": "tsflags=test"})):
    result = build(definition(agent, MirrorURL=REPO, **headers))
    check(f"{agent} with {headers}: nothing is installed, which is an error", result.status == 1 and "installed nothing" in result.err, result)
stray = new_folder()
(stray / "0").mkdir()
(stray / "0/x.repo").write_text(f"[x]\nname=x\nbaseurl={UPDATES}\nenabled=1\ngpgcheck=0\n")
result = build(definition("dnf", POST, MirrorURL=REPO, Include="hello"), folder=stray)
check("repositories of the current folder do not count", says(result) == "hello 1.0", result)
check("zypper leaves nothing in /var/tmp", not [name for name in os.listdir("/var/tmp") if name.startswith(("zypp.", "AP_0x"))],
      os.listdir("/var/tmp"))
result = build(definition("dnf", POST, MirrorURL=REPO, SetOpt="reposdir=/etc/yum.repos.d", Include="hello"))
check("other repositories by an option", result.status == 2 and "cannot be used" in result.err, result)
result = build(definition("zypper", POST, MirrorURL=REPO, OtherURL0=UPDATES, Include="hello"))
check("zypper: another repository", says(result) == "hello 1.1", result)
shutil.copytree(served / "rpm/repo", served / "unsigned")
for path in (served / "unsigned/repodata").glob("repomd.xml.*"):
    path.unlink()
unsigned = functools.partial(definition, "zypper", POST, MirrorURL=f"{URL}/unsigned", Include="hello")
result = build(unsigned())
check("zypper: an index without signature is refused", result.status == 1 and "unsigned" in result.err, result)
result = build(unsigned(SetOpt="gpgcheck=0"))
check("unless the definition allows it", says(result) == "hello 1.0", result)
result = build(definition("zypper", Product="SLES", User="x", RegCode="x", MirrorURL=REPO))
check("a product that needs registration", result.status == 3 and "cannot register" in result.err, result)

# A new package in the repository.
folder = build(definition("dnf", POST, MirrorURL=REPO, Include="hello")).folder
rpm(served / "rpm/work", served / "rpm/repo", "hello", "1.2", {"/usr/bin/hello": ("#!/bin/sh\necho hello 1.2\n", 0o755)},
    requires="Requires: coreutils")
index(served / "rpm")
result = build(definition("dnf", POST, MirrorURL=REPO, Include="hello"), folder=folder)
check("a repository that has changed is installed from again", says(result) == "hello 1.2", result)
result = build(definition("dnf", POST.replace("said", "told"), MirrorURL=REPO, Include="hello"), "--offline", folder=folder)
check("what is there serves without a network", result.status == 0 and image(result).read("/told") == b"hello 1.2\n", result)

# ---- pacman ----

CONFIG = f"{URL}/arch/pacman.conf"
HELLO = "%post\n    hello >/said\n"
result = build(definition("arch", HELLO, ConfURL=CONFIG, Include="base hello"))
check("arch: a system of packages is a base", says(result) == "hello 1", result)
check("it has a key ring", image(result).read("/var/log/keys") == b"pacman-key --init\npacman-key --populate archlinux\n", result)
found = names(result)
check("and the list of packages, but no download", any(name.startswith("/var/lib/pacman/local/hello") for name in found) and
      not any(name.endswith(".zst") for name in found) and not any("pac-conf" in name for name in found), found)
judge(result, "hello", "hello 1")
again = build(definition("arch", HELLO, ConfURL=CONFIG, Include="base hello"), folder=result.folder)
check("nothing to do the next time", "nothing has changed" in again.err, again)
alone = build(definition("arch", ConfURL=CONFIG))
check("base alone", alone.status == 0 and "/usr/bin/hello" not in names(alone), alone)
local = build(definition("arch", HELLO, ConfURL=f"file://{served}/arch/pacman.conf", Include="hello"))
check("a configuration of this host", says(local) == "hello 1", local)
(served / "bad.conf").write_text(f"[core]\nServer = {URL}/none\n")
log.clear()
planned = run(["plan", "x.def"], local.folder)
check("plan of it is right, and asks no server", planned.status == 0 and planned.out.count(" hit") == 4 and not log, f"{planned}{log}")
planned = run(["why", "x.def"], local.folder)
check("so is why", planned.status == 0 and not log, f"{planned}{log}")
offline = build(definition("arch", HELLO.replace("said", "told"), ConfURL=f"file://{served}/arch/pacman.conf", Include="hello"), "--offline",
                folder=local.folder)
check("and without a network what is there serves", offline.status == 0 and not log, f"{offline}{log}")
(stray / "x.def").write_text(definition("arch", ConfURL=f"file://{served}/arch/pacman.conf"))
planned = run(["plan", "x.def"], stray)
check("nor is one asked where none ever was", planned.status == 0 and "not resolved yet" in planned.out and not log, f"{planned}{log}")
for text, config, status, words in [
    ("no configuration", f"{URL}/none", 4, ["there is no such file"]),
    ("no database", f"file://{served}/bad.conf", 4, ["core.db"]),
    ("no configuration but a large file", f"{URL}/arch/base-1-1-any.pkg.tar.zst", 4, ["no configuration of pacman"]),
]:
    refused = build(definition("arch", ConfURL=config))
    check(f"arch: {text}", refused.status == status and all(word in refused.err for word in words), refused)
# Other servers, and files that the configuration includes.
parts = served / "parts"
parts.mkdir()
(parts / "a.list").write_text(f"Server = {URL.replace('127.0.0.1', 'localhost')}/none\nServer = {URL}/arch\n")
(parts / "b.conf").write_text(f"[core]\nInclude = {parts}/*.list\n")
(served / "with.conf").write_text(f"[options]\nArchitecture = auto\nSigLevel = Never\nInclude = {parts}/b.conf\n")
included = functools.partial(definition, "arch", HELLO, ConfURL=f"file://{served}/with.conf", Include="hello")
result = build(included())
check("arch: a second server, in a file that a file includes", says(result) == "hello 1", result)
same = build(included(), folder=result.folder)
check("nothing to do the next time", "nothing has changed" in same.err, same)
database = served / "arch/core.db"
database.write_bytes(database.read_bytes() + b"\0" * 512)
other = build(included(), folder=result.folder)
check("another database is installed from again", other.status == 0 and "Synchronizing package databases" in other.err, other)
(parts / "b.conf").unlink()
missing = build(included())
check("a file that is not there", missing.status != 0 and "b.conf" in missing.err and "ConfURL" in missing.err, missing)
refused = build(definition("arch", ConfURL=CONFIG, Include="none"))
check("a package that is not there", refused.status == 1 and "target not found: none" in refused.err, refused)

# ---- machines without the programs ----

if os.geteuid() == 0:
    for agent, program in (("dnf", "dnf"), ("zypper", "zypper"), ("arch", "pacman")):
        folder = new_folder()
        (folder / "x.def").write_text(definition(agent, MirrorURL=REPO, ConfURL=CONFIG))
        hide = f"mount --bind /dev/null $(readlink -f /usr/bin/{program}) && exec \"$@\""
        done = subprocess.run(["unshare", "-m", "sh", "-c", hide, "sh", DAGBUILD, "run", "x.def"], cwd=folder,
                              env=environment(folder), capture_output=True, text=True, check=False)
        check(f"a machine without {program}", done.returncode == 3 and f"no program '{program}'" in done.stderr, done)

finish()
