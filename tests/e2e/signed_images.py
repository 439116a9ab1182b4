# SPDX-License-Identifier: MIT
"""signed_images.py - the header `Fingerprints`: a base is used only if these keys have signed it as it is; signatures are
made here by gpg from the file's own bytes, and by a real Apptainer."""

import hashlib
import json
import os
import shutil
import struct
import subprocess

from lib import SOURCE, build, check, finish, image, new_folder, run
from fake import *

RIG = os.environ["RIG"]
ROW = struct.Struct("<iBIIIqqqqqqq128s384s")

# ---- keys ----

gnupg = new_folder()
gnupg.chmod(0o700)


def gpg(*args, data=None):
    command = ["gpg", "--homedir", gnupg, "-q", "--batch", "--yes", "--passphrase", "", *args]
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


def new_key(name, lasts="never", *options):
    gpg(*options, "--quick-generate-key", name, "ed25519", "sign", lasts)
    lines = gpg("--with-colons", "--list-keys", name).decode().splitlines()
    return next(line.split(":")[9] for line in lines if line.startswith("fpr"))


alice, bob, carol = (new_key(f"{name}@example.org") for name in ("alice", "bob", "carol"))
keys = new_folder()
(keys / "pgp-public").write_bytes(gpg("--export", alice, bob))
KEYS = {"APPTAINER_KEYSDIR": keys}

# ---- signing, as Apptainer lays it out ----


def rows(data):
    """(offset in the file, fields) of each descriptor that is used; and where a free one is."""
    total, at = struct.unpack_from("<qq", data, 88)
    free, used = None, []
    for i in range(total):
        fields = list(ROW.unpack_from(data, at + i * ROW.size))
        if fields[1]:
            used.append((at + i * ROW.size, fields))
        elif free is None:
            free = at + i * ROW.size
    return used, free


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def metadata(data):
    group = [f for _, f in rows(data)[0] if f[3] & 0x0FFFFFFF == 1]
    first = min(f[2] for f in group)
    objects = []
    for kind, used, ident, _, link, offset, size, _, created, _, uid, gid, name, extra in sorted(group, key=lambda f: f[2]):
        row = struct.pack("<iBIIqqqq", kind, used, ident - first, link, size, created, uid, gid) + name + extra
        objects.append({"relativeId": ident - first, "descriptorDigest": sha256(row),
                        "objectDigest": sha256(data[offset:offset + size])})
    return {"version": 1, "header": {"digest": sha256(data[:45] + data[48:64])}, "objects": objects}


def add_signature(data, text, fingerprint):
    data, (used, free) = bytearray(data), rows(data)
    row = ROW.pack(0x4005, 1, len(used) + 1, 0xF0000000, 0xF0000001, len(data), len(text), len(text), 1, 1, 0, 0, bytes(128),
                   struct.pack("<i", 1) + bytes.fromhex(fingerprint) + bytes(360))
    data[free:free + ROW.size] = row
    return bytes(data) + text


def sign(data, key, what=None):
    body = json.dumps(what or metadata(data), separators=(",", ":")).encode()
    return add_signature(data, gpg("--digest-algo", "SHA256", "--local-user", key, "--clearsign", data=body), key)


# ---- a base ----

registry = Registry({"t/base:1": Image([base()])})
made = build(f"Bootstrap: docker\nFrom: {registry.host}/t/base:1\n%post\n    echo signed >/made\n")
check("an image to sign", made.status == 0, made)
plain = (made.folder / "x.sif").read_bytes()
signed = sign(plain, alice)
both = sign(signed, bob)


def local(data, fingerprints, folder=None, env=None, rest="%post\n    cat /made >/read\n"):
    folder = folder or new_folder()
    if data is not None:
        (folder / "base.sif").write_bytes(data)
    header = f"Fingerprints: {fingerprints}\n" if fingerprints else ""
    return build(f"Bootstrap: localimage\nFrom: base.sif\n{header}\n{rest}", folder=folder, env=KEYS if env is None else env)


for text, data, fingerprints in [
    ("one key", signed, alice), ("in lower case", signed, alice.lower()), ("both keys", both, f"{bob}, {alice}"),
    ("one of two", both, bob), ("a comment", signed, f"{alice} # Alice"), ("no header", plain, None),
]:
    result = local(data, fingerprints)
    check(f"{text}: it is used", result.status == 0 and image(result).read("/read") == b"signed\n", result)


def refused(text, result, status, *words):
    held = result.status == status and all(word in result.err for word in words) and result.err.count("error: ") == 1
    check(f"{text}: is refused", held and not (result.folder / "x.sif").exists(), result)
    left = list((result.folder / "cache/tmp").iterdir()) if (result.folder / "cache/tmp").exists() else []
    check("and nothing is left", not left, left)


