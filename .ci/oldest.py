# SPDX-License-Identifier: GPL-3.0-or-later
"""Print the lowest versions that a list in pyproject.toml allows, as pip takes them.

python oldest.py project.dependencies
"""

import re
import sys
import tomllib
from pathlib import Path

PROJECT = Path(__file__).parents[1] / "pyproject.toml"
REQUIREMENT = re.compile(r"([\w.-]+)(\[[\w,-]+\])?>=([\d.]+)(,<[\d.]+)?")


def lowest_versions(name):
    """Lines such as numpy==1.25, of a list by its name."""
    found = tomllib.loads(PROJECT.read_text())
    for key in name.split("."):
        found = found[key]
    for requirement in found:
        match = REQUIREMENT.fullmatch(requirement)
        if match is None:
            raise ValueError(f"{requirement!r} in {name} has no lowest version.")
        yield f"{match[1]}=={match[3]}"


if __name__ == "__main__":
    print(*lowest_versions(sys.argv[1]), sep="\n")
