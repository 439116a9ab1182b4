#!/bin/bash
# SPDX-License-Identifier: MIT
# image.sh BY IMAGE CHECK [LIST]: unpack the SIF file IMAGE, which the program BY made (apptainer or
# dagbuild), and run the script CHECK on what it holds, if there is one.  Each of CHECK's commands must
# succeed.  LIST is written: what the image holds, in a form that is the same for both programs.
#
# CHECK has $R, the folder with the image's files, $BY, and the functions below, whose paths are those
# in the image.
set -euo pipefail

# shellcheck disable=SC2034 # CHECK reads it
BY=$1
R=$(mktemp -d ./unpacked.XXXXXX)
trap 'rm -rf "$R"' EXIT

not() { ! "$@"; }
# holds PATH TEXT: the file's content, without its last line end.
holds() { [ "$(cat "$R$1")" = "$2" ]; }
# stat_is PATH FORMAT VALUE: as stat(1) has it.
stat_is() { [ "$(stat -c "$2" "$R$1")" = "$3" ]; }
# full_label NAME VALUE, label HEADER VALUE: a label, and the one that keeps a header of the
# definition; VALUE as in JSON.
full_label() { grep -qF "\"$1\": \"$2\"" "$R/.singularity.d/labels.json"; }
label() { full_label "org.label-schema.usage.singularity.deffile.$1" "$2"; }
no_label() { not grep -F "deffile.$1\":" "$R/.singularity.d/labels.json"; }

# unpack IMAGE: the partition is squashfs, and begins at a page.
unpack() {
	local offset
	while IFS=: read -r offset _ && [ $((offset % 4096)) -ne 0 ]; do :; done \
		< <(LC_ALL=C grep -abo hsqs "$1")
	unsquashfs -quiet -no-progress -force -offset "$offset" -dest "$R" "$1" >/dev/null
}

# Type, mode, owner, links, name, target; and the contents.  Different on purpose, and so made equal or
# left out: the temporary folders' modes; group write permission, which Apptainer's umask leaves to what
# scripts make; the texts below .singularity.d and those with an app's own variables, which each program
# writes in words of its own.
list() {
	cd "$R"
	chmod -R g-w .
	chmod 1777 tmp var/tmp
	find . -printf '%y %m %U:%G %n %P %l\n' | LC_ALL=C sort -k 5
	find . -path ./.singularity.d -prune -o -path './scif/apps/*/scif/env/01-base.sh' -o -type f -print0 | LC_ALL=C sort -z | xargs -0r sha256sum
	sha256sum .singularity.d/Singularity
}

unpack "$2"
if [ -f "$3" ]; then
	# A subshell, so that nothing of CHECK stays.
	(
		set -x
		# shellcheck source=/dev/null
		. "$3"
	)
fi
if [ -n "${4:-}" ]; then
	list >"$4"
fi
