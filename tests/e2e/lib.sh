# SPDX-License-Identifier: MIT
# lib.sh - TAP for the end-to-end tests; sourced.  A failed check is shown with its evidence, the
# script goes on, and its exit status tells at the end.
# shellcheck shell=bash
set -uo pipefail

. "$SOURCE/tests/report.sh"
proxy_pids=()

finish() {
	local pid
	for pid in "${proxy_pids[@]}"; do
		kill "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	echo "1..$tests"
	# Said outright: in a trap a bare exit gives what was before the trap.
	exit $((failed > 0))
}
trap finish EXIT

# dagbuild ARGUMENT...: standard output in $out, standard error in $err, exit status in $st.
dagbuild() {
	"$DAGBUILD" "$@" >"$HOME/.out" 2>"$HOME/.err" </dev/null
	st=$?
	out=$(cat "$HOME/.out")
	err=$(cat "$HOME/.err")
}

evidence() {
	{
		echo "--- status $st"
		echo "$out"
		echo "--- standard error"
		echo "$err"
	} | sed 's/^/# /'
}

# status WANTED TEXT: of the last dagbuild.
status() {
	[ "$st" -eq "$1" ]
	report $? "$2 (exit status $1)"
	[ "$st" -eq "$1" ] || evidence
}

# says_lines PATTERN: how many lines of standard error match.
says_lines() {
	grep -Ec -- "$1" <<<"$err"
}

# says PATTERN TEXT, says_not PATTERN TEXT: what standard error holds (an extended regexp).
says() {
	grep -Eq -- "$1" <<<"$err"
	local r=$?
	report $r "$2"
	[ $r -eq 0 ] || evidence
}

says_not() {
	! grep -Eq -- "$1" <<<"$err"
	local r=$?
	report $r "$2"
	[ $r -eq 0 ] || evidence
}

# check TEXT COMMAND...: the command succeeds.
check() {
	local text=$1
	shift
	"$@" >"$HOME/.check" 2>&1
	local r=$?
	report $r "$text"
	[ $r -eq 0 ] || sed 's/^/# /' "$HOME/.check"
}

# equal A B TEXT
equal() {
	[ "$1" = "$2" ]
	local r=$?
	report $r "$3"
	[ $r -eq 0 ] || printf '# %s\n# is not\n# %s\n' "$1" "$2"
}

# start_proxy RULE...: a faulty proxy before the registry; dagbuild asks it from now on, and its
# log is $proxy_log.
start_proxy() {
	local rules=() rule n=${#proxy_pids[@]}
	for rule; do
		rules+=(--rule "$rule")
	done
	proxy_log=$HOME/proxy$n.log
	: >"$proxy_log"
	python3 "$SOURCE/tests/rig/proxy.py" --upstream "http://$REGISTRY" --port-file "$HOME/proxy$n" \
		--log "$proxy_log" "${rules[@]}" &
	proxy_pids+=($!)
	until [ -s "$HOME/proxy$n" ]; do sleep 0.02; done
	proxy=127.0.0.1:$(cat "$HOME/proxy$n")
	export DAGBUILD_REGISTRY_MIRRORS=docker.io=http://$proxy
}

# Every blob of the store has the content that its name says.
blobs_are_right() {
	local path
	for path in "$DAGBUILD_CACHEDIR"/blobs/sha256/*/*; do
		[ -f "$path" ] || continue
		[ "$(sha256sum <"$path" | cut -d' ' -f1)" = "$(basename "$(dirname "$path")")$(basename "$path")" ] ||
			{ echo "$path"; return 1; }
	done
}

# The children of this test's runs: other tests may run beside it.
children_of_ours() {
	local pid
	for pid in $(pgrep -f 'dagbuild internal'); do
		grep -q "^Max msgqueue size  *$MARK " "/proc/$pid/limits" 2>/dev/null &&
			echo "process $pid is still there"
	done
}

# Nothing of a run is left but the store.
nothing_left() {
	! children_of_ours | grep . && ! grep "$HOME" /proc/self/mountinfo &&
		[ -z "$(ls "$DAGBUILD_CACHEDIR/tmp" 2>/dev/null)" ]
}
