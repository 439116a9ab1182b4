# SPDX-License-Identifier: MIT
"""The faults that planted.py plants: slips of a line in what names and compares results, one row each.

A row's old text is in its file exactly once; with the new text in its place the test (by its name in ctest) must
fail.  A row names the test that is quickest to find it.  What cannot be told from right code, and what the compiler
or the assertion in exec_compose() refuses by itself, has no row.
"""

import typing


class Fault(typing.NamedTuple):
    name: str
    file: str
    old: str
    new: str
    test: str


KEYS = "unit/test_keys"
STORE = "unit/test_store"
IDENTITY = "unit/test_identity"
CONTENT = "unit/test_content"
TREE = "unit/test_tree_digest"
USAGE = "unit/test_usage"
OUTLINE = "unit/test_outline"
MEMO = "unit/test_stat_memo"
WHY = "unit/test_why"
HITS = "unit/test_hits"

EXEC = "engine/executor/exec_probe.c"
SCRIPT = "engine/work/script.c"
POST = "engine/steps/step_post.c"
COPY = "engine/steps/step_copy.c"
COPIES = "engine/work/copies.c"
META = "engine/steps/step_meta.c"
PACK = "engine/steps/step_pack.c"
BASE = "engine/steps/step_base.c"
SEAL = "cache/seal_compute.c"
HASH = "engine/tree/tree_hash.c"

