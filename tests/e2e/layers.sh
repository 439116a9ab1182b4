#!/bin/bash
# SPDX-License-Identifier: MIT
# Layers with all that tar can say come out as the image specification has it.
. "$SOURCE/tests/e2e/lib.sh"

printf 'Bootstrap: docker\nFrom: %s/rig/layers:1\n' "$REGISTRY" >layers.def
dagbuild run layers.def
status 0 "an image of odd layers"
"$DAGBUILD" inspect --json layers.sif >layers.json
offset=$(python3 -c 'import json; print([o for o in json.load(open("layers.json"))["objects"] if o["type"] == "Partition"][0]["offset"])')
unsquashfs -o "$offset" -lln layers.sif >list.txt 2>/dev/null
cat_file() { unsquashfs -o "$offset" -cat layers.sif "$1" 2>/dev/null; }
has() { check "$1" grep -qE "$2" list.txt; }
has_not() { check "$1" bash -c "! grep -qE '$2' list.txt"; }

has_not "a whiteout removes a file" 'squashfs-root/d/a$'
has "its neighbour stays" 'squashfs-root/d/b$'
equal "$(cat_file d/c)" b "a hard link to a layer below"
has_not "an opaque folder hides what was below" 'opaque/(old|sub)'
equal "$(cat_file opaque/new)$(cat_file opaque/later)" newlater "and keeps its own, before and after the mark"
has_not "a removed folder" 'squashfs-root/gone'
equal "$(cat_file real/through)" through "an entry below a link lands where it leads"
has "the link itself stays" 'lnk -> /real$'
equal "$(cat_file escape)" inside "leading .. stop at the root"
equal "$(cat_file absolute)" inside "absolute names are below the root"
equal "$(cat_file twice)" second "the last of two entries counts"
has "set-id bits" '^-rwsr-xr-x 0/0 .*/setuid$'
has "owners" '^-rw-r----- 33/44 .*/owned$'
has "a folder without permissions" '^d--------- .*/wall$'
has "a read-only folder with a file" 'squashfs-root/readonly/file$'
has "a fifo" '^prw------- .*/fifo$'
has "long names" 'l{120}/n{120}$'
check "non-ASCII names" grep -q 'grüße' list.txt
equal "$(cat_file usr/local/bin/apk-again 2>/dev/null)" "" "no file of another image"
