/* SPDX-License-Identifier: MIT
 * texts.h - what sections say, as steps want it.
 *
 * Ownership: texts lie in the arena, or in the definition's.
 * Threads:   any. No function fails.
 */
#ifndef FRONTEND_PLAN_TEXTS_H
#define FRONTEND_PLAN_TEXTS_H

#include "engine/work/step.h"
#include "frontend/def/ast.h"

/* The stage's apps, and what their %appfiles copy. */
struct step_apps texts_apps(const struct definition *def, const struct def_stage *stage,
			    struct arena *arena);
/* Does an app have something to install? */
bool texts_install(const struct def_stage *stage);
/* The text of %post, followed by the installations of all apps. */
const char *texts_post(const struct def_stage *stage, struct arena *arena);
/* Is `# dagbuild: pure` among the comments that a script on the host begins with? */
bool texts_says_pure(const char *script);
/* Does the stage have any of the sections that become metadata? */
bool texts_has_meta(const struct def_stage *stage);
/* Fill in those sections, and the labels. */
void texts_meta(const struct def_stage *stage, struct sections *out, struct arena *arena);

#endif
