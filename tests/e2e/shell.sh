#!/bin/bash
# SPDX-License-Identifier: MIT
# What failed can be looked at: dagbuild shell, with and without a terminal.  What was finished before
# a failure or a kill stays in the cache; what failed is never a hit.
. "$SOURCE/tests/e2e/lib.sh"

# terminal ARGUMENT... <STEPS: dagbuild on a terminal; its output in $out.
terminal() {
	out=$(/usr/bin/python3 "$SOURCE/tests/e2e/terminal.py" "$DAGBUILD" "$@" 2>&1)
	st=$?
}

# prints PATTERN TEXT: what standard output holds.
prints() {
	grep -Eq -- "$1" <<<"$out"
	local r=$?
	report $r "$2"
	[ $r -eq 0 ] || evidence
}

prints_not() {
	! grep -Eq -- "$1" <<<"$out"
	local r=$?
	report $r "$2"
	[ $r -eq 0 ] || evidence
}

# was_cached STEP TEXT: in the last run.
was_cached() {
	check "$2" grep -Pzq "(?m)^(#[0-9]+) $1: .*\n\\1 cached$" "$HOME/.err"
}

# Lines of --list that name a root.
count_failed() {
	"$DAGBUILD" shell --list | grep -cE '^ *[0-9]+  [a-z2-7]{12}  '
}

cat >bad.def <<'D'
Bootstrap: docker
From: alpine:3.17
Stage: tools

%post
    echo tool >/tool

Bootstrap: docker
From: alpine:3.17
Stage: one

%files from tools
    /tool /opt/tool

%post
    echo made >/made
    chown 33:34 /made
    rm -f /opt/tool
    printf '#!/bin/sh\necho own shell\n' >/bin/own
    chmod 755 /bin/own
    ls /nonexistent
    echo never >/never

%environment
    export OF_IMAGE=yes
D

# ---- nothing has failed yet ----
dagbuild shell --list
status 0 "--list of no cache"
equal "$out" "" "is empty"
dagbuild shell --failed
status 1 "--failed of no cache"
says 'no failed step is kept' "says so"
dagbuild shell bad.def tools
status 1 "a stage of no cache"
says "hint: 'dagbuild run bad.def' builds it" "names the remedy"
check "no cache came to be" test ! -e "$DAGBUILD_CACHEDIR"

# ---- a failure ----
export APPTAINERENV_FROM_USER=passed
dagbuild run bad.def
status 1 "a failing %post"
says "'dagbuild shell --failed' opens a shell where it stopped" "tells of the shell"
unset APPTAINERENV_FROM_USER
dagbuild shell --list
prints "^ 1  [a-z2-7]{12}  one.post, .* ago, [0-9.]+ kB$" "--list names the step"
prints "'ls /nonexistent' exited with status 1" "and the reason"
prints "$PWD/bad.def:15:1" "and the place"
dagbuild shell --list --json
check "--list --json" /usr/bin/python3 - "$out" <<-'PY'
	import json, sys
	listing = json.loads(sys.argv[1])
	one, = listing["failed"]
	assert listing["version"] == 1
	assert (one["step"], one["status"], one["line"]) == ("one.post", 1, 15), one
	assert one["last_command"] == "ls /nonexistent" and one["bytes"] > 0, one
	assert "environment" not in one
	PY
