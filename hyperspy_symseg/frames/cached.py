# SPDX-License-Identifier: GPL-3.0-or-later
"""Values that are computed once."""


class cached_property:
    """A property computed once, as by `functools.cached_property` of Python 3.12.

    That of Python 3.11 holds a lock of all instances meanwhile: calls in other threads
    would wait, and a process forked then would wait for ever.
    """

    def __init__(self, function):
        self._function, self.__doc__ = function, function.__doc__

    def __set_name__(self, owner, name):
        """Take the name."""
        self._name = name

    def __get__(self, instance, owner=None):
        """Value of an instance."""
        if instance is None:
            return self
        value = instance.__dict__[self._name] = self._function(instance)
        return value
