#!/bin/bash
# SPDX-License-Identifier: MIT
# How fresh a build is: what it asks a registry in which a tag moves, what it takes from the cache,
# and what the lock file holds it to.  The proxy's log tells every request.
# shellcheck disable=SC1091,SC2154 # it sets $out and $err
. "$SOURCE/tests/e2e/lib.sh"
export DAGBUILD_RETRY_MS=20
unset DAGBUILD_REGISTRY_MIRRORS

# ---- a registry of our own, whose tags move ----

stop_registry() {
	"$SOURCE/tests/rig/registry.sh" stop "$HOME/own"
	finish
}
trap stop_registry EXIT

rig=$REGISTRY
"$SOURCE/tests/rig/registry.sh" start "$HOME/own" "$HOME/own/storage"
REGISTRY=127.0.0.1:$(cat "$HOME/own/port")
skopeo copy --quiet --insecure-policy --src-tls-verify=false --dest-tls-verify=false \
	"docker://$rig/library/alpine:amd64" "docker://$REGISTRY/rig/t:amd64"

# push TAG RELEASE: the tag names an image like the first, but for an annotation: another digest.
push() {
	/usr/bin/python3 - "http://$REGISTRY/v2/rig/t/manifests" "$1" "$2" <<-'PY'
	import json, sys, urllib.request
	url, tag, release = sys.argv[1:]
	kind = "application/vnd.oci.image.manifest.v1+json"
	get = urllib.request.Request(url + "/amd64", headers={"Accept": kind})
	manifest = json.load(urllib.request.urlopen(get))
	manifest["annotations"] = {"tag": tag, "release": release}
	put = urllib.request.Request(url + "/" + tag, data=json.dumps(manifest).encode(), method="PUT",
	                             headers={"Content-Type": kind})
	answer = urllib.request.urlopen(put)
	open(f"{tag}.digest", "w").write(answer.headers["Docker-Content-Digest"] + "\n")
	open("layer.digest", "w").write(manifest["layers"][0]["digest"] + "\n")
	PY
}

push one 1
push two 1
push other 1
start_proxy
unset DAGBUILD_REGISTRY_MIRRORS

# requests N TEXT: so many since the last time.
seen=0
requests() {
	local now
	now=$(wc -l <"$proxy_log")
	equal $((now - seen)) "$1" "$2: $1 requests"
	seen=$now
}

summary() { tail -n 1 <<<"$err"; }
seconds() { sed -E 's/ \([0-9.]+m?s\)//; s/in [0-9.]+m?s/in T/; s/\([0-9.]+ MB\)/(S)/' <<<"$1"; }

cat >x.def <<DEF
Bootstrap: docker
From: $proxy/rig/t:one
Stage: build

%post
  echo 'BUILD runs'
  echo made >/made
  cat /proc/sys/kernel/random/uuid >/unlike

Bootstrap: docker
From: $proxy/rig/t:two
Stage: final

%files from build
  /made /made

%post
  echo 'FINAL runs'
DEF
image=$HOME/x.sif
nothing="nothing has changed: $image is up to date"

# ---- as usual: tags are asked for, nothing else ----
dagbuild run --progress plain x.def
status 0 "the first build"
seen=$(wc -l <"$proxy_log")
dagbuild run x.def
requests 2 "a run that changes nothing asks for two tags"
equal "$(seconds "$(summary)")" "$nothing" "and says so"
echo "$image|cat /made|made" >"$JUDGE"

# ---- --no-cache ----
dagbuild run --progress plain --no-cache x.def
status 0 "--no-cache"
says 'BUILD runs' "it runs the first stage's script"
says 'FINAL runs' "and the second's"
equal "$(seconds "$(summary)")" "$image (S): 7 steps built, 0 reused, in T" "everything is built"
requests 2 "downloads have their content's name, and are used"
dagbuild run x.def
equal "$(seconds "$(summary)")" "$nothing" "what was built was recorded"

