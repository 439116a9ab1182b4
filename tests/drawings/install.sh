#!/bin/bash
# SPDX-License-Identifier: MIT
# install.sh DIR: the mermaid package as package-lock.json has it, once, in DIR; jsdom is the DOM that
# mermaid looks for.  Takes ten seconds.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
cd "$1"
exec 9>.lock
flock 9
cmp -s "$here/package-lock.json" installed.json && exit 0
cp "$here/package.json" "$here/package-lock.json" .
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2
cp package-lock.json installed.json
