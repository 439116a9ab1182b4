# SPDX-License-Identifier: MIT
"""Random worlds for the differential test: a definition, the host's files, tags, and what changes in them."""

import copy
import os
import shutil
import time

import images

WORDS = "ash birch cedar elm fir hazel juniper larch maple oak pine rowan".split()
SECTIONS = ("environment", "runscript", "startscript", "test", "help")
LINK_TARGETS = ("../data/a", "../data/b", "/etc/base")
TARGETS = ("/in/", "/in/x", "/opt/deep/", "/etc/new", "/data/", "")
FROM_SOURCES = ("/data/a", "/data/dir", "/data", "/etc/base", "/data/dir/*", "/in", "/opt", "/bin/busybox")
APPS = ("tool", "other", "a-b")
APP_TARGETS = ("bin/", "lib/x", "data/deep/", "scif/runscript", "")
HOST_SOURCES = ("f0", "f1", "f2", "d0", "d1", "d0/*", "d0/f3", "d1/d2", "./f*", "l0")
EPOCHS = (1700000000, 1700000000, 1700000000, 1400000000, None)


class Stage:
    def __init__(self, name):
        self.name = name
        self.base = "scratch"  # or a tag, or sha256:...
        self.host = []         # (source, target)
        self.copies = []       # (stage's name, source, target)
        self.setup = []
        self.is_pure = False   # so the script reads nothing that changes
        self.post = []
        self.post_args = ""
        self.sections = {}     # name: (arguments, [line])
        self.labels = []
        self.apps = {}         # name: [(section, line)]
        self.arguments = {}

    def lines(self, host):
        if self.base == "scratch":
            yield "Bootstrap: scratch"
        else:
            yield "Bootstrap: docker"
            yield f"From: {host}/rig/base{'@' if self.base.startswith('sha256:') else ':'}{self.base}"
        yield f"Stage: {self.name}"
        if self.arguments:
            yield "%arguments"
            yield from (f"    {name}={value}" for name, value in sorted(self.arguments.items()))
        for producer, source, target in self.copies:
            yield f"%files from {producer}"
            yield f"    {source} {target}"
        if self.host:
            yield "%files"
            yield from (f"    {source} {target}" for source, target in self.host)
        for app, parts in self.apps.items():
            for section, line in parts:
                if section != "install" or self.base != "scratch":
                    yield f"%app{section} {app}"
                    yield "    " + line
        if self.setup:
            yield "%setup"
            if self.is_pure:
                yield "    # dagbuild: pure"
            yield from ("    " + line for line in self.setup)
        if self.post and self.base != "scratch":
            yield f"%post {self.post_args}".rstrip()
            yield "    mkdir -p /opt"
            yield from ("    " + line for line in self.post)
        for name, (args, body) in self.sections.items():
            if name == "test" and self.base == "scratch":
                continue
            yield f"%{name} {args}".rstrip()
            yield from ("    " + line for line in body)
        if self.labels:
            yield "%labels"
            yield from (f"    {name} {value}" for name, value in self.labels)


