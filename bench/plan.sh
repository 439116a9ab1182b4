#!/bin/bash
# SPDX-License-Identifier: MIT
# plan.sh: plan definitions of 20,000 stages (100,000 steps), in pairs with `ninja -n` on a manifest of as many edges
# with the same commands: a chain, and a fan; medians of seconds and of the largest resident size, and the ratios.  Then
# the chain at other lengths, to show that both grow with its length.
set -euo pipefail

cd "$(dirname "$0")/.."
dagbuild=$PWD/build/release/frontend/cli/dagbuild
pairs=${PAIRS:-7}
mkdir -p build/bench
work=$PWD/build/bench/plan
rm -rf "$work"
mkdir -p "$work"
trap 'rm -rf "$work"' EXIT
export DAGBUILD_CACHEDIR=$work/no-cache

# measure FILE COMMAND...: appends "SECONDS KIB" to FILE.
measure() {
	local file=$1
	shift
	/usr/bin/env time -a -o "$file" -f "%e %M" "$@" >/dev/null
}

# median FILE COLUMN
median() {
	sort -n -k"$2,$2" "$1" | awk -v c="$2" '{ v[NR] = $c } END { print v[int((NR + 1) / 2)] }'
}

for shape in chain fan; do
	bench/gen_def.py $shape 20000 >"$work/$shape.def"
	mkdir "$work/$shape"
	bench/gen_def.py $shape 20000 --ninja >"$work/$shape/build.ninja"
	"$dagbuild" plan "$work/$shape.def" >/dev/null
	ninja -C "$work/$shape" -n >/dev/null
	for _ in $(seq "$pairs"); do
		measure "$work/$shape.ours" "$dagbuild" plan "$work/$shape.def"
		measure "$work/$shape.peer" ninja -C "$work/$shape" -n
	done
	awk -v shape="$shape" -v t="$(median "$work/$shape.ours" 1)" -v u="$(median "$work/$shape.peer" 1)" \
		-v m="$(median "$work/$shape.ours" 2)" -v n="$(median "$work/$shape.peer" 2)" 'BEGIN {
			printf "%-6s dagbuild %.2f s %5.1f MB   ninja %.2f s %5.1f MB   ratios %.2f %.2f\n",
				shape, t, m / 1024, u, n / 1024, t / u, m / n }'
done
for n in 2500 5000 10000 20000 40000 80000; do
	bench/gen_def.py chain $n >"$work/n.def"
	rm -f "$work/n"
	for _ in 1 2 3; do
		measure "$work/n" "$dagbuild" plan "$work/n.def"
	done
	printf '%6d stages  %.2f s %6.1f MB\n' "$n" "$(median "$work/n" 1)" \
		"$(awk -v m="$(median "$work/n" 2)" 'BEGIN { print m / 1024 }')"
done
