"""Files that are either whole or not there."""

import errno
import json
import os

import pytest

from green_vae.utils.files import write_aside, write_json, write_text


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_new_file_in_a_new_folder(tmp_path):
    path = tmp_path / "a" / "b" / "result.json"
    write_json(path, {"é": [1, None]})
    assert json.loads(path.read_text("utf-8")) == {"é": [1, None]}
    assert path.read_text("utf-8").endswith("\n") and "é" in path.read_text("utf-8")
    assert names(path.parent) == ["result.json"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "file.txt"
    write_text(path, "old")
    with write_aside(path) as aside:
        aside.write_text("ne")
        assert aside.parent == path.parent  # the same disk: a rename, and no copy
        assert path.read_text() == "old"
        aside.write_text("new")
    assert path.read_text() == "new"
    assert names(tmp_path) == ["file.txt"]


def test_an_open_reader_keeps_the_old_file(tmp_path):
    path = tmp_path / "file.txt"
    write_text(path, "old")
    with open(path) as reader:
        write_text(path, "new")
        assert reader.read() == "old"


@pytest.mark.parametrize("error", [RuntimeError("boom"), KeyboardInterrupt()])
@pytest.mark.parametrize("before", ["old", None])
def test_an_error_leaves_everything_as_it_was(error, before, tmp_path):
    path = tmp_path / "file.txt"
    if before:
        write_text(path, before)
    with pytest.raises(type(error)), write_aside(path) as aside:
        aside.write_text("half")
        raise error
    assert names(tmp_path) == (["file.txt"] if before else [])
    assert not before or path.read_text() == before


def test_a_full_disk_is_reported_with_the_path(tmp_path):
    path = tmp_path / "file.txt"
    write_text(path, "old")
    with pytest.raises(OSError, match=r"could not write .*file\.txt \(No space left on device\)") as caught:
        with write_aside(path) as aside:
            aside.write_text("half")
            raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.errno == errno.ENOSPC
    assert names(tmp_path) == ["file.txt"] and path.read_text() == "old"


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system reserves no room")
def test_a_file_that_will_not_fit_is_refused_before_it_is_begun(tmp_path):
    path, begun = tmp_path / "file.txt", []
    write_text(path, "old")
    with pytest.raises(OSError, match=r"could not write .*file\.txt .*free some space"):
        with write_aside(path, size=2**62):  # no disk is so large
            begun.append(True)
    assert not begun and names(tmp_path) == ["file.txt"] and path.read_text() == "old"
    with write_aside(path, size=10_000) as aside:
        assert aside.stat().st_size == 0
        aside.write_text("new")
    assert path.read_text() == "new"


@pytest.mark.parametrize(
    "name, ending", [("epoch-3.weights.h5", ".weights.h5"), ("samples.npz", ".npz"), ("plain", ".tmp")]
)
def test_the_temporary_file_ends_like_the_real_one(name, ending, tmp_path):
    with write_aside(tmp_path / name) as aside:
        assert aside.name.startswith(f".{name}.") and aside.name.endswith(ending)
        aside.write_bytes(b"x")
    assert names(tmp_path) == [name]
