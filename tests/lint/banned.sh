#!/bin/bash
# SPDX-License-Identifier: MIT
# Calls that are unsafe, that change what all threads share, or that write to people.
set -uo pipefail

cd "$(dirname "$0")/../.." || exit 2
calls='strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|localtime|gmtime|system|popen|setenv|putenv|gets'
shared='chdir|fchdir|umask'
# A child process with one thread may change its own umask and folder.
children='engine/run/container_child.c|engine/run/host_script_child.c|engine/unpack/unpack_child.c'
talk='(STDOUT|STDERR)_FILENO|[^_a-z"](stdout|stderr)[^_a-z]|(^|[^a-zA-Z0-9_])(printf|vprintf|puts|perror)\('
# What goes to people passes frontend/ui/say.c, which cleans it.  Others that write: drawings of plans,
# the sinks of events, the debug log, who ends before there is anything to clean, a shell's own terminal, and
# what has a container's output for its own.
writers='frontend/ui/say.c|frontend/cli/cmd_plan.c|frontend/ui/sink.c|base/log.c|base/base.c'
writers+='|engine/run/(userns|terminal|container|container_child|host_script_child|mounts).c'
mapfile -t files < <(git ls-files 'base/*.[ch]' 'scheduler/*.[ch]' 'cache/*.[ch]' 'engine/*.[ch]' 'frontend/*.[ch]')
# Waits by the wall clock unless the condition was made for another.
timed='pthread_cond_(timed|clock)wait'
failed=0

# ban WHAT REGEX EXCEPT: no line of code has REGEX, but for those in files named EXCEPT.
ban() {
	local found
	found=$(grep -nE "$2" "${files[@]}" | grep -vE "^($3):" |
		grep -vE ':[0-9]+:\s*(/?\*|//)|isatty\(STD|format\(printf')
	[ -z "$found" ] || { printf '%s:\n%s\n' "$1" "$found"; failed=1; }
}

ban "unsafe" "(^|[^a-zA-Z0-9_])($calls)\(" none
ban "shared by all threads" "(^|[^a-zA-Z0-9_])($shared)\(" "$children"
ban "by the wall clock: thread_cond_wait_until()" "$timed" base/thread.c
ban "beside step_short_name()" "(stage_name|stage->label)\\) \\+ 1" engine/work/step.c
ban "written to people without frontend/ui/say.h" "$talk" "$writers"
exit $failed
