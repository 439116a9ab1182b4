#!/bin/bash
# SPDX-License-Identifier: MIT
# host_scripts.sh - %pre and %setup: where they run, in which order, when they run again, what of them is in
# the image, and that nothing of them stays on the host but what they wanted.
. "$SOURCE/tests/e2e/lib.sh"

cat >host.def <<'DEF'
Bootstrap: docker
From: alpine:3.17
Stage: one

%pre
    echo "one.pre $PWD $APPTAINER_ROOTFS" >>order
    test "$APPTAINER_ROOTFS" = "$SINGULARITY_ROOTFS"
    test -z "$(ls -A "$APPTAINER_ROOTFS")"
    echo made by pre >from-pre

%setup
    echo "one.setup $(umask) $CALLERS" >>order
    cat answer >$APPTAINER_ROOTFS/answer
    mkdir $APPTAINER_ROOTFS/made
    test -x $APPTAINER_ROOTFS/bin/busybox
    test "$APPTAINER_ENVIRONMENT" = /.singularity.d/env/91-environment.sh
    sleep $NAP &
    setsid sleep $NAP &

%files
    from-pre /from-pre

%post
    cat /answer >/copied
    date +%s%N >/built

Bootstrap: scratch
Stage: two

%pre
    echo two.pre >>order

%files from one
    /copied /copied
    /from-pre /from-pre

%setup
    echo "two.setup $(cat $APPTAINER_ROOTFS/copied)" >>order
DEF
echo 42 >answer
# How long what they leave sleeps: nobody else sleeps as long.
export CALLERS=environment NAP=$((70000000 + MARK))

nothing_sleeps() { ! pgrep -fx "sleep $NAP"; }

# ---- where and in which order ----

dagbuild plan host.def
status 0 "a definition with host scripts can be planned"
check "and plan runs none of them" test ! -e order
dagbuild run --target one host.def
status 0 "and built"
equal "$(cut -d' ' -f1 order | tr '\n' ' ')" "one.pre one.setup " "stage by stage: the target's alone"
equal "$(head -n 1 order | cut -d' ' -f2)" "$PWD" "%pre runs in the caller's folder"
equal "$(sed -n 's/^one.setup //p' order)" "0002 environment" "%setup has the caller's environment, and Apptainer's umask"
equal "$(says_lines 'runs on this machine, outside of any container')" 2 "each is named before it runs"
check "nothing of it is left" nothing_left
check "what it started has ended" nothing_sleeps
cat >>"$JUDGE" <<JUDGE
$PWD/host.one.sif|cat /answer|42
$PWD/host.one.sif|cat /from-pre|made by pre
$PWD/host.one.sif|stat -c %a /made|775
JUDGE

: >order
dagbuild run host.def
status 0 "the whole"
equal "$(cut -d' ' -f1 order | tr '\n' ' ')" "one.pre one.setup two.pre two.setup " "in the order of the file, whatever runs in parallel"
equal "$(tail -n 1 order)" "two.setup 42" "%setup sees what came from other stages"

# ---- again ----

n_layers() { find "$DAGBUILD_CACHEDIR/layers" -mindepth 1 -maxdepth 1 | wc -l; }
layers=$(n_layers)
: >order
dagbuild run host.def
status 0 "the same again"
equal "$(wc -l <order)" 4 "runs each of them"
says '4 steps built' "and nothing else, since they left the same"
equal "$(n_layers)" "$layers" "and the cache has not grown"
dagbuild why host.def one.setup
equal "$(grep -c 'runs on the host, each time' <<<"$out")" 1 "why tells that it runs each time"
dagbuild plan host.def
check "plan says that what follows may be in the cache" grep -Eq 'one.post.*maybe|post +%post.*maybe' <<<"$out"
echo 43 >answer
dagbuild run host.def
status 0 "what a script reads is different"
equal "$(tail -n 1 order)" "two.setup 43" "and so is what it leaves"
dagbuild shell host.def one -- cat /answer
equal "$out" 43 "a shell shows what it left"

: >order
dagbuild run --host-scripts=cached host.def
says 'nothing has changed' "--host-scripts=cached takes them from the cache"
echo 44 >answer
dagbuild run --host-scripts=cached host.def
says 'nothing has changed' "even when the host has changed: that is what it says"
check "none of them ran" test ! -s order
dagbuild run --host-scripts=never host.def
status 2 "another word is refused"

