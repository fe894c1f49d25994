# SPDX-License-Identifier: GPL-3.0-or-later
import os
from pathlib import Path

import dask
import dask.array as da
import h5py
import hyperspy.api as hs
import numpy as np
import pytest
import zarr

from hyperspy_symseg.frames.origins import check_not_an_origin

SHAPE = (4, 6, 9)
DATA = np.arange(216, dtype=np.uint16).reshape(SHAPE)


def of_zspy(path):
    hs.signals.Signal2D(DATA).save(path)
    return hs.load(path, lazy=True).data


def of_hspy(path):
    hs.signals.Signal2D(DATA).save(path)
    return hs.load(path, lazy=True).data


def of_zarr(path):
    zarr.save_array(path, DATA)
    return da.from_zarr(str(path))


def of_zip(path):
    with zarr.ZipStore(path, mode="w") as store:
        zarr.create(SHAPE, store=store)[:] = DATA
    return da.from_zarr(zarr.open(zarr.ZipStore(path, mode="r")))


def of_memory_map(path):
    np.save(path, DATA)
    return da.map_blocks(
        lambda start, mapped: np.array(mapped[start[0, 0, 0]])[np.newaxis],
        da.from_array(np.arange(4).reshape(4, 1, 1), chunks=1),
        mapped=np.load(path, mmap_mode="r")[:, ::2],
        chunks=(1, 3, 9),
        dtype="u2",
    )


def of_delayed(path):
    np.save(path, DATA)
    return da.from_delayed(dask.delayed(np.load)(path), SHAPE, "u2")


def of_open_file(path):
    DATA.tofile(path)
    file = path.open("rb")
    return da.map_blocks(lambda b: b + len(file.read(0)), da.ones(3), meta=np.ones(0))


ORIGINS = {
    "movie.zspy": of_zspy,
    "movie.hspy": of_hspy,
    "movie.zarr": of_zarr,
    "movie.zip": of_zip,
    "mapped.npy": of_memory_map,
    "delayed.npy": of_delayed,
    "movie.raw": of_open_file,
}


@pytest.fixture(params=ORIGINS)
def origin(request, tmp_path):
    """A file, and the lazy array that is read from it."""
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / request.param
    return path, ORIGINS[request.param](path)


def refused(path, *arrays, **options):
    with pytest.raises(
        ValueError, match="^filename must be another than .* to be read"
    ):
        check_not_an_origin(path, *arrays, **options)


def test_the_file_itself_by_every_name(origin, tmp_path, monkeypatch):
    path, array = origin
    refused(path, array)
    refused(tmp_path / "data" / ".." / "data" / path.name, array)
    (tmp_path / "link").symlink_to(path)
    refused(tmp_path / "link", array)
    (tmp_path / "link of a folder").symlink_to(path.parent)
    refused(tmp_path / "link of a folder" / path.name, array)
    monkeypatch.chdir(path.parent)
    refused(Path(path.name), array)
    if path.is_file():
        os.link(path, tmp_path / "hard link")
        refused(tmp_path / "hard link", array)


def test_another_file_beside_it(origin):
    path, array = origin
    check_not_an_origin(path.with_name("labels.zspy"), array)
    (path.parent / "other.npy").write_bytes(b"old")
    check_not_an_origin(path.parent / "other.npy", array)


def test_what_is_derived_from_it(origin):
    path, array = origin
    array = da.concatenate([array[1:3].rechunk(-1) * 2 + 1, da.ones(array[:2].shape)])
    refused(path, da.zeros(3), array)


def test_what_was_computed_needs_no_file(origin):
    path, array = origin
    check_not_an_origin(path, array.persist(scheduler="sync"))
    check_not_an_origin(path, array.compute(scheduler="sync"))


@pytest.mark.parametrize("name", ["movie.zspy", "movie.zarr"])
def test_within_the_folder_of_a_store_and_around_it(name, tmp_path):
    array = ORIGINS[name](tmp_path / "all.zspy" / name)
    refused(tmp_path / "all.zspy" / name / "labels.zspy", array)
    refused(tmp_path / "all.zspy", array)
    check_not_an_origin(tmp_path / "all.zspy" / "labels.zspy", array)


def test_a_folder_that_is_no_store_is_none(tmp_path):
    array = da.map_blocks(lambda b, folder: b, da.ones(3), folder=str(tmp_path))
    check_not_an_origin(tmp_path / "labels.zspy", array)


def test_a_closed_file_has_no_name(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        array = da.from_array(file.create_dataset("data", data=DATA), chunks=2)
    check_not_an_origin(tmp_path / "a.h5", array)


def test_files_that_are_named(tmp_path):
    file = tmp_path / "movie.dm4"
    file.touch()
    refused(file, files=[tmp_path / "other.dm4", file])
    check_not_an_origin(tmp_path / "labels.zspy", files=[file])
