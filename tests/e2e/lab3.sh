#!/bin/bash
# SPDX-License-Identifier: MIT
# The product's main job: lab3 is planned, built, run, and not built again; what changes, and only
# that, is rebuilt.
. "$SOURCE/tests/e2e/lib.sh"

cp "$SOURCE/examples/lab3.def" "$SOURCE/examples/lab3-wrong.def" .

# ---- stages in the wrong order ----
for command in plan run; do
	strace -f -o trace.txt -e trace=socket,connect,creat,mkdir,mkdirat,openat "$DAGBUILD" $command \
		lab3-wrong.def 2>.err
	equal $? 2 "$command of the wrong order exits with 2"
	err=$(cat .err)
	says 'lab3-wrong.def:5:13: error: stage .compiler. is defined below' "$command names line and column"
	says 'lab3-wrong.def:10:8: note: stage .compiler. is defined here' "$command names where the stage is"
	says "move stage 'compiler' above stage 'final'" "$command names the remedy"
	check "$command opens no socket" bash -c '! grep -E "socket\(|connect\(" trace.txt'
	check "$command makes no file" bash -c '! grep -E "O_CREAT|O_TMPFILE|creat\(|mkdir" trace.txt'
done
check "no cache came to be" test ! -e "$DAGBUILD_CACHEDIR"

# ---- the plan ----
dagbuild plan lab3.def
status 0 "plan"
check "plan makes no cache either" test ! -e "$DAGBUILD_CACHEDIR"
check "the graph can be drawn" bash -c '"$DAGBUILD" plan --dot lab3.def | dot -Tsvg >plan.svg && grep -q "</svg>" plan.svg'
check "the plan is JSON" bash -c '"$DAGBUILD" plan --format json lab3.def | python3 -m json.tool'

# ---- the first build: the bases side by side, one of them while the other compiles ----
start_proxy 'GET /v2/library/alpine/blobs=slow:1000000'
dagbuild run -j8 --trace trace.json lab3.def
status 0 "run"
check "the image is there" test -x lab3.sif
says 'lab3.sif \([0-9.]+ MB\): 6 steps built, 0 reused' "the summary tells what was built"
check "final's base is fetched and unpacked while compiler's %post runs or before" \
	python3 - <<-'PY'
	import json
	events = [json.loads(line) for line in open("trace.json")]
	at = {(e["step"], e["state"]): e["time_ns"] for e in events if e["type"] == "state"}
	# Both bases run at once, and final's copy waits for compiler's %post alone.
	assert at["final.base", "running"] < at["compiler.base", "built"], "bases do not overlap"
	assert at["final.base", "built"] < at["compiler.post", "built"], "final.base waits for %post"
	assert at["final.copy", "probing"] >= at["compiler.post", "built"], "the copy does not wait"
	PY