dagbuild shell --failed -- cat /made
status 0 "a command where it failed"
equal "$out" made "sees what the script has made"
dagbuild shell --failed -- sh -c 'pwd; ls -n /made; ls /opt; ls -d /never; echo $FROM_USER $PATH $HOME; hostname'
equal "$(sed -n 1p <<<"$out")" / "works in the script's folder"
prints '33 +34 .* /made' "sees its owners"
prints_not tool "does not see what the script has removed"
prints_not '^/never' "nor what it did not come to"
prints '^passed /usr/local/sbin:.* /root$' "has the script's environment"
prints '^build$' "has its host name"
dagbuild shell --failed -- sh -ex /.post.script
status 1 "the script can be run again"
says 'nonexistent' "and fails again"
dagbuild shell --failed 1 -- sh -c 'echo other >/made; touch /new; exit 7'
status 7 "the exit status is the command's"
dagbuild shell --failed one.post -- sh -c 'cat /made; ls /new'
prints '^made$' "what was changed in a shell"
says 'new: No such file' "was thrown away"
dagbuild shell --failed -- /nonexistent/program
status 127 "a command that is not there"
out=$(printf 'echo read; cat /made\nexit 3\n' | "$DAGBUILD" shell --failed)
st=$?
equal "$st:$out" "3:read
made" "without a terminal the shell reads commands"
equal "$(SHELL=/bin/own "$DAGBUILD" shell --failed </dev/null)" "own shell" "the shell is \$SHELL"
equal "$(echo 'echo $0' | SHELL=/bin/none "$DAGBUILD" shell --failed)" /bin/sh "or one that there is"
dagbuild shell --failed 2
status 1 "the second of one"
dagbuild shell --failed two.post
status 1 "a step that did not fail"
dagbuild shell --failed --list
status 2 "two things at once"
check "nothing is left but the store" nothing_left

# ---- a root that an older dagbuild kept: it names a user's map of ids without the class ----
about=$(echo "$DAGBUILD_CACHEDIR"/failed/*/failed.json)
cp "$about" kept.json
[ "$MODE" = root ] || check "the map follows its class" grep -q '"id_map":"range: users ' "$about"
sed -i 's/"id_map":"range: /"id_map":"/' "$about"
dagbuild shell --failed -- cat /made
equal "$st:$out" "0:made" "a root of an older dagbuild opens"
sed -i 's/"id_map":"[^"]*"/"id_map":"users 77+1,100000+65536 groups 77+1,100000+65536"/' "$about"
dagbuild shell --failed -- cat /made
status 3 "another user's does not"
says 'belongs to another user' "and says why"
mv kept.json "$about"

# ---- on a terminal ----
terminal shell --failed <<'S'
expect one.post \(bad.def:15:1\): 'ls /nonexistent' exited
expect are discarded
expect Apptainer> 
raw yes
type ls -l /proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 | grep -c /dev/pts/0; stty size\r
expect \n2\r
expect \n24 80\r
size 31 97
type cat /made; sleep 0.3; stty size\r
expect \nmade\r
expect \n31 97\r
expect Apptainer> 
type sh -c 'echo going; exec sleep 1000'\r
expect \ngoing\r
type \x03
expect Apptainer> 
type echo after $?\r
expect \nafter 130\r
expect Apptainer> 
type sh -c 'echo going; exec sleep 1000'\r
expect \ngoing\r
type \x1a
expect Stopped
expect Apptainer> 
type exec sh -c 'exit 42'\r
S
status 0 "a conversation with the shell"
prints '^status 42$' "ends with its status"
prints '^terminal restored$' "leaves the terminal as it was"
terminal shell --failed -- sh -c 'printf "name? "; read -r x; echo "hello $x"; exit 6' <<'S'
expect name\? 
type world\r
expect hello world
S
status 0 "a prompt of a command is answered"
prints '^status 6$' "and its status is ours"
terminal shell --failed <<'S'
expect Apptainer> 
hang up
S
status 0 "a window is closed"
prints '^status 129$' "the shell gets a hang-up"
for _ in $(seq 100); do nothing_left >/dev/null && break; sleep 0.05; done
check "nothing is left but the store" nothing_left
terminal run bad.def <<'S'
expect one.post
S
prints '^terminal restored$' "a build leaves the terminal as it was"
"$DAGBUILD" shell --failed -- sh -c 'echo ready; exec sleep 1000' >.shell &
pid=$!
until grep -q ready .shell; do sleep 0.05; done
kill -TERM $pid
wait $pid
equal $? 143 "a signal to dagbuild reaches the command"

# ---- never a hit ----
equal "$(count_failed)" 2 "two roots are kept"
dagbuild run bad.def
status 1 "the same definition fails again"
for step in tools.base tools.post one.base one.copy; do
	was_cached $step "and $step is a hit"
done
says "ls: /nonexistent" "and the script has run"
sed 's|ls /nonexistent|ls /|' bad.def >good.def
dagbuild run good.def
status 0 "the mended definition builds"
says '3 steps built, 4 reused' "and takes up after the last good step"
echo "$PWD/good.sif|cat /made|made" >"$JUDGE"
dagbuild run good.def
says 'nothing has changed' "and is current then"
equal "$(count_failed)" 3 "three roots are kept"

# ---- limits ----
dagbuild run --keep-failed=2 bad.def
equal "$(count_failed)" 2 "--keep-failed=2 keeps two"
dagbuild run --keep-failed=no bad.def
status 1 "--keep-failed=no"
says_not 'shell --failed' "promises no shell"
equal "$(count_failed)" 2 "and keeps none"
dagbuild run --keep-failed=many bad.def
status 2 "--keep-failed=many"
about=$(echo "$DAGBUILD_CACHEDIR"/failed/*/failed.json | cut -d' ' -f1)
sed -i 's/"failed_ms":[0-9]*/"failed_ms":1/' "$about"
equal "$(count_failed)" 1 "what has expired is not listed"
sed 's/echo made/echo new/' good.def >new.def
dagbuild run new.def
status 0 "a run"
check "removes it" test ! -e "$about"
echo broken >"$(echo "$DAGBUILD_CACHEDIR"/failed/*/failed.json)"
equal "$(count_failed)" 0 "what is damaged is not listed"
dagbuild run bad.def
equal "$(count_failed):$(echo "$DAGBUILD_CACHEDIR"/failed/* | wc -w)" 1:1 "and removed"
below=$(/usr/bin/python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["below"][0])' "$DAGBUILD_CACHEDIR"/failed/*/failed.json)
mv "$DAGBUILD_CACHEDIR/layers/$below" "$DAGBUILD_CACHEDIR/layers/$below.away"
equal "$(count_failed)" 0 "what stands on a layer that is gone is not listed"
mv "$DAGBUILD_CACHEDIR/layers/$below.away" "$DAGBUILD_CACHEDIR/layers/$below"

