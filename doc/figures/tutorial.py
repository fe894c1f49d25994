# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lines of the tutorial draw."""

import contextlib
import re
import tempfile
from pathlib import Path

page = Path("..", "tutorial.md").resolve().read_text(encoding="utf-8")
lines = re.search(r"^```python\n(.*?)^```", page, re.M | re.S)[1]
with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
    exec(lines)