class World:
    """Everything that a build depends on, except the host's files, which are in a folder."""

    def __init__(self, chance):
        self.chance = chance
        self.host_name = "HOST"
        self.tags = {tag: chance.choice(sorted(images.VARIANTS)) for tag in ("one", "two")}
        self.build_args = {}
        self.environment = {}
        self.epoch = EPOCHS[0]
        self.compress = "gzip"
        self.target = None
        self.n_named = 0
        self.stages = []
        for _ in range(chance.choice([1, 2, 3, 3, 4])):
            self.add_stage()

    def copied(self):
        """A copy of everything except the random source, which continues."""
        chance, self.chance = self.chance, None
        other = copy.deepcopy(self)
        self.chance = other.chance = chance
        return other

    def definition(self):
        return "\n\n".join("\n".join(stage.lines(self.host_name)) for stage in self.stages) + "\n"

    def arguments(self):
        words = []
        text = self.definition()
        for name, value in sorted(self.build_args.items()):
            if "{{ " + name + " }}" in text:
                words += ["--build-arg", f"{name}={value}"]
        if self.target in [stage.name for stage in self.stages]:
            words += ["--target", self.target]
        return [*words, "--compress", self.compress]

    # ---- parts ----

    def word(self):
        return self.chance.choice(WORDS) + str(self.chance.randrange(100))

    def link_line(self):
        return f"ln -sfn {self.chance.choice(LINK_TARGETS)} /opt/link"

    def post_line(self):
        w, v = self.chance.choice(WORDS), self.word()
        mode = self.chance.choice(["600", "644", "755", "4755", "2711", "000"])
        return self.chance.choice([
            f"echo {v} >> /opt/log",
            f"mkdir -p /opt/{w}/sub; echo {v} > /opt/{w}/sub/file",
            f"cp -a /data/dir /opt/copy-{w} || true",
            self.link_line(),
            f"ln -f /etc/base /opt/hard-{w}",
            f"chmod {mode} /data/a || true",
            f"chown {len(w)}:{len(v)} /data/dir || true",
            "rm -rf /data/b",
            "rm -rf /data/dir; mkdir /data/dir; echo fresh > /data/dir/c",
            f"mkfifo /opt/pipe-{w} || true",
            "cat /in/* >> /opt/log 2>/dev/null || true",
            "ls -R /in >> /opt/names 2>/dev/null || true",
            "stat -c '%a %u:%g %F %n' /in/* /data/* >> /opt/stats 2>/dev/null || true",
            "id >> /opt/id; sort /etc/passwd > /opt/passwd",
            f'echo "Post-{w} {v}" >> "$APPTAINER_LABELS"',
            f'echo "export POST_{w}={v}" >> "$APPTAINER_ENVIRONMENT"',
            'echo "${GIVEN:-none} ${BASE_SAYS:-none} ${FROM_BASE:-none} ${SOURCE_DATE_EPOCH:-none}" >> /opt/environment',
            "echo '{{ colour }}' >> /opt/arguments",
            f"echo {v} > /etc/base",
            f"# {v}",
            f"echo {v} > /tmp/{w}; mv /tmp/{w} /opt/moved-{w}",
        ])

    def setup_line(self, is_pure):
        w, v = self.chance.choice(WORDS), self.word()
        file = "$APPTAINER_ROOTFS/setup"
        lines = [
            f"echo {v} >> {file}",
            f"mkdir -p {file}-{w}; echo {v} > {file}-{w}/file",
            f"ln -sfn /data/a {file}-link",
            f"echo '{{{{ colour }}}}' > {file}-{w}.txt",
            f"rm -rf $APPTAINER_ROOTFS/data/b; chmod {self.chance.choice(['700', '755'])} $APPTAINER_ROOTFS/in || true",
        ]
        if not is_pure:
            source = self.chance.choice(("f0", "f1", "f2", "d0/f3"))
            # Never with the times of its source: after a touch the same layer is expected, so that what follows hits.
            lines += [f"cat {source} >> {file}", f"cp -d --preserve=mode,links {source} {file}-{w}-copy || true",
                      f"ls d0 > {file}-names", f"echo ${{APPTAINERENV_GIVEN:-none}} > {file}-given"]
        return self.chance.choice(lines)

    def setup(self):
        """Whether it is pure, and its lines."""
        is_pure = self.chance.random() < 0.3
        return is_pure, [self.setup_line(is_pure) for _ in range(self.chance.randint(1, 3))]

    def host_scripts(self):
        """How many steps run in each build."""
        return sum(bool(stage.setup) and not stage.is_pure for stage in self.stages)

    def app_part(self):
        w, v = self.chance.choice(WORDS), self.word()
        file = self.chance.choice([source for source in HOST_SOURCES if "*" not in source])
        return self.chance.choice([
            ("run", f"echo {v} {{{{ colour }}}}"),
            ("env", f"export {w.upper()}={v}"),
            ("labels", f"{w} {v}"),
            ("test", "true"),
            ("files", f"{file} {self.chance.choice(APP_TARGETS)}"),
            ("files", f"{file} {self.chance.choice(APP_TARGETS)}"),
            ("install", f"echo {v} > made; ls -R /scif > all"),
        ])

    def app_parts(self):
        return [self.app_part() for _ in range(self.chance.randint(1, 4))]

    def section(self, name):
        if name == "test":
            return "", [self.chance.choice(["true", "test -d /etc", "test ! -e /data/b", "test -e /data/a"])]
        args = self.chance.choice(["", "", "-e"]) if name.endswith("script") else ""
        return args, [f"export {self.chance.choice(WORDS).upper()}={self.word()}" if name == "environment" else
                      f"echo {self.word()} {{{{ colour }}}}" for _ in range(self.chance.randint(1, 3))]

    def add_stage(self):
        chance = self.chance
        self.n_named += 1
        stage = Stage(f"{chance.choice(WORDS)}{self.n_named}")
        stage.base = chance.choice(["scratch", "one", "one", "two", "two", chance.choice(sorted(images.VARIANTS))])
        stage.arguments["colour"] = chance.choice(WORDS)
        stage.host = [self.host_item() for _ in range(chance.randint(0, 3))]
        if chance.random() < 0.2:
            stage.is_pure, stage.setup = self.setup()
        stage.post = [self.post_line() for _ in range(chance.randint(0, 5))]
        if chance.random() < 0.5:
            stage.post.append(self.link_line())
        stage.labels = [(chance.choice(WORDS), self.word()) for _ in range(chance.randint(0, 2))]
        if chance.random() < 0.2:
            stage.apps = {app: self.app_parts() for app in chance.sample(APPS, chance.randint(1, 2))}
        stage.sections = {name: self.section(name) for name in SECTIONS if chance.random() < 0.3}
        at = chance.randint(0, len(self.stages))
        self.stages.insert(at, stage)
        stage.copies = [c for c in (self.copy_item(at) for _ in range(chance.randint(0, 2))) if c]
        # The last stage copies from the one before, so that there is work before the image.
        if at + 1 < len(self.stages) and chance.random() < 0.6:
            self.stages[-1].copies.append((stage.name, chance.choice(self.sources_of(stage)), chance.choice(TARGETS)))

    def sources_of(self, stage):
        if stage.base != "scratch":
            return FROM_SOURCES[:5] + (("/opt", "/opt") if stage.post else ()) + (("/in",) if stage.host else ())
        return ("/.singularity.d/env",) + (("/in",) if any(t.startswith("/in") for _, t in stage.host) else ())

    def host_item(self):
        return self.chance.choice(HOST_SOURCES), self.chance.choice(TARGETS)

    def copy_item(self, at):
        if at == 0:
            return None
        producer = self.chance.choice(self.stages[:at])
        return producer.name, self.chance.choice(self.sources_of(producer)), self.chance.choice(TARGETS)

    # ---- edits of the definition; each says what it did, or None ----

    def any_stage(self):
        return self.chance.choice(self.stages)

    def edit_post(self):
        stage = self.any_stage()
        post, chance = stage.post, self.chance
        how = chance.choice(["add", "change", "remove", "swap"])
        if how == "add" or not post:
            post.insert(chance.randint(0, len(post)), self.post_line())
        elif how == "change":
            post[chance.randrange(len(post))] = self.post_line()
        elif how == "remove":
            post.pop(chance.randrange(len(post)))
        else:
            chance.shuffle(post)
        return f"{how} a line of {stage.name}'s %post"

    def edit_apps(self):
        stage = self.chance.choice(self.stages)
        app = self.chance.choice(APPS)
        if app in stage.apps and self.chance.random() < 0.3:
            del stage.apps[app]
            return f"remove {stage.name}'s app {app}"
        parts = stage.apps.setdefault(app, [])
        if parts and self.chance.random() < 0.5:
            parts[self.chance.randrange(len(parts))] = self.app_part()
        else:
            parts.insert(self.chance.randint(0, len(parts)), self.app_part())
        return f"{stage.name}'s app {app}"

    def edit_setup(self):
        stage = self.any_stage()
        if stage.setup and self.chance.random() < 0.4:
            stage.setup = []
            return f"remove {stage.name}'s %setup"
        stage.is_pure, stage.setup = self.setup()
        return f"{stage.name}'s %setup"

    def edit_post_link(self):
        """Only a link's target differs in what the script makes."""
        with_link = [s for s in self.stages if s.post and s.post[-1].startswith("ln -sfn")]
        if not with_link:
            return None
        stage = self.chance.choice(with_link)
        stage.post[-1] = self.link_line()
        return f"{stage.name}'s %post ends with: {stage.post[-1]}"

    def edit_post_arguments(self):
        stage = self.any_stage()
        stage.post_args = self.chance.choice(["", "-u", "-c /bin/sh", "-c /bin/sh -e", "# note", "-v"])
        return f"{stage.name}'s %post {stage.post_args}"

    def edit_section(self):
        stage, name = self.any_stage(), self.chance.choice(SECTIONS)
        if name in stage.sections and self.chance.random() < 0.4:
            del stage.sections[name]
            return f"remove {stage.name}'s %{name}"
        stage.sections[name] = self.section(name)
        return f"{stage.name}'s %{name}"

    def edit_labels(self):
        stage = self.any_stage()
        stage.labels = [(self.chance.choice(WORDS), self.word()) for _ in range(self.chance.randint(0, 3))]
        return f"{stage.name}'s %labels"

    def edit_list(self):
        stage = self.any_stage()
        at = self.stages.index(stage)
        which, make = self.chance.choice([(stage.host, self.host_item), (stage.copies, lambda: self.copy_item(at))])
        how = self.chance.choice(["add", "change", "remove", "shuffle"])
        item = make()
        if how == "shuffle":
            self.chance.shuffle(which)
        elif how != "add" and which:
            which.pop(self.chance.randrange(len(which)))
        if how in ("add", "change") and item:
            which.append(item)
        return f"{how} in a list of {stage.name}"

    def edit_base(self):
        stage = self.any_stage()
        stage.base = self.chance.choice(["scratch", "one", "two", *sorted(images.VARIANTS), "DIGEST"])
        return f"{stage.name} begins with {stage.base}"

    def edit_tag(self):
        tag = self.chance.choice(sorted(self.tags))
        # Images that differ little are the most interesting.
        near = [name for name in ("plain", "times", "mode", "xattr") if name != self.tags[tag]]
        self.tags[tag] = self.chance.choice(near if self.chance.random() < 0.6 else sorted(images.VARIANTS))
        return f"tag {tag} moves to {self.tags[tag]}"

    def edit_order(self):
        if len(self.stages) < 2:
            return None
        at = self.chance.randrange(len(self.stages) - 1)
        first, second = self.stages[at:at + 2]
        if any(producer == first.name for producer, _, _ in second.copies):
            return None
        self.stages[at:at + 2] = [second, first]
        return f"swap {first.name} and {second.name}"

    def edit_rename(self):
        stage = self.any_stage()
        old, stage.name = stage.name, f"renamed{self.n_named}"
        self.n_named += 1
        for other in self.stages:
            other.copies = [(stage.name if p == old else p, s, t) for p, s, t in other.copies]
        return f"rename {old}"

    def edit_stages(self):
        if len(self.stages) < 5 and self.chance.random() < 0.6:
            self.add_stage()
            return "add a stage"
        if len(self.stages) == 1:
            return None
        stage = self.stages.pop(self.chance.randrange(len(self.stages) - 1))
        for other in self.stages:
            other.copies = [c for c in other.copies if c[0] != stage.name]
        return f"remove {stage.name}"

    def edit_arguments(self):
        if self.chance.random() < 0.5:
            stage = self.any_stage()
            stage.arguments["colour"] = self.word()
            return f"default of {stage.name}"
        if self.build_args and self.chance.random() < 0.5:
            self.build_args = {}
        else:
            self.build_args = {"colour": self.word()}
        return f"--build-arg {self.build_args}"

    def edit_settings(self):
        self.environment = self.chance.choice([{}, {}, {"APPTAINERENV_GIVEN": self.word()}])
        self.compress = self.chance.choice(["gzip", "gzip", "zstd"])
        self.epoch = self.chance.choice(EPOCHS)
        self.target = self.chance.choice([None, None, self.any_stage().name])
        return f"{self.environment} {self.compress} epoch {self.epoch} target {self.target}"

    def edit_epoch(self):
        """Later than all that the store holds, as the time of a commit that was just made."""
        self.epoch = int(time.time())
        return f"epoch {self.epoch}, now"

    EDITS = (edit_post, edit_post, edit_setup, edit_apps, edit_post_link, edit_post_arguments, edit_section,
             edit_section, edit_labels, edit_list, edit_list, edit_base, edit_tag, edit_tag, edit_order, edit_rename,
             edit_stages, edit_arguments, edit_settings, edit_epoch, edit_epoch)

    def edit(self):
        while True:
            text = self.chance.choice(self.EDITS)(self)
            if text:
                return text


