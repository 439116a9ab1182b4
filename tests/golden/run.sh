#!/bin/bash
# SPDX-License-Identifier: MIT
# run.sh [--update] [CASE...]: run dagbuild on small definitions and compare what it says.
#
# A case is a folder: in.def, and what `dagbuild ARGS` gives for it: stdout, stderr, status.  ARGS
# are the words of the file `args`; without one "plan in.def".  Missing files stand for nothing, and
# status 0.  --update writes what comes out; look at the difference before you commit it.
set -uo pipefail

here=$(cd "$(dirname "$0")" && pwd)
update=
[ "${1:-}" != --update ] || { update=yes; shift; }
[ $# -gt 0 ] || set -- "$here"/*/
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export DAGBUILD_CACHEDIR=$work/cache HOME=$work
failed=0
tests=0

# store NAME CASE: the new content, or none when it is empty.
store() {
	if [ -s "$work/$1" ]; then cp "$work/$1" "$2/$1"; else rm -f "$2/$1"; fi
}

for case in "$@"; do
	case=${case%/}
	name=$(basename "$case")
	read -ra args < <(cat "$case/args" 2>/dev/null || echo "plan in.def")
	(cd "$case" && "$DAGBUILD" "${args[@]}") >"$work/stdout" 2>"$work/stderr" </dev/null
	status=$?
	: >"$work/status"
	[ $status -eq 0 ] || echo $status >"$work/status"
	tests=$((tests + 1))
	if [ -n "$update" ]; then
		for file in stdout stderr status; do store $file "$case"; done
		continue
	fi
	bad=
	for file in stdout stderr status; do
		wanted=$case/$file
		[ -f "$wanted" ] || wanted=/dev/null
		diff -u "$wanted" "$work/$file" >"$work/diff" || {
			bad=yes
			sed "s|^|# $file: |" "$work/diff"
		}
	done
	if [ -n "$bad" ]; then
		failed=$((failed + 1))
		echo "not ok $tests - $name"
	else
		echo "ok $tests - $name"
	fi
done
[ ! -e "$DAGBUILD_CACHEDIR" ] || { echo "not ok - a plan made a cache"; failed=$((failed + 1)); }
echo "1..$tests"
[ $failed -eq 0 ]