# ---- and pruned: a store in which nothing else stands on the base ----
store=$DAGBUILD_CACHEDIR
export DAGBUILD_CACHEDIR=$HOME/alone
printf 'Bootstrap: docker\nFrom: alpine:3.17\n\n%%post\n    echo made >/made\n    false\n' >alone.def
dagbuild run alone.def
status 1 "a failing %post upon a base"
sed -i 's/false/true/' alone.def
dagbuild run --no-cache alone.def
status 0 "both are made anew: no record names the layers below the failed step"
dagbuild cache prune
equal "$("$DAGBUILD" shell --failed -- cat /made)" made "they stay when the cache is pruned"
dagbuild cache prune --all
equal "$(count_failed)" 0 "but not when all is"
export DAGBUILD_CACHEDIR=$store

# ---- on a cached stage, without network ----
mirrors=$DAGBUILD_REGISTRY_MIRRORS
export DAGBUILD_REGISTRY_MIRRORS=docker.io=http://127.0.0.1:9
dagbuild shell good.def one -- sh -c 'cat /made /never; echo $OF_IMAGE; echo x >/made'
status 0 "a command on a stage"
equal "$out" "made
never
yes" "sees its root and its environment"
dagbuild shell good.def one -- cat /made
equal "$out" made "what was changed was thrown away"
dagbuild shell good.def -- cat /made
equal "$out" made "the last stage is the default"
dagbuild shell good.def tools -- cat /tool
equal "$out" tool "a stage that the image does not consist of"
dagbuild shell good.def one.copy -- ls /opt/tool /made
prints '^/opt/tool$' "after a step: what it has made"
says 'made: No such file' "but nothing that comes later"
dagbuild shell bad.def one
status 1 "a stage that is not in the cache"
says "step 'one.meta' is not in the cache" "says which step"
says "hint: 'dagbuild run --target one bad.def' builds it" "and the remedy"
says "'dagbuild shell bad.def one.copy' opens a shell after the nearest step in the cache" "and what there is"
dagbuild shell bad.def one.post
says "hint: 'dagbuild run --target one.post bad.def' builds it" "a step's remedy is a step"
dagbuild shell good.def noone
status 2 "an unknown stage"
dagbuild shell good.def one.nostep
status 2 "an unknown step"
dagbuild shell
status 2 "no operand"
export DAGBUILD_REGISTRY_MIRRORS=$mirrors
dagbuild run --target tools -o tools.sif good.def
dagbuild shell good.def tools -- cat /tool
equal "$out" tool "a stage that is an image of its own"

