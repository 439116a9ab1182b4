#!/bin/bash
# SPDX-License-Identifier: MIT
# Every fault of a registry ends in success after another try, or in one clear error; nothing wrong
# enters the store.
. "$SOURCE/tests/e2e/lib.sh"
export DAGBUILD_RETRY_MS=20

# Named directly, not through a mirror: after a mirror Docker Hub would be asked, and tests stay on
# this machine.
unset DAGBUILD_REGISTRY_MIRRORS
blob='GET /v2/library/alpine/blobs'
manifest='/v2/library/alpine/manifests'

# fault TEXT STATUS RULE...: a build from an empty store through a proxy with these rules.
fault() {
	local text=$1 wanted=$2
	shift 2
	rm -rf "$DAGBUILD_CACHEDIR" a.sif
	start_proxy "$@"
	unset DAGBUILD_REGISTRY_MIRRORS
	printf 'Bootstrap: docker\nFrom: %s/library/alpine:3.17\n' "$proxy" >a.def
	dagbuild run a.def
	status "$wanted" "$text"
	check "$text: nothing wrong in the store" blobs_are_right
	check "$text: nothing left" nothing_left
	check "$text: one error at most" test "$(grep -c '^error' <<<"$err")" -le 1
}

fault "no fault" 0
fault "a blob that breaks off twice" 0 "$blob=truncate:100000*2"
check "goes on where it stopped" grep -E 'blobs/.* 206 bytes=100000-' "$proxy_log"
fault "a server without ranges" 0 "$blob=truncate:100000*1" "$blob=norange"
fault "a damaged blob, once" 0 "$blob=corrupt*1"
fault "a damaged blob, always" 4 "$blob=corrupt"
says "its content is 'sha256:" "the error tells both digests"
fault "a damaged manifest, always" 4 "GET $manifest=corrupt"
fault "404 for the manifest" 4 "$manifest=status:404"
says 'HTTP status 404' "the error tells the status"
says "$proxy/library/alpine:3.17" "and the image"
fault "404 for a blob" 4 "$blob=status:404"
fault "401 without credentials" 4 "$manifest=basic:user,secret"
says 'credentials are needed' "the error says what is missing"
says 'docker login' "and how to give it"
fault "a token is asked for" 0 "v2/=bearer"
check "and sent" grep -E ' Bearer$' "$proxy_log"
fault "500 twice" 0 "$manifest=status:500*2"
says 'trying again' "the tries are told"
fault "503 for a blob, once" 0 "$blob=status:503*1"
fault "429 with seconds" 0 "HEAD $manifest=retry:429,1*1"
fault "429 with a date" 0 "HEAD $manifest=retry:429,Wed, 21 Oct 2015 07:28:00 GMT*1"
fault "429 for an hour" 4 "HEAD $manifest=retry:429,3600"
says 'asks to wait 3600 s' "is not waited for"
fault "a redirect" 0 "$blob=redirect:http://$REGISTRY"

# Longer ones, all of them at the same time in their own stores would hide which fails.
export DAGBUILD_NET_TIMEOUT=1
fault "a blob that stalls once" 0 "$blob=stall:1000*2"
says 'less than 1 KiB came' "the stall is told"

# Basic credentials from docker's configuration, sent only to the registry they are for.
start_proxy "v2/=basic:user,secret"
mkdir -p .docker
printf '{"auths": {"%s": {"auth": "%s"}}}' "$proxy" "$(printf user:secret | base64)" >.docker/config.json
printf 'Bootstrap: docker\nFrom: %s/library/alpine:3.17\n' "$proxy" >b.def
unset DAGBUILD_REGISTRY_MIRRORS
dagbuild run b.def
status 0 "basic credentials"
check "were sent" grep -E ' 200 .* Basic$' "$proxy_log"

printf 'Bootstrap: docker\nFrom: 127.0.0.1:1/none:1\n' >c.def
dagbuild run c.def
status 4 "a registry that is not there"
check "one error" test "$(grep -c '^error' <<<"$err")" -eq 1

for stage in one two three; do
	printf 'Bootstrap: docker\nFrom: 127.0.0.1:1/none:1\nStage: %s\n\n' "$stage"
done >d.def
dagbuild run -j8 --all-stages d.def
status 4 "three stages of a registry that is not there"
equal "$(grep -c 'trying again' <<<"$err")" 2 "it is tried for one of them"
check "one error" test "$(grep -cE '^error|also:' <<<"$err")" -eq 1
