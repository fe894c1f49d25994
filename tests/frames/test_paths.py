# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from hyperspy_symseg.frames import paths


def test_the_old_file_is_out_of_the_way_before_it_is_removed(tmp_path, monkeypatch):
    (tmp_path / "movie.zspy").mkdir()

    def interrupted(path, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(paths.shutil, "rmtree", interrupted)
    with pytest.raises(KeyboardInterrupt):
        paths.remove(tmp_path / "movie.zspy")
    assert not (tmp_path / "movie.zspy").exists()
