#!/bin/bash
# SPDX-License-Identifier: MIT
# -DBUILD_TESTING=OFF configures where there is no cmocka, and then nothing is built but the program.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/pkg-config" <<'EOF'
#!/bin/sh
case "$*" in *cmocka*) exit 1 ;; esac
exec pkg-config "$@"
EOF
chmod +x "$folder/pkg-config"
export PKG_CONFIG=$folder/pkg-config

configure() {
	cmake -G Ninja -S "$root" -B "$folder/$1" -DBUILD_TESTING="$1" >"$folder/log" 2>&1
}
if configure ON; then
	echo "cmocka is found: this test shows nothing"
	exit 1
fi
configure OFF || { cat "$folder/log"; exit 1; }
programs=$(ninja -C "$folder/OFF" -t targets all | sed -n 's/: C_EXECUTABLE_LINKER.*//p')
[ "$programs" = frontend/cli/dagbuild ] || { echo "programs: $programs"; exit 1; }
