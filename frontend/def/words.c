/* SPDX-License-Identifier: MIT
 * words.c - see words.h.  The sets are those of Apptainer 1.4.
 */
#include "frontend/def/words.h"

const char *const words_header_keys[] = {
	"bootstrap",   "from",	       "stage",	    "registry",	 "namespace",
	"library",     "fingerprints", "mirrorurl", "updateurl", "osversion",
	"include",     "product",      "user",	    "regcode",	 "productpgp",
	"registerurl", "modules",      "otherurl0", "confurl",	 "setopt",
	"includecmd",  NULL,
};

const char *const words_agents[] = {
	"docker",
	"docker-archive",
	"docker-daemon",
	"oci",
	"oci-archive",
	"oras",
	"library",
	"shub",
	"localimage",
	"scratch",
	"busybox",
	"debootstrap",
	"yum",
	"dnf",
	"zypper",
	"arch",
	NULL,
};

const char *const words_local_agents[] = {
	"localimage", "oci", "oci-archive", "docker-archive", NULL,
};

const char *const words_oci_agents[] = {
	"docker", "docker-archive", "docker-daemon", "oci", "oci-archive", NULL,
};

const char *const words_program_agents[] = {
	"debootstrap", "yum", "dnf", "zypper", "arch", NULL,
};

const char *const words_sections[] = {
	"pre",	     "setup",	    "files", "post",   "test",	    "environment",
	"runscript", "startscript", "help",  "labels", "arguments", NULL,
};

const char *const words_app_sections[] = {
	"appinstall", "appfiles", "appenv",  "applabels", "apphelp",
	"apprun",     "appstart", "apptest", NULL,
};

const char *words_find(const char *const *words, struct str word)
{
	for (; *words; words++)
		if (str_is(word, *words))
			return *words;
	return NULL;
}

bool words_contain(const char *const *words, struct str word)
{
	return words_find(words, word) != NULL;
}

const char *words_nearest(const char *const *words, struct str word)
{
	const char *nearest = NULL;
	size_t best = 3;

	for (; *words; words++) {
		size_t distance = str_distance(word, str_of(*words), 2);

		/* Everything is a near miss of a short word. */
		if (distance < best && distance < word.len) {
			best = distance;
			nearest = *words;
		}
	}
	return nearest;
}

bool words_is_otherurl(struct str key)
{
	uint64_t number;

	return str_starts_with(key, "otherurl") &&
	       str_to_u64(str_slice(key, 8, key.len), &number);
}
