/* SPDX-License-Identifier: MIT
 * oci_sif.c - see oci_sif.h.
 */
#include "engine/oci/oci_sif.h"

#include <string.h>

#include "engine/oci/oci_manifest.h"

static bool is_sif(const char *type)
{
	/* The second one is misspelt: earlier versions of Singularity wrote it so. */
	return strcmp(type, "application/vnd.sylabs.sif.layer.v1.sif") == 0 ||
	       strcmp(type, "appliciation/vnd.sylabs.sif.layer.tar") == 0;
}

static struct err *no_sif(const char *type)
{
	return err_hint(err_new(ERR_UNSUPPORTED,
				"it is no SIF: its layer has the type '%.100s'", type),
			"for a container image write 'Bootstrap: docker'");
}

static struct err *take_layer(const cJSON *tree, struct oci_descriptor *out)
{
	const cJSON *layers = json_array(tree, "layers");
	int n = cJSON_GetArraySize(layers);

	if (n == 0)
		return err_new(ERR_CORRUPT, "the manifest has no layer");
	TRY(oci_descriptor_parse(cJSON_GetArrayItem(layers, 0), out));
	if (!is_sif(out->media_type))
		return no_sif(out->media_type);
	if (n > 1)
		return err_new(ERR_UNSUPPORTED,
			       "a SIF in a registry has one layer, and this has %d", n);
	if (out->size > OCI_SIF_BYTES_MAX)
		return err_new(ERR_CORRUPT, "it has more than 1 TiB");
	return NULL;
}

struct err *oci_sif_parse(struct str manifest, struct oci_descriptor *out)
{
	CLEANUP(json_freep) cJSON *tree = NULL;
	struct err *e;

	TRY(oci_document_parse(manifest, &tree));
	e = take_layer(tree, out);
	if (e)
		oci_descriptor_release(out);
	return e;
}
