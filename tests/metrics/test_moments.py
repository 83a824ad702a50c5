"""Streaming moments against NumPy, and their files."""

import dataclasses
import json
import multiprocessing
import tracemalloc
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from green_vae.metrics import Moments, Protocol, frechet_from_moments
from green_vae.metrics import moments as module

PROTOCOL = Protocol("survey", "some weights", "ab" * 32, "bilinear", "2x - 1", "mixed8")


def in_batches(features, size, **settings):
    moments = Moments(features.shape[1], **settings)
    for start in range(0, len(features), size):
        moments.update(features[start : start + size])
    return moments


@given(st.integers(0, 2**32 - 1), st.integers(2, 40), st.integers(1, 41), st.integers(1, 9))
@settings(max_examples=30, deadline=None)
def test_agree_with_numpy_whatever_the_batch(seed, n, size, rows):
    """Exactly the same bits for every batch size, also where blocks and batches end at different places."""
    features = np.random.default_rng(seed).standard_normal((n, 3)) + 5
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_ROWS", rows)
        moments, whole = in_batches(features, size), in_batches(features, n)
        np.testing.assert_array_equal(moments.mean, whole.mean)
        np.testing.assert_array_equal(moments.covariance, whole.covariance)
    assert moments.n == n
    np.testing.assert_allclose(moments.mean, features.mean(0), rtol=1e-12)
    np.testing.assert_allclose(moments.covariance, np.cov(features, rowvar=False), atol=1e-12)


def test_reading_in_between_changes_nothing():
    features = np.random.default_rng(0).standard_normal((2000, 4))
    read = Moments(4)
    for start in range(0, 2000, 32):
        assert np.isfinite(read.update(features[start : start + 32]).covariance).all()
    np.testing.assert_array_equal(read.covariance, in_batches(features, 2000).covariance)


def test_float32_features_far_from_zero_keep_their_covariance():
    """A covariance in float32, or the mean of squares minus the square of the mean, is off by far more than this."""
    features = (np.random.default_rng(1).standard_normal((3000, 3)) * 0.01 + 1000).astype("float32")
    exact = np.cov(features.astype("float64"), rowvar=False)
    np.testing.assert_allclose(in_batches(features, 7).covariance, exact, rtol=1e-9, atol=1e-15)


def test_merge_pools_and_does_not_average():
    rng = np.random.default_rng(2)
    a, b = rng.standard_normal((700, 3)), 10 + rng.standard_normal((40, 3))
    merged = in_batches(a, 32, keep=710).merge(in_batches(b, 32, keep=40))
    assert merged.n == 740
    both = np.concatenate([a, b])
    np.testing.assert_allclose(merged.mean, both.mean(0), rtol=1e-12)
    np.testing.assert_allclose(merged.covariance, np.cov(both, rowvar=False), rtol=1e-10)
    np.testing.assert_array_equal(merged.features, both[:710].astype("float32"))
    assert np.abs(merged.covariance - (np.cov(a, rowvar=False) + np.cov(b, rowvar=False)) / 2).max() > 1
    np.testing.assert_allclose(Moments(3).merge(in_batches(a, 32)).mean, a.mean(0))
    gap = in_batches(a[:5], 5, keep=20).merge(in_batches(b, 32, keep=2)).update(a)
    np.testing.assert_array_equal(gap.features, np.concatenate([a[:5], b[:2]]).astype("float32"))


def _part(number):
    """A quarter of a million vectors of 16 numbers in small batches: their moments, and the memory that it took."""
    rng, moments = np.random.default_rng(number), Moments(16)
    mix = np.random.default_rng(99).standard_normal((16, 16))
    tracemalloc.start()
    for _ in range(250):
        moments.update(rng.standard_normal((1000, 16)) @ mix + number)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return moments, peak


@pytest.mark.slow
def test_a_million_vectors_from_four_processes():
    """Merged, they have the moments of all at once, and no process held more than a few batches."""
    with ProcessPoolExecutor(4, mp_context=multiprocessing.get_context("spawn")) as pool:
        parts = list(pool.map(_part, range(4)))
    merged = Moments(16)
    for moments, peak in parts:
        assert peak < 2**21  # the vectors of one process take 32 MB
        merged.merge(moments)
    rngs, mix = (
        [np.random.default_rng(number) for number in range(4)],
        np.random.default_rng(99).standard_normal((16, 16)),
    )
    whole = np.concatenate([rng.standard_normal((250_000, 16)) @ mix + number for number, rng in enumerate(rngs)])
    assert merged.n == len(whole) == 1_000_000
    np.testing.assert_allclose(merged.mean, whole.mean(0), rtol=1e-9)
    np.testing.assert_allclose(merged.covariance, np.cov(whole, rowvar=False), rtol=1e-9)


