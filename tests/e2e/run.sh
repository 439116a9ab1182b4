#!/bin/bash
# SPDX-License-Identifier: MIT
# run.sh root|user SCRIPT: run one end-to-end test against a real registry.
#
# Environment: DAGBUILD, the program; RIG, the rig's folder; SOURCE, the repository; TMPDIR, where the test works.  The script
# runs as root or as an ordinary user with subordinate ids, in a home of its own that is removed
# afterwards; lines "IMAGE|WORDS|OUTPUT" that it writes to $JUDGE are then checked with a real
# Apptainer: `apptainer exec IMAGE WORDS` prints OUTPUT, or with a fourth field, "run", `apptainer run`.  Whatever is still mounted or running at the end fails the test.
set -euo pipefail

mode=$1
script=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
rig=$SOURCE/tests/rig
"$rig/images.sh" "$RIG"
work=$(mktemp -d "${TMPDIR:-$RIG}/e2e.XXXXXX")
chmod 755 "$RIG" "$work"
mkdir "$work/home"
status=1

cleanup() {
	"$rig/registry.sh" stop "$work/registry"
	rm -rf "$work"
	exit $status
}
trap cleanup EXIT

"$rig/registry.sh" start "$work/registry" "$RIG/storage"
REGISTRY=127.0.0.1:$(cat "$work/registry/port")
export REGISTRY HOME=$work/home JUDGE=$work/home/judge MODE=$mode
export DAGBUILD_CACHEDIR=$HOME/cache DAGBUILD_REGISTRY_MIRRORS=docker.io=http://$REGISTRY
export DAGBUILD RIG SOURCE
# Each of our processes has this limit, those too that begin with an empty environment.
export MARK=$((819200 - $$ % 400000))
ulimit -Sq "$MARK"
unset SOURCE_DATE_EPOCH http_proxy https_proxy CI
cd "$HOME"

case $script in
*.py) interpreter=python3 ;;
*) interpreter=bash ;;
esac
case $mode in
root) $interpreter "$script" && status=0 ;;
user) "$rig/as_user.sh" --subids "$HOME" $interpreter "$script" && status=0 ;;
esac || status=$?

if [ -f "$JUDGE" ]; then
	while IFS='|' read -r image words wanted how; do
		how=${how:-exec}
		# shellcheck disable=SC2086 # these are words
		got=$(cd "$(dirname "$image")" && "$rig/apptainer.sh" "$RIG" "$how" "$(basename "$image")" $words 2>"$work/judge.log") || true
		if [ "$got" = "$wanted" ]; then
			echo "ok - apptainer $how $image $words: $got"
		else
			echo "not ok - apptainer $how $image $words: '$got' instead of '$wanted'"
			sed 's/^/# /' "$work/judge.log"
			status=1
		fi
	done <"$JUDGE"
fi

if grep -q "$work" /proc/self/mountinfo; then
	echo "not ok - something is still mounted"
	grep "$work" /proc/self/mountinfo | sed 's/^/# /'
	status=1
fi
for pid in $(pgrep -f 'dagbuild internal' || true); do
	grep -q "^Max msgqueue size  *$MARK " "/proc/$pid/limits" 2>/dev/null || continue
	echo "not ok - process $pid is still there: $(tr '\0' ' ' <"/proc/$pid/cmdline")"
	status=1
done
