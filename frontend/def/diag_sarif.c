#include "frontend/def/diag_private.h"
void diag_write_sarif(struct diag_list *l, struct buf *out)
{
	diag_write_text(l, out);
}
