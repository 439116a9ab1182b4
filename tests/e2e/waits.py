# SPDX-License-Identifier: MIT
"""Whatever a network does not do: it is told within a second who is waited for, a signal ends the wait, and so does
--net-timeout.  A wait here would take a minute and more; what ends in time ends far below that."""
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading

import lib
from lib import check, docker, environment, finish, new_folder
from fake import Image, Registry, base

IMAGE = Image([base()])
ENDED = 15  # seconds: below every time limit here, above what a busy machine takes
LONG = {"DAGBUILD_RETRY_MS": "60000"}
SIGNALS = (signal.SIGINT, signal.SIGTERM)
WAITING = "waiting for an answer from "


class Waiting:
    """A build in the background.  `inside` are words that are put before the command."""

    def __init__(self, definition, *args, env=None, inside=()):
        folder = new_folder()
        (folder / "x.def").write_text(definition)
        self.process = subprocess.Popen(
            [*inside, lib.DAGBUILD, "run", "--progress", "plain", "-o", "x.sif", *args, "x.def"],
            cwd=folder,
            env=environment(folder, {**LONG, **(env or {})}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.lines = []

    def until(self, text):
        """Read its lines until one holds the text; False at their end."""
        for line in self.process.stderr:
            self.lines.append(line)
            if text in line:
                return True
        return False

    def end(self):
        """Its status, or "late"."""
        try:
            self.lines.append(self.process.communicate(timeout=ENDED)[1])
            return self.process.returncode
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.lines.append(self.process.communicate()[1])
            return "late"

    def __str__(self):
        return "".join(self.lines)


def interrupted(text, run, event=WAITING, number=signal.SIGINT):
    """The run comes so far that it says `event` (a text, or what happens elsewhere); then there is a signal."""
    came = run.until(event) if isinstance(event, str) else event.wait(ENDED)
    check(f"{text}: {event if isinstance(event, str) else 'it comes to that'}", came, run)
    run.process.send_signal(number)
    status = run.end()
    check(f"{text}: {signal.Signals(number).name} ends it", status == 130, f"{status}\n{run}")
    return run


def given_up(text, says, *args, **more):
    run = Waiting(*args, "--net-timeout", "1", **more)
    status = run.end()
    check(f"{text}: given up", status == 4 and says in str(run), f"{status}\n{run}")


# ---- before there is a connection ----

full = socket.socket()
full.bind(("127.0.0.1", 0))
full.listen(0)
# Those fill the queue; what comes then is not answered.
queue = [socket.socket() for _ in range(4)]
for one in queue:
    one.setblocking(False)
    one.connect_ex(full.getsockname())
silent = socket.socket()
silent.bind(("127.0.0.1", 0))
silent.listen(64)


def at(listening):
    return f"Bootstrap: docker\nFrom: 127.0.0.1:{listening.getsockname()[1]}/t/base:1\n"


for number in SIGNALS:
    interrupted("a connection", Waiting(at(full)), number=number)
    interrupted("TLS", Waiting(at(silent)), number=number)
given_up("a connection", "Timeout was reached", at(full))

# ---- when there is one ----


class Hold:
    """A hook: requests that `which` says yes to are answered with `data` and then nothing until the end."""

    def __init__(self, which, data=b""):
        self.which, self.data, self.reached = which, data, threading.Event()

    def __call__(self, x):
        if not self.which(x):
            return False
        x.raw(self.data)
        self.reached.set()
        return x.raw(b"", None, pause=0.1)


def held(which, data=b""):
    hook = Hold(which, data)
    return hook, Waiting(docker(Registry({"t/base:1": IMAGE}, hook=hook)))


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"
for number in SIGNALS:
    _, run = held(lambda x: True)
    interrupted("an answer", run, number=number)
    _, run = held(lambda x: x.kind == "blobs")
    interrupted("a blob's answer", run, number=number)
    hook, run = held(lambda x: x.kind == "manifests" and x.command == "GET", HEAD)
    interrupted("a manifest", run, hook.reached, number)
    hook, run = held(lambda x: x.kind == "blobs", HEAD)
    interrupted("a blob", run, hook.reached, number)
    hook, run = held(lambda x: True, b"HTTP/1.1 404 No\r\nContent-Length: 9\r\n\r\n")
    interrupted("the text of a refusal", run, hook.reached, number)
    registry = Registry({}, hook=lambda x: x.answer(503, "{}"))
    interrupted("a pause before another try", Waiting(docker(registry)), "trying again", number)


def bearer(x):
    if x.name == "/token":
        return x.raw(b"", None, pause=0.1)
    realm = f'Bearer realm="http://{x.server.registry.host}/token",service="s"'
    return x.answer(401, "{}", {"WWW-Authenticate": realm})


run = interrupted("a token", Waiting(docker(Registry({}, hook=bearer))))
check("it is told once", str(run).count(WAITING) == 1, run)

# ---- names ----


def name_server(answer):
    """On port 53 of an address of this machine; answer(query) gives the reply, or None."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((f"127.9.9.{9 if answer else 8}", 53))

    def serve():
        while True:
            query, to = server.recvfrom(4096)
            if answer:
                server.sendto(answer(query), to)

    threading.Thread(target=serve, daemon=True).start()
    return server.getsockname()[0]


def with_files(server, hosts=""):
    """Words before a command: it sees these files in place of the machine's."""
    folder = new_folder()
    (folder / "resolv.conf").write_text(f"nameserver {server}\noptions timeout:30 attempts:5\n")
    (folder / "hosts").write_text("127.0.0.1 localhost\n" + hosts)
    (folder / "nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files dns\n")
    script = 'for f in resolv.conf hosts nsswitch.conf; do mount --bind "$0/$f" /etc/$f || exit 99; done; exec "$@"'
    # What is bound is what a link leads to; a file that is not there has no place.
    for name in ("nsswitch.conf", "resolv.conf"):
        if not pathlib.Path("/etc", name).exists():
            script = script.replace(name, "")
    return ("unshare", "-m", "sh", "-c", script, str(folder))


if os.environ["MODE"] == "root":
    mute, unknown = name_server(None), name_server(lambda q: q[:2] + b"\x81\x83" + q[4:6] + bytes(6) + q[12:])
    definition = "Bootstrap: docker\nFrom: registry.invalid/t/base:1\n"
    for number in SIGNALS:
        interrupted("a name", Waiting(definition, inside=with_files(mute)), number=number)
    given_up("a name", "esolving timed out", definition, inside=with_files(mute))
    run = Waiting(definition, inside=with_files(unknown), env={"DAGBUILD_RETRY_MS": "1"})
    status = run.end()
    check("a name that nobody knows", status == 4 and "registry.invalid" in str(run), f"{status}\n{run}")
    check("is tried for a moment", str(run).count("trying again") == 2, run)
    check("what to do is told", "hint: " in str(run) and "--offline" in str(run), run)

    # A name that leads to this machine does so for nobody who sends us there.
    inside = Registry({"t/base:1": IMAGE})
    target = f"http://inside.invalid:{inside.port}/v2/"
    proxy = Registry({}, hook=lambda x: x.answer(307, "", {"Location": target}))
    variables = {"http_proxy": f"http://{proxy.host}", "no_proxy": "inside.invalid"}
    words = with_files(mute, "127.0.0.1 inside.invalid\n")
    run = Waiting(definition, "--no-https", env=variables, inside=words)
    status = run.end()
    check("a name for this machine", status == 4 and "its address is '127.0.0.1'" in str(run), f"{status}\n{run}")
    check("nothing is sent there", inside.log == [], inside.log)
    elsewhere = 'Bearer realm="http://token.invalid/token"'
    registry = Registry({"t/base:1": IMAGE}, lambda x: x.answer(401, "{}", {"WWW-Authenticate": elsewhere}))
    run = Waiting(docker(registry), env=variables, inside=words)
    status = run.end()
    check("nor for a token server", status == 4 and "its address is '127.0.0.1'" in str(run), f"{status}\n{run}")
    check("nothing is sent there, either", inside.log == [], inside.log)
    run = Waiting(f"Bootstrap: docker\nFrom: inside.invalid:{inside.port}/t/base:1\n", "--no-https", inside=words)
    status = run.end()
    check("who names it himself gets it", status == 0, f"{status}\n{run}")

finish()
