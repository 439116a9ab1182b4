#!/bin/bash
# SPDX-License-Identifier: MIT
# `why` and `plan` say what is different: each kind of input is changed, one at a time, and the words
# are looked at.  Nothing is changed or asked by either.
. "$SOURCE/tests/e2e/lib.sh"

# tells PATTERN TEXT, tells_not PATTERN TEXT: what standard output holds (an extended regexp).
tells() {
	grep -Eq -- "$1" <<<"$out"
	local r=$?
	report $r "$2"
	[ $r -eq 0 ] || evidence
}

tells_not() {
	! grep -Eq -- "$1" <<<"$out"
	local r=$?
	report $r "$2"
	[ $r -eq 0 ] || evidence
}

# A registry of our own, whose tags we may move.
export DAGBUILD_RETRY_MS=1
"$SOURCE/tests/rig/registry.sh" start "$HOME/registry" "$HOME/storage"
own=127.0.0.1:$(cat "$HOME/registry/port")
copy() {
	skopeo copy --quiet --insecure-policy --src-tls-verify=false --dest-tls-verify=false \
		"docker://$REGISTRY/$1" "docker://$own/$2"
}
copy library/alpine:amd64 base:1

mkdir -p src
printf 'int main;\n' >src/a.c
printf 'x\n' >src/b.c
chmod 644 src/a.c src/b.c
cat >t.def <<DEF
Bootstrap: docker
From: $own/base:1
Stage: build

%files
  src /src

%post
  mkdir /out
  cp /src/a.c /out/a
  echo "\$GREETING" >/out/greeting

Bootstrap: scratch

%files from build
  /out /out

%labels
  Maker me

%runscript
  exec true

%help
  Some help.
DEF
cp t.def first.def
# again SED...: the definition as it was at first, changed.
again() {
	sed "$@" first.def >t.def
}

# ---- options that contradict each other ----
for command in run plan why; do
	dagbuild $command --locked --ignore-lock t.def
	status 2 "$command --locked --ignore-lock"
	says '^error: --locked and --ignore-lock cannot be used together$' "$command says so"
done

# ---- before anything was built ----
dagbuild why t.def
status 0 "why without a cache"
tells '^build.base \(From .*\) is going to be built:$' "it names the step"
tells '^  never built before$' "and says that it was never built"
check "why makes no cache" test ! -e "$DAGBUILD_CACHEDIR"
dagbuild run t.def
status 0 "run"

# ---- hits ----
dagbuild why t.def
equal "$(grep -c 'is in the cache (made 20[0-9-]* [0-9:]*, used 20[0-9-]* [0-9:]*)$' <<<"$out")" 7 \
	"after the build all seven steps are hits, with dates"
dagbuild why t.def build.post
equal "$(grep -c . <<<"$out")" 1 "one step may be asked for"
dagbuild why t.def build
equal "$(grep -c . <<<"$out")" 3 "or one stage"
dagbuild why t.def build.copy
status 2 "why for a step that is not there"
says 'has no step' "it says so"
dagbuild plan t.def
equal "$(grep -c ' hit$' <<<"$out")" 7 "plan shows hits"
tells_not 'to build' "and no sum"
strace -f -o trace.txt -e trace=socket,connect,unshare,creat,mkdir,mkdirat,renameat,renameat2,unlinkat,openat \
	"$DAGBUILD" why t.def >.out 2>.err
check "why opens no socket and no namespace" bash -c '! grep -v AF_UNIX trace.txt | grep -E "socket\(|connect\(|unshare\("'
check "why changes nothing" bash -c '! grep -E "O_CREAT|O_TMPFILE|creat\(|mkdir|rename|unlink" trace.txt'

# ---- a script ----
again 's|cp /src/a.c /out/a|cp /src/a.c /out/b|'
dagbuild why t.def build.post
tells '^  %post line 2 changed \(line 10 of the file\)$' "a changed line, with its place in the file"
dagbuild plan t.def
tells 'post .* miss: %post line 2 +[0-9.]+m?s$' "plan says it in short, with the expected time"
tells 'copy .* maybe: after build.post' "what copies from it may be a hit"
tells '^up to [0-9] of 7 steps to build, expected to take' "and how long all takes"
again 's|^  mkdir /out|  mkdir /out\n  true\n  true|'
dagbuild why t.def build.post
tells '^  %post lines 2 to 3 added' "added lines"
again '/greeting/d'
dagbuild why t.def build.post
tells '^  %post line 3 removed$' "a removed line"
again 's|^%post|%post -c /bin/sh|'
dagbuild why t.def build.post
tells '^  the text after %post on its line changed$' "the section line"
again 's|^DEF|DEF|'

