/* SPDX-License-Identifier: MIT
 * test_keys.c - a key changes with each of its inputs, and with nothing else.
 *
 * Each row changes one thing: then exactly the part that it names differs.  Each input of
 * each kind of step (engine/executor/key_parts.c) has such a row.  Other rows change what
 * must not matter: then the key stays the same.
 */
/* links: plan engine */
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/path.h"
#include "cache/layer_times.h"
#include "cache/outline.h"
#include "engine/executor/exec_probe.h"
#include "engine/executor/key_parts.h"
#include "engine/work/cpu.h"
#include "frontend/def/parse.h"
#include "frontend/plan/plan.h"
#include "scheduler/sched.h"
#include "tests/fake/cmocka_all.h"
#include "tests/fake/test_folder.h"

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B64 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static const char DEFINITION[] = "Bootstrap: docker\n"
				 "From: alpine@sha256:" A64 "\n"
				 "Stage: build\n"
				 "\n"
				 "%pre\n"
				 "  before\n"
				 "%setup\n"
				 "  prepare\n"
				 "%appfiles tool\n"
				 "  src lib/src\n"
				 "%apprun tool\n"
				 "  exec tool\n"
				 "%appstart tool\n"
				 "  exec serve\n"
				 "%files\n"
				 "  src /src\n"
				 "\n"
				 "%post\n"
				 "  make\n"
				 "\n"
				 "%test\n"
				 "  true\n"
				 "\n"
				 "Bootstrap: scratch\n"
				 "Stage: final\n"
				 "\n"
				 "%files from build\n"
				 "  /out /out\n"
				 "\n"
				 "%environment\n"
				 "  export A=1\n"
				 "%runscript\n"
				 "  exec run\n"
				 "%startscript\n"
				 "  exec start\n"
				 "%test\n"
				 "  exec test\n"
				 "%help\n"
				 "  Help.\n"
				 "%labels\n"
				 "  a 1\n";

enum change {
	NOTHING,
	TEXT,	       /* of the definition: `from` becomes `to` */
	VALUE,	       /* of a part that is constant within one build of the program */
	PARENT,	       /* another root filesystem */
	PARENT_ANEW,   /* it was rebuilt, to the same files */
	PARENT_TIMES,  /* and its times differ, where they count */
	BASE_CONFIG,   /* what the base image says about itself, except its files */
	PRODUCER,      /* its files differ */
	PRODUCER_ANEW, /* it was rebuilt, to the same files at another time */
	PRODUCER_TIME, /* the same, and times count: with SOURCE_DATE_EPOCH */
	PRODUCER_LATE, /* both times are after the epoch */
	OTHER_EPOCH,   /* of two; the producer's layer is a registry's */
	ID_MAP,	       /* `to`, if it is there */
	ARCHITECTURE,
	OUTPUT,
	COMPRESSION,
	EPOCH,
	KEEP_TMP,
	SECURITY,
	ENVIRONMENT, /* the variable `from` gets the value `to` */
	CONTENT,
	MODE,
	MODE_OF_OTHERS, /* which a copy from the host does not keep */
	NEW_FILE,
	TIME,
	JOBS,
};

struct row {
	const char *step, *part;
	enum change change;
	const char *from, *to;
};

/* ---- the world of one key ---- */

/* Layers of the producer; made only where overlayfs may be mounted. */
static const char OUT[] = "outaaaaaaaaa", OUT_OTHER[] = "outbbbbbbbbb",
		  OUT_ANEW[] = "outccccccccc";
/* Any other layer; it does not exist. */
static const char ANY[] = "aaaaaaaaaaaa";
static bool can_mount;

struct world {
	struct store *store;
	char *folder; /* current folder, with src/ in it */
};

struct result {
	struct digest key;
	struct key *inputs;
	cJSON *parts;
};

static void result_release(struct result *r)
{
	key_free(r->inputs);
	cJSON_Delete(r->parts);
}

