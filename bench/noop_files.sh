#!/bin/bash
# SPDX-License-Identifier: MIT
# noop_files.sh [STAGES]: time a run without changes of a definition with STAGES (1,000) stages, which copy 100,000 host
# files of 1 KiB, against `git status` on the same files: in pairs, after a warm-up.
#
# The first run builds all the stages, which takes minutes; everything stays in build/noop_files for the next time.
set -euo pipefail

cd "$(dirname "$0")/.."
stages=${1:-1000}
files=100000
pairs=20
dagbuild=$PWD/build/release/frontend/cli/dagbuild
rig=${RIG:-$PWD/build/rig}
work=$PWD/build/noop_files/$stages
[ -n "${RIG:-}" ] || tests/rig/images.sh build/rig

make_tree() {
	local i n=0 each=$((files / stages))
	for ((i = 0; i < stages; i++)); do
		mkdir -p "tree/$i"
		for ((k = 0; k < each; k++, n++)); do
			printf '%-1023d\n' "$n" >"tree/$i/file$k"
		done
	done
	git init -q .
	git add tree
	git -c user.name=bench -c user.email=bench@localhost commit -qm tree
	# Times as old as in any tree that nobody is editing.
	sleep 3
	git status --porcelain tree >/dev/null
}

# Microseconds that the command takes.
measure() {
	local start=${EPOCHREALTIME/./}
	"$@" >"$work/log" 2>&1
	echo $((${EPOCHREALTIME/./} - start))
}

median() {
	sort -n "$1" | awk '{ t[NR] = $1 } END { printf "%.2f", (t[int((NR + 1) / 2)] + t[int(NR / 2) + 1]) / 2000 }'
}

mkdir -p "$work"
cd "$work"
[ -e tree.done ] || { rm -rf tree .git; make_tree; : >tree.done; }
/usr/bin/python3 "$OLDPWD/bench/gen_def.py" files "$stages" >image.def
trap '"$OLDPWD/tests/rig/registry.sh" stop "$work/registry"' EXIT
"$OLDPWD/tests/rig/registry.sh" start "$work/registry" "$rig/storage"
export DAGBUILD_CACHEDIR=$work/cache
DAGBUILD_REGISTRY_MIRRORS=docker.io=http://127.0.0.1:$(cat registry/port)
export DAGBUILD_REGISTRY_MIRRORS

echo "to begin with: $(($(measure "$dagbuild" run image.def) / 1000)) ms: $(tail -n 1 log)"
# The second run may still read files that were made just before the first run.
for _ in 1 2; do
	measure "$dagbuild" run image.def >/dev/null
	measure git status --porcelain tree >/dev/null
done
: >dagbuild.us
: >git.us
for ((p = 0; p < pairs; p++)); do
	measure "$dagbuild" run image.def >>dagbuild.us
	grep -q 'nothing has changed' log
	measure git status --porcelain tree >>git.us
done
echo "$stages stages, $files files, nothing to do: $(median dagbuild.us) ms"
echo "git status on the same files: $(median git.us) ms"
paste dagbuild.us git.us | awk '{ print $1 / $2 * 1000 }' >ratio
echo "median ratio of the pairs: $(median ratio)"
