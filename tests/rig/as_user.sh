#!/bin/bash
# SPDX-License-Identifier: MIT
# as_user.sh --subids[=N]|--no-subids HOME COMMAND...: run a command as an ordinary user, with N (65536)
# subordinate ids or without any.
#
# The machine's accounts stay as they are: private copies of the account files are mounted over the real ones in a
# separate mount namespace.  HOME is a folder that the user gets.
set -euo pipefail

uid=12345

inside() {
	local subids=$1 home=$2 file
	shift 2
	mount --make-rprivate /
	mount -t tmpfs -o mode=755 tmpfs /mnt
	for file in passwd group subuid subgid; do
		touch "/mnt/$file"
		[ ! -e "/etc/$file" ] || grep -v '^builder:' "/etc/$file" >"/mnt/$file" || true
	done
	echo "builder:x:$uid:$uid::$home:/bin/sh" >>/mnt/passwd
	echo "builder:x:$uid:" >>/mnt/group
	if [ "$subids" != --no-subids ]; then
		echo "builder:200000:${subids#--subids=}" >>/mnt/subuid
		echo "builder:200000:${subids#--subids=}" >>/mnt/subgid
	fi
	for file in passwd group subuid subgid; do
		[ -e "/etc/$file" ] || continue
		mount --bind "/mnt/$file" "/etc/$file"
	done
	umount -l /mnt
	exec setpriv --reuid=$uid --regid=$uid --clear-groups --inh-caps=-all \
		env HOME="$home" USER=builder LOGNAME=builder "$@"
}

case ${1:-} in
--inside)
	shift
	inside "$@"
	;;
--subids)
	exec "$0" --subids=65536 "${@:2}"
	;;
--subids=* | --no-subids)
	chown $uid:$uid "$2"
	exec unshare --mount -- "$0" --inside "$@"
	;;
*)
	echo "usage: as_user.sh --subids[=N]|--no-subids HOME COMMAND..." >&2
	exit 2
	;;
esac
