#!/bin/bash
# SPDX-License-Identifier: MIT
# image.sh BY IMAGE CHECK: unpack the SIF file IMAGE, which the program BY made (apptainer or
# dagbuild), and run the script CHECK on what it holds.  Each of CHECK's commands must succeed.
#
# CHECK has $R, the folder with the image's files, $BY, and the functions below, whose paths are
# those in the image.
set -euo pipefail

BY=$1
image=$2
check=$3
R=$(mktemp -d ./unpacked.XXXXXX)
trap 'rm -rf "$R"' EXIT

not() { ! "$@"; }
# holds PATH TEXT: the file's content, without its last line end.
holds() { [ "$(cat "$R$1")" = "$2" ]; }
# stat_is PATH FORMAT VALUE: as stat(1) has it.
stat_is() { [ "$(stat -c "$2" "$R$1")" = "$3" ]; }
# label HEADER VALUE: the label that keeps a header of the definition; VALUE as in JSON.
label() { full_label "org.label-schema.usage.singularity.deffile.$1" "$2"; }
no_label() { not grep -F "deffile.$1\":" "$R/.singularity.d/labels.json"; }
full_label() { grep -qF "\"$1\": \"$2\"" "$R/.singularity.d/labels.json"; }

# The partition is squashfs, and begins at a page.
offset=
while IFS=: read -r offset _ && [ $((offset % 4096)) -ne 0 ]; do :; done \
	< <(LC_ALL=C grep -abo hsqs "$image")
unsquashfs -quiet -no-progress -force -offset "$offset" -dest "$R" "$image" >/dev/null
set -x
. "$check"
