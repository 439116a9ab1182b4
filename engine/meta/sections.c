/* SPDX-License-Identifier: MIT
 * sections.c - see sections.h.
 */
#include "engine/meta/sections.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/dir.h"
#include "base/path.h"
#include "base/str.h"
#include "engine/meta/labels.h"
#include "engine/meta/root_file.h"

static const char HELP[] = "/.singularity.d/runscript.help";
static const char DEFINITION[] = "/.singularity.d/Singularity";
static const char HISTORY[] = "/.singularity.d/bootstrap_history";
static const char ENVIRONMENT[] = "/.singularity.d/env/90-environment.sh";
static const char BUILD_LABELS[] = "/.build.labels";

PRINTF(2, 3)
static void note(const struct sections_request *r, const char *format, ...)
{
	CLEANUP(freep) char *text = NULL;
	va_list args;

	va_start(args, format);
	text = xvasprintf(format, args);
	va_end(args);
	if (r->note)
		r->note(r->context, text);
}

static struct err *write_help(int root_fd, const struct sections_request *r)
{
	CLEANUP(freep) char *text = NULL;
	bool exists;

	if (!r->meta->help.body)
		return NULL;
	TRY(root_exists(root_fd, HELP, &exists));
	if (exists) {
		note(r, "%%help is not stored: the base image has a help text");
		return NULL;
	}
	text = xasprintf("%s\n", r->meta->help.body);
	return root_write(root_fd, HELP, text, strlen(text), 0644, ROOT_REPLACE);
}

static struct err *count_entries(int root_fd, const char *path, unsigned *n)
{
	CLEANUP(closep) int fd = -1;
	CLEANUP(dir_closep) DIR *dir = NULL;
	const char *name;

	*n = 0;
	TRY(path_open(root_fd, path, O_RDONLY | O_DIRECTORY, 0, &fd));
	dir = dir_open_fd(fd);
	if (!dir)
		return err_sys("'%s' in the image", path);
	while ((name = dir_next(dir)) != NULL)
		*n += name[0] != '.';
	return errno ? err_sys("'%s' in the image", path) : NULL;
}

/* A definition that the base image brought goes into the history, with a number. */
static struct err *write_definition(int root_fd, const struct sections_request *r)
{
	CLEANUP(buf_release) struct buf earlier = BUF_INIT;
	CLEANUP(freep) char *name = NULL;
	unsigned n = 0;
	bool exists;

	if (!r->meta->definition)
		return NULL;
	TRY(root_exists(root_fd, DEFINITION, &exists));
	if (exists) {
		TRY(root_read(root_fd, DEFINITION, &earlier));
		TRY(path_mkdirs(root_fd, HISTORY, 0755));
		TRY(count_entries(root_fd, HISTORY, &n));
		name = xasprintf("%s/Apptainer%u", HISTORY, n);
		TRY(root_write(root_fd, name, buf_text(&earlier), earlier.len, 0644,
			       ROOT_REPLACE));
	}
	return root_write(root_fd, DEFINITION, r->meta->definition,
			  strlen(r->meta->definition), 0644, ROOT_REPLACE);
}

static struct err *write_environment(int root_fd, const struct sections_request *r)
{
	CLEANUP(freep) char *text = NULL;

	if (!r->meta->environment.body)
		return NULL;
	text = xasprintf("\n%s\n", r->meta->environment.body);
	return root_append(root_fd, ENVIRONMENT, "#!/bin/sh\n", text, 0755);
}

/*
 * Line 1 is the interpreter: the body's own `#!` line if that is its first line that is
 * not blank, else /bin/sh; words of the section line follow it.  (Apptainer takes the
 * body's first line even when it is blank, which leaves a script that cannot run.)
 */
static struct err *write_script(int root_fd, const char *path,
				const struct section_text *section)
{
	CLEANUP(freep) char *text = NULL;
	struct str body = str_of(section->body), line, rest, args, comment;
	struct str interpreter = STR("#!/bin/sh");

	if (!section->body)
		return NULL;
	if (str_starts_with(str_trim_left(body), "#!")) {
		str_cut(str_trim_left(body), '\n', &line, &rest);
		interpreter = str_trim(line);
		body = rest;
	}
	str_cut(str_of(section->args), '#', &args, &comment);
	text = xasprintf("%.*s%s%.*s\n\n%.*s\n", STR_ARG(interpreter),
			 args.len > 0 ? " " : "", STR_ARG(args), STR_ARG(body));
	return root_write(root_fd, path, text, strlen(text), 0755, ROOT_REPLACE);
}

