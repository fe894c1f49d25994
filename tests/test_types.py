# SPDX-License-Identifier: GPL-3.0-or-later
"""What mypy, which reads a user's code in CI, takes for granted."""

import ast
import inspect
from pathlib import Path

import pytest

import hyperspy_symseg
from hyperspy_symseg import descriptors, segmentation, signals, simulate
from hyperspy_symseg.signals import signal2d

PACKAGE = Path(hyperspy_symseg.__file__).parent
STUBS = {
    node.name: node
    for node in ast.parse(Path(signal2d.__file__).with_suffix(".pyi").read_text()).body
    if isinstance(node, ast.FunctionDef)
}
FUNCTIONS = [
    name
    for name, value in vars(signal2d).items()
    if inspect.isfunction(value) and value.__module__ == signal2d.__name__
]


def test_the_package_says_that_it_has_types():
    assert (PACKAGE / "py.typed").read_text() == ""


@pytest.mark.parametrize("name", FUNCTIONS)
def test_methods_of_signal2d_are_those_of_their_stub(name):
    arguments = STUBS[name].args
    defaults = [*arguments.defaults, *arguments.kw_defaults]
    found = inspect.signature(getattr(signal2d, name)).parameters.values()
    expected = [*arguments.args, *arguments.kwonlyargs]
    if arguments.kwarg:
        expected.append(arguments.kwarg)
    assert [each.name for each in found] == [each.arg for each in expected]
    given = [each.default for each in found if each.default is not each.empty]
    # The last of two overloads has no default for what tells them apart.
    assert [ast.literal_eval(each) for each in defaults if each] == [
        each for each in given if name != "segment_symmetry" or each is not False
    ]


def public(module):
    """Functions and methods of the public names of a module, with their names."""
    for name in module.__all__:
        value = getattr(module, name)
        members = vars(value) if inspect.isclass(value) else {name: value}
        for each, member in members.items():
            if isinstance(member, (classmethod, staticmethod)):
                member = member.__func__
            own = getattr(member, "__module__", "").startswith("hyperspy_symseg")
            if own and inspect.isfunction(member) and not each.startswith("_"):
                yield f"{name}.{each}", member


@pytest.mark.parametrize("module", [descriptors, segmentation, signals, simulate])
def test_public_names_have_types(module):
    for name, function in public(module):
        signature = inspect.signature(function)
        owner = "." in function.__qualname__
        typed = list(signature.parameters.values())[owner:]
        assert signature.return_annotation is not signature.empty, name
        assert all(each.annotation is not each.empty for each in typed), name


def test_types_of_sums_and_means_are_alike():
    of_sum, of_mean = (
        {
            key: each.annotation
            for key, each in inspect.signature(method).parameters.items()
        }
        for method in (
            signals.SymmetryLabels.sum_by_pattern,
            signals.SymmetryLabels.mean_by_pattern,
        )
    )
    assert of_sum == of_mean


def test_names_are_set_to_names():
    setter = inspect.signature(signals.SymmetryLabels.pattern_names.fset)
    assert setter.parameters["names"].annotation == "Sequence[str]"
    assert setter.return_annotation == "None"
