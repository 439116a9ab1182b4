#!/bin/bash
# SPDX-License-Identifier: MIT
# One store and several processes; its size, and what is damaged in it.
. "$SOURCE/tests/e2e/lib.sh"

# Root of the user namespace that dagbuild uses, for looking at files of subordinate owners.
inside() {
	if [ "$MODE" = root ]; then "$@"; else unshare --map-auto --map-root-user "$@"; fi
}

json() {
	python3 -c "import json,sys; d=json.load(sys.stdin); print($1)" <<<"$out"
}

used() {
	inside du -s --block-size=1 "$DAGBUILD_CACHEDIR" | cut -f1
}

write_def() {
	cat >"$1" <<-DEF
	Bootstrap: docker
	From: alpine:3.17
	Stage: build

	%post
	  echo "the script of build runs"
	  sleep ${2:-1}
	  mkdir -p /made /owned
	  echo $RANDOM >/made/file
	  echo secret >/owned/file
	  chown -R 1000:1000 /owned
	  chmod 700 /owned

	Bootstrap: docker
	From: alpine:3.17
	Stage: final

	%files from build
	  /made/file /taken

	%post
	  echo "the script of final runs"
	  cat /taken

	%runscript
	  echo ${3:-one}
	DEF
}

# in_background IMAGE FILE LOG: $pid is it.
in_background() {
	rm -f "$3"
	"$DAGBUILD" run -o "$1" "$2" 2>"$3" </dev/null &
	pid=$!
}

# says_soon PATTERN LOG
says_soon() {
	local i
	for ((i = 0; i < 600; i++)); do
		grep -qs "$1" "$2" && return
		sleep 0.05
	done
	report 1 "$2 does not say '$1' in 30 s"
}

# together COUNT FILE...: that many processes at once, each with the next of the files.
together() {
	local count=$1 i pids=() files
	shift
	files=("$@")
	rm -f err?
	for ((i = 0; i < count; i++)); do
		"$DAGBUILD" run -j2 -o "out$i.sif" "${files[i % ${#files[@]}]}" 2>"err$i" </dev/null &
		pids+=($!)
	done
	bad=0
	for i in "${pids[@]}"; do wait "$i" || bad=$((bad + 1)); done
	[ $bad -eq 0 ] || { st=$bad; out=; err=$(cat err*); evidence; }
}

runs_of() {
	cat err? | grep -c "| *the script of $1 runs\|the script of $1 runs$"
}

# ---- wrong command lines ----
dagbuild cache du --json
status 0 "du of no cache"
equal "$(json 'd["total"]["bytes"]')" 0 "takes nothing"
check "and makes none" test ! -e "$DAGBUILD_CACHEDIR"
for words in 'cache' 'cache fly' 'cache du du' 'cache du --repair' 'cache prune --older soon' \
	'cache prune --keep 10X' 'run --cache-max lots x.def' 'run --cache-max-files -1 x.def'; do
	# shellcheck disable=SC2086 # words
	dagbuild $words
	status 2 "'$words' is a mistake"
done
write_def first.def
DAGBUILD_CACHE_MAX=much dagbuild run first.def
status 2 "DAGBUILD_CACHE_MAX=much"
says 'DAGBUILD_CACHE_MAX' "it is named"

# ---- two processes, one definition: each key runs once ----
start_proxy
together 2 first.def
equal $bad 0 "two runs at once"
equal "$(runs_of build)" 1 "the script of build ran once"
equal "$(runs_of final)" 1 "the script of final ran once"
check "one waited for the other, and said so" \
	grep -Eq 'waiting for another dagbuild \(pid [0-9]+\) that makes the same step' err0 err1
check "no blob was fetched twice" bash -c \
	"! grep -o 'GET /v2/[^ ]*/blobs/sha256:[0-9a-f]*' '$proxy_log' | sort | uniq -d | grep ."
check "nothing is left but the store" nothing_left
check "no lock and no lease is left" bash -c '[ -z "$(ls "$DAGBUILD_CACHEDIR/locks" "$DAGBUILD_CACHEDIR/leases" | grep -v :)" ]'

# ---- four processes, two definitions that share a stage ----
export DAGBUILD_CACHEDIR=$HOME/four
sed 's/echo one$/echo two/' first.def >second.def
together 4 first.def second.def
equal $bad 0 "four runs at once"
equal "$(runs_of build)" 1 "the script of the shared stage ran once"
equal "$(runs_of final)" 1 "that of the other stage, too"
dagbuild cache verify
status 0 "verify finds nothing"