static void write_text(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_ok(fs_write_all(fd, text, strlen(text)));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void set_time(const char *path, time_t when)
{
	struct timespec times[2] = {{.tv_sec = when}, {.tv_sec = when}};

	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void make_layer(struct store *s, const char *name, const char *text, time_t when)
{
	CLEANUP(freep) char *root = path_join(layer_root(s), name);
	CLEANUP(freep) char *out = path_join(root, "out");
	CLEANUP(freep) char *file = path_join(out, "file");

	assert_int_equal(mkdir(root, 0755), 0);
	assert_int_equal(mkdir(out, 0755), 0);
	write_text(file, text, 0644);
	set_time(file, when);
	assert_ok(outline_make(
		&(struct seal_request){.store = s, .dir_fd = AT_FDCWD, .name = root}));
}

static int setup(void **state)
{
	CLEANUP(freep) char *cache = NULL;
	struct world *w = xcalloc(1, sizeof(*w));

	w->folder = test_folder_new();
	cache = path_join(w->folder, "cache");
	assert_ok(store_open(cache, STORE_WRITE, &w->store));
	make_layer(w->store, OUT, "one\n", 1000);
	make_layer(w->store, OUT_OTHER, "two\n", 1000);
	make_layer(w->store, OUT_ANEW, "one\n", 2000);
	assert_int_equal(chdir(w->folder), 0);
	assert_int_equal(mkdir("src", 0755), 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	store_close(w->store);
	test_folder_remove(w->folder);
	free(w);
	return 0;
}

static void reset(void)
{
	unsetenv("SOURCE_DATE_EPOCH");
	unsetenv("APPTAINERENV_X");
	/* One is there always: what is added is not the first. */
	setenv("APPTAINERENV_A", "0", 1);
	unsetenv("TERM");
	unsetenv("http_proxy");
	unsetenv("USER");
	unlink("src/new");
	write_text("src/a.c", "int a;\n", 0644);
	set_time("src/a.c", 1000);
}

static char *changed_text(const struct row *row)
{
	const char *at = strstr(DEFINITION, row->change == TEXT ? row->from : "");

	if (row->change != TEXT)
		return xstrdup(DEFINITION);
	assert_non_null(at);
	return xasprintf("%.*s%s%s", (int)(at - DEFINITION), DEFINITION, row->to,
			 at + strlen(row->from));
}

static void change_world(const struct row *row, struct exec_options *o)
{
	switch (row->change) {
	case ID_MAP:
		o->work.id_map = row->to ? row->to : "range: users 1000+1,100000+65535";
		break;
	case ARCHITECTURE:
		assert_true(personality(PER_LINUX32) >= 0);
		break;
	case OUTPUT:
		o->work.output = "/elsewhere/x.sif";
		break;
	case COMPRESSION:
		o->work.compression = SQFS_ZSTD;
		break;
	case SECURITY:
		o->work.security = SECURITY_APPTAINER;
		break;
	case EPOCH:
		setenv("SOURCE_DATE_EPOCH", "1700000000", 1);
		break;
	case ENVIRONMENT:
		setenv(row->from, row->to, 1);
		break;
	case CONTENT:
		write_text("src/a.c", "int b;\n", 0644);
		break;
	case MODE:
		write_text("src/a.c", "int a;\n", 0755);
		break;
	case MODE_OF_OTHERS:
		write_text("src/a.c", "int a;\n", 0646);
		break;
	case NEW_FILE:
		write_text("src/new", "", 0644);
		break;
	case TIME:
		set_time("src/a.c", 2000);
		break;
	case JOBS:
		o->work.jobs = 8;
		break;
	case PRODUCER_TIME:
		setenv("SOURCE_DATE_EPOCH", "1700000000", 1);
		break;
	case PRODUCER_LATE:
	case OTHER_EPOCH:
		setenv("SOURCE_DATE_EPOCH", "500", 1);
		break;
	case NOTHING:
	case TEXT:
	case VALUE:
	case KEEP_TMP:
	case PARENT:
	case PARENT_ANEW:
	case PARENT_TIMES:
	case BASE_CONFIG:
	case PRODUCER:
	case PRODUCER_ANEW:
		break;
	}
}

/* ---- composing ---- */

struct composing {
	struct exec *exec;
	const struct step *step;
	bool is_known;
};

static struct err *probe(void *self, struct node_id id, struct task *task,
			 enum probe_result *out)
{
	struct composing *c = self;

	*out = PROBE_HIT;
	if (id.index != c->step->id.index)
		return NULL;
	return exec_compose(c->exec, c->step, task, &c->is_known);
}

/* The layer `name`, which holds `files`. */
static void set_snapshot(struct exec *x, struct node_id id, const char *name,
			 const char *files)
{
	struct step_state *state = work_state(exec_work(x), id);
	struct layer_id layer = {
		.identity = {IDENTITY_TREE,
			     digest_bytes(DIGEST_SHA256, NULL, files, strlen(files)),
			     {0}}};

	snprintf(layer.name, sizeof(layer.name), "%s", name);
	/* For layers that are on the disk. */
	if (x->work.epoch_set && strcmp(name, ANY) != 0)
		assert_ok(layer_times(x->work.options.store, &layer, x->work.epoch_s,
				      true, (struct stop){0}, &layer.identity.times));
	snapshot_release(&state->snapshot);
	snapshot_push(&state->snapshot, &layer);
	state->is_done = true;
}

static void set_parent(struct exec *x, const struct step *step, enum change change)
{
	struct step_state *state = work_state(exec_work(x), step->parent);

	if (change == PARENT)
		set_snapshot(x, step->parent, ANY, "others");
	else if (change == PARENT_ANEW)
		memcpy(state->snapshot.layers[0].name, "bbbbbbbbbbbb", 12);
	else if (change == PARENT_TIMES)
		state->snapshot.layers[0].identity.times =
			digest_bytes(DIGEST_SHA256, NULL, "", 0);
}

static void set_base_configuration(struct exec *x)
{
	for (uint32_t i = 0; i < x->work.options.n_steps; i++)
		if (x->work.options.steps[i]->kind == STEP_BASE) {
			free(x->work.states[i].oci_config);
			x->work.states[i].oci_config =
				xstrdup("{\"Labels\": {\"a\": \"b\"}}");
		}
}

/* Its name covers its times, whatever the epoch. */
static void set_foreign(struct exec *x, struct node_id id)
{
	struct identity *identity =
		&work_state(exec_work(x), id)->snapshot.layers[0].identity;

	identity->kind = IDENTITY_DIFF;
	identity->times = (struct digest){0};
}

/* All other steps are done. */
static void set_snapshots(struct exec *x, const struct row *row, const struct step *step,
			  bool is_changed)
{
	bool is_anew = row->change == PRODUCER_ANEW || row->change == PRODUCER_TIME ||
		       row->change == PRODUCER_LATE;

	for (uint32_t i = 0; i < x->work.options.n_steps; i++)
		set_snapshot(x, (struct node_id){i}, ANY, "any");
	if (step->parent.index != NODE_NONE.index && is_changed)
		set_parent(x, step, row->change);
	if (is_changed && row->change == BASE_CONFIG)
		set_base_configuration(x);
	if (step->producer.index == NODE_NONE.index)
		return;
	set_snapshot(x, step->producer, OUT, "one");
	if (is_changed && row->change == PRODUCER)
		set_snapshot(x, step->producer, OUT_OTHER, "two");
	if (is_changed && is_anew)
		set_snapshot(x, step->producer, OUT_ANEW, "one");
	if (row->change == OTHER_EPOCH)
		set_foreign(x, step->producer);
}

static const struct step *find(const struct plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->n_steps; i++)
		if (strcmp(plan->steps[i]->name, name) == 0)
			return plan->steps[i];
	fail_msg("no step %s", name);
	return NULL;
}

static void compose(const struct plan *plan, const struct row *row,
		    const struct exec_options *options, bool is_changed,
		    struct result *out)
{
	struct composing c = {.step = find(plan, row->step)};
	struct executor executor = {.self = &c, .probe = probe};
	struct sched_options sched = {.jobs = 1, .probe_only = true};
	struct sched_result result = SCHED_RESULT_INIT;
	struct step_state *state;

	assert_ok(exec_new(options, &c.exec));
	set_snapshots(c.exec, row, c.step, is_changed);
	assert_ok(sched_run(plan->graph, &executor, &sched, &result));
	sched_result_release(&result);
	assert_true(c.is_known);
	state = work_state(exec_work(c.exec), c.step->id);
	if (is_changed && row->change == VALUE)
		key_set_text(state->inputs, row->part, "another one");
	out->key = key_final(state->inputs);
	out->parts = key_parts(state->inputs, store_secret(options->work.store));
	assert_true(key_parts_agree(state->inputs, c.step->kind));
	out->inputs = STEAL(state->inputs);
	exec_free(c.exec);
}

/* The key of the row's step, with its change or without. */
static struct result key_of(const struct world *w, const struct row *row, bool is_changed)
{
	CLEANUP(freep)
	char *text = is_changed ? changed_text(row) : xstrdup(DEFINITION);
	CLEANUP(source_freep)
	struct source *source = source_new("x.def", str_of(text));
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(diag_list_freep)
	struct diag_list *diags = diag_list_new(source, NULL);
	CLEANUP(build_args_freep) struct build_args *args = build_args_new();
	CLEANUP(plan_freep) struct plan *plan = NULL;
	struct definition *def = NULL;
	struct plan_options plan_options = {.all_stages = true};
	struct exec_options options = {
		.work =
			{
				.store = w->store,
				.id_map = "root",
				.jobs = 1,
				.output = "/here/x.sif",
				.purpose = can_mount ? WORK_BUILD : WORK_LOOK,
			},
	};
	struct result out = {0};

	reset();
	def_parse(source, args, arena, diags, &def);
	assert_non_null(def);
	def->keep_tmp = is_changed && row->change == KEEP_TMP;
	assert_ok(plan_compile(def, &plan_options, &plan));
	options.work.steps = plan->steps;
	options.work.n_steps = plan->n_steps;
	/* These rows do not change whether times count. */
	if (is_changed || row->change == PRODUCER_TIME || row->change == PRODUCER_LATE)
		change_world(row, &options);
	else if (row->change == OTHER_EPOCH)
		setenv("SOURCE_DATE_EPOCH", "1700000000", 1);
	compose(plan, row, &options, is_changed, &out);
	assert_true(personality(PER_LINUX) >= 0);
	return out;
}

/* ---- what must change the key ---- */

static const struct row CHANGES[] = {
	{"build.base", "architecture", ARCHITECTURE, NULL, NULL},
	{"build.base", "id map", ID_MAP, NULL, NULL},
	{"build.base", "version", VALUE, NULL, NULL},
	/* Another agent resolves to another source, too. */
	{"build.base", "agent", VALUE, NULL, NULL},
	{"build.base", "source", TEXT, A64, B64},
	{"build.base", "fingerprints", TEXT, "Stage: build\n",
	 "Stage: build\nFingerprints: 0123\n"},

	{"final.copy", "architecture", ARCHITECTURE, NULL, NULL},
	{"final.copy", "id map", ID_MAP, NULL, NULL},
	{"final.copy", "parent", PARENT, NULL, NULL},
	{"final.copy", "parent", PARENT_TIMES, NULL, NULL},
	{"final.copy", "list", TEXT, "/out /out", "/out /opt"},
	{"final.copy", "content", PRODUCER, NULL, NULL},
	{"final.copy", "content", PRODUCER_TIME, NULL, NULL},
	{"final.copy", "content", OTHER_EPOCH, NULL, NULL},
	{"final.copy", "list, content", TEXT, "/out /out", "/out/file /out"},

	{"build.files", "architecture", ARCHITECTURE, NULL, NULL},
	{"build.files", "id map", ID_MAP, NULL, NULL},
	{"build.files", "parent", PARENT, NULL, NULL},
	{"build.files", "list", TEXT, "src /src", "src /opt"},
	{"build.files", "content", CONTENT, NULL, NULL},
	{"build.files", "content", MODE, NULL, NULL},
	{"build.files", "content", NEW_FILE, NULL, NULL},

	{"build.apps", "architecture", ARCHITECTURE, NULL, NULL},
	{"build.apps", "id map", ID_MAP, NULL, NULL},
	{"build.apps", "parent", PARENT, NULL, NULL},
	{"build.apps", "version", VALUE, NULL, NULL},
	{"build.apps", "apps", TEXT, "%test\n", "%apprun other\n  x\n%test\n"},
	{"build.apps", "apps", TEXT, "  exec tool\n", "  exec tools\n"},
	{"build.apps", "apps", TEXT, "%appstart tool\n", "%apptest tool\n"},
	{"build.apps", "apps", TEXT, "%test\n", "%appenv tool\n  A=1\n%test\n"},
	{"build.apps", "apps", TEXT, "%test\n", "%apphelp tool\n  x\n%test\n"},
	{"build.apps", "apps", TEXT, "%test\n", "%applabels tool\n  a b\n%test\n"},
	{"build.apps", "list", TEXT, "src lib/src", "src lib/source"},
	{"build.apps", "content", CONTENT, NULL, NULL},
	{"build.apps", "content", MODE, NULL, NULL},
	{"build.apps", "content", NEW_FILE, NULL, NULL},

	{"build.pre", "architecture", ARCHITECTURE, NULL, NULL},
	{"build.pre", "id map", ID_MAP, NULL, NULL},
	{"build.pre", "script", TEXT, "  before\n", "  before it\n"},
	{"build.pre", "arguments", TEXT, "%pre\n", "%pre -c /bin/bash\n"},
	{"build.pre", "SOURCE_DATE_EPOCH", EPOCH, NULL, NULL},

	{"build.setup", "architecture", ARCHITECTURE, NULL, NULL},
	{"build.setup", "id map", ID_MAP, NULL, NULL},
	{"build.setup", "parent", PARENT, NULL, NULL},
	{"build.setup", "script", TEXT, "  prepare\n", "  prepare it\n"},
	{"build.setup", "arguments", TEXT, "%setup\n", "%setup -c /bin/bash\n"},
	{"build.setup", "SOURCE_DATE_EPOCH", EPOCH, NULL, NULL},

	{"build.post", "architecture", ARCHITECTURE, NULL, NULL},
	{"build.post", "id map", ID_MAP, NULL, NULL},
	{"build.post", "parent", PARENT, NULL, NULL},
	{"build.post", "script", TEXT, "  make\n", "  make all\n"},
	{"build.post", "script", TEXT, "  make\n", "  make # not much\n"},
	{"build.post", "arguments", TEXT, "%post\n", "%post -c /bin/bash\n"},
	{"build.post", "temporary files", KEEP_TMP, NULL, NULL},
	{"build.post", "security", SECURITY, NULL, NULL},
	{"build.post", "cpu", VALUE, NULL, NULL},
	{"build.test", "security", SECURITY, NULL, NULL},
	{"build.post", "constant environment", VALUE, NULL, NULL},
	{"build.post", "passed environment", ENVIRONMENT, "APPTAINERENV_X", "1"},
	{"build.post", "SOURCE_DATE_EPOCH", EPOCH, NULL, NULL},
	{"build.post", "SOURCE_DATE_EPOCH", OTHER_EPOCH, NULL, NULL},

	{"final.meta", "architecture", ARCHITECTURE, NULL, NULL},
	{"final.meta", "id map", ID_MAP, NULL, NULL},
	{"final.meta", "parent", PARENT, NULL, NULL},
	{"final.meta", "definition", TEXT, "%post\n", "# a remark\n%post\n"},
	{"build.meta", "help", TEXT, "%test\n", "%help\n  x\n%test\n"},
	{"build.meta", "environment", TEXT, "%test\n", "%environment\n  x=1\n%test\n"},
	{"build.meta", "runscript", TEXT, "%test\n", "%runscript\n  x\n%test\n"},
	{"build.meta", "startscript", TEXT, "%test\n", "%startscript\n  x\n%test\n"},
	{"build.meta", "test", TEXT, "  true\n", "  false\n"},
	{"build.meta", "test", TEXT, "%test\n", "%test -e\n"},
	{"build.meta", "labels", TEXT, "%test\n", "%labels\n  x y\n%test\n"},
	{"final.meta", "definition, labels", TEXT, "  a 1\n", "  a 2\n"},
	{"build.meta", "headers", TEXT, "Stage: build\n", "Stage: build\nInclude: x\n"},
	{"final.meta", "version", VALUE, NULL, NULL},
	{"final.meta", "SOURCE_DATE_EPOCH", EPOCH, NULL, NULL},
	{"final.meta", "SOURCE_DATE_EPOCH", OTHER_EPOCH, NULL, NULL},

	{"build.test", "architecture", ARCHITECTURE, NULL, NULL},
	{"build.test", "id map", ID_MAP, NULL, NULL},
	{"build.test", "parent", PARENT, NULL, NULL},
	{"build.test", "constant environment", VALUE, NULL, NULL},
	{"build.test", "passed environment", ENVIRONMENT, "APPTAINERENV_X", "1"},
	{"build.test", "cpu", VALUE, NULL, NULL},
	{"build.test", "SOURCE_DATE_EPOCH", EPOCH, NULL, NULL},
	{"build.test", "SOURCE_DATE_EPOCH", OTHER_EPOCH, NULL, NULL},

	{"final.pack", "architecture", ARCHITECTURE, NULL, NULL},
	{"final.pack", "id map", ID_MAP, NULL, NULL},
	{"final.pack", "parent", PARENT, NULL, NULL},
	{"final.pack", "base configuration", BASE_CONFIG, NULL, NULL},
	{"final.pack", "output", OUTPUT, NULL, NULL},
	{"final.pack", "compression", COMPRESSION, NULL, NULL},
	{"final.pack", "version", VALUE, NULL, NULL},
	{"final.pack", "SOURCE_DATE_EPOCH", EPOCH, NULL, NULL},
	{"final.pack", "SOURCE_DATE_EPOCH", OTHER_EPOCH, NULL, NULL},
};

static bool is_copy(const struct row *row)
{
	return strcmp(row->step, "final.copy") == 0;
}

/* "x" when only part x differs, including parts on one side only; else all that differ,
 * for a message. */
static char *differing(const cJSON *a, const cJSON *b)
{
	struct buf names = BUF_INIT;
	const cJSON *item;

	cJSON_ArrayForEach(item, a) if (!cJSON_Compare(item,
						       cJSON_GetObjectItemCaseSensitive(
							       b, item->string),
						       true))
		buf_printf(&names, "%s%s", names.len > 0 ? ", " : "", item->string);
	cJSON_ArrayForEach(item,
			   b) if (!cJSON_GetObjectItemCaseSensitive(a, item->string))
		buf_printf(&names, "%s%s", names.len > 0 ? ", " : "", item->string);
	buf_puts(&names, "");
	return buf_steal(&names);
}

static void check_row(const struct world *w, const struct row *row, const char *wanted)
{
	struct result was = key_of(w, row, false), is = key_of(w, row, true);
	CLEANUP(freep) char *names = differing(was.parts, is.parts);

	if (strcmp(names ? names : "", wanted) != 0 ||
	    digest_equal(&was.key, &is.key) != (wanted[0] == '\0'))
		fail_msg("%s: change %d ('%s' to '%s') changes '%s', not '%s'", row->step,
			 (int)row->change, row->from ? row->from : "",
			 row->to ? row->to : "", names ? names : "", wanted);
	result_release(&was);
	result_release(&is);
}

static void test_changes(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(CHANGES); i++)
		if (can_mount || !is_copy(&CHANGES[i]))
			check_row(*state, &CHANGES[i], CHANGES[i].part);
}

static bool has_row(const char *part, const char *kind)
{
	for (size_t i = 0; i < ARRAY_LEN(CHANGES); i++)
		if (strcmp(CHANGES[i].part, part) == 0 &&
		    strcmp(strchr(CHANGES[i].step, '.') + 1, kind) == 0)
			return true;
	return false;
}

static void test_every_input_has_a_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < key_parts_len; i++)
		for (unsigned kind = 0; kind < STEP_KINDS; kind++)
			if (key_part_is_of(&key_parts_table[i], kind) &&
			    !has_row(key_parts_table[i].name, step_kind_name(kind)))
				fail_msg("no row changes '%s' of '%s'",
					 key_parts_table[i].name, step_kind_name(kind));
}

