#!/bin/bash
# SPDX-License-Identifier: MIT
# run.sh [--update] [CASE...]: run dagbuild on small definitions and compare what it says.
#
# A case is a folder: in.def, and what `dagbuild ARGS` gives for it: stdout, stderr, status.  ARGS
# are the words of the file `args`; without one "plan in.def".  Missing files stand for nothing, and
# status 0.
#
# In codes/ each diagnostic has a case: what `dagbuild check ARGS in.def` says in each format, in the
# files text, json and sarif.  `dagbuild check --list` tells which there must be.
#
# --update writes what comes out; look at the difference before you commit it.
set -uo pipefail
: "${DAGBUILD:?the program to run}"

here=$(cd "$(dirname "$0")" && pwd)
update=
[ "${1:-}" != --update ] || { update=yes; shift; }
all=
[ $# -gt 0 ] || { all=yes; set -- "$here"/*/in.def "$here"/formats-*/args "$here"/codes/*/in.def; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export DAGBUILD_CACHEDIR=$work/cache HOME=$work
unset DAGBUILD_REGISTRY_MIRRORS DAGBUILD_LOG SOURCE_DATE_EPOCH XDG_CACHE_HOME
# shellcheck source=tests/report.sh
. "$here/../report.sh"

# run CASE ARGS...: dagbuild in the case's folder; leaves stdout, stderr and status in $work.
run() {
	local case=$1 status
	shift
	(cd "$case" && "$DAGBUILD" "$@") >"$work/stdout" 2>"$work/stderr" </dev/null
	status=$?
	[ $status -lt 128 ] || { echo "# $case: dagbuild crashed" >&2; exit 1; }
	: >"$work/status"
	[ $status -eq 0 ] || echo $status >"$work/status"
}

# compare CASE FILE...: what is in $work with what is wanted, or --update it.
compare() {
	local case=$1 file wanted bad=0
	shift
	for file; do
		if [ -n "$update" ]; then
			if [ -s "$work/$file" ]; then cp "$work/$file" "$case/$file"; else rm -f "$case/$file"; fi
			continue
		fi
		wanted=$case/$file
		[ -f "$wanted" ] || wanted=/dev/null
		diff -u "$wanted" "$work/$file" >"$work/diff" || {
			bad=1
			sed "s|^|# $file: |" "$work/diff"
		}
	done
	report $bad "${case#"$here/"}"
}

# A diagnostic's case must also give its own code.
compare_code() {
	local case=$1 args=() format code
	code=$(basename "$case")
	[ ! -f "$case/args" ] || read -ra args <"$case/args"
	for format in text json sarif; do
		run "$case" check --format $format ${args[@]+"${args[@]}"} in.def
		cat "$work/stdout" "$work/stderr" >"$work/$format"
	done
	grep -q "\[$code\]$" "$work/text" || report 1 "codes/$code: gives no such code"
	compare "$case" text json sarif status
}

for case in "$@"; do
	case=${case%/in.def}
	case=${case%/args}
	case=${case%/}
	if [ "$(basename "$(dirname "$case")")" = codes ]; then
		compare_code "$case"
		continue
	fi
	read -ra args < <(cat "$case/args" 2>/dev/null || echo "plan in.def")
	run "$case" "${args[@]}"
	compare "$case" stdout stderr status
done

if [ -n "$all" ]; then
	"$DAGBUILD" check --list | sed 's/ .*//' | sort >"$work/listed"
	(cd "$here/codes" && ls) | sort | diff "$work/listed" - | sed 's/^/# /'
	report "${PIPESTATUS[2]}" "each code has its case"
fi
[ ! -e "$DAGBUILD_CACHEDIR" ] || report 1 "a plan made a cache"
echo "1..$tests"
[ "$failed" -eq 0 ]
