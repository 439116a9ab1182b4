#!/bin/bash
# SPDX-License-Identifier: MIT
# pack.sh DIR: pack a root filesystem, alternately with mksquashfs as Apptainer calls it (gzip 9) and with
# build/release/bench/bench_pack; a warm-up, then three pairs.  Prints seconds, bytes, largest resident size.
set -euo pipefail

dir=$1
bench=$(cd "$(dirname "$0")/.." && pwd)/build/release/bench/bench_pack
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

measure() {
	local name=$1
	shift
	rm -f "$work/image"
	/usr/bin/env time -f "%e s  %M kB" "$@" >/dev/null 2>"$work/time" || { cat "$work/time"; return 1; }
	printf '%-22s %s  %s bytes\n' "$name" "$(tail -n 1 "$work/time")" "$(stat -c %s "$work/image")"
}

tar -cf - -C "$dir" . | cat >/dev/null # so that the files are in memory for both
"$bench" "$dir" "$work/image" 2 >/dev/null
for _ in 1 2 3; do
	measure "mksquashfs gzip 9" mksquashfs "$dir" "$work/image" -noappend -quiet -no-progress -processors 2
	measure "dagbuild libdeflate 6" "$bench" "$dir" "$work/image" 2
done
