# SPDX-License-Identifier: GPL-3.0-or-later
"""The peer that learns motifs, in an environment of its own."""

import subprocess
import sys
from pathlib import Path

PEER = "motif-learn==0.1.2"
ENVIRONMENT = Path(__file__).with_name(".motif-environment")


def peer_python(environment=ENVIRONMENT):
    """Python of the peer's environment, made if there is none yet."""
    python = environment / "bin" / "python"
    check = [python, "-I", "-c", "import mtflearn.features"]
    if python.exists() and not subprocess.run(check, stderr=subprocess.PIPE).returncode:
        return python
    print(f"Installing {PEER} into {environment}", file=sys.stderr)
    commands = [
        [sys.executable, "-m", "venv", environment],
        [python, "-m", "pip", "install", "--quiet", PEER],
        check,
    ]
    try:
        for command in commands:
            subprocess.run(command, check=True, stdout=sys.stderr)
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(str(error))
    return python
