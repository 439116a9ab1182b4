# SPDX-License-Identifier: MIT
"""Credentials: found wherever others have put them, and sent to nobody else."""
import base64
import json
import os
import re
import signal
import urllib.parse

import lib
from lib import build, check, docker, finish, new_folder
from fake import Image, Registry, base

ACCOUNT = base64.b64encode(b"bob:pa:ss").decode()
BASIC = "Basic " + ACCOUNT
IMAGE = Image([base()])
# A build looks first, then works: in two processes.
PROCESSES = 2
# Nothing here shall wait.
QUICK = {"DAGBUILD_RETRY_MS": "1"}


def basic(x):
    """A hook: who is not bob is refused."""
    if x.headers.get("Authorization") != BASIC:
        return x.answer(401, "{}", {"WWW-Authenticate": 'Basic realm="r"'})
    return False


def bearer(token="abc", realm="http://{host}/token?x=y", reply=None, more=""):
    """A hook: a registry whose tokens are to be had at `realm`; `reply` is the token server's answer."""

    def hook(x):
        host = x.server.registry.host
        if x.name == "/token":
            return x.answer(200, json.dumps(reply or {"token": token}))
        if x.headers.get("Authorization") != "Bearer " + token:
            challenge = f'Bearer realm="{realm.format(host=host)}",service="s"{more}'
            return x.answer(401, "{}", {"WWW-Authenticate": challenge})
        return False

    return hook


def config(tree, folder=None):
    """Environment in which docker's configuration is `tree`, or a text."""
    folder = folder or new_folder()
    text = tree if isinstance(tree, str) else json.dumps(tree)
    (folder / "config.json").write_text(text)
    return {"DOCKER_CONFIG": folder, **QUICK}


def account(host):
    return config({"auths": {host: {"auth": ACCOUNT}}})


def variables(user="bob", password="pa:ss"):
    return {"APPTAINER_DOCKER_USERNAME": user, "APPTAINER_DOCKER_PASSWORD": password, **QUICK}


def secrets(registry):
    """What a server has seen of the account."""
    return [line for line in registry.log if ACCOUNT in str(line) or "pa%3Ass" in str(line)]


def private(hook=basic, **more):
    return Registry({"t/base:1": IMAGE}, hook, **more)


def query(path):
    return urllib.parse.parse_qs(urllib.parse.urlsplit(path).query)


# ---- where they are found ----

for form in ("%s", "https://%s", "http://%s/", "https://%s/v1/", "https://%s/v2/", "%s/", "%s/t"):
    r = private()
    done = build(docker(r), env=account(form % r.host))
    check(f"auths key {form}", done.status == 0, done)

r = private()
done = build(docker(r), env=config({"auths": {r.host: {"auth": ACCOUNT + "\r\n"}}}))
check("auth with a line end", done.status == 0, done)

for name, text in (("empty", ""), ("{}", "{}"), ("a blank line", "\n")):
    r = private()
    done = build(docker(r), env=config(text))
    check(f"a configuration that is {name}: credentials are needed",
          done.status == 4 and "credentials are needed" in done.err and "docker login" in done.err, done)
    r = private(bearer())
    done = build(docker(r), env=config(text))
    check(f"a configuration that is {name}: an anonymous token", done.status == 0, done)

env = config("{")
done = build(docker(private()), env=env)
check("a malformed file is named", done.status == 4 and str(env["DOCKER_CONFIG"]) in done.err, done)
r = private(lambda x: x.kind == "blobs" and basic(x))
done = build(docker(r), env=env)
check("it is no damage on the way", done.status == 4 and r.count("GET .*/blobs/") == 1 and "damaged" not in done.err, (str(done), r.log))
done = build(docker(private()), "--authfile", "nosuch.json")
check("--authfile that is not there: a mistake of the command line", done.status == 2, done)

r = private()
env = config({"auths": {r.host: {"auth": base64.b64encode(b"bob:wrong").decode()}}})
done = build(docker(r), env=env)
check("a wrong password: the file is named, and what to do",
      done.status == 4 and f"{env['DOCKER_CONFIG']}/config.json' are not sufficient" in done.err and "hint:" in done.err, done)
check("it is tried once for each request", len(r.log) <= 4, r.log)

# ---- whom the variables are for ----

r = private()
done = build(docker(r), env=variables())
check("the variables' account goes to whom a From: names", done.status == 0, done)

