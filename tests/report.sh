# SPDX-License-Identifier: MIT
# report.sh - lines of TAP; sourced.  $tests and $failed count.
# shellcheck shell=bash
tests=0
failed=0

# report STATUS NAME
report() {
	tests=$((tests + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $tests - $2"
	else
		failed=$((failed + 1))
		echo "not ok $tests - $2"
	fi
}