# ---- the lock file counts ----
dagbuild lock good.def
status 0 "lock"
dagbuild shell good.def one -- cat /made
equal "$out" made "a stage of the locked base"
sed -i 's/sha256:[0-9a-f]\{8\}/sha256:00000000/' good.def.lock
dagbuild shell good.def one.base -- true
status 1 "a base that is locked to another digest is not in the cache"
dagbuild shell --ignore-lock good.def one.base -- true
status 0 "--ignore-lock"
rm good.def.lock

# ---- %test ----
cat >test.def <<'D'
Bootstrap: docker
From: alpine:3.17

%post
    echo built >/built

%test
    echo tested >/tested
    exit 9
D
dagbuild run test.def
status 1 "a failing %test"
says "'dagbuild shell --failed' opens" "tells of the shell"
dagbuild shell --failed stage1.test -- sh -c 'cat /built /tested /.singularity.d/test'
status 0 "where it failed"
prints '^tested$' "what it has written is there"
prints 'exit 9' "and the test"
dagbuild shell test.def stage1.post -- cat /tested
status 1 "but not after the steps before it"
check "nothing is left but the store" nothing_left

# ---- interrupted, and killed ----
cat >sleep.def <<'D'
Bootstrap: docker
From: alpine:3.17
Stage: quick

%post
    echo quick >/quick

Bootstrap: docker
From: alpine:3.17

%files from quick
    /quick

%post
    echo begun >/begun
    sleep 600
D
before=$(count_failed)
for signal in INT KILL; do
	"$DAGBUILD" run sleep.def 2>.err &
	pid=$!
	until grep -q '+ sleep 600' .err; do sleep 0.05; done
	kill -$signal $pid
	wait $pid 2>/dev/null
	for _ in $(seq 200); do children_of_ours >.left; [ -s .left ] || break; sleep 0.05; done
	equal "$(count_failed)" "$before" "what $signal has ended is not kept"
done
sed -i 's/sleep 600/echo slept/' sleep.def
dagbuild run sleep.def
status 0 "the next run"
says '3 steps built, 4 reused' "finds all finished steps in the cache"
for step in quick.base quick.post stage2.base stage2.copy; do
	was_cached $step "$step is a hit"
done
check "and sees to it that they survive a power cut, too" \
	bash -c '! grep -l "\"boot\"" "$DAGBUILD_CACHEDIR"/records/*/*.json'
check "nothing is left but the store" nothing_left

# ---- Ctrl-C on a terminal: the script is asked to end, and may ----
cat >asked.def <<'D'
Bootstrap: docker
From: alpine:3.17

%post
    trap 'echo cleaned up; exit 1' TERM
    echo ready
    sleep 600 & wait
D
terminal run --progress plain asked.def <<'S'
expect \| ready
type \x03
expect \| cleaned up
S
status 0 "Ctrl-C lets a script clean up"
prints '^status 130$' "and ends the build"
equal "$(count_failed)" "$before" "which is no failure"
check "nothing is left but the store" nothing_left

# ---- the collector takes nothing that a shell stands on ----
dagbuild run bad.def
dagbuild cache du
prints 'failed' "cache du tells of failed steps"
"$DAGBUILD" shell --failed one.post -- sh -c 'echo ready; sleep 3; cat /made /bin/own; ls /bin/busybox' >.shell &
pid=$!
until grep -q ready .shell; do sleep 0.05; done
dagbuild cache prune --all
status 0 "cache prune --all beside a shell"
equal "$(count_failed)" 1 "leaves what it stands on"
wait $pid
equal $?:"$(tr '\n' ' ' <.shell)" "0:ready made #!/bin/sh echo own shell /bin/busybox " "which sees all its files"
dagbuild cache prune --all
equal "$(count_failed):$(echo "$DAGBUILD_CACHEDIR"/failed/*)" "0:$DAGBUILD_CACHEDIR/failed/*" "and takes it afterwards"
check "nothing is left but the store" nothing_left
