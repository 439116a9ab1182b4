#!/bin/bash
# SPDX-License-Identifier: MIT
# noop.sh: time a run of lab3 that changes nothing, with the registry on loopback: median of 20 runs after a warm-up;
# then `apptainer build` of the same file, with its downloads in its cache.
#
# The rig's Apptainer does not know dagbuild's mirrors: its `From` names the registry.
set -euo pipefail

# In the rig's root: one build to fill the cache, then the median of three, in microseconds.
apptainer_builds() {
	local start
	export APPTAINER_CACHEDIR=$PWD/cache
	for _ in 1 2 3 4; do
		start=${EPOCHREALTIME/./}
		apptainer build --force --no-https lab3.sif lab3.def >log 2>&1 || { tail -n 20 log >&2; exit 1; }
		echo $((${EPOCHREALTIME/./} - start))
	done | tail -n 3 | sort -n | sed -n 2p
}

if [ "${1:-}" = --inside ]; then
	apptainer_builds
	exit
fi

cd "$(dirname "$0")/.."
source=$PWD
dagbuild=$PWD/build/release/frontend/cli/dagbuild
rig=${RIG:-$PWD/build/rig}
[ -n "${RIG:-}" ] || tests/rig/images.sh build/rig
mkdir -p build
work=$(mktemp -d "$PWD/build/bench.XXXXXX")
trap '"$source/tests/rig/registry.sh" stop "$work/registry"; rm -rf "$work"' EXIT
tests/rig/registry.sh start "$work/registry" "$rig/storage"
registry=127.0.0.1:$(cat "$work/registry/port")
export DAGBUILD_CACHEDIR=$work/cache DAGBUILD_REGISTRY_MIRRORS=docker.io=http://$registry

start=${EPOCHREALTIME/./}
"$dagbuild" run -o "$work/lab3.sif" examples/lab3.def 2>/dev/null
echo "first run: $(((${EPOCHREALTIME/./} - start) / 1000)) ms"
for _ in $(seq 21); do
	start=${EPOCHREALTIME/./}
	"$dagbuild" run -o "$work/lab3.sif" examples/lab3.def 2>/dev/null
	echo $((${EPOCHREALTIME/./} - start))
done | tail -n 20 | sort -n >"$work/times"
awk '{ t[NR] = $1 } END { printf "nothing to do: median %.1f ms, worst %.1f ms\n", (t[10] + t[11]) / 2000, t[20] / 1000 }' \
	"$work/times"

mkdir "$work/theirs"
cp "$source/bench/noop.sh" "$work/theirs/"
sed "s|^From: |From: $registry/library/|" examples/lab3.def >"$work/theirs/lab3.def"
chown -R 1000:1000 "$work/theirs"
theirs=$(cd "$work/theirs" && "$source/tests/rig/apptainer.sh" "$rig" --user-script noop.sh --inside)
awk -v theirs="$theirs" '{ t[NR] = $1 } END {
	ours = (t[10] + t[11]) / 2
	printf "apptainer build, downloads in its cache: median of 3 %.1f s: %d times as long\n", theirs / 1e6, theirs / ours
}' "$work/times"
