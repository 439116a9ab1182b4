#!/bin/bash
# SPDX-License-Identifier: MIT
# A run that changes nothing mounts nothing and reads no host file; a change of content is seen whatever
# the file's times say, and a change of times alone changes nothing.
. "$SOURCE/tests/e2e/lib.sh"

mkdir -p src/deep
for i in $(seq 20); do echo "$i" >"src/file$i"; done
echo deep >src/deep/file
ln -s ../file1 src/deep/link
cat >image.def <<'DEF'
Bootstrap: docker
From: alpine:3.17
Stage: one
%files
    src /opt/src
%post
    cat /opt/src/deep/file > /opt/made

Bootstrap: docker
From: alpine:3.17
%files from one
    /opt/made /opt/made
%files
    src/file1 /opt/file1
DEF

# Longer than the granularity of any filesystem's times.
let_time_pass() { sleep 2.2; }

# Which host files and records the next run opens, and what it mounts.
traced() {
	strace -f -o trace.txt -e trace=openat,open,mount,unshare,setns,fsopen,execve "$DAGBUILD" run image.def \
		>.out 2>.err </dev/null
	st=$?
	out=$(cat .out)
	err=$(cat .err)
}

dagbuild run image.def
status 0 "the first run"
let_time_pass
dagbuild run image.def
says 'nothing has changed' "the second one has nothing to do"
traced
says 'nothing has changed' "nor has the third"
check "which mounts nothing and starts no process" bash -c \
	"[ \$(grep -cE 'execve\(' trace.txt) = 1 ] && ! grep -qE '(mount|unshare|setns|fsopen)\(' trace.txt"
reads_nothing() { ! grep -E '"(src/.*|.*file[0-9]*|.*link)"' trace.txt | grep -v O_PATH; }
check "and reads no host file" reads_nothing
check "but the memo" grep -q stat-memo trace.txt

touch src/file2 src/deep
dagbuild run image.def
says 'nothing has changed' "other times are no change"
times=$(stat -c %Y src/deep/file)
printf 'DEEP\n' >src/deep/file
touch -d "@$times" src/deep/file
dagbuild run image.def
says 'steps built' "a content of the same size and time is one"
chmod 755 src/file3
dagbuild run image.def
says 'steps built' "and so is a mode"

let_time_pass
dagbuild run image.def
for round in 1 2 3 4 5; do
	echo "a$round" >src/file4
	dagbuild run --target one.files image.def
	echo "b$round" >src/file4
	dagbuild run --target one.files image.def
	says_not 'nothing has changed' "written twice in a moment ($round)"
done

let_time_pass
dagbuild run image.def
printf 'x' | dd of="$DAGBUILD_CACHEDIR/stat-memo" bs=1 seek=100 conv=notrunc status=none
dagbuild run image.def
says 'nothing has changed' "a damaged memo is not believed"
traced
check "but made anew" reads_nothing

# Where times count, what is built is called by them at once, not only when it is found again.
export SOURCE_DATE_EPOCH=1700000000
dagbuild run image.def
status 0 "with SOURCE_DATE_EPOCH"
dagbuild run image.def
says 'nothing has changed' "the second one has nothing to do"