dagbuild run --progress plain --no-cache=final.post x.def
status 0 "--no-cache=final.post"
says_not 'BUILD runs' "the other stage is left alone"
says 'FINAL runs' "the step is run"
equal "$(seconds "$(summary)")" "$image (S): 1 step built, 6 reused, in T" "it writes nothing, as before: what follows is a hit"

dagbuild run --progress plain --no-cache=build x.def
status 0 "--no-cache=build"
says 'BUILD runs' "the stage is built"
says_not 'FINAL runs' "the copied file is the same: the other stage is a hit"
equal "$(seconds "$(summary)")" "$image (S): 2 steps built, 5 reused, in T" "two steps are built"

dagbuild run --no-cache=build.post --no-cache=final.meta x.def
equal "$(seconds "$(summary)")" "$image (S): 3 steps built, 4 reused, in T" "it can be repeated"

# A base that both stages start from is one step.
sed 's/t:two/t:one/' x.def >shared.def
dagbuild run shared.def
dagbuild run -j8 --no-cache shared.def
says ': [67] steps built, [01] reused' "--no-cache with a shared base"
dagbuild run shared.def
says 'nothing has changed' "and what was recorded fits together"
dagbuild run --progress plain --no-cache=build shared.def
says 'BUILD runs' "--no-cache=build with a shared base"
says ': 1 step built, 6 reused' "leaves the base alone"
dagbuild run shared.def
says 'nothing has changed' "and the other stage"

# Another definition upon the same base does not notice: the base comes out the same.  Here it is
# rebuilt with all that stands on it; there nothing of that shows.
cat >other.def <<DEF
Bootstrap: docker
From: $proxy/rig/t:one
Stage: other

%post
  echo 'OTHER runs'
DEF
dagbuild run --progress plain other.def
status 0 "another definition upon the same base"
dagbuild run --no-cache x.def
says '7 steps built, 0 reused' "the first is rebuilt, and the base with it"
dagbuild run other.def
says "nothing has changed: $HOME/other.sif is up to date" "the other is as it was"
dagbuild cache verify
status 0 "what both stand on is whole"
dagbuild cache prune
dagbuild run other.def
says 'nothing has changed' "and stays when the cache is tidied"

# Other lines of %files that bring the same files: what stands on them is a hit.
printf 'text\n' >text
cat >files.def <<DEF
Bootstrap: docker
From: $proxy/rig/t:one

%files
  text /text

%post
  echo 'AFTER runs'
DEF
dagbuild run files.def
sed -i 's|  text /text|  ./text /text|' files.def
dagbuild run --progress plain files.def
says ': 3 steps built, 2 reused' "%files written otherwise"
says_not 'AFTER runs' "the script behind it is not run"

dagbuild run --no-cache=fnal x.def
status 2 "a stage that is not there"
says "there is no stage 'fnal'" "is named"
says "hint: did you mean 'final'\?" "with a proposal"
dagbuild run --no-cache=fnal.post x.def
says "hint: did you mean 'final.post'\?" "for a step, too"
dagbuild run --no-cache=final.pst x.def
status 2 "a step that is not there"
says "it has: base, copy, post, meta" "those that are there are told"
seen=$(wc -l <"$proxy_log")

dagbuild plan --no-cache=final x.def
status 0 "plan --no-cache=final"
check "plan marks the stage's steps" grep -q 'miss: --no-cache' <<<"$out"
requests 0 "a plan"

# Two at once: each builds for itself, and nothing is mixed.
"$DAGBUILD" run --no-cache -o a.sif x.def 2>a.err &
a=$!
"$DAGBUILD" run --no-cache -o b.sif x.def 2>b.err &
b=$!
wait $a
equal $? 0 "one of two --no-cache at once"
wait $b
equal $? 0 "the other one"
dagbuild run x.def
status 0 "a run after them"
echo "$HOME/a.sif|cat /made|made" >>"$JUDGE"
echo "$HOME/b.sif|cat /made|made" >>"$JUDGE"
check "nothing is left of them" nothing_left

