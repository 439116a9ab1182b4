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

# The last dagbuild ended as the case says, and gave its diagnostics.
as_expected() {
	case $run_status in
	refused)
		[ "$st" = 2 ] || [ "$st" = 3 ] || echo "exit status $st: not refused"
		grep -q 'not supported by this version' <<<"$err" || echo "no reason is given"
		;;
	*) [ "$st" -eq "$run_status" ] || echo "exit status $st instead of $run_status" ;;
	esac
	missing_codes "$HOME/.err"
	[ "$st" -eq 0 ] || [ ! -e image.sif ] || echo "there is an image"
}

for name in $(cd "$cases" && printf '%s\n' */ | tr -d /); do
	case_read "$name"
	case_enter "$name"
	rm -f image.sif
	dagbuild run "${arguments[@]}" -o image.sif in.def
	wrong=$(as_expected)
	[ -z "$wrong" ]
	report $? "$name"
	[ -z "$wrong" ] || { sed 's/^/# /' <<<"$wrong"; evidence; }
	[ "$st" -eq 0 ] && [ -f "$cases/$name/check" ] || continue
	check "$name: the image" "${inside[@]}" bash "$SOURCE/tests/cases/image.sh" dagbuild image.sif \
		"$cases/$name/check"
done
check "nothing is left but the store" nothing_left
