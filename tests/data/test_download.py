# SPDX-License-Identifier: GPL-3.0-or-later
import functools
import hashlib
import re
import sys
import threading
from http.server import HTTPServer, SimpleHTTPRequestHandler
from typing import ClassVar

import numpy as np
import pytest
from PIL import Image

from hyperspy_symseg import data
from hyperspy_symseg.data import download

NAME = "perovskite_film.jpg"


class Quiet(SimpleHTTPRequestHandler):
    asked: ClassVar = []

    def log_message(self, *_):
        self.asked.append(self.path)


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A server at the address, with a picture of 9 x 11 pixels; its folder."""
    pytest.importorskip("pooch")
    folder = tmp_path / "served"
    folder.mkdir()
    Image.fromarray(np.arange(99, dtype=np.uint8).reshape(9, 11)).save(folder / NAME)
    digest = hashlib.sha256((folder / NAME).read_bytes()).hexdigest()
    Quiet.asked.clear()
    handler = functools.partial(Quiet, directory=str(folder))
    with HTTPServer(("127.0.0.1", 0), handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{http.server_port}/"
        monkeypatch.setattr(download, "BASE_URL", address)
        monkeypatch.setitem(download.CHECKSUMS, NAME, f"sha256:{digest}")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        yield folder
        http.shutdown()


def test_a_file_is_downloaded_once(server, tmp_path):
    paths = [download.download(NAME, tmp_path / "kept") for _ in range(2)]
    assert paths == [tmp_path / "kept" / NAME] * 2
    assert paths[0].read_bytes() == (server / NAME).read_bytes()
    assert Quiet.asked == [f"/{NAME}"]


def test_another_file_of_that_name_is_an_error(server, tmp_path):
    (server / NAME).write_bytes(b"another one")
    with pytest.raises(ValueError, match="hash"):
        download.download(NAME, tmp_path / "kept")
    assert not (tmp_path / "kept" / NAME).exists()


@pytest.mark.skipif(sys.platform != "linux", reason="caches are elsewhere")
def test_whole_frames_are_downloaded(server):
    s = data.perovskite_film(whole=True)
    assert s.data.shape == (9, 11)
    assert "Whole frame." in s.metadata.General.notes


def test_without_an_address_the_error_says_what_to_set():
    pytest.importorskip("pooch")
    setting = re.escape("hyperspy_symseg.data.download.BASE_URL must be")
    with pytest.raises(RuntimeError, match=f"(?s){NAME}.*{setting}.*''"):
        data.perovskite_film(whole=True)


def test_without_pooch_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(ImportError, match=re.escape("hyperspy-symseg[data]")):
        data.dysprosium_scandate(whole=True)


# Those of the files that were at hand when they were written down.
@pytest.mark.parametrize(
    ("name", "source"),
    [("perovskite_film.jpg", "adf1.jpg"), ("dysprosium_scandate.png", "dso.png")],
)
def test_checksums(name, source, data_file):
    digest = hashlib.sha256(data_file(source).read_bytes()).hexdigest()
    assert download.CHECKSUMS[name] == f"sha256:{digest}"
