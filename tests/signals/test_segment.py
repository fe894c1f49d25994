# SPDX-License-Identifier: GPL-3.0-or-later
import inspect

import hyperspy.api as hs

from hyperspy_symseg.signals.segment import DEFAULTS


def test_defaults_are_those_of_the_method():
    method = inspect.signature(hs.signals.Signal2D.segment_symmetry)
    defaults = {name: method.parameters[name].default for name in DEFAULTS}
    assert defaults == DEFAULTS
