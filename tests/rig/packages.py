# SPDX-License-Identifier: MIT
"""Tiny repositories of packages, made by the distributions' own programs.

    from packages import rpm_repository, pacman_repository
    rpm_repository(folder)              # folder/repo, folder/updates, with indexes that are signed
    pacman_repository(folder, url)      # folder/core.db and its packages; folder/pacman.conf, whose server is `url`

The system in them is busybox with links; `hello` says which of its versions it is.
"""

import os
import pathlib
import shutil
import subprocess

BUSYBOX = "/bin/busybox"
APPLETS = ("sh", "cat", "ls", "echo", "stat", "mkdir", "chown", "id", "rm", "test")


def shell(text, folder, **more):
    """Run a script that must succeed; nothing of it is shown."""
    done = subprocess.run(["bash", "-euc", text], cwd=folder, env={**os.environ, "TMPDIR": str(folder), **more}, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        raise RuntimeError(done.stdout)


# ---- rpm ----

SPEC = """\
Name: {name}
Version: {version}
Release: 1
Summary: a test
License: MIT
BuildArch: noarch
AutoReqProv: no
{requires}
%description
A test.
%install
mkdir -p %{{buildroot}}
cp -a {tree}/. %{{buildroot}}
%files
%defattr(-,root,root,-)
{files}
{script}
"""


def rpm(work, to, name, version, files, requires="", script=""):
    """A package with `files`, text by path; a mode is given as (text, mode)."""
    tree, listed = work / "tree" / f"{name}-{version}", []
    for path, data in files.items():
        text, mode = data if isinstance(data, tuple) else (data, 0o644)
        target = tree / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(text, pathlib.Path):
            shutil.copyfile(text, target)
            target.chmod(0o755)
        elif text.startswith("->"):
            target.symlink_to(text[2:])
        else:
            target.write_text(text)
            target.chmod(mode)
        listed.append(path)
    spec = work / f"{name}-{version}.spec"
    spec.write_text(SPEC.format(name=name, version=version, requires=requires, tree=tree, files="\n".join(listed), script=script))
    shell(f"""rpmbuild --quiet -bb --define "_topdir {work}/top" --define "debug_package %{{nil}}" \\
                  --define "_binaries_in_noarch_packages_terminate_build 0" --define "_build_id_links none" \\
                  --define "__os_install_post %{{nil}}" {spec}
              cp {work}/top/RPMS/noarch/{name}-{version}-1.noarch.rpm {to}""", work, HOME=str(work))


def rpm_repository(folder):
    work, repo, updates = folder / "work", folder / "repo", folder / "updates"
    for path in (work, repo, updates):
        path.mkdir(parents=True)

    def hello(version):
        return {"/usr/bin/hello": (f"#!/bin/sh\necho hello {version}\n", 0o755)}

    rpm(work, repo, "release", "9", {"/etc/redhat-release": "Test release 9\n", "/etc/os-release": "ID=test\n"},
        requires="Provides: system-release = 9")
    links = {f"/bin/{name}": "->busybox" for name in APPLETS}
    rpm(work, repo, "coreutils", "9.0", {"/bin/busybox": pathlib.Path(BUSYBOX), **links},
        script="%post\nmkdir -p /var/log\necho ran as $(id -u) >/var/log/script\nchown 12:13 /var/log/script\n")
    rpm(work, repo, "aaa_base", "1", {"/etc/aaa_base": "x\n"}, requires="Requires: coreutils, release")
    rpm(work, repo, "hello", "1.0", hello("1.0"), requires="Requires: coreutils")
    rpm(work, updates, "hello", "1.1", hello("1.1"), requires="Requires: coreutils")
    index(folder)


def index(folder):
    """Make the indexes anew, and sign them with a key of their own."""
    shell("""for repo in repo updates; do createrepo_c -q --update $repo; done
             export GNUPGHOME=$PWD/gpg
             [ -d gpg ] || {
                 mkdir -m 700 gpg
                 gpg -q --batch --passphrase '' --quick-generate-key 'test <test@example.org>' rsa2048 sign never
             }
             for repo in repo updates; do
                 gpg -q --batch --yes --detach-sign --armor $repo/repodata/repomd.xml
                 gpg -q --batch --yes --armor -o $repo/repodata/repomd.xml.key --export
             done
             gpgconf --kill all""", folder)


# ---- pacman ----

PKGINFO = """\
pkgname = {name}
pkgbase = {name}
pkgver = {version}
pkgdesc = a test
url = http://127.0.0.1/
builddate = 1700000000
packager = test
size = 1
arch = any
license = MIT
{depends}"""


def pacman_package(to, tree, name, version, depends=""):
    (tree / ".PKGINFO").write_text(PKGINFO.format(name=name, version=version, depends=depends))
    shell(f"""bsdtar --uid 0 --gid 0 --uname root --gname root -czf .MTREE --format=mtree \\
                  --options='!all,use-set,type,uid,gid,mode,time,size,sha256,link' .PKGINFO *
              bsdtar --uid 0 --gid 0 --uname root --gname root --zstd -cf {to}/{name}-{version}-any.pkg.tar.zst \\
                  .PKGINFO .MTREE *""", tree)


def pacman_repository(folder, url):
    folder.mkdir(parents=True, exist_ok=True)
    base, hello = folder / "work/base", folder / "work/hello"
    for path in ("bin", "etc", "usr/bin", "var/log", "tmp"):
        (base / path).mkdir(parents=True)
    shutil.copy(BUSYBOX, base / "bin/busybox")
    for name in APPLETS:
        (base / "bin" / name).symlink_to("busybox")
    (base / "usr/bin/pacman-key").write_text('#!/bin/sh\necho "pacman-key $*" >>/var/log/keys\n')
    (base / "usr/bin/pacman-key").chmod(0o755)
    pacman_package(folder, base, "base", "1-1")
    (hello / "usr/bin").mkdir(parents=True)
    (hello / "usr/bin/hello").write_text("#!/bin/sh\necho hello 1\n")
    (hello / "usr/bin/hello").chmod(0o755)
    pacman_package(folder, hello, "hello", "1-1", "depend = base\n")
    shell("repo-add -q core.db.tar.gz *.pkg.tar.zst", folder)
    (folder / "pacman.conf").write_text(f"[options]\nArchitecture = auto\nSigLevel = Never\n[core]\nServer = {url}\n")
