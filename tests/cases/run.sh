#!/bin/bash
# SPDX-License-Identifier: MIT
# run.sh [CASE...]: what `dagbuild check` says of each case: exit status and diagnostics.  Nothing is
# built; tests/e2e/cases.sh does that.
set -uo pipefail

. "$SOURCE/tests/cases/lib.sh"
mapfile -t names < <(case_names "$@")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit
export HOME=$work DAGBUILD_CACHEDIR=$work/cache
"$SOURCE/tests/rig/fixtures.sh" sources stuff
tests=0
failed=0

for name in "${names[@]}"; do
	case_read "$name"
	case_enter "$name"
	# It only has to be there.
	[ ! -f "$cases/$name/base.def" ] || : >base.sif
	"$DAGBUILD" check "${arguments[@]}" in.def >output 2>&1 </dev/null
	status=$?
	wrong=$(missing_codes output)
	[ $status -eq "$check_status" ] || wrong+=$'\n'"exit status $status instead of $check_status"
	tests=$((tests + 1))
	if [ -z "$wrong" ]; then
		echo "ok $tests - $name"
		continue
	fi
	failed=$((failed + 1))
	echo "not ok $tests - $name"
	printf '%s\n' "$wrong" | cat - output | sed 's/^/# /'
done
echo "1..$tests"
[ $failed -eq 0 ]
