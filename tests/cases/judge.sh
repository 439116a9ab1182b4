#!/bin/bash
# SPDX-License-Identifier: MIT
# judge.sh [CASE...]: build the cases with a real Apptainer, and with dagbuild.  Apptainer's exit status
# must be the one that `expect` tells, its image must pass the same `check` that dagbuild's must pass,
# both images must hold the same files, and behave alike under Apptainer.
#
# Environment: DAGBUILD, the program; RIG, the rig's folder; SOURCE, the repository.  Needs root.
set -euo pipefail

case ${1:-} in --inside*) SOURCE=$PWD ;; esac
. "$SOURCE/tests/cases/lib.sh"

# ---- one program, in the current folder, which holds tests/, a copy of the repository's ----

# build BY: make image.sif of in.def; what is wrong goes to standard output.
build() {
	local status=0
	rm -f image.sif
	if [ "$1" = dagbuild ]; then
		"$DAGBUILD" run "${arguments[@]}" -o image.sif in.def >output 2>&1 </dev/null || status=$?
		[ $status -eq "$run_status" ] || echo "exit status $status instead of $run_status"
	else
		apptainer build "${arguments[@]}" image.sif in.def >output 2>&1 </dev/null || status=$?
		[ $status -eq "$apptainer_status" ] || echo "exit status $status instead of $apptainer_status"
	fi
}

build_all() {
	local by=$1 registry=$2 name wrong failed=0
	shift 2
	"$SOURCE/tests/rig/fixtures.sh" sources stuff
	mkdir lists images
	for name; do
		case_read "$name"
		[ "$by" = apptainer ] || [ "$run_status" = 0 ] || continue
		case_enter "$name"
		sed -i "s|fixtures/|$registry/&|" in.def
		wrong=$(build "$by")
		if [ -z "$wrong" ] && [ -e image.sif ]; then
			bash "$cases/image.sh" "$by" image.sif "$cases/$name/check" "lists/$name" >>output 2>&1 ||
				wrong="the image is not as it should be"
		fi
		if [ -z "$wrong" ]; then
			[ ! -e image.sif ] || [ ! -f "$cases/$name/behave" ] || mv image.sif "images/$name.sif"
			echo "ok - $by: $name"
			continue
		fi
		failed=1
		echo "not ok - $by: $name"
		{ echo "$wrong"; cat output; } | sed 's/^/# /'
	done
	return $failed
}

# What each image does, as far as `behave` asks: in BY/NAME.out.
behave_all() {
	local image name
	for image in ./*/*.sif; do
		name=$(basename "$image" .sif)
		IMAGE=$image bash "$cases/$name/behave" >"${image%.sif}.out" 2>"${image%.sif}.err" </dev/null ||
			echo "the script ends with $?" >>"${image%.sif}.out"
	done
}

if [ "${1:-}" = --inside-behave ]; then
	behave_all
	exit
fi
if [ "${1:-}" = --inside ]; then
	export APPTAINER_CACHEDIR=$PWD/cache
	build_all apptainer "${@:2}"
	exit
fi

# ---- both ----

rig=$SOURCE/tests/rig
"$rig/images.sh" "$RIG"
work=$(mktemp -d "${TMPDIR:-$RIG}/judge.XXXXXX")
cleanup() {
	"$rig/registry.sh" stop "$work/registry"
	rm -rf "$work"
}
trap cleanup EXIT
"$rig/registry.sh" start "$work/registry" "$RIG/storage"
registry=127.0.0.1:$(cat "$work/registry/port")

# Real root keeps owners, but runs no script and unpacks no image on a machine that grants less than every
# capability; root of a user namespace does, but takes every file of an image for its own.
needs_namespace() {
	grep -qiE '^(%+(post|test|app)|bootstrap: *localimage)' "$SOURCE/tests/cases/$1/in.def"
}

# judge root|user CASE...: Apptainer as real root, or as root of an ordinary user's namespace.
judge() {
	local as=$1 owner=0
	shift
	[ $# -gt 0 ] || return 0
	[ "$as" = root ] || owner=1000
	mkdir -p "$work/$as/tests/rig"
	cp -r "$SOURCE/tests/cases" "$work/$as/tests/"
	cp "$rig/fixtures.sh" "$work/$as/tests/rig/"
	cp -r "$work/dagbuild/bases" "$work/$as/"
	chown -R "$owner:$owner" "$work/$as"
	(cd "$work/$as" &&
		"$rig/apptainer.sh" "$RIG" "--$as-script" tests/cases/judge.sh --inside "$registry" "$@")
}

prepare_ours() {
	mkdir "$work/dagbuild"
	export DAGBUILD_CACHEDIR=$work/dagbuild/cache HOME=$work/dagbuild
	unset SOURCE_DATE_EPOCH DAGBUILD_REGISTRY_MIRRORS
}

# Both programs start from the same images, which dagbuild makes.
make_base() {
	sed "s|fixtures/|$registry/&|" "$1" >base.def
	"$DAGBUILD" run -o "$2" base.def >output 2>&1 </dev/null || { cat output; return 1; }
}

ours() {
	cd "$work/dagbuild"
	build_all dagbuild "$registry" "$@"
}

# Images of both programs; what only one of them builds has no other to be compared with.
compare() {
	local theirs ours failed=0
	for theirs in "$work"/{root,user}/lists/*; do
		ours=$work/dagbuild/lists/$(basename "$theirs")
		[ -e "$ours" ] || continue
		if diff -U 0 "$theirs" "$ours" >"$work/diff"; then
			echo "ok - same files: $(basename "$theirs")"
		else
			failed=1
			echo "not ok - same files: $(basename "$theirs")"
			sed 's/^/# /' "$work/diff"
		fi
	done
	return $failed
}

# What both images of a case do, with an ordinary user's Apptainer.
behave() {
	local theirs ours failed=0
	[ -n "$(find "$work/user/images" -name '*.sif' 2>/dev/null)" ] || return 0
	mkdir -p "$work/behave/tests"
	cp -r "$SOURCE/tests/cases" "$work/behave/tests/"
	mv "$work/user/images" "$work/behave/apptainer"
	mv "$work/dagbuild/images" "$work/behave/dagbuild"
	chown -R 1000:1000 "$work/behave"
	(cd "$work/behave" && "$rig/apptainer.sh" "$RIG" --plain-script tests/cases/judge.sh --inside-behave)
	for theirs in "$work"/behave/apptainer/*.out; do
		ours=$work/behave/dagbuild/$(basename "$theirs")
		if [ -s "$theirs" ] && diff -U 2 "$theirs" "$ours" >"$work/diff"; then
			echo "ok - same behaviour: $(basename "$theirs" .out)"
		else
			failed=1
			echo "not ok - same behaviour: $(basename "$theirs" .out)"
			cat "$work/diff" "${ours%.out}.err" | sed 's/^/# /'
		fi
	done
	return $failed
}

mapfile -t names < <(case_names "$@")
by_root=()
by_user=()
for name in "${names[@]}"; do
	if needs_namespace "$name"; then by_user+=("$name"); else by_root+=("$name"); fi
done
status=0
prepare_ours
(cd "$work/dagbuild" && "$SOURCE/tests/rig/fixtures.sh" sources stuff && case_make_bases make_base "${names[@]}" &&
	rm -r stuff)
judge root "${by_root[@]}" || status=1
judge user "${by_user[@]}" || status=1
(ours "${names[@]}") || status=1
compare || status=1
behave || status=1
[ $status -eq 0 ]