def test_unusable_features_and_too_few_are_refused():
    with pytest.raises(ValueError, match=r"\(n, 3\).*Received: shape \(5, 2\)"):
        Moments(3).update(np.zeros((5, 2)))
    with pytest.raises(ValueError, match="finite.*Received: 1 NaN"):
        Moments(2).update([[0.0, np.nan]])
    with pytest.raises(ValueError, match="at least one.*n=0"):
        _ = Moments(2).mean
    with pytest.raises(ValueError, match="at least two.*n=1"):
        _ = Moments(2).update([[0.0, 1.0]]).covariance


@pytest.mark.parametrize(
    "field, value",
    [
        ("name", "ttur"),
        ("weights", "other"),
        ("weights_sha256", "cd" * 32),
        ("resize", "bicubic"),
        ("input_range", "x"),
        ("layer", "mixed7"),
        ("quantise", True),
        ("stretch", True),
        ("approximate", True),
        ("precision", "bfloat16"),
    ],
)
def test_other_protocols_never_compare(field, value):
    rows = np.random.default_rng(0).standard_normal((9, 2))
    a = Moments(2, PROTOCOL).update(rows)
    b = Moments(2, dataclasses.replace(PROTOCOL, **{field: value})).update(rows)
    for act in (lambda: frechet_from_moments(a, b), lambda: a.merge(b)):
        with pytest.raises(ValueError, match=f"different protocols.*the same settings. Received: .*{field}"):
            act()
    with pytest.raises(ValueError, match="different protocols"):
        frechet_from_moments(a, Moments(2).update(rows))
    with pytest.raises(ValueError, match="different dimensions.*2 and 3"):
        a.check_comparable(Moments(3, PROTOCOL))


def test_saved_and_loaded(tmp_path):
    features = np.random.default_rng(3).standard_normal((50, 4)).astype("float32")
    in_batches(features, 8, protocol=PROTOCOL, keep=20).save(tmp_path / "a" / "m.npz")
    loaded = Moments.load(tmp_path / "a" / "m.npz")
    assert loaded.n == 50 and loaded.protocol == PROTOCOL
    np.testing.assert_array_equal(loaded.features, features[:20])
    loaded.update(features)
    twice = np.concatenate([features, features]).astype("float64")
    np.testing.assert_allclose(loaded.covariance, np.cov(twice, rowvar=False), rtol=1e-10)
    assert [file.name for file in (tmp_path / "a").iterdir()] == ["m.npz"]


def test_files_of_before_there_was_a_choice_of_precision_are_float32(tmp_path):
    rows = np.random.default_rng(4).standard_normal((9, 4))
    old = {name: value for name, value in dataclasses.asdict(PROTOCOL).items() if name != "precision"}
    arrays = {
        "n": 9,
        "mean": rows.mean(0),
        "covariance": np.cov(rows, rowvar=False),
        "features": np.empty((0, 4), "f4"),
    }
    np.savez(tmp_path / "old.npz", format="green_vae moments 1", protocol=json.dumps(old), **arrays)
    loaded = Moments.load(tmp_path / "old.npz")
    assert loaded.protocol == PROTOCOL and loaded.protocol.hash == PROTOCOL.hash
    assert frechet_from_moments(loaded, Moments(4, PROTOCOL).update(rows)) < 1e-6
    other = Moments(4, dataclasses.replace(PROTOCOL, precision="bfloat16")).update(rows)
    other.save(tmp_path / "other.npz")
    with pytest.raises(ValueError, match=r"Received: \{'precision': \('float32', 'bfloat16'\)\}"):
        frechet_from_moments(loaded, Moments.load(tmp_path / "other.npz"))


def test_damaged_and_foreign_files_are_refused(tmp_path):
    good = tmp_path / "good.npz"
    Moments(3).update(np.eye(3)).save(good)
    data, bad = good.read_bytes(), tmp_path / "bad.npz"
    for content in (b"", b"not a zip", data[: len(data) // 2], data[:100] + b"\0" * 100 + data[200:]):
        bad.write_bytes(content)
        with pytest.raises(ValueError, match="measure again. Received: .*bad.npz"):
            Moments.load(bad)
    with np.load(good) as file:
        arrays = dict(file)
    for change in ({"mean": np.zeros(2)}, {"covariance": np.full((3, 3), np.nan)}, {"format": "other"}, {"n": 1}):
        np.savez(bad, **{**arrays, **change})
        with pytest.raises(ValueError, match="not a whole file of moments"):
            Moments.load(bad)
    np.savez(bad, x=np.zeros(3))
    with pytest.raises(ValueError, match="not a whole file of moments"):
        Moments.load(bad)
    with pytest.raises(FileNotFoundError):
        Moments.load(tmp_path / "none.npz")
    with pytest.raises(ValueError, match="kept as .npz"):
        Moments(3).update(np.eye(3)).save(tmp_path / "m.json")