# ---- files of the host ----
printf 'int main = 1;\n' >src/a.c
dagbuild why t.def build.files
tells '^  src/a.c: content changed \(was 10 bytes\)$' "a changed file"
dagbuild why t.def build.post
tells '^  because build.files is rebuilt$' "and what follows from it"
dagbuild plan t.def
tells 'files .* miss: src/a.c changed' "plan names it"
printf 'int main;\n' >src/a.c
chmod 755 src/b.c
dagbuild why t.def build.files
tells '^  src/b.c: mode changed \(0755, was 0644\)$' "a changed mode"
chmod 644 src/b.c
touch src/c.c
dagbuild why t.def build.files
tells '^  src/c.c: added$' "an added file"
rm src/c.c
mv src/b.c .
dagbuild why t.def build.files
tells '^  src/b.c: removed$' "a removed file"
mv b.c src/
touch src/a.c
dagbuild why t.def build.files
tells 'is in the cache' "another time is no change"
again 's|  src /src|  src /source|'
dagbuild why t.def build.files
tells "^  %files line 'src /source' added$" "another line of %files"
tells "^  %files line 'src /src' removed$" "and that it stands for another"
again 's|^DEF|DEF|'

# ---- what comes out the same ----
dagbuild plan t.def
tells_not 'miss|maybe' "nothing is different"
dagbuild plan --no-cache=build.base t.def
tells 'base .* miss' "a base that is to be rebuilt"
tells 'post .* maybe: after ' "what stands on it may be a hit"
dagbuild plan --no-cache t.def
tells_not 'maybe' "but nothing when all is to be rebuilt"
dagbuild run --no-cache=build.base t.def
says ': 1 step built, 6 reused' "it comes out the same, and all behind it is a hit"
dagbuild why t.def
tells '^  build.base was rebuilt since then, and gave the same files$' "why says so"

# ---- environment ----
out=$(APPTAINERENV_GREETING=hello "$DAGBUILD" why t.def build.post)
tells '^  environment variable GREETING added$' "a passed variable"

APPTAINERENV_GREETING=s3cret-value "$DAGBUILD" run t.def 2>.err
out=$(APPTAINERENV_GREETING=another "$DAGBUILD" why t.def build.post)
tells '^  environment variable GREETING changed$' "its other value"
check "a value is kept nowhere but in the layers" \
	bash -c '! grep -r s3cret-value "$DAGBUILD_CACHEDIR/history" "$DAGBUILD_CACHEDIR/records"'
out=$(SOURCE_DATE_EPOCH=1700000000 "$DAGBUILD" why t.def build.post)
tells '^  SOURCE_DATE_EPOCH is 1700000000 \(was not set\)$' "SOURCE_DATE_EPOCH"

# ---- apps ----
cat >apps.def <<DEF
Bootstrap: docker
From: $own/base:1

%appfiles tool
  src/a.c lib/
%apprun tool
  exec true
%applabels tool
  Maker me
%appinstall tool
  true
DEF
cp apps.def apps-first.def
dagbuild run apps.def
status 0 "run with an app"
printf 'int main = 2;\n' >src/a.c
dagbuild why apps.def stage1.apps
tells '^  src/a.c: content changed \(was 10 bytes\)$' "a changed file of %appfiles"
printf 'int main;\n' >src/a.c
sed -e 's/exec true/exec false/' -e 's/Maker me/Maker you/' -e 's|lib/|bin/|' -e '$a%apptest tool\n  true' \
	apps-first.def >apps.def
dagbuild why apps.def stage1.apps
tells '^  %apprun tool changed$' "a changed section of an app"
tells '^  %apptest tool added$' "an added one"
tells "^  label 'Maker' of app tool changed$" "a label"
tells "^  %appfiles line 'src/a.c /scif/apps/tool/bin/' added$" "a line of %appfiles"
sed '/^%appinstall/,$d' apps-first.def >apps.def
dagbuild why apps.def stage1.apps
tells 'is in the cache' "%appinstall is not part of the apps"
dagbuild run -o apps.sif apps-first.def
says '^nothing has changed: ' "as it was at first, all are hits"

