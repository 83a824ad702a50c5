"""From images to a labelled number: the traps that other implementations fell into."""

import dataclasses
import warnings

import numpy as np
import pytest

from green_vae.metrics import (
    FIDEvaluator,
    Moments,
    Protocol,
    TinyExtractor,
    fid,
    frechet_from_features,
    image_key,
    kid_from_features,
)

RNG = np.random.default_rng(0)
A = RNG.integers(0, 256, (41, 12, 10, 3), "uint8")
B = RNG.integers(50, 256, (30, 12, 10, 3), "uint8")


class Counting(TinyExtractor):
    """Tiny features, and how many passes and images they were asked for."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.calls = []

    def __call__(self, images, layers=None):
        self.calls.append(len(images))
        return super().__call__(images, layers)


def tiny(**settings):
    return FIDEvaluator(protocol="tiny", **settings)


@pytest.mark.parametrize("batch_size", [1, 4, 32, 41, 100])
def test_no_false_rows_and_none_dropped(batch_size):
    """Zero rows of a last batch, or a dropped rest, change mean and covariance."""
    features = TinyExtractor()(A / np.float32(255))["tiny"].astype("float64")
    moments = tiny(batch_size=batch_size).moments(A)["tiny"]
    assert moments.n == 41
    np.testing.assert_allclose(moments.mean, features.mean(0), rtol=1e-6)
    np.testing.assert_allclose(moments.covariance, np.cov(features, rowvar=False), rtol=1e-5, atol=1e-8)


def test_arrays_and_streams_of_batches_are_the_same():
    evaluator = tiny(batch_size=8)
    streamed = evaluator.moments((A[i : i + 7] for i in range(0, 41, 7)), total=41)
    np.testing.assert_array_equal(streamed["tiny"].covariance, evaluator.moments(A / 255.0)["tiny"].covariance)


def test_value_and_its_company():
    result = fid(A, B, protocol="tiny")
    extractor = TinyExtractor()
    features = [extractor(x / np.float32(255))["tiny"] for x in (A, B)]
    assert result.value == pytest.approx(frechet_from_features(*features), rel=1e-5) and result.value > 0
    assert (result.n_a, result.n_b, result.protocol) == (41, 30, extractor.protocols["tiny"])
    assert (
        float(result) == result.value
        and str(result).startswith("FID@tiny = ")
        and str(result).endswith("(n = 41 and 30)")
    )
    assert fid(A, A[::-1], protocol="tiny").value < 1e-6


def test_kept_features_serve_the_kid():
    evaluator = tiny(batch_size=8)
    kept = evaluator.moments(A, keep=20)["tiny"].features
    np.testing.assert_array_equal(kept, TinyExtractor()(A[:20] / np.float32(255))["tiny"])
    assert kept.dtype == np.float32 and evaluator.moments(A)["tiny"].features.shape == (0, 64)
    others = evaluator.moments(B, keep=99)["tiny"].features
    assert np.isfinite(kid_from_features(kept, others, subsets=3, subset_size=20)).all()


def test_cached_under_protocol_and_content(tmp_path):
    extractor = Counting()
    evaluator = FIDEvaluator(protocol=extractor, cache_dir=tmp_path / "moments")
    first = evaluator.moments(A, key=image_key(A))["tiny"]
    name = f"{evaluator.protocols['tiny'].hash}-{image_key(A)}.npz"
    assert [file.name for file in (tmp_path / "moments").iterdir()] == [name]
    extractor.calls.clear()
    again = FIDEvaluator(protocol=extractor, cache_dir=tmp_path / "moments").moments(iter(()), key=image_key(A))["tiny"]
    assert not extractor.calls and again.n == 41
    np.testing.assert_allclose(again.covariance, first.covariance, rtol=1e-12)
    # other content, other protocol: measured, not taken from there
    assert evaluator.moments(B, key=image_key(B))["tiny"].n == 30 and extractor.calls
    stretched = tiny(cache_dir=tmp_path / "moments", stretch=True).moments(A, key=image_key(A))["tiny"]
    assert np.abs(stretched.mean - first.mean).max() > 1e-3
    assert len(list((tmp_path / "moments").iterdir())) == 3


def test_without_key_or_folder_nothing_is_cached(tmp_path):
    tiny(cache_dir=tmp_path).moments(A)
    tiny().moments(A, key="k")
    assert not list(tmp_path.iterdir())
    with pytest.raises(ValueError, match="hash of the images.*Received: '../x'"):
        tiny(cache_dir=tmp_path).moments(A, key="../x")


def test_damaged_or_foreign_cached_moments_are_measured_again(tmp_path):
    evaluator = tiny(cache_dir=tmp_path)
    first = evaluator.moments(A, key="k")["tiny"]
    (file,) = tmp_path.iterdir()
    data = file.read_bytes()
    file.write_bytes(data[:1000])
    with pytest.warns(UserWarning, match="measuring again.*Received: .*-k.npz"):
        np.testing.assert_array_equal(evaluator.moments(A, key="k")["tiny"].mean, first.mean)
    assert len(file.read_bytes()) == len(data)
    Moments(64).update(np.zeros((3, 64))).save(file)
    with pytest.warns(UserWarning, match="measuring again.*different protocols"):
        assert evaluator.moments(A, key="k")["tiny"].n == 41


def test_cached_moments_with_too_few_features_are_measured_again(tmp_path):
    extractor = Counting()
    evaluator = FIDEvaluator(protocol=extractor, cache_dir=tmp_path)
    evaluator.moments(A, key="k", keep=10)
    for keep, passes in ((10, 0), (20, 1), (5, 0), (99, 1), (41, 0), (99, 0)):
        extractor.calls.clear()
        assert len(evaluator.moments(A, key="k", keep=keep)["tiny"].features) >= min(keep, 41)
        assert bool(extractor.calls) == bool(passes), keep


def test_only_the_missing_layers_are_measured(tmp_path):
    """Several depths, one pass; a layer that is cached is not asked for again."""

    class Two:
        batch_size = 16
        protocols = {layer: Protocol("survey", "w", "0", "r", "i", layer) for layer in ("64", "192")}
        asked = []

        def __call__(self, images, layers=None):
            self.asked.append(tuple(layers))
            return {layer: np.repeat(images.mean((1, 2)), int(layer) // 3 + 1, 1)[:, : int(layer)] for layer in layers}

    evaluator = FIDEvaluator(protocol=Two(), cache_dir=tmp_path)
    both = evaluator.moments(A, key="k")
    assert Two.asked == [("64", "192")] * 3 and {name: m.dim for name, m in both.items()} == {"64": 64, "192": 192}
    (tmp_path / f"{evaluator.protocols['192'].hash}-k.npz").unlink()
    Two.asked.clear()
    assert list(evaluator.moments(A, key="k")) == ["64", "192"]
    assert Two.asked == [("192",)] * 3


def test_different_protocols_refuse():
    plain, stretched = tiny(), tiny(stretch=True)
    a, b = plain.moments(A), stretched.moments(A)
    with pytest.raises(ValueError, match="different protocols.*stretch"):
        plain.fid(a, b)
    with pytest.raises(ValueError, match="must have the layers"):
        plain.fid(a, {"avg_pool": b["tiny"]})


def test_precisions_are_near_and_never_mix(tmp_path):
    """bfloat16 has 8 significant bits, so that each factor is off by 2^-9 of itself at most."""
    a, b = (tiny(precision=precision, cache_dir=tmp_path) for precision in ("float32", "bfloat16"))
    plain, rounded = (evaluator.moments(A, key="k", keep=41) for evaluator in (a, b))
    assert len(list(tmp_path.iterdir())) == 2 and rounded["tiny"].features.dtype == "float32"
    difference = np.abs(rounded["tiny"].features - plain["tiny"].features)
    assert 0 < difference.max() <= 2**-7 * np.abs(plain["tiny"].features).max()
    assert b.moments(A, key="k")["tiny"].protocol.precision == "bfloat16"  # from its own file
    for evaluator in (a, b):
        with pytest.raises(ValueError, match="the same settings. Received: .*'float32', 'bfloat16'"):
            evaluator.fid(plain, rounded)


@pytest.mark.parametrize(
    ("protocol", "precision", "message"),
    [
        ("tiny", "float16", "one of float32, bfloat16. Received: 'float16'"),
        ("survey", "half", "one of float32, bfloat16. Received: 'half'"),
        ("ttur", "bfloat16", "as it is, in float32. Received: precision='bfloat16'"),
        (TinyExtractor(), "bfloat16", "in its own protocols.*Received: precision='bfloat16'"),
    ],
)
def test_precisions_that_there_are_not(protocol, precision, message):
    with pytest.raises(ValueError, match=message):
        FIDEvaluator(protocol=protocol, precision=precision)


@pytest.mark.parametrize("protocol", ["ttur", "tiny", TinyExtractor()])
def test_other_protocols_resize_by_themselves(protocol):
    with pytest.raises(ValueError, match="only the protocol survey has a choice.*Received: resize='nearest'"):
        FIDEvaluator(protocol=protocol, resize="nearest")


def test_few_images_are_said_and_one_is_refused():
    class Serious(TinyExtractor):
        def __init__(self):
            super().__init__()
            self.protocols = {"tiny": dataclasses.replace(self.protocols["tiny"], name="survey")}

    with pytest.warns(UserWarning, match="only 41 images: below 10000"):
        fid(A, A, protocol=Serious())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fid(A, A, protocol="tiny")  # nobody expects more of a smoke test
        enough = {"tiny": Moments(64, Serious().protocols["tiny"])}
        enough["tiny"].update(RNG.random((10_000, 64)))
        assert FIDEvaluator(protocol=Serious()).fid(enough, enough)["tiny"] < 1e-6
    with pytest.raises(ValueError, match="at least two.*n=1"):
        fid(A[:1], A, protocol="tiny")
    for nothing in (A[:0], iter(())):
        with pytest.raises(ValueError, match="no images"):
            fid(nothing, A, protocol="tiny")


def test_unknown_protocol_is_refused():
    with pytest.raises(ValueError, match="survey, ttur, tiny.*Received: 'clean'"):
        FIDEvaluator(protocol="clean")


def test_tiny_features_are_fixed_for_ever():
    """Golden: smoke results are recorded and compared, so they may not drift."""
    ramp = np.linspace(0, 1, 2 * 7 * 9 * 3, dtype="float32").reshape(2, 7, 9, 3)
    features = TinyExtractor()(ramp)["tiny"]
    np.testing.assert_allclose(features[1, :4], [0.0, 0.0, 4.990782, 11.13101], rtol=1e-5)
    with pytest.raises(ValueError, match="at least 4x4"):
        TinyExtractor()(ramp[:, :3])


def test_defaults_of_layers(short_npz, images):
    """The deepest exact layer that a file of weights up to mixed8 has; nothing is built before images come."""
    evaluator = FIDEvaluator(weights=short_npz, batch_size=4)
    assert evaluator.layers == FIDEvaluator(1280, weights=short_npz).layers == ("mixed8",)
    assert tiny(layers=("mixed8",)).layers == ("tiny",)
    assert evaluator.extractor._network is None
    with pytest.raises(ValueError, match="0 to 255"):
        evaluator.moments(images * 255)
    assert evaluator.extractor._network is None


def test_whole_way_on_the_network(short_npz, images, features):
    """Moments of five images, four at a time, against features computed by Keras's own tools."""
    moments = FIDEvaluator(("mixed8", 64), weights=short_npz, batch_size=4).moments(images)
    for layer in ("mixed8", "64"):
        expected = features[layer].astype("float64")
        np.testing.assert_allclose(moments[layer].mean, expected.mean(0), rtol=1e-3, atol=1e-4)
        scale = np.abs(moments[layer].covariance).max()
        np.testing.assert_allclose(moments[layer].covariance, np.cov(expected, rowvar=False), atol=1e-3 * scale)
