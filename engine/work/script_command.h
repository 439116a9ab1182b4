/* SPDX-License-Identifier: MIT
 * script_command.h - the command that runs a section's text: `%pre`, `%setup`, `%post`.
 *
 * Ownership: script_command_freep() ends what script_command() gives, also with an error.
 * Threads:   any.
 * Errors:    ERR_SYNTAX for a `-c` without a shell.
 */
#ifndef ENGINE_WORK_SCRIPT_COMMAND_H
#define ENGINE_WORK_SCRIPT_COMMAND_H

#include "engine/work/step.h"

/* `/bin/sh -ex ARGUMENTS PATH`, NULL-terminated; `path` is the file with the text.  The
 * arguments are those of the section's line, cut at the first `#`.  `%post -c /bin/bash`
 * gives `/bin/sh -ex -c "/bin/bash PATH"`, as with Apptainer: the inner shell has no
 * -e. */
NODISCARD struct err *script_command(const struct step *step, const char *path,
				     char ***argv);
void script_command_freep(char ***argv);

#endif