# ---- times, where they count ----
cat >times.def <<DEF
Bootstrap: docker
From: $own/base:1
Stage: one

%post
  echo x >/x
  touch -t 200001010000 /x

%help
  Some help.
DEF
export SOURCE_DATE_EPOCH=1700000000
dagbuild run times.def
status 0 "run with SOURCE_DATE_EPOCH"
sed -i 's|touch -t 2000|touch -t 2001|' times.def
dagbuild run --target one.post times.def
dagbuild why times.def one.meta
tells '^  one.post gives other files, or times, than it gave then$' "other times are told, where they count"
unset SOURCE_DATE_EPOCH

# ---- why it was built last ----
dagbuild run t.def
sed 's|^  mkdir /out|  mkdir /out # here|' first.def >t.def
dagbuild run t.def
dagbuild why t.def build.post
tells '^  it was rebuilt then because:$' "a hit says why it was built last"
tells '^  %post line 1 changed$' "and that is right"
dagbuild why t.def stage2.copy
tells_not 'it was rebuilt' "a copy that was used again was not built for a later one's reasons"
cp first.def t.def
dagbuild run t.def

# ---- metadata ----
sed 's|Maker me|Maker you|' first.def >t.def
dagbuild why t.def stage2.meta
tells "^  label 'Maker' changed$" "a label"
tells '^  definition line 19 changed$' "the text that is stored in the image"
sed 's|exec true|exec false|' first.def >t.def
dagbuild why t.def stage2.meta
tells '^  %runscript line 1 changed$' "the runscript"
sed '/^%help/,$d' first.def >t.def
dagbuild why t.def stage2.meta
tells '^  %help removed$' "a section that is gone"
dagbuild plan t.def
tells 'meta .* miss: %help removed, \+1' "plan says the first, and how many more"
tells 'pack .* miss: after meta' "and what follows from it"
cp first.def t.def

# ---- the image ----
dagbuild run t.def
status 0 "run"
rm t.sif
dagbuild why t.def stage2.pack
tells "^  the image '.*/t.sif' is not there$" "a missing image"
dagbuild run t.def
printf x >>t.sif
dagbuild why t.def stage2.pack
tells "^  the image '.*/t.sif' is not the one that was built$" "a changed image"
dagbuild run t.def

# ---- the cache ----
# One after the other, as the collector has it: the last record of the step, and all of them.
mkdir "$HOME/aside"
grep -l '"step":"build.post"' "$DAGBUILD_CACHEDIR"/records/*/*.json | while read -r file; do
	mv "$file" "$HOME/aside/$(basename "$(dirname "$file")")$(basename "$file" .json)"
done
dagbuild why t.def build.post
tells '^  it was built before, but is gone from the cache$' "a record that is gone"
for file in "$HOME"/aside/*; do
	key=$(basename "$file")
	mv "$file" "$DAGBUILD_CACHEDIR/records/${key:0:2}/${key:2}.json"
done
dagbuild why t.def build.post
tells 'is in the cache' "and one that is back"
dagbuild cache prune --all
dagbuild why t.def
tells "^  evicted on 20[0-9-]* [0-9:]* by cache prune\$" "one that the collector took, and when"
tells '^  because stage2.base is rebuilt$' "and what follows from it"
dagbuild plan t.def
tells 'base .* miss: evicted 20[0-9-]*' "plan says so, too"
dagbuild run t.def
status 0 "run"

# ---- another cache ----
# In another folder, which passes on its group, with another secret, for somebody else who lives elsewhere and has
# another umask.  Without an epoch the metadata would hold the time of the build; it is later than what is in the cache.
# (What registries' layers and other ids have to do with it: stores.py.)
mkdir "$HOME/else" "$HOME/else/home"
chmod g+s "$HOME/else"
cp -a t.def src "$HOME/else"
# in_else ARGUMENT...: dagbuild there.
in_else() {
	(umask 077 && cd "$HOME/else" && env HOME="$HOME/else/home" USER=somebody LOGNAME=somebody DAGBUILD_CACHEDIR="$HOME/else/cache" \
		"$DAGBUILD" "$@")
}
SOURCE_DATE_EPOCH=$(date +%s)
export SOURCE_DATE_EPOCH
dagbuild run t.def
status 0 "run in the one cache"
check "and in another" in_else run t.def
"$DAGBUILD" why --json t.def >one.json
in_else why --json t.def >another.json
unset SOURCE_DATE_EPOCH
check "their secrets differ" bash -c '[ -s "$1/secret" ] && [ -s "$2/secret" ] && ! cmp -s "$1/secret" "$2/secret"' - \
	"$DAGBUILD_CACHEDIR" "$HOME/else/cache"
check "but keys and identities are the same, step for step" python3 - <<'PY'
import json
one, another = (json.load(open(name))["steps"] for name in ("one.json", "another.json"))
assert len(one) == len(another) == 7
for a, b in zip(one, another):
    assert a["status"] == b["status"] == "hit", (a, b)
    # Where the image lies is a part of the key of what writes it.
    same = ["name", "identity", "chain"] + ["key"] * (not a["name"].endswith(".pack"))
    assert [a[m] for m in same] == [b[m] for m in same], (a, b)
    assert a["chain"] and a["key"] and b["key"], (a, b)
    assert a["identity"] or a["name"].endswith(".pack"), a
PY

# ---- another name of the definition ----
sed 's|cp /src/a.c /out/a|cp /src/a.c /out/b|' first.def >copied.def
dagbuild why copied.def build.post
tells '%post line 2 changed' "a copy of a definition is compared with the first"
tells '\(compared with the build of .*/t.def\)' "and that is said"

