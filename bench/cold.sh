#!/bin/bash
# SPDX-License-Identifier: MIT
# cold.sh OTHER [PAIRS]: lab3 in an empty cache, by this dagbuild and by another one (the program of another
# commit), in pairs after a warm-up; the registry is on loopback.  Prints the ratio of user and system time of
# each pair, and their median: wall time varies by a third on a shared machine.  Each run has a folder of its own,
# and none is removed before the end: on ext4 a removal slows what follows.
set -euo pipefail

cd "$(dirname "$0")/.."
[ $# -ge 1 ] || { echo "cold.sh OTHER [PAIRS]" >&2; exit 2; }
other=$(realpath "$1")
pairs=${2:-7}
ours=$PWD/build/release/frontend/cli/dagbuild
source=$PWD
rig=${RIG:-$PWD/build/rig}
[ -n "${RIG:-}" ] || tests/rig/images.sh build/rig
work=$(mktemp -d "${TMPDIR:-$PWD/build}/cold.XXXXXX")
trap '"$source/tests/rig/registry.sh" stop "$work/registry"; rm -rf "$work"' EXIT
tests/rig/registry.sh start "$work/registry" "$rig/storage"
registry=127.0.0.1:$(cat "$work/registry/port")
export DAGBUILD_REGISTRY_MIRRORS=docker.io=http://$registry

# build PROGRAM: user and system time of one cold build, in milliseconds.
n=0
build() {
	local before
	n=$((n + 1))
	mkdir "$work/$n"
	spent
	before=$ms
	DAGBUILD_CACHEDIR=$work/$n/cache "$1" run -o "$work/$n/lab3.sif" examples/lab3.def 2>"$work/$n/log" ||
		{ tail -n 20 "$work/$n/log" >&2; exit 1; }
	spent
	took=$((ms - before))
}

# User and system time of all children that have ended, in milliseconds.  Only the shell itself can tell: a
# subshell has no children yet.
spent() {
	times >"$work/times"
	ms=$(awk 'NR == 2 { gsub(/[ms]/, " "); print int(($1 * 60 + $2 + $3 * 60 + $4) * 1000) }' "$work/times")
}

build "$ours"
build "$other"
for _ in $(seq "$pairs"); do
	build "$other"
	theirs=$took
	build "$ours"
	awk -v ours="$took" -v theirs="$theirs" 'BEGIN { printf "%d ms, the other %d ms: %.3f\n", ours, theirs, ours / theirs }'
done | tee "$work/ratios"
sort -t: -k2 -n "$work/ratios" | awk -F': ' '{ r[NR] = $2 } END { print "median " r[int((NR + 1) / 2)] }'
