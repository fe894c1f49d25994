# SPDX-License-Identifier: GPL-3.0-or-later
"""The peer, in an environment of its own."""

import os
import shutil
import subprocess
import sys

PEER = "pystem==0.0.26"
BUILD_REQUIREMENTS = ["setuptools<60", "wheel", "numpy<1.26"]


def peer_python(environment):
    """Python of the peer's environment, made if there is none yet."""
    python = environment / "bin" / "python"
    check = [python, "-I", "-c", "import pystem.stemsegmentation"]
    if python.exists() and not subprocess.run(check, stderr=subprocess.PIPE).returncode:
        return python
    own = sys.version_info[:2] == (3, 11)
    python_3_11 = sys.executable if own else shutil.which("python3.11")
    if python_3_11 is None:
        sys.exit(f"{PEER} needs Python 3.11, and there is no python3.11 here.")
    print(f"Installing {PEER} into {environment}", file=sys.stderr)
    pip = [python, "-m", "pip", "install", "--quiet"]
    commands = [
        ["c++", "-fsyntax-only", "-x", "c++", "-include", "fftw3.h", os.devnull],
        [python_3_11, "-m", "venv", environment],
        [*pip, *BUILD_REQUIREMENTS],
        # Once more, so that the peer's requirements do not replace them.
        [*pip, "--no-build-isolation", PEER, *BUILD_REQUIREMENTS],
        check,
    ]
    try:
        for command in commands:
            subprocess.run(command, check=True, stdout=sys.stderr)
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(
            f"{error}\nThe peer is compiled when it is installed: it needs a C++ "
            "compiler and FFTW 3 (Debian's g++ and libfftw3-dev)."
        )
    return python
