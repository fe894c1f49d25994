# SPDX-License-Identifier: GPL-3.0-or-later
import doctest
import importlib
import pkgutil

import pytest

import hyperspy_symseg

MODULES = [
    module.name
    for module in pkgutil.walk_packages(hyperspy_symseg.__path__, "hyperspy_symseg.")
    if not module.name.startswith("hyperspy_symseg.tests")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
