# SPDX-License-Identifier: GPL-3.0-or-later
"""What the command line does, file by file."""
