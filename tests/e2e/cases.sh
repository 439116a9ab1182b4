#!/bin/bash
# SPDX-License-Identifier: MIT
# Each case of tests/cases is built; what its image holds is what Apptainer's holds, and a refusal has
# its reason.
. "$SOURCE/tests/e2e/lib.sh"
. "$SOURCE/tests/cases/lib.sh"

# Owners are those of the build when seen from the same range of ids.
inside=()
[ "$MODE" = root ] || inside=(unshare --user --map-root-user --map-auto)
"$SOURCE/tests/rig/fixtures.sh" sources stuff

# The last dagbuild ended as the case says, and gave its diagnostics; what is wrong is printed.
as_expected() {
	local wrong
	wrong=$(
		case $run_status in
		refused)
			[ "$st" = 2 ] || [ "$st" = 3 ] || echo "exit status $st: not refused"
			grep -q 'not supported by this version' <<<"$err" || echo "no reason is given"
			;;
		*) [ "$st" -eq "$run_status" ] || echo "exit status $st instead of $run_status" ;;
		esac
		missing_codes "$HOME/.err"
		[ "$st" -eq 0 ] || [ ! -e image.sif ] || echo "there is an image"
	)
	[ -z "$wrong" ] || { echo "$wrong"; echo "$err"; return 1; }
}

make_base() {
	dagbuild run -o "$2" "$1"
}

mapfile -t names < <(case_names "$@")
case_make_bases make_base "${names[@]}"
for name in "${names[@]}"; do
	case_read "$name"
	case_enter "$name"
	rm -f image.sif
	dagbuild run "${arguments[@]}" -o image.sif in.def
	check "$name" as_expected
	if [ "$st" -eq 0 ] && [ -f "$cases/$name/check" ]; then
		check "$name: the image" "${inside[@]}" bash "$SOURCE/tests/cases/image.sh" dagbuild \
			image.sif "$cases/$name/check"
	fi
done
check "nothing is left but the store" nothing_left