/* ---- what must not ---- */

static const char ANOTHER_STAGE[] = "Bootstrap: scratch\nStage: another\n\n"
				    "Bootstrap: docker\n";

static const struct row SAME[] = {
	/* Another stage above, and so different places and numbers. */
	{"build.base", "", TEXT, "Bootstrap: docker\n", ANOTHER_STAGE},
	{"build.files", "", TEXT, "Bootstrap: docker\n", ANOTHER_STAGE},
	{"build.apps", "", TEXT, "Bootstrap: docker\n", ANOTHER_STAGE},
	/* A part of %post. */
	{"build.apps", "", TEXT, "%test\n", "%appinstall tool\n  x\n%test\n"},
	{"build.apps", "", TEXT, "%apprun tool\n", "%apprun tool and more\n"},
	{"build.apps", "", TIME, NULL, NULL},
	{"build.apps", "", MODE_OF_OTHERS, NULL, NULL},
	{"build.post", "", TEXT, "Bootstrap: docker\n", ANOTHER_STAGE},
	{"build.meta", "", TEXT, "Bootstrap: docker\n", ANOTHER_STAGE},
	{"build.test", "", TEXT, "Bootstrap: docker\n", ANOTHER_STAGE},
	{"final.copy", "", TEXT, "Bootstrap: docker\n", ANOTHER_STAGE},
	{"final.pack", "", TEXT, "Bootstrap: docker\n", ANOTHER_STAGE},
	/* Comments, and sections of other steps. */
	{"build.base", "", TEXT, "  make\n", "  make # now\n"},
	{"build.files", "", TEXT, "  src /src\n", "  # a remark\n  src /src\n"},
	{"build.files", "", TEXT, "  make\n", "  make all\n"},
	{"build.post", "", TEXT, "%post\n", "# a remark\n\n%post\n"},
	{"build.post", "", TEXT, "  true\n", "  false\n"},
	{"build.post", "", TEXT, "  exec run\n", "  exec true\n"},
	{"build.meta", "", TEXT, "  exec run\n", "  exec true\n"},
	{"build.test", "", TEXT, "  Help.\n", "  No help.\n"},
	{"final.copy", "", TEXT, "  Help.\n", "  No help.\n"},
	{"final.pack", "", TEXT, "  Help.\n", "  No help.\n"},
	{"final.pack", "", TEXT, "  src /src\n", "  src   /src\n"},
	{"build.files", "", TEXT, "  src /src\n", "  src   /src\n"},
	/* A parent that was rebuilt. */
	{"build.files", "", PARENT_ANEW, NULL, NULL},
	{"build.post", "", PARENT_ANEW, NULL, NULL},
	{"build.setup", "", PARENT_ANEW, NULL, NULL},
	{"build.setup", "", TEXT, "  before\n", "  before it\n"},
	{"build.meta", "", PARENT_ANEW, NULL, NULL},
	{"build.test", "", PARENT_ANEW, NULL, NULL},
	{"final.copy", "", PARENT_ANEW, NULL, NULL},
	{"final.pack", "", PARENT_ANEW, NULL, NULL},
	{"build.base", "", BASE_CONFIG, NULL, NULL},
	{"final.meta", "", BASE_CONFIG, NULL, NULL},
	/* Whose ids the owners have outside. */
	{"build.base", "", ID_MAP, NULL, "root: 100000"},
	{"build.post", "", ID_MAP, NULL, "root: 100000"},
	{"final.pack", "", ID_MAP, NULL, "root: 100000"},
	/* Times and what is not kept. */
	{"build.files", "", TIME, NULL, NULL},
	{"build.files", "", MODE_OF_OTHERS, NULL, NULL},
	{"build.files", "", EPOCH, NULL, NULL},
	{"build.base", "", EPOCH, NULL, NULL},
	{"final.copy", "", PRODUCER_ANEW, NULL, NULL},
	{"final.copy", "", PRODUCER_LATE, NULL, NULL},
	/* How the run is done. */
	{"build.post", "", JOBS, NULL, NULL},
	{"build.post", "", OUTPUT, NULL, NULL},
	{"build.post", "", COMPRESSION, NULL, NULL},
	{"final.pack", "", JOBS, NULL, NULL},
	{"final.meta", "", OUTPUT, NULL, NULL},
	/* How a step reaches the network, and how it prints. */
	{"build.post", "", ENVIRONMENT, "TERM", "vt100"},
	{"build.post", "", ENVIRONMENT, "http_proxy", "http://127.0.0.1:1"},
	{"build.test", "", ENVIRONMENT, "TERM", "vt100"},
	{"build.post", "", ENVIRONMENT, "USER", "somebody"},
	{"build.base", "", ENVIRONMENT, "APPTAINERENV_X", "1"},
	{"build.files", "", ENVIRONMENT, "APPTAINERENV_X", "1"},
	{"final.meta", "", ENVIRONMENT, "APPTAINERENV_X", "1"},
	{"final.pack", "", ENVIRONMENT, "APPTAINERENV_X", "1"},
};

