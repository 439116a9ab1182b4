#!/bin/bash
# SPDX-License-Identifier: MIT
# target.sh - which stages and steps are built, where a base comes from, and that template arguments reach
# the image.
. "$SOURCE/tests/e2e/lib.sh"

cat >stages.def <<'DEF'
Bootstrap: docker
From: alpine:3.17
Stage: one

%post
    echo {{ word }} >/word

Bootstrap: scratch
Stage: broken

%files
    nowhere/to/be/found /x

Bootstrap: scratch
Stage: two

%files from one
    /word /from-one
DEF

# content IMAGE PATH: of a file in it.
content() {
	local offset
	offset=$("$DAGBUILD" inspect --json "$1" | sed -n 's/.*"Partition", "offset": \([0-9]*\),.*/\1/p')
	unsquashfs -o "$offset" -cat "$1" "$2" 2>/dev/null
}

dagbuild run --build-arg word=hello stages.def
status 0 "without --target the last stage is built"
says 'warning: there is no .nowhere' "a missing source of a stage that nothing uses is a warning"
equal "$(content stages.sif from-one)" hello "the argument's value is in the image"
content stages.sif .singularity.d/Singularity >text
check "the image says what was built" grep -q 'echo hello' text
says 'unused-stage' "a stage that nothing uses is reported"

dagbuild run --build-arg word=hello stages.def
says 'nothing has changed' "the same again does nothing"
dagbuild run --build-arg word=other stages.def
says ' built, ' "another value builds what uses it"
equal "$(content stages.sif from-one)" other "and is in the image"

dagbuild run --build-arg word=hello --target one -o one.sif stages.def
status 0 "a stage can be the target"
equal "$(content one.sif word)" hello "its image is that stage's"

dagbuild run --build-arg word=new --target two.copy stages.def
status 0 "a step can be the target"
says '^two.copy: [0-9]+ steps? built' "and the summary names it"
dagbuild run --build-arg word=new --target two.copy -o x.sif stages.def
status 2 "a step makes no image"
check "and none is there" test ! -e x.sif
dagbuild run --build-arg word=new --target tow stages.def
status 2 "an unknown target is refused"
says "did you mean 'two'" "with the one that was meant"

printf 'Bootstrap: docker\nFrom: alpine:3.17\n%%post\n    false\n' | cat - stages.def >failing.def
dagbuild run --build-arg word=hello -o failing.sif failing.def
status 0 "a failing stage that nothing needs is not built"
sed -i 's|nowhere/to/be/found|/etc/hostname|' failing.def
dagbuild run --build-arg word=hello --all-stages -F -o failing.sif failing.def
status 1 "with --all-stages it is, and fails"

cat >prefix.def <<DEF
Bootstrap: docker
Registry: $REGISTRY
Namespace: library
From: alpine:3.17
DEF
DAGBUILD_REGISTRY_MIRRORS='' dagbuild run prefix.def
status 0 "Registry and Namespace stand before From"
check "nothing is left behind" nothing_left