other = private()
stages = f"{docker(r, 'Stage: a')}\n\nBootstrap: docker\nFrom: {other.host}/t/base:1\nStage: b\n%files from a\n    /etc/passwd /x\n"
done = build(stages, env=variables())
check("two hosts: to both, which is said", done.status == 0 and done.err.count("are sent to '127.0.0.1") == 1, done)

mirror = private()
done = build(docker(r), "--registry-mirror", f"{r.host}=http://{mirror.host}", env=variables())
check("never to a mirror", done.status == 0 and not secrets(mirror), (done, mirror.log))
check("which is asked first", mirror.count("HEAD") == 1, mirror.log)

mirror = private()
env = {**variables("eve", "x"), **account(mirror.host)}
done = build("Bootstrap: docker\nFrom: localhost:1/t/base:1\n",
             "--registry-mirror", f"localhost:1=http://{mirror.host}", env=env)
check("a mirror has its own account", done.status == 0 and secrets(mirror), (done, mirror.log))

mirror = private()
r = Registry({"t/base:1": IMAGE})
done = build(docker(r), "--registry-mirror", f"{r.host}=http://{mirror.host}", env=QUICK)
check("a mirror whose account we have not is passed by, which is said once",
      done.status == 0 and done.err.count(f"mirror http://{mirror.host} is skipped: ") == 1 and "credentials are needed" in done.err, done)


def below(x):
    """A registry whose paths have another one before them."""
    if basic(x):
        return True
    if not x.name.startswith("/proxy/v2/"):
        return x.answer(404, "{}")
    x.repository, x.kind, x.name = re.fullmatch("/proxy/v2/(.+)/(manifests|blobs)/([^/]+)", x.name).groups()
    return False


mirror = Registry({"t/base:1": IMAGE}, below)
done = build("Bootstrap: docker\nFrom: localhost:1/t/base:1\n",
             "--registry-mirror", f"localhost:1=http://{mirror.host}/proxy/", env=account(mirror.host))
check("also one with a path", done.status == 0, (done, mirror.log))

far = private(basic)


def to_far(x):
    if basic(x):
        return True
    return x.answer(307, "", {"Location": f"http://localhost:{far.port}{x.path}"})


r = private(to_far)
done = build(docker(r), env=variables())
check("never to where a registry redirects", done.status == 4 and far.log and not secrets(far), (done, far.log))

far = private(bearer(realm="http://{host}/token"))
r = private(lambda x: x.answer(307, "", {"Location": f"http://localhost:{far.port}{x.path}"}))
done = build(docker(r), env=variables())
check("who is redirected to may give an anonymous token", done.status == 0 and not secrets(far), (done, far.log))
check("for its own repository", query(next(p for _, p, _ in far.log if "/token" in p))["scope"] == ["repository:t/base:pull"], far.log)

# ---- token servers ----

r = private(bearer(more=',scope="repository:victim/x:pull,push registry:catalog:*"'))
done = build(docker(r), env=account(r.host))
asked = [query(p) for _, p, _ in r.log if "/token" in p]
check("the scope is ours", done.status == 0 and all(q["scope"] == ["repository:t/base:pull"] for q in asked), (done, asked))
check("the realm's own parameters stay", asked[0]["x"] == ["y"] and asked[0]["account"] == ["bob"], asked)

for realm in ("http://{host}/token?scope=repository:victim:push", "http://{host}/token?SCOPE=a&sc%6fpe=b&x=y#z"):
    r = private(bearer(realm=realm))
    done = build(docker(r), env=account(r.host))
    asked = [query(p) for _, p, _ in r.log if "/token" in p]
    check("also when the realm holds another", done.status == 0 and all(
        [v for k, v in q.items() if k.lower() == "scope"] == [["repository:t/base:pull"]] for q in asked), (done, asked))

proxy = Registry({}, lambda x: x.answer(200, '{"token":"abc"}'))
env = {"http_proxy": f"http://{proxy.host}", "no_proxy": "127.0.0.1"}
r = private(bearer(realm="http://token.example/token"))
done = build(docker(r), env={**account(r.host), **env})
check("a token server elsewhere, without encryption: anonymous, which is said once",
      done.status == 0 and proxy.log and not secrets(proxy) and done.err.count("are not sent to 'token.example'") == 1,
      (done, proxy.log))
check("not even the name", all("account" not in query(p) for _, p, _ in proxy.log), proxy.log)