# ---- the holder dies: who waits takes over ----
write_def third.def 3
in_background a.sif third.def err0
holder=$pid
says_soon 'script of build runs' err0
in_background b.sif third.def err1
waiter=$pid
says_soon 'waiting for another' err1
check "it names the one it waits for" grep -q "pid $holder" err1
# The container holds the lock too, so that after the kill nobody starts beside it: its outer process, and its
# init where the script cannot find it.
holders() {
	local pid
	for pid in $(pgrep -f 'dagbuild internal-run|^sleep 3'); do
		grep -q "^Max msgqueue size  *$MARK " "/proc/$pid/limits" 2>/dev/null || continue
		find "/proc/$pid/fd" -lname '*/locks/*' -printf "$(tr '\0' ' ' <"/proc/$pid/cmdline")\n" 2>/dev/null
	done
}
[ "$MODE" != root ] || equal "$(holders)" 'dagbuild internal-run ' "the container's outer process holds the lock"
kill -9 $holder
wait $holder 2>/dev/null
wait $waiter
equal $? 0 "the waiter takes over"
check "it ran the script itself" grep -q 'script of build runs' err1
dagbuild run -o b.sif third.def
status 0 "another start"
check "what the killed one left is gone" nothing_left

# ---- who waits can be interrupted ----
write_def fourth.def 3
in_background a.sif fourth.def err0
holder=$pid
says_soon 'script of build runs' err0
in_background b.sif fourth.def err1
waiter=$pid
says_soon 'waiting for another' err1
kill -INT $waiter
wait $waiter
equal $? 130 "a waiter can be interrupted"
wait $holder
equal $? 0 "the other goes on"

# ---- du and ls ----
sync
dagbuild cache du --json
status 0 "du"
equal "$(json 'd["total"]["bytes"]')" "$(used)" "it agrees with du, to the block"
equal "$(json 'sum(k["bytes"] for k in d["kinds"].values())')" "$(used)" "so do its kinds"
dagbuild cache ls
status 0 "ls"
equal "$(sed -n 2p <<<"$out" | cut -d. -f1)" final "it lists steps"
dagbuild cache ls --json
equal "$(json 'all(a["used_ms"] >= b["used_ms"] for a, b in zip(d["steps"], d["steps"][1:]))')" True \
	"the last used comes first"
equal "$(json 'sorted({s["kind"] for s in d["steps"]})')" "['base', 'copy', 'meta', 'pack', 'post']" \
	"every kind is there"

# ---- damage is found, and not served ----
rm -f b.sif
dagbuild run -o b.sif first.def
status 0 "run"
victim=$(inside find "$DAGBUILD_CACHEDIR/layers" -path '*/made/file' | head -1)
stamp=$(inside stat -c %y "$victim")
inside sh -c 'tr 0-9 1-90 <"$1" >"$1.new" && cat "$1.new" >"$1" && rm "$1.new" && touch -d "$2" "$1" "$(dirname "$1")"' \
	sh "$victim" "$stamp"
