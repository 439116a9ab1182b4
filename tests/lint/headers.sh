#!/bin/bash
# SPDX-License-Identifier: MIT
# Each header compiles alone, and every function of a public header that returns an error says
# NODISCARD, so that none can be overlooked.
set -euo pipefail

cd "$(dirname "$0")/../.."
bad=0
for header in $(git ls-files 'base/*.h' 'scheduler/*.h' 'cache/*.h' 'engine/*.h' 'frontend/*.h'); do
	gcc -std=gnu17 -D_GNU_SOURCE -I. -I/usr/include/cjson -Wall -Wextra -Werror -fsyntax-only \
		-include "$header" -x c /dev/null || bad=1
	# A prototype: at the start of a line.  err.h itself makes errors, which is another thing.
	[ "$header" = base/err.h ] || ! grep -nE '^struct err \*[a-z_]+\(' "$header" /dev/null |
		grep -vE 'script_failed' || { echo "$header: NODISCARD is missing"; bad=1; }
done
exit $bad
