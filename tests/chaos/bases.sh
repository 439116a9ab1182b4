#!/bin/bash
# SPDX-License-Identifier: MIT
# See crash.py.
exec "$SOURCE/tests/chaos/crash.py" bases --dir "$HOME"
