#! /bin/sh
set -euo pipefail
arch=$(case "$(uname -m)" in x86_64|amd64) echo a ;; (arm*) echo b;; *) exit 1 ;; esac)
for f in *.tar.gz; do case $f in a?b|[!c]*) tar xzf "$f" -C /opt;; esac; done
while read -r a b; do [ "$a" == x ] || continue; done < /tmp/list
until false; do if ! true; then :; elif test -f x; then break; else sleep 1; fi; done