class Host:
    """The host's files, in `folder`."""

    def __init__(self, chance, folder):
        self.chance = chance
        self.folder = folder
        self.is_old = False  # the stat memo skips files younger than its clock's granularity
        for name in ("d0", "d1/d2"):
            os.makedirs(os.path.join(folder, name))
        for name in ("f0", "f1", "f2", "d0/f3", "d0/f4", "d1/f5", "d1/d2/f6"):
            self.write(name)
        os.symlink("d0/f3", os.path.join(folder, "l0"))
        os.symlink("f5", os.path.join(folder, "d1/l1"))

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name):
        size = self.chance.choice([0, 1, 10, 5000, 200000])
        with open(self.path(name), "w", encoding="ascii") as file:
            file.write((self.chance.choice(WORDS) + "\n") * (size // 5))

    def files(self):
        found = []
        for folder, _, names in os.walk(self.folder):
            found += [os.path.relpath(os.path.join(folder, name), self.folder) for name in names]
        return sorted(name for name in found if not os.path.islink(self.path(name)))

    def folders(self):
        found = []
        for folder, names, _ in os.walk(self.folder):
            found += [os.path.relpath(os.path.join(folder, name), self.folder) for name in names]
        return sorted(found)

    def a_file(self):
        return self.chance.choice(self.files())

    def edit_content(self):
        name = self.a_file()
        self.write(name)
        return f"write {name}"

    def edit_slyly(self):
        """Other content with the same size and the same time."""
        name = self.a_file()
        path = self.path(name)
        before = os.stat(path)
        with open(path, "r+b") as file:
            text = file.read()
            if not text:
                return None
            file.seek(self.chance.randrange(len(text)))
            file.write(b"#")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        return f"change a byte of {name}, keep its time"

    def edit_mode(self):
        name = self.chance.choice(self.files() + self.folders())
        mode = self.chance.choice([0o644, 0o755, 0o600, 0o700, 0o4755, 0o777])
        if os.path.isdir(self.path(name)):
            mode |= 0o700
        os.chmod(self.path(name), mode)
        return f"chmod {mode:o} {name}"

    def edit_link(self):
        target = self.chance.choice(["f0", "f1", "d0", "d0/f4", "d1/d2", "d1"])
        os.unlink(self.path("l0"))
        os.symlink(target, self.path("l0"))
        return f"l0 -> {target}"

    def edit_kind(self):
        """A file becomes a link to another one."""
        name = self.chance.choice([n for n in self.files() if "/" in n] or [None])
        if name is None:
            return None
        os.unlink(self.path(name))
        os.symlink(self.path("f0"), self.path(name))
        return f"{name} becomes a link"

    def edit_names(self):
        folder = self.chance.choice(self.folders())
        new = os.path.join(folder, self.chance.choice(WORDS))
        if os.path.lexists(self.path(new)):
            os.unlink(self.path(new)) if not os.path.isdir(self.path(new)) else shutil.rmtree(self.path(new))
            return f"remove {new}"
        how = self.chance.choice(["file", "folder", "move"])
        if how == "file":
            self.write(new)
        elif how == "folder":
            os.mkdir(self.path(new))
        else:
            name = self.chance.choice([n for n in self.files() if "/" in n] or [None])
            if name is None:
                return None
            os.rename(self.path(name), self.path(new))
        return f"{how} {new}"

    def edit_touch(self):
        names = self.files() + self.folders()
        for name in self.chance.sample(names, min(3, len(names))):
            os.utime(self.path(name), (self.chance.randrange(10 ** 9, 2 * 10 ** 9),) * 2)
        return "touch"

    EDITS = (edit_content, edit_content, edit_slyly, edit_mode, edit_mode, edit_link, edit_kind, edit_names, edit_names)

    def edit(self):
        while True:
            is_sly = self.is_old and self.chance.random() < 0.5
            text = self.edit_slyly() if is_sly else self.chance.choice(self.EDITS)(self)
            if text:
                return text
