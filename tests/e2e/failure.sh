#!/bin/bash
# SPDX-License-Identifier: MIT
# A failing script is explained, leaves nothing behind, and the next run takes up after the last
# good step.
. "$SOURCE/tests/e2e/lib.sh"

cat >bad.def <<'D'
Bootstrap: docker
From: alpine:3.17
Stage: one

%post
    echo first
    (sleep 1000; touch /late) &
    setsid sleep 1000 >/dev/null 2>&1 &
    sleep 0.3
    printf 'a\000b\n'
    ls /nonexistent
    echo never
D

dagbuild run bad.def
status 1 "a failing %post"
says "error: bad.def:5:1: %post of stage 'one' failed" "names the stage and the line"
says "because: 'ls /nonexistent' exited with status [0-9]+" "names the command as sh -x shows it"
says '\| .*nonexistent' "shows the output"
says "hint: the whole output is in $DAGBUILD_CACHEDIR/logs/" "names the log"
log=$(grep -oE "$DAGBUILD_CACHEDIR/logs/[^ ]+" <<<"$err" | tail -1)
check "the log holds the output" grep -q '+ echo first' "$log"
says_not '\+ echo never' "nothing ran after the failure"
check "byte for byte" grep -qaP '^a\x00b$' "$log"
check "there is no image" test ! -e bad.sif
check "nothing is left but the store" nothing_left
equal "$(echo *)" "bad.def cache" "no file but the store's"

sed 's|ls /nonexistent|ls /|' bad.def >good.def
dagbuild run -o good.sif good.def
status 0 "the mended definition builds"
says '#1 cached' "the base is not fetched again"
check "what the script left in the background is gone" nothing_left
echo "$PWD/good.sif|ls /late|" >"$JUDGE"

# What the shell cannot do itself it has not traced: the command before that is not to blame.
while read -r name command; do
	printf 'Bootstrap: docker\nFrom: alpine:3.17\n\n%%post\n    true\n    %s\n' "$command" >"$name.def"
	dagbuild run "$name.def"
	status 1 "a $name that fails"
	says "because: the script exited with status [0-9]+: /.post.script: .*nosuch" "is told as the shell tells it"
	says_not "'true' exited" "and not of what went well"
done <<-'C'
	redirection echo b >/nosuch/b
	expansion echo ${FOO:?nosuch}
	command nosuch
C
printf 'Bootstrap: docker\nFrom: alpine:3.17\n\n%%test\n    nosuch\n    echo last\n    exit 3\n' >test.def
dagbuild run test.def
status 1 "a failing %test"
says "because: the script exited with status 3$" "an earlier complaint of the shell is not the reason"

# ---- interrupted ----
cat >sleep.def <<'D'
Bootstrap: docker
From: alpine:3.17

%post
    trap '' TERM
    sleep 600
D
"$DAGBUILD" run sleep.def 2>.err &
pid=$!
until grep -q '+ sleep 600' .err; do sleep 0.05; done
kill -INT $pid
sleep 0.3
kill -INT $pid
wait $pid
equal $? 130 "interrupted twice: exit status 130"
check "nothing is left but the store" nothing_left

# ---- killed ----
"$DAGBUILD" run sleep.def 2>.err &
pid=$!
until grep -q '+ sleep 600' .err; do sleep 0.05; done
kill -KILL $pid
wait $pid 2>/dev/null
nobody_left() { ! children_of_ours | grep .; }
for _ in $(seq 100); do nobody_left >/dev/null && break; sleep 0.05; done
check "a kill ends the container too" nobody_left
dagbuild run good.def -o good.sif
status 0 "the next run works"
check "and clears what the dead one left" nothing_left

# ---- asked for at the wrong place ----
dagbuild run -o /nonexistent/x.sif good.def
status 2 "a folder that is not there"
says 'cannot be written' "is found before anything is built"
echo precious >precious.txt
dagbuild run -o precious.txt good.def
status 1 "a file that is not an image"
equal "$(cat precious.txt)" precious "is not overwritten"
dagbuild run nosuch.def
status 2 "a missing definition"
dagbuild frobnicate
status 2 "an unknown command"
dagbuild run --frobnicate good.def
status 2 "an unknown option"
says "hint: .dagbuild run --help. shows its options" "leads to the command's help"
dagbuild run
status 2 "a missing operand"
