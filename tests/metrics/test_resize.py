"""Rules of resizing against TensorFlow, Pillow and SciPy; and that a rule reaches the network."""

import keras
import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from green_vae.metrics import InceptionExtractor
from green_vae.metrics.inception import pooled_model
from green_vae.metrics.resize import RULES, described, named, parsed, resized

SMALL, LARGE = (np.random.default_rng(0).random((2, *sides, 3)).astype("float32") for sides in ((9, 13), (130, 101)))
SIZE = 80
PIL = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
EXACT = {"bilinear": 2e-5, "bicubic": 1e-3}  # TensorFlow takes bicubic weights from a table of 1024 places


def ours(images, rule):
    return keras.ops.convert_to_numpy(resized(images, f"{rule}@{SIZE}"))


def places(old):
    """Where new pixels lie among old ones, by half-pixel centres."""
    return (np.arange(SIZE) + 0.5) * old / SIZE - 0.5


@pytest.mark.parametrize("images", [SMALL, LARGE], ids=["grow", "shrink"])
@pytest.mark.parametrize("rule", RULES)
def test_tensorflow(images, rule):
    tf = pytest.importorskip("tensorflow")
    interpolation, _, antialias = rule.partition("-")
    if rule == "bilinear-tf1":
        expected = tf.compat.v1.image.resize_bilinear(images, (SIZE, SIZE), half_pixel_centers=False)
    else:
        expected = tf.image.resize(images, (SIZE, SIZE), interpolation, antialias=bool(antialias))
    np.testing.assert_allclose(ours(images, rule), expected, atol=2e-6)


@pytest.mark.parametrize("images", [SMALL, LARGE], ids=["grow", "shrink"])
@pytest.mark.parametrize("kind", PIL)
def test_pillow_is_antialiased(images, kind):
    """Pillow always is; where images grow, that changes nothing."""
    channel = Image.fromarray(images[1, :, :, 2])
    expected = np.asarray(channel.resize((SIZE, SIZE), PIL[kind]))
    np.testing.assert_allclose(ours(images, f"{kind}-antialias")[1, :, :, 2], expected, atol=2e-5)
    plain = np.abs(ours(images, kind)[1, :, :, 2] - expected).max()
    assert plain < EXACT[kind] if images is SMALL else plain > 0.1


@pytest.mark.parametrize("images", [SMALL, LARGE], ids=["grow", "shrink"])
@pytest.mark.parametrize(("rule", "order"), [("bilinear", 1), ("nearest", 0)])
def test_scipy_at_half_pixel_centres(images, rule, order):
    grid = np.meshgrid(*map(places, images.shape[1:3]), indexing="ij")
    if order == 0:
        grid = [np.floor(axis + 0.5) for axis in grid]  # of two equally near, the later one
    expected = ndimage.map_coordinates(images[0, :, :, 1], grid, order=order, mode="nearest")
    np.testing.assert_allclose(ours(images, rule)[0, :, :, 1], expected, atol=1e-5)


@pytest.mark.parametrize("rule", RULES)
def test_names_and_words_are_one_to_one(rule):
    for name in (rule, f"{rule}@75"):
        assert named(described(name)) == name
    assert parsed(rule) == (rule, 299) and described(f"{rule}@299") == described(rule)
    assert described("bilinear") == "bilinear, half-pixel centres, no antialiasing, to 299x299"  # as recorded
    assert named("TensorFlow 1 bilinear, in the graph") == named("bilinear") == ""


@pytest.mark.parametrize("resize", ["cubic", "", "bilinear@", "bilinear@74", "nearest@9.5", "299", None])
def test_unknown_rules_are_refused(resize):
    with pytest.raises(ValueError, match="Received: "):
        parsed(resize)


@pytest.mark.slow
def test_a_rule_and_a_size_reach_the_network(full_npz, images):
    """The same network, given images that were resized before: then there is nothing left to resize."""
    extractor = InceptionExtractor(("64",), path=full_npz, batch_size=2, resize="bilinear-tf1@75")
    found = extractor(images[:2])["64"]
    assert extractor.protocols["64"].label == "FID@64(bilinear-tf1@75)"
    before = keras.ops.convert_to_numpy(resized(images[:2], "bilinear-tf1@75"))
    same = pooled_model(extractor._network, ("64",), "nearest@75").predict_on_batch(before)
    np.testing.assert_allclose(found, same["64"], rtol=1e-4, atol=1e-5)
    other = pooled_model(extractor._network, ("64",), "bilinear@75").predict_on_batch(images[:2])
    assert np.abs(found - other["64"]).max() > 1e-3
