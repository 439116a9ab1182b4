#!/bin/bash
# SPDX-License-Identifier: MIT
# registry.sh start DIR STORAGE: run docker-registry on 127.0.0.1 at a free port over STORAGE;
#                                its pid and port are in DIR/pid and DIR/port
# registry.sh stop DIR:          end it, by its pid
set -euo pipefail

free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

write_config() {
	cat <<-YML
	version: 0.1
	log: {level: warn}
	storage: {filesystem: {rootdirectory: "$2"}, delete: {enabled: false}}
	http: {addr: "127.0.0.1:$1"}
	YML
}

is_ours() {
	[ -r "/proc/$1/cmdline" ] && tr '\0' ' ' <"/proc/$1/cmdline" | grep -q '^docker-registry serve'
}

start() {
	local dir=$1 storage=$2 port pid tries
	mkdir -p "$dir" "$storage"
	for tries in 1 2 3; do
		port=$(free_port)
		write_config "$port" "$(cd "$storage" && pwd)" >"$dir/config.yml"
		OTEL_TRACES_EXPORTER=none setsid docker-registry serve "$dir/config.yml" \
			>"$dir/log" 2>&1 </dev/null 9>&- &
		pid=$!
		for _ in $(seq 200); do
			kill -0 "$pid" 2>/dev/null || break
			if curl -sf -o /dev/null "http://127.0.0.1:$port/v2/"; then
				echo "$pid" >"$dir/pid"
				echo "$port" >"$dir/port"
				return 0
			fi
			sleep 0.05
		done
		kill "$pid" 2>/dev/null || true
	done
	cat "$dir/log" >&2
	echo "registry.sh: docker-registry does not start (tried $tries times)" >&2
	return 1
}

stop() {
	local dir=$1 pid
	[ -r "$dir/pid" ] || return 0
	pid=$(cat "$dir/pid")
	rm -f "$dir/pid" "$dir/port"
	# By now the pid may be another process's.
	is_ours "$pid" || return 0
	kill "$pid" 2>/dev/null || return 0
	for _ in $(seq 100); do
		kill -0 "$pid" 2>/dev/null || return 0
		sleep 0.05
	done
	kill -KILL "$pid" 2>/dev/null || true
}

case ${1:-} in
start) start "$2" "$3" ;;
stop) stop "$2" ;;
*) echo "usage: registry.sh start DIR STORAGE | stop DIR" >&2; exit 2 ;;
esac