echo "$PWD/lab3.sif|hello|Hello, Go examples!" >"$JUDGE"
check "inspect lists the partition" bash -c '"$DAGBUILD" inspect lab3.sif | grep -q "root, squashfs, amd64"'
check "nothing is left but the store" nothing_left
# The layers that came from the registry are there once, unpacked.
check "the store takes at most 2 % more than its layers" bash -c '"$DAGBUILD" cache du --json | python3 -c "
import json, sys
du = json.load(sys.stdin)
layers, total = du[\"kinds\"][\"layers\"][\"bytes\"], du[\"total\"][\"bytes\"]
assert layers > 500e6 and total <= 1.02 * layers, du
"'

# ---- a merged /usr, a hard link to a lower layer, an opaque folder: compiler's base has them ----
head -n 3 lab3.def >usr.def
cat >>usr.def <<'DEF'
%post
  rig-greet
  test -L /bin
  test ! -e /opt/rig/old
  cmp /sbin/apk /usr/local/bin/apk-again
  test "$(stat -c %i /usr/sbin/apk)" = "$(stat -c %i /usr/local/bin/apk-again)"
DEF
dagbuild run usr.def
status 0 "layers as they are found in the world"
says '1 reused' "the base of another definition is a hit"

# ---- while compiler's %post runs, final's base is fetched and unpacked ----
# Made certain: compiler's base is in the store, its %post takes its time, the registry too.
printf 'Bootstrap: docker\nFrom: fixtures/base:1\nStage: compiler\n' >compiler.def
cat compiler.def - >slow.def <<'DEF'
%post
  echo hello >/hello
  sleep 4

Bootstrap: docker
From: alpine:3.17
Stage: final
%files from compiler
  /hello
DEF
export DAGBUILD_CACHEDIR=$HOME/cold
dagbuild run compiler.def
status 0 "compiler alone"
start_proxy 'GET /v2/library/alpine/blobs=slow:700000'
dagbuild run -j2 --trace slow.json slow.def
export DAGBUILD_CACHEDIR=$HOME/cache
status 0 "run with a slow %post and a slow registry"
check "the base of one stage is fetched and unpacked while the %post of the other runs" \
	python3 - <<-'PY'
	import json
	events = [json.loads(line) for line in open("slow.json")]
	at = {(e["step"], e["state"]): e["time_ns"] for e in events if e["type"] == "state"}
	assert at["compiler.base", "cached"]
	assert at["compiler.post", "running"] < at["final.base", "built"] < at["compiler.post", "built"]
	transfers = [e["time_ns"] for e in events if e["type"] == "progress" and e["step"] == "final.base"]
	assert any(at["compiler.post", "running"] < t < at["compiler.post", "built"] for t in transfers)
	PY

# ---- nothing has changed ----
inode=$(stat -c %i lab3.sif)
dagbuild run lab3.def --trace again.json
status 0 "second run"
says 'nothing has changed: .*lab3.sif is up to date' "it says so"
check "no step ran" test ! -s again.json
equal "$(stat -c %i lab3.sif)" "$inode" "the image is the same file"
dagbuild plan lab3.def
equal "$(grep -c ' hit$' <<<"$out")" 6 "plan shows six hits"

# ---- another %files line: neither a base nor %post ----
sed 's|/bin/hello|/usr/bin/hello|' lab3.def >files.def
dagbuild run -o lab3.sif files.def
status 0 "run with another target"
says '#1 cached' "compiler's base is a hit"
says '#2 cached' "compiler's %post is a hit"
says '#3 cached' "final's base is a hit"
says '#4 final.copy: %files from compiler' "the copy is made"

# ---- another comment in %post: it runs; its program is the same, so the copy is a hit ----
dagbuild run lab3.def
sed 's|^  go build$|  # optimised elsewhere\n  go build|' lab3.def >comment.def
dagbuild run -o lab3.sif comment.def
status 0 "run with another comment"
says '#2 compiler.post: %post' "%post runs"
says '#4 cached' "the copy is a hit"
says '#5 final.meta' "the metadata follows, which holds the definition"
says '3 steps built, 3 reused' "and the image, and that is all"

# ---- the final stage's %runscript: no step of another stage runs, nor any before its metadata ----
dagbuild run lab3.def
{ cat lab3.def; printf '%%runscript\n  exec /bin/hello\n'; } >runscript.def
dagbuild run -o lab3.sif runscript.def
status 0 "run with another %runscript"
says '#5 final.meta' "the metadata is made"
says '2 steps built, 4 reused' "and the image, and that is all"

# ---- the same bytes from empty stores, with one thread and with eight; ids change nothing about threads ----
[ "$MODE" = root ] || exit 0
export SOURCE_DATE_EPOCH=1700000000
for jobs in 1 8; do
	DAGBUILD_CACHEDIR=$HOME/empty$jobs dagbuild run -j$jobs -o jobs$jobs.sif lab3.def
	status 0 "run -j$jobs from an empty store"
	rm -rf "$HOME/empty$jobs" 2>/dev/null
done
check "the images are equal, byte for byte" cmp jobs1.sif jobs8.sif
