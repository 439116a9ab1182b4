#!/bin/bash
# SPDX-License-Identifier: MIT
# images.sh RIG_DIR: make the stand-in images and put them into a registry's storage.
#
# Nothing here is Alpine or the Go image: both are made from Debian's packages and only carry the
# names that Docker Hub has for the real ones.  What comes out lies in RIG_DIR/storage-HASH, named
# after the recipe's files, so that it is made once; RIG_DIR/storage leads to it.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
rig=$(cd "$1" && pwd)
hash=$(cat "$here/images.sh" "$here/fixtures.sh" "$here"/recipe/* | sha256sum | cut -c1-16)
storage=$rig/storage-$hash
exec 9>"$rig/images.lock"
flock 9

if [ -d "$storage" ]; then
	ln -sfn "storage-$hash" "$rig/storage"
	exit 0
fi

work=$(mktemp -d "$rig/work.XXXXXX")
log=$rig/images.log
registry_pid=
cleanup() {
	status=$?
	[ -z "$registry_pid" ] || kill "$registry_pid" 2>/dev/null || true
	rm -rf "$work"
	[ "$status" -eq 0 ] || { tail -n 30 "$log" >&2; echo "images.sh: failed" >&2; }
}
trap cleanup EXIT
export SOURCE_DATE_EPOCH=1700000000
umoci="umoci --log=error"

# in_root ROOT COMMAND...: run apt and friends in a root that is being made.
in_root() {
	local root=$1
	shift
	cp /etc/resolv.conf "$root/etc/resolv.conf"
	chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
		DEBIAN_FRONTEND=noninteractive "$@"
}

install_packages() {
	local root=$1
	shift
	in_root "$root" apt-get install -y --no-install-recommends "$@"
	in_root "$root" apt-get clean
}

# The repository that `git clone https://github.com/golang/example` is led to.
make_repository() {
	local bare=$1 tree=$work/tree
	mkdir -p "$tree/hello"
	cp "$here/recipe/hello.go" "$tree/hello/hello.go"
	printf 'module golang.org/x/example/hello\n\ngo 1.19\n' >"$tree/hello/go.mod"
	export GIT_AUTHOR_NAME=rig GIT_AUTHOR_EMAIL=rig@localhost GIT_COMMITTER_NAME=rig
	export GIT_COMMITTER_EMAIL=rig@localhost GIT_CONFIG_GLOBAL=/dev/null
	export GIT_AUTHOR_DATE="$SOURCE_DATE_EPOCH +0000" GIT_COMMITTER_DATE="$SOURCE_DATE_EPOCH +0000"
	git -C "$tree" init -q -b master
	git -C "$tree" add -A
	git -C "$tree" commit -q -m 'hello'
	mkdir -p "$(dirname "$bare")"
	git clone -q --bare "$tree" "$bare"
	rm -rf "$bare/hooks"
}

finish_go_root() {
	local root=$1
	# As in the real image, go is found only through the configuration's PATH.
	mkdir -p "$root/usr/local/go"
	ln -s ../../lib/go-1.19/bin "$root/usr/local/go/bin"
	rm -f "$root"/usr/bin/go "$root"/usr/bin/gofmt
	install -m 755 "$here/recipe/apk" "$root/sbin/apk"
	mkdir -p "$root/opt/rig" "$root/go"
	echo old >"$root/opt/rig/old"
	make_repository "$root/srv/git/golang/example"
	printf '[url "file:///srv/git/"]\n\tinsteadOf = https://github.com/\n[safe]\n\tdirectory = *\n' \
		>"$root/etc/gitconfig"
	rm -rf "$root"/usr/share/{doc,man,locale,info} "$root"/var/lib/apt/lists/* "$root"/var/cache/*
	: >"$root/etc/resolv.conf"
}

make_golang() {
	local layout=$work/go bundle=$work/bundle
	local root=$bundle/rootfs
	mmdebstrap --variant=minbase bookworm "$work/base.tar"
	$umoci init --layout "$layout"
	$umoci new --image "$layout:go"
	$umoci raw add-layer --image "$layout:go" "$work/base.tar"
	rm "$work/base.tar"
	$umoci unpack --image "$layout:go" "$bundle"
	in_root "$root" apt-get update
	install_packages "$root" git ca-certificates
	$umoci repack --image "$layout:go" --refresh-bundle "$bundle"
	install_packages "$root" golang-go
	$umoci repack --image "$layout:go" --refresh-bundle "$bundle"
	finish_go_root "$root"
	$umoci repack --image "$layout:go" --refresh-bundle "$bundle"
	rm -rf "$bundle"
	python3 "$here/recipe/odd_layers.py" go "$work/odd.tar"
	$umoci raw add-layer --image "$layout:go" "$work/odd.tar"
	$umoci config --image "$layout:go" --config.workingdir /go --config.cmd bash \
		--config.env PATH=/go/bin:/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		--config.env GOLANG_VERSION=1.19 --config.env GOPATH=/go \
		--config.label org.opencontainers.image.title=stand-in
}

busybox_root() {
	local root=$1 applet
	mkdir -p "$root"/{bin,dev,etc,home,lib,proc,root,run,sbin,sys,tmp,usr/bin,usr/sbin,var/tmp}
	chmod 1777 "$root/tmp" "$root/var/tmp"
	cp /bin/busybox "$root/bin/busybox"
	for applet in $(/bin/busybox --list); do
		[ "$applet" = busybox ] || ln -s /bin/busybox "$root/bin/$applet"
	done
	echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
	echo 'root:x:0:' >"$root/etc/group"
	echo '3.17.0' >"$root/etc/alpine-release"
}

tar_root() {
	tar -C "$1" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner \
		-cf "$2" .
}

make_alpine() {
	local layout=$work/alpine arch
	busybox_root "$work/busybox"
	tar_root "$work/busybox" "$work/busybox.tar"
	mkdir -p "$work/other"
	tar_root "$work/other" "$work/other.tar"
	$umoci init --layout "$layout"
	for arch in amd64 arm64; do
		$umoci new --image "$layout:$arch"
		$umoci raw add-layer --image "$layout:$arch" \
			"$work/$([ $arch = amd64 ] && echo busybox || echo other).tar"
		$umoci config --image "$layout:$arch" --architecture "$arch" --os linux \
			--config.cmd /bin/sh \
			--config.env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
	done
}

make_layers() {
	local layout=$work/layers kind
	$umoci init --layout "$layout"
	$umoci new --image "$layout:1"
	for kind in below above; do
		python3 "$here/recipe/odd_layers.py" "$kind" "$work/$kind.tar"
		$umoci raw add-layer --image "$layout:1" "$work/$kind.tar"
	done
}

# The index that `alpine:3.17` names: amd64, arm64, and an entry as attestations have it.
push_index() {
	python3 - "$1" "$work/alpine" <<-'PY'
	import hashlib, json, sys, urllib.request
	url, layout = sys.argv[1:]
	index = json.load(open(layout + "/index.json"))
	entries = []
	for m in index["manifests"]:
	    arch = m["annotations"]["org.opencontainers.image.ref.name"]
	    entries.append({"mediaType": m["mediaType"], "digest": m["digest"], "size": m["size"],
	                    "platform": {"os": "linux", "architecture": arch}})
	entries.insert(0, dict(entries[0], platform={"os": "unknown", "architecture": "unknown"},
	                       annotations={"vnd.docker.reference.type": "attestation-manifest"}))
	body = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
	                   "manifests": entries}).encode()
	request = urllib.request.Request(url + "/v2/library/alpine/manifests/3.17", data=body, method="PUT",
	                                 headers={"Content-Type": "application/vnd.oci.image.index.v1+json"})
	print(urllib.request.urlopen(request).status)
	PY
}

push_all() {
	local host arch image
	"$here/registry.sh" start "$work/registry" "$work/storage"
	registry_pid=$(cat "$work/registry/pid")
	host=127.0.0.1:$(cat "$work/registry/port")
	local copy="skopeo copy --quiet --insecure-policy --dest-tls-verify=false"
	# One image in each family of media types, one layer in zstd where OCI allows it.
	$copy --format v2s2 "oci:$work/go:go" "docker://$host/library/golang:1.20.2-alpine"
	for arch in amd64 arm64; do
		$copy --format oci "oci:$work/alpine:$arch" "docker://$host/library/alpine:$arch"
	done
	push_index "http://$host"
	$copy --format oci --dest-compress-format zstd "oci:$work/layers:1" "docker://$host/rig/layers:1"
	for image in base dst ssrc; do
		$copy --format oci "oci:$work/fixtures:$image" "docker://$host/fixtures/$image:1"
	done
	"$here/registry.sh" stop "$work/registry"
	registry_pid=
}

prepare() {
	make_golang
	make_alpine
	make_layers
	"$here/fixtures.sh" layout "$work/fixtures"
	push_all
	rm -rf "$rig"/storage-*
	mv "$work/storage" "$storage"
	ln -sfn "storage-$hash" "$rig/storage"
}

echo "rig: making the stand-in images (once, about a minute)" >&2
prepare >"$log" 2>&1
