#!/bin/bash
# SPDX-License-Identifier: MIT
# Calls that are unsafe, or that change what all threads share.  A child process with one thread may
# change its own umask and folder: the files listed.
set -euo pipefail

cd "$(dirname "$0")/../.."
calls='strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|localtime|gmtime|system|popen|setenv|putenv|gets'
shared='chdir|fchdir|umask'
children='engine/run/container_child.c|engine/tree/unpack_child.c'
files=$(git ls-files 'base/*.[ch]' 'scheduler/*.[ch]' 'cache/*.[ch]' 'engine/*.[ch]' 'frontend/*.[ch]')
# shellcheck disable=SC2086
! grep -nE "(^|[^a-zA-Z0-9_])($calls)\(" $files | grep -vE ':[0-9]+:\s*(/?\*|//)'
# shellcheck disable=SC2046
! grep -nE "(^|[^a-zA-Z0-9_])($shared)\(" $(grep -vE "^($children)$" <<<"$files") |
	grep -vE ':[0-9]+:\s*(/?\*|//)'
