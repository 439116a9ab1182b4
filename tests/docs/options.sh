#!/bin/bash
# SPDX-License-Identifier: MIT
# options.sh: the man page tells every command and option that --help has, and no other; the files that
# ARCHITECTURE.md and CONTRIBUTING.md name are there.
set -uo pipefail

page=$(sed 's/\\-/-/g; s/\\f[BIRP]//g' "$SOURCE/frontend/cli/dagbuild.1")
bad=0
complain() {
	echo "$1"
	bad=1
}

commands=$("$DAGBUILD" --help | sed -n 's/^  \([a-z]*\) .*/\1/p')
[ -n "$commands" ] || complain "--help lists no commands"
told=
for command in $commands; do
	grep -qE "^\.SS $command( |\$)" <<<"$page" || complain "the man page has no section for '$command'"
	for option in $("$DAGBUILD" "$command" --help | grep -oE '^ .{5}--[a-z-]+' | grep -oE -- '--[a-z-]+'); do
		told+=" $option"
		grep -qE -- "$option([^a-z-]|\$)" <<<"$page" || complain "'$command $option' is not in the man page"
	done
done
while read -r option; do
	grep -qw -- "$option" <<<"$told" || complain "the man page has '$option', which no command knows"
done < <(grep -oE '^\.(TP|BR|B|BI) .*' <<<"$page" | grep -oE -- '--[a-z][a-z-]+' | sort -u)

cd "$SOURCE" || exit 1
for document in ARCHITECTURE.md CONTRIBUTING.md; do
	for name in $(grep -oE '`[a-z_/]+\.(c|h|py|sh)`' $document | tr -d '`' | sort -u); do
		[ -n "$(git ls-files "$name" "*/$name")" ] || complain "$document: there is no '$name'"
	done
done
exit $bad