/* "Tuesday_24_November_2026_3:4:34_UTC": the form that Apptainer writes. */
static void format_date(const struct sections_request *r, char *out, size_t size)
{
	time_t when = (time_t)r->time_s;
	char day[16], month[16], zone[16];
	struct tm tm = {0};

	if (r->utc)
		gmtime_r(&when, &tm);
	else
		localtime_r(&when, &tm);
	/* In English: the locale is C, since setlocale() is never called. */
	strftime(day, sizeof(day), "%A", &tm);
	strftime(month, sizeof(month), "%B", &tm);
	if (strftime(zone, sizeof(zone), "%Z", &tm) == 0)
		zone[0] = '\0';
	snprintf(out, size, "%s_%d_%s_%d_%d:%d:%d_%s", day, tm.tm_mday, month,
		 tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec,
		 r->utc ? "UTC" : zone);
}

static void set_automatic(struct labels *labels, const struct sections_request *r)
{
	char date[96];

	format_date(r, date, sizeof(date));
	labels_set(labels, "org.label-schema.schema-version", "1.0", true);
	labels_set(labels, "org.label-schema.build-date", date, true);
	labels_set(labels, "org.label-schema.build-arch", r->arch, true);
	labels_set(labels, "org.label-schema.usage.dagbuild.version", DAGBUILD_VERSION,
		   true);
	if (r->meta->help.body) {
		labels_set(labels, "org.label-schema.usage", HELP, true);
		labels_set(labels, "org.label-schema.usage.apptainer.runscript.help",
			   HELP, true);
	}
	for (size_t i = 0; i < r->meta->headers.len; i++) {
		CLEANUP(freep)
		char *name = xasprintf("org.label-schema.usage.singularity.deffile.%s",
				       r->meta->headers.items[i].name);

		labels_set(labels, name, r->meta->headers.items[i].value, true);
	}
}

/* Labels that %post wrote to $APPTAINER_LABELS. */
static struct err *take_build_labels(int root_fd, struct labels *labels)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	bool exists;

	TRY(root_exists(root_fd, BUILD_LABELS, &exists));
	if (!exists)
		return NULL;
	TRY(root_read(root_fd, BUILD_LABELS, &text));
	labels_set_lines(labels, str_make(buf_text(&text), text.len));
	return root_remove(root_fd, BUILD_LABELS);
}

/* What `%labels` says, if nothing else has set that label. */
static void set_own(struct labels *labels, const struct sections_request *r)
{
	CLEANUP(labels_release) struct labels own = LABELS_INIT;

	/* The last one of a name given twice counts. */
	for (size_t i = 0; i < r->meta->labels.len; i++)
		labels_set(&own, r->meta->labels.items[i].name,
			   r->meta->labels.items[i].value, true);
	for (size_t i = 0; i < own.len; i++)
		if (!labels_set(labels, own.items[i]->name, own.items[i]->value, false))
			note(r, "label '%s' is not set: it exists already",
			     own.items[i]->name);
}

static struct err *write_labels(int root_fd, const struct sections_request *r)
{
	CLEANUP(labels_release) struct labels labels = LABELS_INIT;

	TRY(labels_load(root_fd, LABELS_OF_IMAGE, &labels));
	TRY(take_build_labels(root_fd, &labels));
	set_automatic(&labels, r);
	set_own(&labels, r);
	return labels_save(root_fd, LABELS_OF_IMAGE, &labels);
}

struct err *sections_write(int root_fd, const struct sections_request *r)
{
	TRY(path_mkdirs(root_fd, "/.singularity.d/env", 0755));
	TRY(write_help(root_fd, r));
	TRY(write_labels(root_fd, r));
	TRY(write_definition(root_fd, r));
	TRY(write_environment(root_fd, r));
	TRY(write_script(root_fd, "/.singularity.d/startscript", &r->meta->startscript));
	TRY(write_script(root_fd, "/.singularity.d/runscript", &r->meta->runscript));
	return write_script(root_fd, "/.singularity.d/test", &r->meta->test);
}