# ---- --max-age ----
dagbuild run --max-age 1h x.def
equal "$(seconds "$(summary)")" "$nothing" "--max-age 1h: all is younger"
sleep 2
dagbuild plan --max-age 1s x.def
check "plan --max-age tells what is too old" grep -q 'miss: older than --max-age' <<<"$out"
dagbuild run --max-age 1s x.def
equal "$(seconds "$(summary)")" "$image (S): 7 steps built, 0 reused, in T" "--max-age 1s: all is older"
dagbuild run --max-age soon x.def
status 2 "--max-age soon"
says "hint: write a number and one of s, m, h, d, w" "the form is told"

# ---- tags: --pull, --refresh, --offline ----
seen=$(wc -l <"$proxy_log")
push one 2
dagbuild run --pull=missing x.def
equal "$(seconds "$(summary | sed 's/[0-9]* seconds\? ago/N ago/')")" \
	"$nothing; 2 bases as resolved up to N ago" "--pull=missing takes the tag as it was"
requests 0 "--pull=missing"
dagbuild run --offline x.def
status 0 "--offline"
requests 0 "--offline"
dagbuild run --offline --no-cache x.def
status 0 "--offline --no-cache builds from what is there"
# newuidmap, which has capabilities of its own, does nothing under strace.
if [ "$MODE" = root ]; then
	strace -f -o trace.txt -e trace=connect "$DAGBUILD" run --offline --no-cache x.def 2>.err
	equal $? 0 "--offline --no-cache under strace"
	check "connects to nobody" bash -c '! grep AF_INET trace.txt'
fi
requests 0 "--offline --no-cache"
dagbuild run --pull=missing --refresh=final x.def
equal "$(seconds "$(summary | cut -d';' -f1)")" "$nothing" "--refresh of the other stage changes nothing"
requests 1 "--refresh=final"
dagbuild run --pull=missing --refresh x.def
equal "$(seconds "$(summary)")" "$image (S): 1 step built, 6 reused, in T" "--refresh finds the moved tag, whose layers are the same"
requests 3 "--refresh asks for both tags, and for the new manifest"
push one 3
dagbuild run --pull=always x.def
equal "$(seconds "$(summary)")" "$image (S): 1 step built, 6 reused, in T" "--pull=always finds it, too"
seen=$(wc -l <"$proxy_log")
dagbuild run --offline --refresh x.def
status 2 "--offline --refresh"
says "offline and --refresh cannot be used together" "is refused"

# An empty cache, and one in which a layer is missing.
export DAGBUILD_CACHEDIR=$HOME/empty
dagbuild run --offline -o empty.sif x.def
status 4 "--offline with an empty cache"
says "x.def:(1|10):1: '$proxy/rig/t:(one|two)' was never resolved" "names the reference and its place"
says 'hint: build once without --offline' "and what to do"
requests 0 "--offline with an empty cache"
whole=$proxy whole_log=$proxy_log
start_proxy "GET /v2/rig/t/blobs/$(cat layer.digest)=status:404"
unset DAGBUILD_REGISTRY_MIRRORS
sed "s/$whole/$proxy/" x.def >partial.def
dagbuild run partial.def
status 4 "a layer that cannot be fetched"
lines=$(wc -l <"$proxy_log")
dagbuild run --offline partial.def
status 4 "--offline with part of a base"
says "image '$proxy/rig/t:(one|two)' cannot be fetched" "names the image"
says '1 of 1 layers are missing from the cache, and no request may be made' "and what is missing"
equal "$(wc -l <"$proxy_log")" "$lines" "and nobody was asked"
proxy=$whole proxy_log=$whole_log
export DAGBUILD_CACHEDIR=$HOME/cache

# ---- the lock file ----
dagbuild run --locked x.def
status 2 "--locked without a lock file"
says "x.def:1:1: the base '$proxy/rig/t:one' is not in 'x.def.lock', which does not exist" "says so"
says "hint: write it with 'dagbuild lock x.def'" "and what to do"
seen=$(wc -l <"$proxy_log")
dagbuild lock x.def
status 0 "lock"
requests 2 "lock asks for each tag"
says "$proxy/rig/t:one  $(cat one.digest)  \(new\)" "it tells what it has found"
check "the file is as the schema says" /usr/bin/python3 - "$SOURCE/docs/lock.schema.json" "$(cat one.digest)" <<-'PY'
	import json, sys, jsonschema
	schema = json.load(open(sys.argv[1]))
	jsonschema.Draft202012Validator.check_schema(schema)
	lock = json.load(open("x.def.lock"))
	jsonschema.validate(lock, schema)
	assert [b["reference"].rsplit(":", 1)[1] for b in lock["bases"]] == ["one", "two"], lock
	assert lock["bases"][0]["digest"] == sys.argv[2], lock
	PY
