#!/bin/bash
# SPDX-License-Identifier: MIT
# scratch.sh FOLDER COMMAND...: run a test with TMPDIR on a tmpfs that it alone sees, and that ends with it.
#
# Most tests are not about a disk; on some (ext4 without a journal) making files is three times slower for minutes
# after many were removed, so that tests slow each other down.  FOLDER is the mount point.  Where there may be no
# mount, or a tmpfs takes no user attributes (Linux before 6.6), TMPDIR is FOLDER itself.
set -euo pipefail

# Debian's own programs come first: what scripts/setup installed for them is there, and the wrappers of a version
# manager (pyenv) take most of a second for each start of python3.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
folder=$1
mkdir -p "$folder"
chmod 755 "$folder"
export TMPDIR=$folder
if [ "${2:-}" = --inside ]; then
	mount -t tmpfs -o mode=755 dagbuild-test "$folder"
	# As mount(8) says of attributes: what cannot be set cannot be had.
	python3 -c 'import os, sys; os.setxattr(sys.argv[1], "user.test", b"")' "$folder" 2>/dev/null || umount "$folder"
	exec "${@:3}"
fi
if [ "$(id -u)" -eq 0 ] && unshare --mount true 2>/dev/null; then
	exec unshare --mount --propagation slave -- "$0" "$folder" --inside "${@:2}"
fi
exec "${@:2}"
