# SPDX-License-Identifier: GPL-3.0-or-later
"""Files on the command line that are no micrographs."""

import h5py
import hyperspy.api as hs
import numpy as np
import pytest

from hyperspy_symseg.__main__ import main


@pytest.fixture
def report(tmp_path, capsys):
    """Function that segments a file, and gives the one line that it is reported by."""

    def report(path):
        output = str(tmp_path / "output")
        assert main(["segment", "--output", output, str(path)]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        return line.removeprefix(f"hyperspy-symseg: {path} cannot be read: ")

    return report


def test_folder(tmp_path, report):
    assert report(tmp_path) == "it must be a file or a .zspy store, got a folder"


@pytest.mark.parametrize("extension", ["hspy", "tif", "dm4", "mrc", "png", "xyz"])
def test_empty_file(tmp_path, report, extension):
    path = tmp_path / f"empty.{extension}"
    path.touch()
    expected = (
        "it must be a file with an image or a series of images, got an empty file"
    )
    assert report(path) == expected


@pytest.mark.parametrize("extension", ["hspy", "tif", "mrc", "png"])
def test_file_that_is_no_image(tmp_path, report, extension):
    path = tmp_path / f"text.{extension}"
    path.write_text("No image. " * 100)
    assert report(path).startswith(
        "it must be a file with an image or a series of images, got one that "
        "HyperSpy's reader fails on: "
    )


def test_spectrum(tmp_path, report):
    path = tmp_path / "spectrum.hspy"
    hs.signals.Signal1D(np.arange(9.0)).save(path)
    assert report(path) == "it must have a two-dimensional signal, got LazySignal1D"


@pytest.mark.filterwarnings("ignore:This file was written using a newer version")
def test_file_of_a_newer_format_that_cannot_be_read(tmp_path, report):
    path = tmp_path / "newer.hspy"
    with h5py.File(path, "w") as file:
        file.attrs["file_format"] = "HyperSpy"
        file.attrs["file_format_version"] = "99.0"
        file.create_group("Experiments/__unnamed__").create_group("new_layout")
    assert "got one of a newer version of the format that" in report(path)