proxy = Registry({}, lambda x: x.answer(403, ""))
env = {"https_proxy": f"http://{proxy.host}", "no_proxy": "127.0.0.1"}
r = private(bearer(realm="https://token.example/token"))
done = build(docker(r), env={**account(r.host), **env}, seconds=300)
check("a token server elsewhere, with encryption: it is said once", done.err.count("are sent to 'token.example'") == 1, done)

r = private()
r.hook = bearer(realm="http://localhost:%d/token" % r.port)
done = build(docker(r), env=account(r.host))
check("this machine has several names", done.status == 0 and "are sent to" not in done.err and "/token" in str(secrets(r)), done)

for realm in ("file:///etc/passwd", "http://127.0.0.1@localhost:1/token", "http://{host}/token\\\r\\\n X: y", "http://{host}\\\\@x/",
              "ftp://{host}/token", "/token", ""):
    r = private(bearer(realm=realm))
    done = build(docker(r), env=account(r.host))
    check(f"realm {realm!r}", done.status == 4 and "without a valid realm" in done.err and r.count("token") == 0, (done, r.log))

# Redirects: on the same host with the account, to another without.
def moved(x):
    if x.name == "/token":
        return x.answer(301, "", {"Location": x.path.replace("/token", "/new/token")})
    if x.name == "/new/token":
        return x.answer(200, '{"token":"abc"}') if x.headers.get("Authorization") == BASIC else x.answer(401, "{}")
    return bearer()(x)


r = private(moved)
done = build(docker(r), env=account(r.host))
check("a token server that has moved", done.status == 0, (done, r.log))

far = Registry({}, bearer())


def moved_far(x):
    if x.name == "/token":
        return x.answer(307, "", {"Location": f"http://localhost:{far.port}/token"})
    return bearer()(x)


r = private(moved_far)
done = build(docker(r), env=account(r.host))
check("one that has moved to another host gets no account", done.status == 0 and far.log and not secrets(far), (done, far.log))
r = private(lambda x: x.answer(302, "", {"Location": x.path}) if x.name == "/token" else bearer()(x))
done = build(docker(r), env=QUICK)
check("one that moves for ever", done.status == 4 and "redirects" in done.err, done)

# What a token server answers.
for name, reply in (("access_token", {"access_token": "abc"}), ("both", {"token": "abc", "access_token": "x"}),
                    ("no time", {"token": "abc", "expires_in": None}), ("a short time", {"token": "abc", "expires_in": 1}),
                    ("a long time", {"token": "abc", "expires_in": 2**53}), ("too long a time", {"token": "abc", "expires_in": 2**64}),
                    # Nine tenths of it, in nanoseconds, are 2**64 of them but for a tenth of a second.
                    ("a time that wraps around", {"token": "abc", "expires_in": 20496382304})):
    r = private(bearer(reply=reply))
    done = build(docker(r), env=QUICK)
    check(f"a token with {name}", done.status == 0 and r.count("token") <= PROCESSES, (done, r.log))
for name, reply in (("a line end", {"token": "a\r\nX-Injected: 1"}), ("a blank", {"token": "a b"}), ("16 KiB and more", {"token": "a" * 17000}),
                    ("no token", {"expires_in": 60}), ("64 KiB and more", {"token": "abc", "x": "y" * 70000})):
    r = private(bearer(reply=reply))
    done = build(docker(r), env=QUICK)
    check(f"a token server's answer with {name}", done.status == 4 and "X-Injected" not in str(r.log), done)

r = private(lambda x: x.answer(200, '{"token":"abc"}') if x.name == "/token" else bearer("never")(x))
done = build(docker(r), env=QUICK)
check("a token that is refused: no second one", done.status == 4 and r.count("token") <= 2, (done, r.log))

turn = []


def expires(x):
    """The token is good for two requests."""
    if x.name == "/token":
        turn.append(0)
        return x.answer(200, json.dumps({"token": f"t{len(turn)}"}))
    if turn and x.headers.get("Authorization") == f"Bearer t{len(turn)}" and turn[-1] < 2:
        turn[-1] += 1
        return False
    return bearer("never")(x)


r = private(expires)
done = build(docker(r), env=QUICK)
check("a token that is refused later is renewed", done.status == 0 and len(turn) >= 2, (done, r.log))

both = 'Basic realm="r"'