static void test_same(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(SAME); i++)
		if (can_mount || !is_copy(&SAME[i]))
			check_row(*state, &SAME[i], "");
}

/* ---- the processor ---- */

static bool has_cpu(const struct world *w, const struct row *row)
{
	struct result result = key_of(w, row, true);
	bool has = cJSON_HasObjectItem(result.parts, "cpu");

	result_release(&result);
	return has;
}

static void test_cpu(void **state)
{
	static const struct row with[] = {
		{"build.post", "", TEXT, "  make\n", "  make CFLAGS=-march=native\n"},
		{"build.post", "", TEXT, "%post\n", "%post -c /bin/sh -xHost\n"},
		{"build.post", "", ENVIRONMENT, "APPTAINERENV_X", "-C target-cpu=native"},
		{"build.test", "", TEXT, "  true\n", "  cc -march=native x.c\n"},
		{"build.test", "", ENVIRONMENT, "APPTAINERENV_X", "-C target-cpu=native"},
	};
	static const struct row without[] = {
		{"build.post", "", NOTHING, NULL, NULL},
		{"build.test", "", NOTHING, NULL, NULL},
		{"build.test", "", TEXT, "  make\n", "  cc -march=native x.c\n"},
		{"build.post", "", TEXT, "  make\n", "  make CFLAGS=-mtune=native\n"},
		{"build.post", "", TEXT, "  true\n", "  cc -march=native x.c\n"},
	};

	for (size_t i = 0; i < ARRAY_LEN(with); i++)
		assert_true(has_cpu(*state, &with[i]));
	for (size_t i = 0; i < ARRAY_LEN(without); i++)
		assert_false(has_cpu(*state, &without[i]));
}

