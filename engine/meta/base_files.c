/* SPDX-License-Identifier: MIT
 * base_files.c - see base_files.h.
 */
#include "engine/meta/base_files.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/path.h"
#include "engine/meta/apps.h"
#include "engine/meta/root_file.h"

static const char *const folders[] = {
	"/.singularity.d/libs",
	"/.singularity.d/actions",
	"/.singularity.d/env",
	"/dev",
	"/proc",
	"/root",
	"/etc",
	"/sys",
	"/home",
};

static const struct {
	const char *path, *target;
} links[] = {
	{"/singularity", ".singularity.d/runscript"},
	{"/.run", ".singularity.d/actions/run"},
	{"/.exec", ".singularity.d/actions/exec"},
	{"/.test", ".singularity.d/actions/test"},
	{"/.shell", ".singularity.d/actions/shell"},
	{"/environment", ".singularity.d/env/90-environment.sh"},
};

#define SOURCE_ENVIRONMENT                                                               \
	"#!/bin/sh\n\n"                                                                  \
	"for file in /.singularity.d/env/*.sh; do\n"                                     \
	"    if [ -f \"$file\" ]; then\n"                                                \
	"        . \"$file\"\n"                                                          \
	"    fi\n"                                                                       \
	"done\n\n"

/* The script of the app that SINGULARITY_APPNAME names, else the image's, else
 * `otherwise`. */
#define RUN_SCRIPT(name, otherwise)                                                      \
	"if [ -n \"${SINGULARITY_APPNAME:-}\" ]; then\n"                                 \
	"    script=\"/scif/apps/$SINGULARITY_APPNAME/scif/" name "\"\n"                 \
	"else\n"                                                                         \
	"    script=/.singularity.d/" name "\n"                                          \
	"fi\n"                                                                           \
	"if [ -x \"$script\" ]; then\n"                                                  \
	"    exec \"$script\" \"$@\"\n"                                                  \
	"fi\n" otherwise "\n"

