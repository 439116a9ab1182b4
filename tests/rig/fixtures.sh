#!/bin/bash
# SPDX-License-Identifier: MIT
# fixtures.sh sources DIR: make the folder DIR with every kind of thing that %files can copy
# fixtures.sh layout DIR:  make the OCI layout DIR with the images base, dst and ssrc
#
# base is a small busybox system; dst is base with /spot, where every kind of target is; ssrc is base
# with /stuff, which holds the same as DIR of the first form.  Owners, and the device, only as root.
set -euo pipefail
umask 022

make_sources() {
	local dir=$1
	mkdir -p "$dir"/{box/deep,many/sub1,many/sub2,bare}
	echo note >"$dir/note"
	printf '#!/bin/sh\necho tool\n' >"$dir/tool"
	echo one >"$dir/box/one"
	echo two >"$dir/box/deep/two"
	ln -s one "$dir/box/link"
	ln "$dir/box/one" "$dir/box/twin"
	echo m1 >"$dir/many/m1.txt"
	echo m2 >"$dir/many/m2.txt"
	echo x >"$dir/many/sub1/x"
	echo y >"$dir/many/sub2/y"
	echo blank >"$dir/with blank"
	ln -s note "$dir/to-note"
	ln -s box "$dir/to-box"
	ln -s missing "$dir/broken"
	mkfifo "$dir/fifo"
	if [ "$(id -u)" -eq 0 ]; then
		chown 5:6 "$dir/note" "$dir/box"
		# A root of a user namespace cannot.
		mknod "$dir/device" c 1 3 2>/dev/null || true
	fi
	chmod 640 "$dir/note"
	chmod 700 "$dir/box"
	chmod 4755 "$dir/tool"
}

make_base() {
	local root=$1 applet
	mkdir -p "$root"/{bin,etc,root,tmp}
	chmod 1777 "$root/tmp"
	cp /bin/busybox "$root/bin/busybox"
	for applet in sh cat cp echo env false ls mkdir readlink rm stat test touch true; do
		ln -s busybox "$root/bin/$applet"
	done
	echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
	echo 'root:x:0:' >"$root/etc/group"
}

make_targets() {
	local spot=$1
	mkdir -p "$spot"/{dir,taken/note,taken/box,files,links}
	echo keep >"$spot/dir/keep"
	echo old >"$spot/file"
	ln -s /spot/dir "$spot/to-dir"
	ln -s file "$spot/to-file"
	ln -s /spot/made "$spot/broken"
	# Folders in which the name of something to be copied is taken.
	echo inner >"$spot/taken/note/inner"
	echo inner >"$spot/taken/box/inner"
	echo old >"$spot/files/note"
	echo old >"$spot/files/box"
	ln -s /spot/file "$spot/links/note"
	ln -s /spot/dir "$spot/links/box"
}

# add_image LAYOUT NAME TAR...: an image of these layers.
add_image() {
	local layout=$1 name=$2 tar
	shift 2
	umoci --log=error new --image "$layout:$name"
	for tar; do
		umoci --log=error raw add-layer --image "$layout:$name" "$tar"
	done
}

tar_of() {
	tar -C "$1" --sort=name --mtime=@1700000000 --numeric-owner -cf "$2" .
}

make_layout() {
	local layout=$1 work=$1.work root
	mkdir -p "$work"/{dst,ssrc}
	make_base "$work/base"
	make_targets "$work/dst/spot"
	make_sources "$work/ssrc/stuff"
	for root in base dst ssrc; do
		tar_of "$work/$root" "$work/$root.tar"
	done
	umoci --log=error init --layout "$layout"
	add_image "$layout" base "$work/base.tar"
	add_image "$layout" dst "$work/base.tar" "$work/dst.tar"
	add_image "$layout" ssrc "$work/base.tar" "$work/ssrc.tar"
	rm -rf "$work"
}

case ${1:-} in
sources) make_sources "$2" ;;
layout) make_layout "$2" ;;
*) echo "usage: fixtures.sh sources|layout DIR" >&2; exit 2 ;;
esac