/* ---- what is constant in one build of the program, or on one machine ---- */

static bool has_text(const struct key *k, const char *part, const char *wanted)
{
	size_t n = 0;
	const char *const *texts = key_texts(k, part, &n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(texts[i], wanted) == 0)
			return true;
	return false;
}

static void test_values(void **state)
{
	CLEANUP(freep) char *cpu = cpu_describe();
	const struct {
		struct row row;
		const char *value;
	} values[] = {
		{{"build.base", "version", NOTHING, NULL, NULL}, DAGBUILD_VERSION},
		{{"final.meta", "version", NOTHING, NULL, NULL}, DAGBUILD_VERSION},
		{{"final.pack", "version", NOTHING, NULL, NULL}, DAGBUILD_VERSION},
		{{"build.base", "agent", NOTHING, NULL, NULL}, "docker"},
		{{"final.base", "agent", NOTHING, NULL, NULL}, "scratch"},
		{{"build.post", "cpu", TEXT, "  make\n", "  cc -march=native\n"}, cpu},
		{{"build.test", "cpu", TEXT, "  true\n", "  cc -march=native\n"}, cpu},
	};

	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		struct result result = key_of(*state, &values[i].row, true);

		if (!has_text(result.inputs, values[i].row.part, values[i].value))
			fail_msg("'%s' of %s is not '%s'", values[i].row.part,
				 values[i].row.step, values[i].value);
		result_release(&result);
	}
}

/* All that a script can see of its surroundings, as engine/run/container_child.c makes
 * them. */
static void test_constant_environment(void **state)
{
	static const struct row rows[] = {{"build.post", "", NOTHING, NULL, NULL},
					  {"build.test", "", NOTHING, NULL, NULL}};
	static const char *const wanted[] = {"HOME=/root",
					     "LANG=C",
					     "umask 0022",
					     "hostname build",
					     "APPTAINER_NAME=rootfs",
					     "SINGULARITY_LABELS=/.build.labels"};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct result result = key_of(*state, &rows[i], false);

		for (size_t k = 0; k < ARRAY_LEN(wanted); k++)
			if (!has_text(result.inputs, "constant environment", wanted[k]))
				fail_msg("%s: no '%s'", rows[i].step, wanted[k]);
		result_release(&result);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_constant_environment),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_cpu),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_every_input_has_a_row),
		cmocka_unit_test(test_same),
	};

	/* Before any thread: a copy looks at a mounted root filesystem. */
	can_mount = geteuid() == 0 && unshare(CLONE_NEWNS) == 0 &&
		    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
	return cmocka_run_group_tests(tests, setup, teardown);
}