FAULTS = [
    # ---- an input that a key forgets, or takes from elsewhere ----
    Fault("architecture-constant", EXEC, '"architecture", x->architecture', '"architecture", "amd64"', KEYS),
    Fault("id-class-constant", EXEC, '"id map", x->work.id_class', '"id map", "root"', KEYS),
    Fault("id-map-whole", EXEC, '"id map", x->work.id_class', '"id map", x->work.options.id_map', KEYS),
    Fault("parent-forgotten", EXEC, 'key_set_digest(state->inputs, "parent", &parent);', "(void)parent;", KEYS),
    Fault("script-forgotten", SCRIPT, '"script", step->script.text', '"script", ""', KEYS),
    Fault("arguments-forgotten", SCRIPT, '"arguments", step->script.args', '"arguments", ""', KEYS),
    Fault("temporary-files-forgotten", POST, 'step->script.keep_tmp ? "kept" : "dropped"', '"dropped"', KEYS),
    Fault("cpu-of-arguments", POST, " ||\n\t\t    cpu_is_asked_for(step->script.args);", ";", KEYS),
    Fault("cpu-of-variables", POST, "asks = asks || cpu_is_asked_for(w->passed_env[i])", "(void)asks", KEYS),
    Fault(
        "cpu-of-tests", POST,
        "script_env_key(w, work_state(w, step->id)->inputs);\n\tset_cpu(w, step);",
        "script_env_key(w, work_state(w, step->id)->inputs);",
        KEYS,
    ),
    Fault("cpu-constant", POST, '"cpu", cpu', '"cpu", "native"', KEYS),
    Fault(
        "passed-environment-forgotten", SCRIPT,
        "w->passed_env,\n\t\t     w->n_passed_env",
        "w->passed_env,\n\t\t     0",
        KEYS,
    ),
    Fault(
        "passed-environment-first", SCRIPT,
        "w->passed_env,\n\t\t     w->n_passed_env",
        "w->passed_env,\n\t\t     w->n_passed_env > 0",
        KEYS,
    ),
    Fault(
        "constant-environment-short", SCRIPT,
        '"constant environment", constant, ARRAY_LEN(constant)',
        '"constant environment", constant, ARRAY_LEN(CONSTANT)',
        KEYS,
    ),
    Fault(
        "security-forgotten", SCRIPT,
        "security_name(w->options.security)",
        "security_name(SECURITY_CONTAINER)",
        KEYS,
    ),
    Fault(
        "epoch-of-scripts", SCRIPT,
        '"SOURCE_DATE_EPOCH", (uint64_t)w->epoch_s',
        '"SOURCE_DATE_EPOCH", (uint64_t)w->epoch_set',
        KEYS,
    ),
    Fault(
        "epoch-of-meta", META,
        '"SOURCE_DATE_EPOCH", (uint64_t)w->epoch_s',
        '"SOURCE_DATE_EPOCH", (uint64_t)w->epoch_set',
        KEYS,
    ),
    Fault(
        "epoch-of-pack", PACK,
        '"SOURCE_DATE_EPOCH", (uint64_t)w->epoch_s',
        '"SOURCE_DATE_EPOCH", (uint64_t)w->epoch_set',
        KEYS,
    ),
    Fault("startscript-of-runscript", META, "&m->startscript", "&m->runscript", KEYS),
    Fault("section-arguments-forgotten", META, "text->body ? text->args : NULL", "NULL", KEYS),
    Fault("label-values-forgotten", META, "texts[2 * i + 1] = labels->items[i].value;", "", KEYS),
    Fault("version-of-meta", META, '"version", DAGBUILD_VERSION', '"version", ""', KEYS),
    Fault("version-of-base", BASE, '"version", DAGBUILD_VERSION', '"version", ""', KEYS),
    Fault("agent-constant", BASE, '"agent", step->base->agent', '"agent", "docker"', KEYS),
    Fault("base-configuration-forgotten", PACK, "\tset_base_configuration(w, step);\n", "", KEYS),
    Fault("output-forgotten", PACK, '"output", w->options.output', '"output", "x.sif"', KEYS),
    Fault("compression-forgotten", PACK, '"compression", w->options.compression', '"compression", 0', KEYS),
    Fault(
        "target-of-source", COPIES,
        "texts[2 * i + 1] = files->items[i].target",
        "texts[2 * i + 1] = files->items[i].source",
        KEYS,
    ),
    Fault("copy-times-forgotten", COPIES, ".times_count = w->epoch_set", ".times_count = false", KEYS),
    Fault("copy-times-after-epoch", COPIES, ".clamp_s = w->epoch_s", ".clamp_s = INT64_MAX", KEYS),
    Fault("memo-without-producer", COPY, 'key_set_digest(key, "producer", &producer);', "(void)producer;", KEYS),
    Fault(
        "memo-without-epoch", COPY,
        'if (w->epoch_set)\n\t\tkey_set_u64(key',
        'if (false)\n\t\tkey_set_u64(key',
        KEYS,
    ),
    Fault("memo-without-list", COPY, "copies_add_list(key, &step->files);", "", KEYS),
    # ---- how a key is made of its inputs ----
    Fault("format-not-in-key", "cache/key.c", "add_number(h, STORE_FORMAT);", "", STORE),
    Fault("kind-not-in-key", "cache/key.c", "add_text(h, k->kind);", "", STORE),
    Fault("part-names-not-in-key", "cache/key.c", "add_text(h, k->parts.items[i].name);", "", STORE),
    Fault("nothing-is-empty", "cache/key.c", "text ? len + 1 : 0", "len", STORE),
    Fault("keyed-key", "cache/key.c", "hasher_new(DIGEST_SHA256, NULL)", "hasher_new(DIGEST_XXH3, NULL)", STORE),
    Fault(
        "parts-without-secret", "cache/key.c",
        "hasher_new(DIGEST_XXH3, secret)",
        "hasher_new(DIGEST_XXH3, NULL)",
        STORE,
    ),
    # ---- what a chain of layers is called ----
    Fault(
        "parent-of-names", "cache/layer.c",
        "identity_add(h, &chain->layers[i].identity)",
        "hasher_add_str(h, chain->layers[i].name)",
        IDENTITY,
    ),
    Fault(
        "parent-of-top", "cache/layer.c",
        "for (size_t i = 0; i < chain->len; i++)\n\t\tidentity_add",
        "for (size_t i = chain->len - 1; i < chain->len; i++)\n\t\tidentity_add",
        IDENTITY,
    ),
    Fault(
        "parent-of-bottom", "cache/layer.c",
        "for (size_t i = 0; i < chain->len; i++)\n\t\tidentity_add",
        "for (size_t i = 0; i < chain->len && i < 1; i++)\n\t\tidentity_add",
        IDENTITY,
    ),
    Fault(
        "identity-without-kind", "cache/identity.c",
        "hasher_add_str(h, identity_format(id, text));",
        "hasher_add_str(h, digest_format(&id->digest, text));",
        IDENTITY,
    ),
    Fault(
        "identity-without-times", "cache/identity.c",
        "digest_is_set(&id->times) ? sizeof(id->times.bytes) : 0",
        "0",
        IDENTITY,
    ),
    Fault(
        "merged-without-lowest", "engine/work/chain.c",
        "for (size_t i = 0; i < lowest->len; i++) {",
        "for (size_t i = 1; i < lowest->len; i++) {",
        "e2e/many_layers-user",
    ),
    Fault(
        "merged-base-of-diff-id", "engine/agent/oci_layers.c",
        "push(out, &all->merged, IDENTITY_CHAIN, &chain_id)",
        "push(out, &all->merged, IDENTITY_DIFF, &all->jobs[all->n_merged - 1].diff_id)",
        "e2e/many_layers-user",
    ),
    Fault(
        "merged-key-of-diff-id", "engine/agent/oci_layers.c",
        '"oci merged", &all->merged.diff_id',
        '"oci merged", &all->jobs[all->n_merged - 1].diff_id',
        "e2e/many_layers-user",
    ),
    Fault(
        "chain-key-of-diff-id", "engine/agent/oci_layers.c",
        'key = unpacked_key(c, "oci chain", chain_id)',
        'key = unpacked_key(c, "oci chain", &job->diff_id)',
        "e2e/overlay-user",
    ),
    Fault(
        "layer-key-of-the-first", "engine/agent/oci_layers.c",
        'job->is_first ? "oci first layer" : "oci layer"',
        '"oci layer"',
        "e2e/overlay-user",
    ),
    Fault(
        "less-than-its-name", "engine/agent/unpacked.c",
        ".has_name = has_name && !u->is_less",
        ".has_name = has_name",
        "e2e/stores-root",
    ),
    Fault(
        "less-is-forgotten", "engine/agent/unpacked.c",
        "record_to_snapshot(json_array(record, \"layers\"), &u->layer) &&\n\t       (!identity ||",
        "record_to_snapshot(json_array(record, \"layers\"), &u->layer) &&\n\t       (true || !identity ||",
        "e2e/stores-user",
    ),
    Fault(
        "base-without-times", BASE,
        "TRY(work_add_times(w, task, &base->layers.layers[i]));",
        "",
        "e2e/stores-user",
    ),
    Fault(
        "root-of-umask", "engine/unpack/unpack_writer.c",
        "return mode == UNPACK_MERGED ? NULL : default_root(w);",
        "return NULL;",
        "e2e/stores-user",
    ),
    # ---- what a layer is called ----
    Fault(
        "identity-mode", SEAL,
        "put_u64(&r->tree, st->st_mode);",
        "put_u64(&r->tree, st->st_mode & S_IFMT);",
        IDENTITY,
    ),
    Fault(
        "identity-set-id", SEAL,
        "put_u64(&r->tree, st->st_mode);",
        "put_u64(&r->tree, st->st_mode & (S_IFMT | 0777));",
        IDENTITY,
    ),
    Fault("identity-owner", SEAL, "put_u64(&r->tree, st->st_uid);", "put_u64(&r->tree, 0);", IDENTITY),
    Fault("identity-group", SEAL, "put_u64(&r->tree, st->st_gid);", "put_u64(&r->tree, 0);", IDENTITY),
    Fault("identity-device", SEAL, "put_u64(&r->tree, minor(st->st_rdev));", "", IDENTITY),
    Fault("identity-link", SEAL, "put(&r->tree, target, (size_t)n);", "put(&r->tree, target, 0);", IDENTITY),
    Fault("identity-attributes", SEAL, "xattr_has_use(name, XATTR_IDENTITY)", "false", IDENTITY),
    Fault("identity-attribute-value", SEAL, "put(&r->tree, value, size);", "put(&r->tree, value, 0);", IDENTITY),
    Fault("identity-attribute-portable", SEAL, " &&\n\t    xattr_make_portable(name, value, &size)", "", IDENTITY),
    Fault("identity-whiteout", SEAL, 'put_str(&r->tree, "whiteout");', "", IDENTITY),
    Fault("identity-whiteout-mode", SEAL, "\tif (is_whiteout(st))\n\t\treturn NULL;", "", IDENTITY),
    Fault(
        "identity-opaque", "base/xattr_rules.c",
        '{"user.overlay.opaque", HELD,',
        '{"user.overlay.opaque", XATTR_SEAL,',
        IDENTITY,
    ),
    Fault("identity-one-file", SEAL, "is_whiteout(st) ? 0 : met", "0", IDENTITY),
    Fault("identity-which-file", SEAL, "is_whiteout(st) ? 0 : met", "is_whiteout(st) ? 0 : met > 0", IDENTITY),
    Fault("identity-links-of-whiteouts", SEAL, "is_whiteout(st) ? 0 : met", "met", IDENTITY),
    Fault(
        "identity-order", SEAL,
        ".walk = {.stop = request->stop}",
        ".walk = {.stop = request->stop, .is_unsorted = true}",
        IDENTITY,
    ),
    Fault(
        "identity-times", SEAL,
        "put_u64(&r->tree, st->st_mode);",
        "put_u64(&r->tree, st->st_mode);\n\tput_u64(&r->tree, (uint64_t)st->st_mtim.tv_sec);",
        IDENTITY,
    ),
    Fault(
        "identity-keyed", SEAL,
        "request->has_name ? store_secret(request->store) : NULL",
        "store_secret(request->store)",
        IDENTITY,
    ),
    Fault(
        "identity-large-files", SEAL,
        "memcpy(r->tree.bytes.data + gap->at_tree, bytes, sizeof(bytes));",
        ";",
        IDENTITY,
    ),
    # ---- what the store's folder gives to new files ----
    Fault(
        "scratch-with-list", "cache/store.c",
        "return *made ? make_plain(scratch->fd, path) : NULL;",
        "(void)make_plain;\n\treturn NULL;",
        STORE,
    ),
    Fault("folder-with-list", "engine/tree/overlay.c", "TRY(tree_xattr_clear(to_fd));", "", "unit/test_overlay"),
    # ---- contents ----
    Fault("zeros-are-data", "base/content.c", "if (!is_zero(p->reader->block, n))", "if (n > 0)", CONTENT),
    Fault("place-forgotten", "base/content.c", "hasher_add_u64(p->hasher, offset / BLOCK);", "", CONTENT),
    Fault("size-forgotten", "base/content.c", "hasher_add_u64(h, content->size);", "", "unit/test_host_probe"),
    Fault("copy-mode", HASH, "st->st_mode & 07777", "st->st_mode & 0777", TREE),
    Fault("copy-host-mode", HASH, ": 0775)", ": 0777)", KEYS),
    Fault("copy-owner", HASH, "hasher_add_u64(h, entry->stat.st_uid);", "", TREE),
    Fault("copy-group", HASH, "hasher_add_u64(h, entry->stat.st_gid);", "", TREE),
    Fault("copy-capability", HASH, "add_xattrs(h, entry->xattrs);", "add_xattrs(h, NULL);", TREE),
    Fault("copy-link", HASH, "hasher_add_str(h, entry->link);", "", TREE),
    Fault("copy-first-name", HASH, "hasher_add_str(h, entry->first);", "", TREE),
    Fault("copy-device", HASH, "hasher_add_u64(h, entry->stat.st_rdev);", "hasher_add_u64(h, 0);", TREE),
    Fault("copy-name", HASH, 'is_named ? "" : entry->name', '""', TREE),
    Fault(
        "copy-times-of-late", "engine/tree/tree_walk.c",
        "st->st_mtim.tv_sec < w->rules->clamp_s ? st->st_mtim.tv_sec\n\t\t\t\t\t\t      : w->rules->clamp_s",
        "st->st_mtim.tv_sec",
        TREE,
    ),
    # ---- times, with SOURCE_DATE_EPOCH ----
    Fault(
        "times-after-epoch", "cache/layer_times.c",
        "st.st_mtim.tv_sec < t->epoch_s\n\t\t\t\t\t\t\t     ? st.st_mtim.tv_sec\n\t\t\t\t\t\t\t     : t->epoch_s",
        "st.st_mtim.tv_sec",
        IDENTITY,
    ),
    Fault(
        "times-of-another-epoch", "cache/layer_times.c",
        'key_set_u64(key, "SOURCE_DATE_EPOCH", (uint64_t)epoch_s);',
        "(void)epoch_s;",
        IDENTITY,
    ),
    Fault(
        "times-of-another-layer", "cache/layer_times.c",
        'key_set_text(key, "layer", id->name);',
        "(void)id;",
        IDENTITY,
    ),
    Fault("times-of-whiteouts", "cache/layer_times.c", "if (!S_ISCHR(st.st_mode) || st.st_rdev != 0)", "", IDENTITY),
    Fault("times-of-hits", EXEC, "x->work.epoch_set && i < own->len", "false && i < own->len", HITS),
    Fault(
        "times-of-what-was-made", "engine/work/mounted_commit.c",
        "TRY(work_add_times(w, task, &id));",
        "",
        "e2e/noop-user",
    ),
    # ---- host files ----
    Fault("memo-ctime", "cache/stat_memo.c", " && a->ctime_ns == b->ctime_ns", "", MEMO),
    Fault("memo-mtime", "cache/stat_memo.c", "a->mtime_ns == b->mtime_ns && ", "", MEMO),
    Fault("memo-size", "cache/stat_memo.c", " && a->size == b->size", "", MEMO),
    Fault(
        "memo-inode", "cache/stat_memo.c",
        "a->device == b->device && a->inode == b->inode && a->size",
        "a->device == b->device && a->size",
        MEMO,
    ),
    Fault("memo-mode", "cache/stat_memo.c", " &&\n\t       a->mode == b->mode", "", MEMO),
    Fault("memo-racy", "cache/stat_memo.c", " || entry.ctime_ns >= certain_ns", "", MEMO),
    Fault("memo-changed-meanwhile", "cache/stat_memo.c", " || !same_stat(&entry, &again)", "", MEMO),
    Fault(
        "memo-damaged", "cache/stat_memo.c",
        "memcmp(sum.bytes, header->checksum, sizeof(header->checksum)) != 0",
        "false",
        MEMO,
    ),
    Fault("memo-version", "cache/stat_memo.c", "memcmp(header->magic, MAGIC, sizeof(MAGIC)) != 0 ||", "", MEMO),
    # ---- seals and outlines ----
    Fault(
        "seal-content", SEAL,
        "buf_append(&r->seal.bytes, bytes, CONTENT_SIZE);",
        "buf_append(&r->seal.bytes, (char[CONTENT_SIZE]){0}, CONTENT_SIZE);",
        USAGE,
    ),
    Fault("seal-mode", SEAL, "put_u64(&r->seal, st->st_mode);", "put_u64(&r->seal, st->st_mode & S_IFMT);", USAGE),
    Fault("seal-owner", SEAL, "put_u64(&r->seal, st->st_uid);", "", USAGE),
    Fault("seal-group", SEAL, "put_u64(&r->seal, st->st_gid);", "", USAGE),
    Fault("seal-device", SEAL, "put_u64(&r->seal, st->st_rdev);", "", USAGE),
    Fault("seal-time", SEAL, "put_u64(&r->seal, (uint64_t)st->st_mtim.tv_sec);", "", USAGE),
    Fault("seal-link", SEAL, "put(&r->seal, target, (size_t)n);", "", USAGE),
    Fault("seal-attribute-value", SEAL, "put(&r->seal, value, size);", "", USAGE),
    Fault(
        "seal-name", SEAL,
        "put_str(&r->seal, name);\n\tput_str(&r->tree, name);\n\tTRY(folder",
        "put_str(&r->tree, name);\n\tTRY(folder",
        USAGE,
    ),
    Fault("seal-one-file", SEAL, "put_u64(&r->seal, met);", "", USAGE),
    Fault(
        "verify-without-identity", "cache/verify.c",
        " &&\n\t\t\t       digest_equal(&want.tree, &got.tree)",
        "",
        IDENTITY,
    ),
    Fault("verify-without-seal", "cache/verify.c", "digest_equal(&want.digest, &got.digest) &&", "", USAGE),
    Fault(
        "verify-registry-layers", "cache/verify.c",
        "request.has_name = !digest_is_set(&want.tree);",
        "request.has_name = false;",
        USAGE,
    ),
    Fault(
        "verify-keeps-records", "cache/verify.c",
        "if (map_get(&c->bad_layers, r->chain.layers[i].name))",
        "if (false)",
        USAGE,
    ),
    Fault("outline-mode", "cache/outline.c", "\t\tst->st_mode,\n", "\t\t0,\n", OUTLINE),
    Fault("outline-owner", "cache/outline.c", "\t\tst->st_uid,\n", "\t\t0,\n", OUTLINE),
    Fault("outline-group", "cache/outline.c", "\t\tst->st_gid,\n", "\t\t0,\n", OUTLINE),
    Fault("outline-size", "cache/outline.c", "has_size ? (uint64_t)st->st_size : 0", "0", OUTLINE),
    Fault("outline-time", "cache/outline.c", "(uint64_t)st->st_mtim.tv_sec", "0", OUTLINE),
    Fault("outline-name", "cache/outline.c", "buf_append(&w->text, name, strlen(name));", "", OUTLINE),
    Fault(
        "outline-folder", "cache/outline.c",
        "buf_append(&w->text, folder->bytes, sizeof(folder->bytes));",
        "",
        OUTLINE,
    ),
    # ---- records ----
    Fault(
        "record-of-another-key", "cache/record.c",
        "if (!own || strcmp(own, digest_hex(key, hex)) != 0)",
        "if (false)",
        STORE,
    ),
    Fault(
        "record-of-another-boot", "cache/record.c",
        "if (boot && strcmp(boot, s->boot_id) != 0)",
        "if (false)",
        STORE,
    ),
    Fault("record-of-other-ids", "cache/record.c", "own && strcmp(own, map) == 0", "own", IDENTITY),
    Fault(
        "record-without-identities", "cache/record.c",
        "(size_t)cJSON_GetArraySize(array) != out->len",
        "false",
        IDENTITY,
    ),
    Fault(
        "record-ids-not-asked", EXEC,
        "if (!record_has_ids(record, x->work.options.id_map))\n\t\treturn false;",
        "",
        HITS,
    ),
    Fault(
        "record-age-not-asked", EXEC,
        "if (state->miss)\n\t\treturn false;\n\tstate->miss = MISS_OTHER_IDS",
        "state->miss = MISS_OTHER_IDS",
        HITS,
    ),
    Fault(
        "record-before-epoch", "engine/work/work.c",
        "freshness_began_ms(record) < w->epoch_s * MS_PER_S",
        "false && record",
        HITS,
    ),
    Fault("epoch-to-come", "engine/work/work.c", "return w->epoch_is_past && ", "return w->epoch_set && ", HITS),
    Fault(
        "record-layers-gone", EXEC,
        "if (!snapshot_exists(x->work.options.store, &added))\n\t\treturn MISS_GONE;",
        "",
        HITS,
    ),
    Fault(
        "record-layers-damaged", EXEC,
        "e = snapshot_check(x->work.options.store, &added, cancel_stop(task_cancel(task)));",
        "e = NULL;",
        HITS,
    ),
    Fault("record-image-gone", EXEC, "if (state->miss == MISS_NONE && exec_kinds[step->kind]->refuses)", "if (false)", HITS),
    Fault("record-image-ctime", PACK, "nanoseconds(&st->st_ctim)", "nanoseconds(&st->st_mtim)", HITS),
    Fault(
        "record-other-cpu", BASE,
        '!level || strcmp(level, w->platform.level ? w->platform.level : "") == 0',
        "true",
        HITS,
    ),
    Fault(
        "record-began-at-end", "engine/work/freshness.c",
        "(int64_t)made - (int64_t)took",
        "(int64_t)made",
        "unit/test_fresh",
    ),
    Fault(
        "older-record-kept", "cache/older.c",
        "return strlen(hex) == OLD_KEY_DIGITS;",
        "return false && hex;",
        "unit/test_older",
    ),
    Fault("blob-not-compared", "cache/verify.c", "if (!e && digest_equal(&want, &got))", "if (!e)", USAGE),
    # ---- what `why` compares ----
    Fault(
        "why-optional-parts", "engine/why/why_compare.c",
        "part->is_optional && part->class != PART_PARENT && !a != !b",
        "false && a && b",
        WHY,
    ),
    Fault(
        "why-removed", "engine/why/why_compare.c",
        "if (!cJSON_GetObjectItemCaseSensitive(is, item->string))",
        "if (false)",
        WHY,
    ),
    Fault(
        "why-values", "engine/why/why_compare.c",
        "else if (!cJSON_Compare(item, other, true))",
        "else if (false)",
        WHY,
    ),
    Fault(
        "why-security", "engine/why/why_compare.c",
        '{"security", "--security", "what scripts may do"},\n',
        "",
        WHY,
    ),
    Fault(
        "why-base-configuration", "engine/why/why_compare.c",
        'strcmp(part->name, "base configuration") == 0',
        "false",
        WHY,
    ),
    Fault(
        "why-values-unkeyed", "engine/executor/detail.c",
        "digest_bytes(DIGEST_XXH3, store_secret(b->store), text.data, text.len)",
        "digest_bytes(DIGEST_XXH3, NULL, text.data, text.len)",
        WHY,
    ),
    Fault("why-parent", "engine/why/why.c", "!then || !now || strcmp(then, now) == 0", "then || now", "e2e/why-user"),
]