# ---- a base that moved ----
copy library/golang:1.20.2-alpine base:1
digest=$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$own/base:1")
"$SOURCE/tests/rig/registry.sh" stop "$HOME/registry"
blobs=$HOME/storage/docker/registry/v2/blobs
# The tag resolves, but nothing can be fetched: the run fails after it has learnt the new digest.
find "$blobs" -name data -size +1M -delete
"$SOURCE/tests/rig/registry.sh" start "$HOME/registry" "$HOME/storage"
new=127.0.0.1:$(cat "$HOME/registry/port")
export DAGBUILD_REGISTRY_MIRRORS=$own=http://$new
dagbuild run t.def
check "the run fails, since layers are missing" test "$st" -ne 0
dagbuild why t.def build.base
tells "^  base image $own/base:1 now resolves to $digest \(was sha256:[0-9a-f]*\)$" "a tag that moved"
dagbuild plan t.def
tells 'base .* miss: .*moved' "plan says so"
sed "s|base:1|base:2|" first.def >t.def
dagbuild why t.def build.base
tells 'not resolved yet' "a tag that was never resolved"
"$SOURCE/tests/rig/registry.sh" stop "$HOME/registry"

# ---- for programs ----
"$DAGBUILD" why --list-inputs --json >inputs.json
check "the list of inputs says which of them a step may lack" python3 - <<'PY'
import json
inputs = json.load(open("inputs.json"))["inputs"]
optional = {part["name"] for part in inputs if part["optional"]}
assert optional == {"cpu", "base configuration", "fingerprints", "SOURCE_DATE_EPOCH"}, optional
PY
again 's|cp /src/a.c /out/a|cp /src/a.c /out/b|'
"$DAGBUILD" why --json t.def >why.json
check "why --json is JSON, and says the same" python3 - <<'PY'
import json, re
why = json.load(open("why.json"))
assert why["version"] == 1
steps = {s["name"]: s for s in why["steps"]}
post = steps["build.post"]
assert post["status"] == "miss", post
assert {"input": "script", "text": "%post line 2 changed (line 10 of the file)"} in post["reasons"], post
assert post["expected_ms"] is not None
assert steps["stage2.base"]["status"] == "hit" and steps["stage2.base"]["made_ms"] > 0
digest = re.compile("sha256:[0-9a-f]{64}$")
for step in why["steps"]:
    if step["status"] == "hit":
        assert digest.match(step["key"]) and digest.match(step["chain"]), step
        layerless = step["name"].rsplit(".")[-1] in ("pack", "test")
        assert layerless or step["identity"].startswith("tree:sha256:"), step
assert post["identity"] is None, post
PY
"$DAGBUILD" plan --format json t.def >plan.json
check "plan --format json has the expected times" python3 - <<'PY'
import json
plan = json.load(open("plan.json"))
steps = {s["name"]: s for s in plan["steps"]}
assert plan["expected_ms"] >= steps["build.post"]["expected_ms"] > 0
assert steps["build.post"]["reason"]
PY
