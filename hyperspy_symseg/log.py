# SPDX-License-Identifier: GPL-3.0-or-later
"""The log of this package, as part of HyperSpy's."""

import logging


class _HyperSpysLog:
    """What stands above our logger: HyperSpy's level, and its handlers.

    Where the root logger has handlers, such as those of ``logging.basicConfig``, these
    are enough: HyperSpy's would print every line again.
    """

    propagate = True

    def __init__(self, hyperspys):
        self._hyperspys = hyperspys

    @property
    def parent(self):
        return logging.getLogger()

    @property
    def level(self):
        return self._hyperspys.level

    @property
    def handlers(self):
        return [] if self.parent.handlers else self._hyperspys.handlers


def follow_hyperspy():
    """Let the log of this package be shown as ``hs.set_log_level`` says."""
    # HyperSpy makes a new handler whenever its level is set: so they are looked up.
    logger = logging.getLogger("hyperspy_symseg")
    logger.parent = _HyperSpysLog(logging.getLogger("hyperspy"))
