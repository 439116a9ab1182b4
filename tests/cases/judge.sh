#!/bin/bash
# SPDX-License-Identifier: MIT
# judge.sh [CASE...]: build the cases with a real Apptainer.  Its exit status must be the one that
# `expect` tells, and its image must pass `check`, the same that dagbuild's image must pass.
#
# Environment: RIG, the rig's folder; SOURCE, the repository.  Needs root.
set -euo pipefail

# Real root keeps owners, but runs no script on a machine that grants less than every capability; root
# of a user namespace runs scripts, but takes every file of an image for its own.
needs_namespace() {
	grep -qiE '^%+(post|test|app)' "$SOURCE/tests/cases/$1/in.def"
}

# In Apptainer's root: the current folder holds tests/, a copy of the repository's.
inside() {
	local registry=$1 name status wrong failed=0
	shift
	. "$SOURCE/tests/cases/lib.sh"
	"$SOURCE/tests/rig/fixtures.sh" sources stuff
	export APPTAINER_CACHEDIR=$PWD/cache
	for name; do
		case_read "$name"
		case_enter "$name"
		sed -i "s|fixtures/|$registry/&|" in.def
		rm -f image.sif
		status=0
		apptainer build "${arguments[@]}" image.sif in.def >output 2>&1 </dev/null || status=$?
		wrong=
		[ "$status" = "$apptainer_status" ] ||
			wrong="exit status $status instead of $apptainer_status"
		if [ "$status" -eq 0 ] && [ -f "$cases/$name/check" ]; then
			bash "$cases/image.sh" apptainer image.sif "$cases/$name/check" >>output 2>&1 ||
				wrong+=" the image is not as it should be"
		fi
		if [ -z "$wrong" ]; then
			echo "ok - apptainer: $name"
		else
			failed=$((failed + 1))
			echo "not ok - apptainer: $name"
			{ echo "$wrong"; cat output; } | sed 's/^/# /'
		fi
	done
	[ $failed -eq 0 ]
}

if [ "${1:-}" = --inside ]; then
	export SOURCE=$PWD
	inside "${@:2}"
	exit
fi

rig=$SOURCE/tests/rig
"$rig/images.sh" "$RIG"
work=$(mktemp -d "$RIG/judge.XXXXXX")
cleanup() {
	"$rig/registry.sh" stop "$work/registry"
	rm -rf "$work"
}
trap cleanup EXIT
"$rig/registry.sh" start "$work/registry" "$RIG/storage"

# session --root-script|--user-script OWNER CASE...: in a folder of its own.
session() {
	local how=$1 owner=$2
	shift 2
	[ $# -gt 0 ] || return 0
	mkdir -p "$work/$owner/tests/rig"
	cp -r "$SOURCE/tests/cases" "$work/$owner/tests/"
	cp "$rig/fixtures.sh" "$work/$owner/tests/rig/"
	chown -R "$owner:$owner" "$work/$owner"
	(cd "$work/$owner" && "$rig/apptainer.sh" "$RIG" "$how" tests/cases/judge.sh --inside \
		"127.0.0.1:$(cat "$work/registry/port")" "$@")
}

if [ $# -eq 0 ]; then
	mapfile -t names < <(cd "$SOURCE/tests/cases" && printf '%s\n' */ | tr -d /)
	set -- "${names[@]}"
fi
by_root=()
by_user=()
for name; do
	if needs_namespace "$name"; then by_user+=("$name"); else by_root+=("$name"); fi
done
status=0
session --root-script 0 "${by_root[@]}" || status=1
session --user-script 1000 "${by_user[@]}" || status=1
exit $status
