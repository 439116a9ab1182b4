#!/bin/bash
# SPDX-License-Identifier: MIT
# Time a run of lab3 that changes nothing, the registry on loopback: median of 20 runs after a warm-up.
set -euo pipefail

cd "$(dirname "$0")/.."
dagbuild=$PWD/build/release/frontend/cli/dagbuild
tests/rig/images.sh build/rig
work=$(mktemp -d "$PWD/build/bench.XXXXXX")
trap 'tests/rig/registry.sh stop "$work/registry"; rm -rf "$work"' EXIT
tests/rig/registry.sh start "$work/registry" build/rig/storage
export DAGBUILD_CACHEDIR=$work/cache
DAGBUILD_REGISTRY_MIRRORS=docker.io=http://127.0.0.1:$(cat "$work/registry/port")
export DAGBUILD_REGISTRY_MIRRORS

start=$(date +%s%N)
"$dagbuild" run -o "$work/lab3.sif" examples/lab3.def 2>/dev/null
echo "first run: $((($(date +%s%N) - start) / 1000000)) ms"
for _ in $(seq 21); do
	start=$(date +%s%N)
	"$dagbuild" run -o "$work/lab3.sif" examples/lab3.def 2>/dev/null
	echo $((($(date +%s%N) - start) / 1000))
done | tail -n 20 | sort -n | awk '{ t[NR] = $1 } END { printf "nothing to do: median %.1f ms, worst %.1f ms\n", (t[10] + t[11]) / 2000, t[20] / 1000 }'