refused("another key", local(signed, bob), 1, f"the key {bob} has not signed it")
refused("one of two keys", local(signed, f"{alice},{bob}"), 1, f"the key {bob} has not signed it")
refused("no signature", local(plain, alice), 1, "it is not signed", alice)
refused("a key that is not in the keyring", local(sign(plain, carol), carol), 1, carol, "apptainer key pull")
refused("no keyring", local(signed, alice, env={"APPTAINER_KEYSDIR": keys / "none"}), 3, "no public keys", "apptainer key")
refused("no fingerprint", local(signed, "Alice"), 2, "is not a fingerprint")
refused("half a fingerprint", local(signed, alice[:-1]), 2, "is not a fingerprint")

# ---- what was changed afterwards ----

used, _ = rows(signed)
partition = next(f for _, f in used if f[0] == 0x4004)
definition = next((at, f) for at, f in used if f[0] == 0x4001)


def changed(at, value=None, data=signed):
    data = bytearray(data)
    data[at] = data[at] ^ 1 if value is None else value
    return bytes(data)


refused("another root filesystem", local(changed(partition[5] + 2000), alice), 1, "the content of object", "is not as it was signed")
refused("another definition", local(changed(definition[1][5]), alice), 1, "is not as it was signed")
refused("another name", local(changed(definition[0] + 73), alice), 1, "the descriptor of object")
refused("another id of the image", local(changed(48), alice), 1, "the header is not as it was signed")
refused("another launch line", local(changed(3), alice), 1, "the header is not as it was signed")
moved = bytearray(signed)
struct.pack_into("<q", moved, definition[0] + 49, 12345)
check("another time of change is not signed", local(bytes(moved), alice).status == 0)
more = bytearray(plain)
free = rows(plain)[1]
more[free:free + ROW.size] = ROW.pack(0x4007, 1, 9, 0xF0000001, 0, len(plain), 4, 4, 1, 1, 0, 0, b"more".ljust(128, b"\0"), bytes(384))
text = gpg("--digest-algo", "SHA256", "--local-user", alice, "--clearsign",
           data=json.dumps(metadata(plain), separators=(",", ":")).encode())
refused("one more object", local(add_signature(bytes(more) + b"more", text, alice), alice), 1, "objects were signed, and there are")
lie = metadata(plain)
lie["objects"] = lie["objects"][:1] * len(lie["objects"])
refused("one object in the place of all", local(sign(plain, alice, lie), alice), 1, "signed twice")
refused("no objects", local(sign(plain, alice, {**metadata(plain), "objects": []}), alice), 1, "0 objects were signed")
refused("another version", local(sign(plain, alice, {**metadata(plain), "version": 2}), alice), 3, "form that is not known")
md5 = metadata(plain)
md5["header"]["digest"] = "md5:" + "0" * 32
refused("another kind of digest", local(sign(plain, alice, md5), alice), 3, "not sha256")
body = json.dumps(metadata(plain)).encode()
forged = gpg("--digest-algo", "SHA256", "--local-user", bob, "--clearsign", data=b"{}").replace(b"{}", body)
refused("a text that was not signed", local(add_signature(plain, forged, alice), alice), 1, f"the key {alice} has not signed")
# What stands before and behind the signed text must not count.
wrapped = body + b"\n" + gpg("--digest-algo", "SHA256", "--local-user", bob, "--clearsign", data=b"{}") + body
refused("a text around another signature", local(add_signature(plain, wrapped, bob), bob), 1, f"the key {bob} has not signed it")
refused("no OpenPGP at all", local(add_signature(plain, b"x" * 5000, alice), alice), 1, f"the key {alice} has not signed")

# Two signers of one text; what gpgv would unpack; a hash that is too weak.
body = json.dumps(metadata(plain), separators=(",", ":")).encode()
pair = gpg("--digest-algo", "SHA256", "--local-user", alice, "--local-user", bob, "--clearsign", data=body)
for key in (alice, bob):
    check("each signer of one text counts", local(add_signature(plain, pair, alice), key).status == 0)
bomb = gpg("--compress-algo", "bzip2", "--digest-algo", "SHA256", "--local-user", alice, "--sign", "--armor", data=bytes(64 << 20))
refused("a message that is compressed", local(add_signature(plain, bomb, alice), alice), 1, f"the key {alice} has not signed")
after = gpg("--digest-algo", "SHA256", "--local-user", alice, "--clearsign", data=body) + bomb
refused("one behind a signed text", local(add_signature(plain, after, alice), alice), 1, f"the key {alice} has not signed")
weak = gpg("--digest-algo", "SHA1", "--allow-weak-digest-algos", "--local-user", bob, "--clearsign", data=body)
check("a signature with a weak hash", b"Hash: SHA1" in weak, weak[:200])
refused("a weak hash", local(add_signature(plain, weak, bob), bob), 1, f"the key {bob} has not signed")

