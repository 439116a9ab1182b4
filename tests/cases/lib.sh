# SPDX-License-Identifier: MIT
# lib.sh - reading the cases; sourced.  README.md says what a case is.
# shellcheck shell=bash

cases=$SOURCE/tests/cases

# case_names [NAME...]: these, one a line; with none all.
case_names() {
	if [ $# -gt 0 ]; then
		printf '%s\n' "$@"
	else
		find "$cases" -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | LC_ALL=C sort
	fi
}

# case_read NAME: from its files `expect` and `args`
#   apptainer_status    Apptainer's exit status
#   check_status        that of `dagbuild check`
#   run_status          that of `dagbuild run`, or "refused"
#   codes               diagnostics that dagbuild must give
#   arguments           more words for the command line
case_read() {
	local line
	{
		read -r line
		apptainer_status=${line#apptainer: exit }
		read -r line
	} <"$cases/$1/expect"
	codes=()
	case $line in
	'dagbuild: check 0, run refused')
		check_status=0
		run_status=refused
		;;
	'dagbuild: exit '[0-9]*)
		line=${line#dagbuild: exit }
		run_status=${line%% *}
		[ "$line" = "$run_status" ] || read -ra codes <<<"$(tr -d '[]' <<<"${line#* }")"
		# Only what is wrong with the definition is known before anything is built.
		[ "$run_status" = 2 ] && check_status=2 || check_status=0
		;;
	*)
		echo "$1/expect: not understood: $line" >&2
		exit 2
		;;
	esac
	arguments=()
	[ ! -f "$cases/$1/args" ] || eval "arguments=($(cat "$cases/$1/args"))"
}

# case_enter NAME: put what the command line names into the current folder, and the image base.sif, if
# one was made for the case.
case_enter() {
	rm -f ./*.txt in.def base.sif
	[ ! -e "bases/$1.sif" ] || cp "bases/$1.sif" base.sif
	find "$cases/$1" -maxdepth 1 \( -name '*.txt' -o -name in.def \) -exec cp {} . \;
}

# case_make_bases COMMAND NAME...: those images.  COMMAND DEFINITION IMAGE builds one.
case_make_bases() {
	local make=$1 name
	shift
	mkdir -p bases
	for name; do
		[ ! -f "$cases/$name/base.def" ] || "$make" "$cases/$name/base.def" "bases/$name.sif"
	done
}

# missing_codes FILE: those of $codes that FILE, which holds diagnostics, does not have.
missing_codes() {
	local code
	for code in "${codes[@]}"; do
		grep -qE "(error|warning): .*\[$code\]\$" "$1" || echo "no diagnostic [$code]"
	done
}
