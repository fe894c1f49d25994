# SPDX-License-Identifier: GPL-3.0-or-later
"""The recipe of conda-forge asks for what pyproject.toml asks for."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
# Packages that are called otherwise there: without what the full ones bring along.
NAMES = {
    "dask[array]": "dask",
    "hyperspy": "hyperspy-base",
    "matplotlib": "matplotlib-base",
}


@pytest.fixture(scope="module")
def recipe():
    """The recipe, with its templates as they are."""
    return yaml.safe_load((ROOT / "recipe" / "recipe.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def pyproject():
    """What is built and installed."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def as_there(requirements):
    """Requirements as the recipe writes them: set of str."""
    pairs = (re.fullmatch(r"([\w\[\]-]+)(.*)", each).groups() for each in requirements)
    return {f"{NAMES.get(name, name)} {versions}".strip() for name, versions in pairs}


def test_it_is_of_this_version(recipe):
    text = (ROOT / "meson.build").read_text(encoding="utf-8")
    version = re.search(r"version: '(.*)'", text)[1]
    assert recipe["context"]["version"] == version


def test_dependencies_are_the_same(recipe, pyproject):
    found = set(recipe["requirements"]["run"]) - {"python"}
    assert found == as_there(pyproject["project"]["dependencies"])


def test_what_builds_it_is_the_same(recipe, pyproject):
    found = set(recipe["requirements"]["host"]) - {"python", "pip"}
    assert found == as_there(pyproject["build-system"]["requires"])


def test_python_is_the_same(recipe, pyproject):
    lowest = recipe["context"]["python_min"]
    assert pyproject["project"]["requires-python"] == f">={lowest}"