# Keys that nobody should trust any more.
expired = new_key("eve@example.org", "1y", "--faked-system-time", "20200101T000000")
text = gpg("--faked-system-time", "20200201T000000", "--digest-algo", "SHA256", "--local-user", expired, "--clearsign", data=body)
(keys / "pgp-public").write_bytes(gpg("--export", alice, bob, expired))
refused("a key that has expired", local(add_signature(plain, text, expired), expired), 1, f"the key {expired} has not signed",
        "revoked or expired")
revoked = new_key("mallory@example.org")
text = gpg("--digest-algo", "SHA256", "--local-user", revoked, "--clearsign", data=body)
certificate = (gnupg / "openpgp-revocs.d" / f"{revoked}.rev").read_text()
gpg("--import", data=certificate[certificate.index(":-----BEGIN") + 1:].encode())
(keys / "pgp-public").write_bytes(gpg("--export", alice, bob, revoked))
refused("a key that was revoked", local(add_signature(plain, text, revoked), revoked), 1, "revoked or expired")
(keys / "pgp-public").write_bytes(gpg("--export", alice, bob))

# What is in no group that was signed does not count.
foreign = bytearray(signed)
free = rows(signed)[1]
config = b'{"Env":["EVIL=1"]}'
foreign[free:free + ROW.size] = ROW.pack(0x4006, 1, 9, 0xF0000002, 0, len(signed), len(config), len(config), 1, 1, 0, 0,
                                         b"oci-config.json".ljust(128, b"\0"), bytes(384))
result = local(bytes(foreign) + config, alice)
shown = (result.folder / "x.sif").read_bytes() if result.status == 0 else b"EVIL"
check("a configuration of another group is not taken", b"EVIL" not in shown, result)

# ---- when it is looked at ----

folder = new_folder()
first = local(plain, None, folder)
check("without the header", first.status == 0, first)
(folder / "x.sif").unlink()
refused("what is in the cache without a look", local(None, alice, folder), 1, "it is not signed")
good = local(signed, alice, new_folder())
again = local(None, alice, good.folder)
check("nothing to do the next time", "nothing has changed" in again.err, again)

# ---- other sources, other forms ----

library = Library({"lab/base:1": signed, "lab/plain:1": plain})


def from_library(name, fingerprints):
    return build(f"Bootstrap: library\nFrom: lab/{name}:1\nLibrary: {library.url}\nFingerprints: {fingerprints}\n", env=KEYS)


result = from_library("base", alice)
check("a library's file, too", result.status == 0, result)
# A lock file holds what the image is, not who signed it.
locked = build(f"Bootstrap: library\nFrom: lab/plain:1\nLibrary: {library.url}\n")
check("a lock", run(["lock", "x.def"], locked.folder).status == 0)
(locked.folder / "x.sif").unlink()
result = build(f"Bootstrap: library\nFrom: lab/plain:1\nLibrary: {library.url}\nFingerprints: {alice}\n", folder=locked.folder, env=KEYS)
refused("not signed, and locked", result, 4, "it is not signed")
refused("not signed, from a library", from_library("plain", alice), 4, "it is not signed")
group = new_folder()
(group / "sandbox").mkdir()
shutil.copyfile("/bin/busybox", group / "file")
subprocess.run(["mksquashfs", group / "sandbox", group / "bare.sqfs", "-quiet", "-no-progress"], check=True, capture_output=True)
for name in ("sandbox", "bare.sqfs"):
    result = build(f"Bootstrap: localimage\nFrom: {group / name}\nFingerprints: {alice}\n", env=KEYS)
    refused(f"{name} has no signatures", result, 3, "only a SIF has")

# ---- signed by Apptainer ----

if os.geteuid() == 0:
    folder = new_folder()
    (folder / "base.sif").write_bytes(plain)
    for path in (folder, folder / "base.sif"):
        path.chmod(0o777)
    script = """set -e
        cd /tmp/here; export APPTAINER_KEYSDIR=/tmp/here/keys
        apptainer key newpair --name Dora --email dora@example.org --password '' --push=false --comment ''
        apptainer sign base.sif
        apptainer verify --local base.sif"""
    done = subprocess.run([SOURCE / "tests/rig/apptainer.sh", RIG, "--plain-script", "-c", script], cwd=folder,
                          capture_output=True, text=True, check=False)
    check("Apptainer signs", done.returncode == 0, done)
    listed = subprocess.run(["gpg", "--homedir", gnupg, "--with-colons", "--show-keys", folder / "keys/pgp-public"],
                            capture_output=True, text=True, check=False).stdout
    dora = next((line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr")), "?")
    result = local(None, dora, folder, {"APPTAINER_KEYSDIR": folder / "keys"})
    check("and dagbuild finds that it did", result.status == 0 and image(result).read("/read") == b"signed\n", result)

subprocess.run(["gpgconf", "--homedir", gnupg, "--kill", "all"], check=False)
finish()