static const struct {
	const char *path;
	mode_t mode;
	const char *text;
} files[] = {
	{"/.singularity.d/actions/exec", 0755, SOURCE_ENVIRONMENT "exec \"$@\"\n"},
	{"/.singularity.d/actions/run", 0755,
	 SOURCE_ENVIRONMENT RUN_SCRIPT("runscript", "exec /bin/sh \"$@\"")},
	{"/.singularity.d/actions/shell", 0755,
	 SOURCE_ENVIRONMENT "if [ -x \"${SINGULARITY_SHELL:-}\" ]; then\n"
			    "    exec \"$SINGULARITY_SHELL\" \"$@\"\n"
			    "elif [ -x /bin/bash ]; then\n"
			    "    exec /bin/bash --norc \"$@\"\n"
			    "fi\n"
			    "exec /bin/sh \"$@\"\n"},
	/* The runtime waits for SIGCONT before it calls an instance started. */
	{"/.singularity.d/actions/start", 0755,
	 "#!/bin/sh\n\nkill -CONT 1\n\n"
	 "for file in /.singularity.d/env/*.sh; do\n"
	 "    if [ -f \"$file\" ]; then\n"
	 "        . \"$file\"\n"
	 "    fi\n"
	 "done\n\n" RUN_SCRIPT("startscript", "exit 0")},
	{"/.singularity.d/actions/test", 0755,
	 SOURCE_ENVIRONMENT RUN_SCRIPT("test", "exit 0")},
	{"/.singularity.d/env/01-base.sh", 0755, "#!/bin/sh\n# Nothing is set here.\n"},
	{"/.singularity.d/env/90-environment.sh", 0755,
	 "#!/bin/sh\n# What %environment says follows.\n"},
	{"/.singularity.d/env/95-apps.sh", 0755,
	 "#!/bin/sh\n"
	 "if [ -n \"${SINGULARITY_APPNAME:-}\" ]; then\n"
	 "    export SINGULARITY_APPNAME\n"
	 "    if [ ! -d \"/scif/apps/$SINGULARITY_APPNAME\" ]; then\n"
	 "        echo \"app '$SINGULARITY_APPNAME' is not in this image\" >&2\n"
	 "        exit 1\n"
	 "    fi\n"
	 "    SCIF_APPS=/scif/apps\n"
	 "    SCIF_APPROOT=\"/scif/apps/$SINGULARITY_APPNAME\"\n"
	 "    export SCIF_APPS SCIF_APPROOT\n"
	 "    PATH=\"$SCIF_APPROOT:/scif/apps/singularity:$PATH\"\n"
	 "    if [ -d \"$SCIF_APPROOT/bin\" ]; then\n"
	 "        PATH=\"$SCIF_APPROOT/bin:$PATH\"\n"
	 "    fi\n"
	 "    if [ -d \"$SCIF_APPROOT/lib\" ]; then\n"
	 "        LD_LIBRARY_PATH=\"$SCIF_APPROOT/lib:${LD_LIBRARY_PATH:-}\"\n"
	 "    fi\n"
	 "    export PATH LD_LIBRARY_PATH\n"
	 "    for file in 01-base.sh 90-environment.sh; do\n"
	 "        if [ -f \"$SCIF_APPROOT/scif/env/$file\" ]; then\n"
	 "            . \"$SCIF_APPROOT/scif/env/$file\"\n"
	 "        fi\n"
	 "    done\n"
	 "fi\n"},
	{"/.singularity.d/env/99-base.sh", 0755,
	 "#!/bin/sh\n"
	 "if [ -n \"${LD_LIBRARY_PATH:-}\" ]; then\n"
	 "    LD_LIBRARY_PATH=\"$LD_LIBRARY_PATH:/.singularity.d/libs\"\n"
	 "else\n"
	 "    LD_LIBRARY_PATH=/.singularity.d/libs\n"
	 "fi\n"
	 "PS1=\"Apptainer> \"\n"
	 "export LD_LIBRARY_PATH PS1\n"},
	{"/.singularity.d/env/99-runtimevars.sh", 0755,
	 "#!/bin/sh\n"
	 "if [ -n \"${SING_USER_DEFINED_PREPEND_PATH:-}\" ]; then\n"
	 "    PATH=\"$SING_USER_DEFINED_PREPEND_PATH:$PATH\"\n"
	 "fi\n"
	 "if [ -n \"${SING_USER_DEFINED_APPEND_PATH:-}\" ]; then\n"
	 "    PATH=\"$PATH:$SING_USER_DEFINED_APPEND_PATH\"\n"
	 "fi\n"
	 "if [ -n \"${SING_USER_DEFINED_PATH:-}\" ]; then\n"
	 "    PATH=\"$SING_USER_DEFINED_PATH\"\n"
	 "fi\n"
	 "unset SING_USER_DEFINED_PREPEND_PATH SING_USER_DEFINED_APPEND_PATH "
	 "SING_USER_DEFINED_PATH\n"
	 "export PATH\n"},
	{"/.singularity.d/runscript", 0755,
	 "#!/bin/sh\necho \"This image has no run script.\"\n"},
	{"/.singularity.d/startscript", 0755, "#!/bin/sh\n# Nothing is started.\n"},
	/* The runtime binds the host's over these; the base's own would be misleading.
	 */
	{"/etc/hosts", 0644, ""},
	{"/etc/resolv.conf", 0644, ""},
};

/* Apptainer makes these 0755, and leaves existing ones as they are; programs that run in
 * the image expect temporary folders. */
static struct err *make_temporary_folders(int root_fd)
{
	static const char *const names[] = {"/tmp", "/var/tmp"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		CLEANUP(closep) int fd = -1;
		struct stat st;
		bool exists;
		struct err *e;

		TRY(root_exists(root_fd, names[i], &exists));
		if (!exists)
			TRY(path_mkdirs(root_fd, names[i], 0755));
		e = path_open(root_fd, names[i], O_RDONLY | O_DIRECTORY, 0, &fd);
		if (e && exists) {
			err_ignore(e,
				   "the base has no folder there, but a file or a link");
			continue;
		}
		TRY(e);
		if (fstat(fd, &st) != 0 ||
		    ((st.st_mode & 07777) != 01777 && fchmod(fd, 01777) != 0))
			return err_sys("mode of '%s'", names[i]);
	}
	return NULL;
}

struct err *base_files_write(int root_fd, enum base_kind kind)
{
	enum root_if_exists existing = kind == BASE_IS_IMAGE ? ROOT_KEEP : ROOT_REPLACE;

	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		TRY(path_mkdirs(root_fd, folders[i], 0755));
	TRY(make_temporary_folders(root_fd));
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		TRY(root_write(root_fd, files[i].path, files[i].text,
			       strlen(files[i].text), files[i].mode, existing));
	/* Variables lead to the apps of the definition at hand only. */
	TRY(root_write(root_fd, APPS_EXPORTS, "", 0, 0755, ROOT_REPLACE));
	for (size_t i = 0; i < ARRAY_LEN(links); i++)
		TRY(root_link(root_fd, links[i].path, links[i].target));
	return NULL;
}
