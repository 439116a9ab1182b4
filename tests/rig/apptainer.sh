#!/bin/bash
# SPDX-License-Identifier: MIT
# apptainer.sh RIG_DIR ARGUMENT...:             a real Apptainer, the judge of our images
# apptainer.sh RIG_DIR --root-script WORD...:   run bash with these words next to it, as real root
# apptainer.sh RIG_DIR --user-script WORD...:   the same, as root of the user's own namespace
# apptainer.sh RIG_DIR --plain-script WORD...:  the same, as the ordinary user
#
# Debian 12 has no Apptainer; the one from Debian unstable is in a separate root, RIG_DIR/apptainer, made once.  It runs
# there as an ordinary user with subordinate ids, in its own mount and process namespace: as real root Apptainer needs
# every capability, which not every machine grants.  The current folder is visible as /tmp/here, and is the current
# folder there.
set -euo pipefail

mkdir -p "$1"
rig=$(cd "$1" && pwd)
shift
root=$rig/apptainer

prepare() {
	local new
	exec 9>"$rig/apptainer.lock"
	flock 9
	if [ -d "$root" ]; then
		# Other processes do not need to wait for this Apptainer.
		exec 9>&-
		return 0
	fi
	echo "rig: making a root with Apptainer (once, about half a minute)" >&2
	new=$(mktemp -d "$rig/apptainer.XXXXXX")
	if ! mmdebstrap --variant=apt --aptopt='Acquire::Check-Valid-Until "false"' \
		--include=apptainer,ca-certificates,squashfs-tools,uidmap,fakeroot,squashfuse,fuse3,tzdata,mount,passwd \
		sid "$new" >"$rig/apptainer.log" 2>&1; then
		tail -n 30 "$rig/apptainer.log" >&2
		rm -rf "$new"
		return 1
	fi
	chroot "$new" useradd -u 1000 -m judge
	echo judge:100000:65536 >"$new/etc/subuid"
	echo judge:100000:65536 >"$new/etc/subgid"
	: >"$new/etc/resolv.conf"
	echo '127.0.0.1 localhost' >"$new/etc/hosts"
	ln -sf /usr/share/zoneinfo/UTC "$new/etc/localtime"
	chmod 755 "$new"
	mv "$new" "$root"
	exec 9>&-
}

# In the new mount namespace: enter the root and become the user.
inside() {
	local root=$1 here=$2
	local become=(setpriv --reuid=1000 --regid=1000 --init-groups --inh-caps=-all)
	local program=(apptainer)
	shift 2
	case ${1:-} in
	--root-script)
		become=()
		program=(bash)
		shift
		;;
	--user-script)
		program=(unshare --user --map-root-user --map-auto --mount bash)
		shift
		;;
	--plain-script)
		program=(bash)
		shift
		;;
	esac
	mount --make-rprivate /
	mount --bind "$root" "$root"
	mount -t proc proc "$root/proc"
	mount --rbind /sys "$root/sys"
	mount -t tmpfs -o mode=755 tmpfs "$root/dev"
	local node
	for node in null zero full random urandom tty fuse; do
		[ -e "/dev/$node" ] || continue
		: >"$root/dev/$node"
		mount --bind "/dev/$node" "$root/dev/$node"
	done
	# A new device node, since the host's may be closed to ordinary users.
	umount "$root/dev/fuse" 2>/dev/null && rm -f "$root/dev/fuse" && mknod -m 666 "$root/dev/fuse" c 10 229
	mkdir -m 1777 "$root/dev/shm"
	# Apptainer unpacks an image in a container, which wants terminals of its own.
	mkdir -p "$root/dev/pts"
	mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
	ln -s pts/ptmx "$root/dev/ptmx"
	ln -s /proc/self/fd "$root/dev/fd"
	ln -s /proc/self/fd/0 "$root/dev/stdin"
	ln -s /proc/self/fd/1 "$root/dev/stdout"
	ln -s /proc/self/fd/2 "$root/dev/stderr"
	mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
	mkdir -p "$root/tmp/here"
	mount --bind "$here" "$root/tmp/here"
	cd "$root"
	mkdir -p old
	pivot_root . old
	umount -l /old
	cd /tmp/here
	exec "${become[@]}" env -i HOME=/home/judge USER=judge PATH=/usr/bin:/bin:/usr/sbin:/sbin TERM=dumb \
		LANG=C.UTF-8 "${program[@]}" "$@"
}

if [ "${1:-}" = --inside ]; then
	shift
	inside "$@"
fi
prepare
exec unshare --mount --pid --fork --kill-child -- "$0" "$rig" --inside "$root" "$PWD" "$@"