dagbuild run --locked x.def
equal "$(seconds "$(summary)")" "$nothing; 2 bases from x.def.lock" "run resolves from it"
requests 0 "run with a lock file"
sed 's/t:two/t:one/' x.def >twice.def
dagbuild lock twice.def
says "^twice.def.lock: 1 base$" "stages with one base have one"
dagbuild run twice.def
says "; 1 base from twice.def.lock" "run counts them as lock does"
rm twice.def*
seen=$(wc -l <"$proxy_log")

cp one.digest locked.digest
push one 4
dagbuild plan --format json x.def
check "plan says hit: the moved tag does not matter" /usr/bin/python3 -c \
	'import json, sys; assert all(s["status"] == "hit" for s in json.load(sys.stdin)["steps"])' <<<"$out"
dagbuild run x.def
equal "$(seconds "$(summary)")" "$nothing; 2 bases from x.def.lock" "nor to run"
requests 0 "a moved tag behind a lock file"
dagbuild run --progress plain --no-cache x.def
says "resolved from x.def.lock: $(cat locked.digest)" "progress tells where the digest is from"
requests 0 "--no-cache with a lock file"
dagbuild run --ignore-lock -o ignore.sif x.def
says 'ignore.sif.*: 2 steps built, 5 reused, in [0-9.ms]+$' "--ignore-lock finds the moved tag"
push one 5
dagbuild run --refresh=build -o refresh.sif x.def
says 'refresh.sif.*: 2 steps built, 5 reused, in [0-9.ms]+; 1 base from x.def.lock$' \
	"--refresh=build finds it, and leaves the other base locked"

cp x.def.lock before.lock
dagbuild lock x.def
says 'x.def.lock: 2 bases, nothing has changed' "lock keeps what is locked"
check "and writes nothing" cmp x.def.lock before.lock
dagbuild lock --update x.def
says "t:one  $(cat one.digest)  \(was sha256:" "lock --update tells what has changed"
check "and keeps the other entry, with its date" test "$(diff x.def.lock before.lock | grep -c '^<')" -le 2
dagbuild run --locked x.def
status 0 "run --locked after it"

# A base that the lock file does not know.
sed -i 's/t:two/t:other/' x.def
seen=$(wc -l <"$proxy_log")
for command in run plan; do
	dagbuild $command --locked x.def
	status 2 "$command --locked with another base"
	says "x.def:10:1: the base '$proxy/rig/t:other' is not in 'x.def.lock', which has '$proxy/rig/t:one'" \
		"$command tells which"
done
requests 0 "--locked with another base"
dagbuild run x.def
status 0 "without --locked it is resolved as usual"
says "x.def:10:1: warning: the base '$proxy/rig/t:other' is not in" "with a warning"
equal "$(grep -c warning: <<<"$err")" 1 "given once"
says '; 1 base from x.def.lock$' "and the other base is from the lock file"
dagbuild lock x.def
says 't:other  sha256:[0-9a-f]*  \(new\)' "lock adds it"
says 't:two  \(no longer used\)' "and tells what is gone"
dagbuild run --locked x.def
status 0 "--locked again"

echo '{"version": 9}' >x.def.lock
dagbuild run x.def
status 2 "a lock file of another version"
says "'x.def.lock' is not a lock file: this dagbuild does not support its version" "is refused"
dagbuild run --ignore-lock x.def
status 0 "but for --ignore-lock"
dagbuild lock --update x.def
status 0 "lock --update writes it anew"

check "the blobs are right" blobs_are_right
check "nothing is left" nothing_left