dagbuild cache verify --json
status 1 "verify finds the damage"
equal "$(json '[f["kind"] for f in d["damaged"]]')" "['layer']" "it is a layer"
dagbuild cache verify --repair
status 1 "verify --repair finds it, too"
dagbuild cache verify
status 0 "and then nothing"
for blob in "$DAGBUILD_CACHEDIR"/blobs/sha256/*/*; do
	[ "$(stat -c %s "$blob")" -lt 100000 ] || break
done
echo x >>"$blob"
dagbuild cache verify
status 1 "a damaged blob"
dagbuild cache verify --repair
check "is removed" test ! -e "$blob"
dagbuild run -o c.sif first.def
status 0 "all is made anew"
dagbuild cache verify
status 0 "and is right"

# ---- prune ----
dagbuild cache prune --older 1d --dry-run
status 0 "prune --older --dry-run"
equal "$out" "" "nothing is that old"
dagbuild cache prune --all --dry-run
check "--all would take layers" grep -q '^layer' <<<"$out"
before=$(used)
equal "$(used)" "$before" "a dry run changes nothing"
find "$DAGBUILD_CACHEDIR/records" -name '*.json' -exec touch -d '3 days ago' {} +
dagbuild run -o c.sif first.def
dagbuild cache prune --older 1d
status 0 "prune --older"
dagbuild plan first.def
check "what was used stays" bash -c '! grep -q "miss" <<<"$1"' sh "$(grep -v pack <<<"$out")"
dagbuild cache prune --keep 1K --json
equal "$(json 'd["freed"]["bytes"] > 0 and d["in_use"] == 0')" True "prune --keep 1K"
dagbuild cache ls --json
equal "$(json 'd["steps"]')" "[]" "leaves nothing"

# ---- what a running build needs stays ----
write_def fifth.def 3
in_background a.sif fifth.def err0
holder=$pid
says_soon 'script of build runs' err0
dagbuild cache prune --all
says 'items stay: running builds need them' "prune says that something stays"
dagbuild cache clear
status 0 "clear while a build runs"
check "the store is still there" test -d "$DAGBUILD_CACHEDIR/layers"
wait $holder
equal $? 0 "the build ends well"
dagbuild cache verify
status 0 "and the store is right"

# ---- the ceiling ----
export DAGBUILD_CACHEDIR=$HOME/ceiling
cat >grow.def <<-'DEF'
	Bootstrap: docker
	From: alpine:3.17

	%post
	  for i in $(seq 100); do head -c 3000000 /dev/zero >>/big; sleep 0.1; done
DEF
dagbuild run -o small.sif first.def
status 0 "a first build"
sync
base=$(used)
max=$((base + 20000000))
"$DAGBUILD" run --cache-max $max -o grow.sif grow.def 2>err0 </dev/null &
pid=$!
peak=0
while kill -0 $pid 2>/dev/null; do
	now=$(used 2>/dev/null)
	[ "$now" -le "$peak" ] || peak=$now
	sleep 0.2
done
wait $pid
equal $? 1 "a build that needs more than the ceiling fails"
err=$(cat err0)
says 'the cache is full: it takes [0-9.]+ MiB of the [0-9.]+ MiB that it may' "it says why"
says 'give a higher --cache-max' "and what to do"
check "it was passed by little ($((peak - max)) bytes)" test "$peak" -lt $((max + 60000000))
sync
check "afterwards the store is below it" test "$(used)" -le $max
check "nothing is left but the store" nothing_left
dagbuild cache verify
status 0 "and right"

# Two that are too much together: the younger one stops.
sed 's/seq 100/seq 20/; s/big/left/' grow.def >left.def
sed 's/seq 100/seq 20/; s/big/right/' grow.def >right.def
max=$(($(used) + 80000000))
export DAGBUILD_CACHE_MAX=$max
in_background left.sif left.def err0
left=$pid
says_soon 'head -c' err0
in_background right.sif right.def err1
right=$pid
wait "$left"
equal $? 0 "of two that are too much together the older one ends well"
wait "$right"
equal $? 1 "the younger one stops"
check "it says why" grep -q 'the cache is full' err1
unset DAGBUILD_CACHE_MAX
dagbuild cache verify
status 0 "the store is right"
dagbuild cache prune --older 0s --keep 1K
find "$DAGBUILD_CACHEDIR/records" -name '*.json' -exec touch -d '1 hour ago' {} +
dagbuild run -o small.sif first.def

# What was used longest ago makes room.
sed -i 's/seq 100/seq 5/; s/sleep 0.1/sleep 0.01/' grow.def
find "$DAGBUILD_CACHEDIR/records" "$DAGBUILD_CACHEDIR/blobs" -type f -exec touch -d '3 days ago' {} +
dagbuild run -o grow.sif grow.def
status 0 "another one"
sync
max=$(($(used) + 200000))
sed 's/big/bigger/' grow.def >grow2.def
find "$DAGBUILD_CACHEDIR/records" -name '*.json' -exec touch -d '1 hour ago' {} +
DAGBUILD_CACHE_MAX=$max dagbuild run -o grow2.sif grow2.def
status 0 "one that fits once room is made"
sync
check "the store stays below the ceiling" test "$(used)" -le "$max"
dagbuild why grow.def stage1.post
check "why tells what went for it" grep -Eq 'evicted on [-0-9: ]+ by --cache-max' <<<"$out"
dagbuild run --cache-max 1M -o grow2.sif grow2.def
status 0 "without a change, with a lower ceiling"
sync
check "the store is brought below it" test "$(used)" -le 1048576
rm -f grow2.sif
dagbuild run --cache-max-files 20 -o grow2.sif grow2.def
status 1 "a ceiling for files"
says 'files of the 20 that' "it says so"

# ---- no room, no rights ----
if [ "$MODE" = root ]; then
	mkdir "$HOME/full"
	cat >full.sh <<-'SH'
	mount -t tmpfs -o size=24m none "$HOME/full" || exit 9
	DAGBUILD_CACHEDIR=$HOME/full "$DAGBUILD" run -o full.sif grow.def
	SH
	head -c 50000000 /dev/urandom >large
	printf 'Bootstrap: docker\nFrom: alpine:3.17\n\n%%files\n  large /large\n' >grow.def
	unshare -m bash full.sh >.out 2>.err </dev/null
	st=$? out=$(cat .out) err=$(cat .err)
	status 1 "a full disk"
	says 'No space left on device' "it says so"
else
	DAGBUILD_CACHEDIR=/root/none dagbuild run first.def
	status 2 "a cache that cannot be made"
	says 'cache folder ./root/none.' "it is named"
	DAGBUILD_CACHEDIR=/root/none dagbuild cache du
	status 2 "nor looked at"
fi

# ---- clear ----
export DAGBUILD_CACHEDIR=$HOME/four
[ "$MODE" = root ] || check "a plain rm cannot remove it" bash -c '! rm -rf "$DAGBUILD_CACHEDIR/layers"/*/owned 2>/dev/null'
for DAGBUILD_CACHEDIR in "$HOME/cache" "$HOME/four" "$HOME/ceiling"; do
	dagbuild cache clear
	status 0 "clear"
	says '^freed ' "says how much"
	check "nothing is left of it" test ! -e "$DAGBUILD_CACHEDIR"
done