def offers(*challenges):
    def hook(x):
        if x.name == "/token":
            return x.answer(200, '{"token":"abc"}')
        if x.headers.get("Authorization") in (BASIC, "Bearer abc"):
            return False
        host = x.server.registry.host
        return x.answer(401, "{}", {"WWW-Authenticate": [c.replace("HOST", host) for c in challenges]})

    return hook


BEARER = 'Bearer realm="http://HOST/token"'
for name, challenges, how in (("both in one header", [f"{both}, {BEARER}"], "Bearer"), ("both in two", [both, BEARER], "Bearer"),
                              ("Bearer that says not where, and Basic", ["Bearer", both], "Basic"),
                              ("Bearer without service", [BEARER], "Bearer"), ("unknown ones", ["Negotiate", "Digest x=y", both], "Basic")):
    r = private(offers(*challenges))
    done = build(docker(r), env=account(r.host))
    check(f"challenges: {name}", done.status == 0 and how in str(r.log[-1]), (done, r.log[-1:]))
done = build(docker(private(offers("Bearer"))), env=QUICK)
check("Bearer that says not where", done.status == 4 and "without a valid realm" in done.err, done)


def identity(x):
    if x.name != "/token":
        return bearer()(x)
    form = urllib.parse.parse_qs(x.body.decode())
    good = x.command == "POST" and form.get("refresh_token") == ["r+t/="] and form["scope"] == ["repository:t/base:pull"]
    return x.answer(200, '{"access_token":"abc"}') if good else x.answer(401, "{}")


r = private(identity)
done = build(docker(r), env=config({"auths": {r.host: {"identitytoken": "r+t/="}}}))
check("an identity token", done.status == 0, (done, r.log))
far = Registry({}, identity)
r = private(lambda x: x.answer(307, "", {"Location": f"http://localhost:{far.port}/token"}) if x.name == "/token" else bearer()(x))
done = build(docker(r), env=config({"auths": {r.host: {"identitytoken": "r+t/="}}}))
check("goes nowhere else", done.status == 4 and not far.log, (done, far.log))
r = private(bearer("good"))
done = build(docker(r), env=config({"auths": {r.host: {"registrytoken": "good"}}}))
check("a registry token", done.status == 0 and r.count("token") == 0, (done, r.log))

# ---- helpers ----

def helper(script, name="h"):
    """A folder with the helper, in PATH before all others."""
    folder = new_folder()
    path = folder / f"docker-credential-{name}"
    path.write_text("#!/bin/sh\n" + script)
    path.chmod(0o755)
    return folder, {"PATH": f"{folder}:{os.environ['PATH']}"}


r = private()
folder, path = helper("""read -r server; echo "$server" >>$0.asked
for n in 3 4 5 6 7 8 9; do [ ! -e /proc/$$/fd/$n ] || echo $n >>$0.fds; done
echo '{"Username":"bob","Secret":"pa:ss"}'""")
env = config({"credHelpers": {r.host: "h"}})
done = build(docker(r), env={**env, **path})
check("a helper's account", done.status == 0, done)
check("it is asked in each process once", (folder / "docker-credential-h.asked").read_text().split() in ([r.host], [r.host] * 2))
check("with no descriptors of ours", not (folder / "docker-credential-h.fds").exists())

r = private()
folder, path = helper("echo 'no agent is running' >&2; exit 2")
done = build(docker(r), env={**config({"credsStore": "h"}), **path})
check("what it fails with is told when the registry refuses", done.status == 4 and "no agent is running" in done.err, done)
r = private(bearer())
done = build(docker(r), env={**config({"credsStore": "h"}), **path})
check("and stands in nobody's way otherwise", done.status == 0, done)
done = build(docker(private()), env=config({"credsStore": "../../bin/sh"}))
check("a name is no path", done.status == 4 and "not a credential helper's name" in done.err, done)

r = private()
folder = new_folder()
os.mkfifo(folder / "begun")
_, path = helper(f"echo here >{folder}/begun; exec sleep 600")
(folder / "x.def").write_text(docker(r))
process = lib.start(["run", "--progress", "plain", "-o", "x.sif", "x.def"], folder,
                    {**config({"credHelpers": {r.host: "h"}}), **path})
(folder / "begun").read_text()
process.send_signal(signal.SIGINT)
out, err = process.communicate()
check("one that hangs does not hold up an interrupt", process.returncode == 130, err)

finish()
