"""Finding weights, and refusing those that are missing, damaged or too short."""

import shutil
import time
from pathlib import Path

import keras
import numpy as np
import pytest

from green_vae.metrics import FIDEvaluator, InceptionExtractor, WeightsNotFoundError, weights
from green_vae.metrics.slim import SCOPES
from green_vae.metrics.weights import find_weights, fingerprint, npz_contents, read_npz

from . import conftest
from .conftest import write_npz


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "data" / "inception"
    folder.mkdir(parents=True)
    return folder


def test_scopes_are_those_of_tf_slim():
    assert SCOPES == conftest.SCOPES


@pytest.mark.parametrize(
    "protocol, variable", [("survey", "GREEN_VAE_INCEPTION"), ("ttur", "GREEN_VAE_INCEPTION_2015")]
)
def test_missing_weights_name_the_ways_at_once(protocol, variable, tmp_path, monkeypatch):
    with pytest.raises(WeightsNotFoundError, match=variable) as error:
        FIDEvaluator(protocol=protocol)
    assert isinstance(error.value, FileNotFoundError) and "Received" in str(error.value)
    monkeypatch.setenv(variable, str(tmp_path / "absent.ckpt"))
    with pytest.raises(WeightsNotFoundError, match="absent.ckpt"):
        FIDEvaluator(protocol=protocol)


def test_missing_weights_name_all_three(tmp_path):
    with pytest.raises(WeightsNotFoundError, match="inception_v3.ckpt.*--download or download=True.*88 MB.*GREEN_VAE"):
        InceptionExtractor(data_dir=tmp_path)


def test_where_weights_are_looked_for(folder, tmp_path, monkeypatch):
    """Argument, GREEN_VAE_INCEPTION, data_dir, GREEN_VAE_DATA, the user's cache; in this order."""
    places = {name: tmp_path / name for name in ("argument.npz", "variable.npz", "d", "e", "cache/green_vae")}
    for place in places.values():
        file = place if place.suffix else place / "inception" / "keras_to_mixed8.npz"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
    layers = ("mixed8",)
    assert places["cache/green_vae"] in find_weights(layers).parents
    monkeypatch.setenv("GREEN_VAE_DATA", str(places["e"]))
    assert places["e"] in find_weights(layers).parents
    assert places["d"] in find_weights(layers, data_dir=places["d"]).parents
    monkeypatch.setenv("GREEN_VAE_INCEPTION", str(places["variable.npz"]))
    assert find_weights(layers, data_dir=places["d"]) == places["variable.npz"]
    assert find_weights(layers, path=places["argument.npz"]) == places["argument.npz"]
    assert find_weights(layers, path=places["d"] / "inception").parent == places["d"] / "inception"


@pytest.mark.parametrize(
    "files, layers, best",
    [
        (["keras_to_mixed8.npz", "keras_notop_approx.npz"], ("mixed8",), "keras_to_mixed8.npz"),
        (["keras_to_mixed8.npz", "keras_notop_approx.npz"], ("mixed8", "avg_pool"), "keras_notop_approx.npz"),
        (["keras_notop_approx.npz"], ("64",), "keras_notop_approx.npz"),
        (["keras_to_mixed8.npz", "a.h5"], ("mixed8",), "a.h5"),
        (["keras_notop_approx.npz", "a.weights.h5"], ("avg_pool",), "a.weights.h5"),
        (["a.h5", "inception_v3.ckpt"], ("avg_pool",), "inception_v3.ckpt"),
        (["a.h5", "inception_v3.ckpt.index", "inception_v3.ckpt.data-00000-of-00001"], ("64",), "inception_v3.ckpt"),
        (["other.npz", "a.h5", ".b.h5"], ("64",), "a.h5"),
    ],
)
def test_the_best_file_is_taken(files, layers, best, folder):
    for name in files:
        (folder / name).write_bytes(b"x")
    assert find_weights(layers, data_dir=folder.parent) == folder / best


def test_a_file_that_ends_at_mixed8(short_npz):
    extractor = InceptionExtractor(("mixed8", "768"), path=short_npz)
    assert [protocol.label for protocol in extractor.protocols.values()] == ["FID@1280", "FID@768"]
    with pytest.raises(
        ValueError, match=r"available from it: \['64', '192', 'mixed7', 'mixed8'\].*Received: 'avg_pool'"
    ):
        InceptionExtractor(("mixed8", 2048), path=short_npz)