sed 's/^%setup/&\n    # dagbuild: pure/; s/^%pre/&\n    # dagbuild: pure/' host.def >pure.def
dagbuild run pure.def
status 0 "a script can say itself that it is pure"
: >order
dagbuild run pure.def
says 'nothing has changed' "and is a hit then"
check "it does not run" test ! -s order

# ---- what it makes for %files ----

cat >made.def <<'DEF'
Bootstrap: scratch

%pre
    date +%s%N >stamp

%files
    stamp /stamp
DEF
dagbuild run made.def
status 0 "%pre may make what %files copies"
dagbuild plan made.def
check "plan does not promise a hit behind it" grep -Eq 'files +%files.*maybe: after pre' <<<"$out"
rm stamp
dagbuild plan made.def
status 0 "nor does it need the file to be there"
sed -i 's/date /date  /' made.def
dagbuild plan made.def
check "a changed script runs because it always does" grep -Eq 'pre +%pre.*runs on the host, each time' <<<"$out"
dagbuild why --host-scripts=cached made.def
check "where it is like other steps, why names its section" grep -q '%pre line 1 changed' <<<"$out"

# ---- refused, failed ----

dagbuild run --no-host-scripts host.def
status 2 "--no-host-scripts refuses them"
says 'host.def:5:1: %pre runs on this machine' "and says where"
check "and runs none" test ! -s order
dagbuild run --no-host-scripts --target two.base host.def
status 2 "also where only %pre is needed"

cat >failing.def <<'DEF'
Bootstrap: scratch

%setup
    mkdir $APPTAINER_ROOTFS/made
    cat /nonexistent/file
    touch ran-on
DEF
dagbuild run failing.def
status 1 "a failing %setup fails the build"
says "failing.def:3:1: %setup of stage .stage1. failed" "with its place"
says "'cat /nonexistent/file' exited with status 1" "and the command"
check "there is no image" test ! -e failing.sif
check "and it did not run on" test ! -e ran-on
check "nothing is left" nothing_left

# It ignores signals, and prints without end: it is told to end once, and ends what it started.
cat >stubborn.def <<'DEF'
Bootstrap: scratch

%setup
    trap '' INT TERM HUP
    setsid sleep $NAP &
    touch started
    yes
DEF
"$DAGBUILD" run stubborn.def >/dev/null 2>&1 &
pid=$!
until [ -e started ]; do sleep 0.02; done
kill -TERM $pid
sleep 0.3
kill -TERM $pid
wait $pid
check "what a script that does not want to end has started is ended, too" nothing_sleeps
check "and nothing else is left" nothing_left

cat >covered.def <<'DEF'
Bootstrap: scratch

%setup
    sleep $NAP &
    mount -t tmpfs none /proc
DEF
dagbuild run covered.def
status 0 "a script may mount over /proc"
check "and nothing of it is left" nothing_sleeps

cat >quoted.def <<'DEF'
Bootstrap: scratch

%setup
    # a remark
    cat >$APPTAINER_ROOTFS/example <<'E'
    # dagbuild: pure
E
    touch ran
DEF
dagbuild run quoted.def
rm -f ran
dagbuild run quoted.def
check "a line of a here-document is no comment" test -e ran

cat >words.def <<'DEF'
Bootstrap: scratch

%setup -c /bin/bash
    set -o pipefail
    echo "shell ${BASH_VERSION:+bash}" >words
    for i in 1; do echo "${0##*/}" >>words; done
DEF
dagbuild run words.def
status 0 "its line may name another shell"
equal "$(tr '\n' ' ' <words)" "shell bash setup " "which runs it"

cat >early.def <<'DEF'
Bootstrap: scratch

%pre
    mkdir $APPTAINER_ROOTFS/etc
DEF
dagbuild run early.def
status 1 "what %pre leaves in the root filesystem is refused"
says "made '/etc' in the root filesystem" "and named"

# ---- confined ----

mkdir -p host-etc
cat >confined.def <<DEF
Bootstrap: scratch

%setup
    ln -s $PWD/host-etc \$APPTAINER_ROOTFS/etc
    mkdir \$APPTAINER_ROOTFS/mnt
    mount --bind $PWD/host-etc \$APPTAINER_ROOTFS/mnt

%files
    answer /etc/answer
    answer /mnt/answer
DEF
dagbuild run confined.def
status 0 "links and mounts of %setup"
check "lead nothing out of the root filesystem" test -z "$(ls host-etc)"
check "and nothing stays mounted" nothing_left
