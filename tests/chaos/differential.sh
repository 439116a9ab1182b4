#!/bin/bash
# SPDX-License-Identifier: MIT
# See differential.py.
exec "$SOURCE/tests/chaos/differential.py" --dir "$HOME"