def test_reconstructed_arrays_mark_the_layers_they_reach(full_npz, short_npz):
    extractor = InceptionExtractor(("mixed8", "avg_pool"), path=full_npz)
    assert [protocol.label for protocol in extractor.protocols.values()] == ["FID@1280", "FID~"]
    assert npz_contents(full_npz) == (94, {"conv2d_82/kernel"})
    # up to mixed8 both files hold the same numbers, and are the same weights
    assert extractor.protocols["mixed8"] == InceptionExtractor(path=short_npz).protocols["mixed8"]
    assert len({protocol.weights_sha256 for protocol in extractor.protocols.values()}) == 2


def test_an_exact_whole_npz_is_an_fid(arrays, tmp_path):
    path = write_npz(tmp_path / "exact.npz", arrays)
    assert InceptionExtractor(("avg_pool",), path=path).protocols["avg_pool"].label == "FID"


def test_fingerprint_follows_the_file(arrays, tmp_path):
    """The hash is remembered, but not beyond a change; and is that of the arrays used."""
    path = write_npz(tmp_path / "weights.npz", arrays[:6], 6)
    first, shallow = fingerprint(path, 6), fingerprint(path, 3)
    changed = [list(unit) for unit in arrays[:6]]
    changed[5][1] = changed[5][1] + 1
    time.sleep(0.01)
    write_npz(path, changed, 6)
    assert fingerprint(path, 6) != first and fingerprint(path, 3) == shallow
    (tmp_path / "x.h5").write_bytes(b"abc")
    assert fingerprint(tmp_path / "x.h5", 94).startswith("ba7816bf8f01cfea")  # FIPS 180-2's own example


def test_damaged_npz_files_are_refused(short_npz, arrays, tmp_path):
    bad, data = tmp_path / "bad.npz", short_npz.read_bytes()
    for content in (b"", b"no weights", data[: len(data) // 3]):
        bad.write_bytes(content)
        with pytest.raises(
            ValueError, match=f"fetch or unpack it again. Received: .*bad.npz of {len(content):,} bytes"
        ):
            InceptionExtractor(path=bad)
    middle = data.find(arrays[3][0].tobytes()[:1000])
    bad.write_bytes(data[:middle] + b"\0" * 100 + data[middle + 100 :])
    with pytest.raises(ValueError, match="damaged weights file.*CRC"):
        read_npz(bad, 76)
    write_npz(bad, arrays, 4)
    with pytest.raises(ValueError, match="lacks 4 arrays, the first conv2d_5/kernel.*Received"):
        read_npz(bad, 5)
    np.savez(bad, x=np.zeros(3))
    with pytest.raises(ValueError, match=r"available from it: \[\]"):
        InceptionExtractor(path=bad)


def test_damaged_checkpoints_are_refused(checkpoint, tmp_path):
    from green_vae.metrics.inception import read_slim

    for name, size in (("index", 500), ("data-00000-of-00001", 1000)):
        for file in checkpoint.parent.glob("inception_v3.ckpt.*"):
            shutil.copy(file, tmp_path)
        part = tmp_path / f"inception_v3.ckpt.{name}"
        part.write_bytes(part.read_bytes()[:size])
        with pytest.raises(
            ValueError, match="damaged checkpoint.*fetch or unpack it again. Received: .*inception_v3.ckpt"
        ):
            read_slim(tmp_path / "inception_v3.ckpt")
    (tmp_path / "text.ckpt").write_text("no checkpoint")
    with pytest.raises(ValueError, match="damaged checkpoint.*text.ckpt"):
        read_slim(tmp_path / "text.ckpt")


def test_download_only_when_asked_and_whole_or_not_at_all(folder, monkeypatch):
    def fetch(name, origin, file_hash, cache_dir, cache_subdir):
        assert origin.endswith(name) and len(file_hash) == 32
        file = Path(cache_dir, name)
        file.write_bytes(b"fetched")
        return str(file)

    monkeypatch.setattr(keras.utils, "get_file", fetch)
    (folder / "keras_to_mixed8.npz").write_bytes(b"x")
    path = find_weights(("64",), data_dir=folder.parent, download=True)
    assert path == folder / weights.KERAS_FILE and path.read_bytes() == b"fetched"
    monkeypatch.setattr(keras.utils, "get_file", lambda *_, **__: pytest.fail("fetched twice"))
    assert find_weights(("64",), data_dir=folder.parent, download=True) == path


def test_a_failed_download_leaves_nothing_and_names_the_ways(folder, monkeypatch):
    def fail(*_, **__):
        raise Exception("URL fetch failure")

    monkeypatch.setattr(keras.utils, "get_file", fail)
    with pytest.raises(WeightsNotFoundError, match="could not download.*URL fetch failure.*Three ways"):
        find_weights(("64",), data_dir=folder.parent, download=True)
    assert not list(folder.iterdir())
