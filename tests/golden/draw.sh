#!/bin/bash
# SPDX-License-Identifier: MIT
# draw.sh: Graphviz draws each golden plan in dot, without a word.
set -uo pipefail

cd "$(dirname "$0")" || exit 1
failed=0
tests=0
while IFS= read -r args; do
	case=$(dirname "$args")
	[ -s "$case/stdout" ] || continue
	for format in svg png; do
		tests=$((tests + 1))
		if talk=$(dot -T$format -o /dev/null "$case/stdout" 2>&1) && [ -z "$talk" ]; then
			echo "ok $tests - $case as $format"
		else
			failed=$((failed + 1))
			echo "not ok $tests - $case as $format"
			echo "# $talk"
		fi
	done
done < <(grep -rlE --include=args -e '^plan .*--(dot|format[ =]dot)( |$)' . | sort)
echo "1..$tests"
[ $tests -gt 0 ] && [ $failed -eq 0 ]
