"""The scripts of the review and the slides: the printed table, what the figures show, and where it lies in them."""

import numpy as np
import pytest
from experiment_tables import MODULES, TABLES
from PIL import Image

from green_vae import presets
from green_vae.data import Dataset
from green_vae.experiments import NotRun
from green_vae.experiments.papers import review, review_planes
from green_vae.metrics import FIDEvaluator
from green_vae.models.codec import Codec

REVIEW, SLIDES = MODULES["review_figures"], MODULES["slides_figures"]
# what the paper prints
LAYERS = {
    "Linear-1": ("[-1, 512]", 1573376),
    "Linear-2": ("[-1, 256]", 131328),
    "Linear-3": ("[-1, 256]", 131328),
    "Encoder-4": ("[-1, 256]", 0),
    "Linear-5": ("[-1, 512]", 131584),
    "Linear-6": ("[-1, 3072]", 1575936),
    "Decoder-7": ("[-1, 3, 32, 32]", 0),
}
TOTALS = """\
Total params: 3,543,552
Trainable params: 3,543,552
Non-trainable params: 0
----------------------------------------------------------------
Input size (MB): 0.01
Forward/backward pass size (MB): 0.06
Params size (MB): 13.52
Estimated Total Size (MB): 13.59
----------------------------------------------------------------"""


def picture(path):
    with Image.open(path) as image:
        return np.asarray(image)


class Made:
    """A context of a made run."""

    def __init__(self, folder, **run):
        self.path, self.seed, self.command = folder / "gallery" / "figure.png", 0, "python x.py --train"
        self.settings = type("Settings", (), {"smoke": False, "limit_eval": None})
        row, preset = type("Row", (), {"preset": "made"}), type("Preset", (), {"dataset": "made"})
        self.run = type("Run", (), {"row": row, "preset": preset, **run})
        self.images = np.random.default_rng(0).integers(0, 256, (64, 8, 8, 3), dtype="uint8")

    def dataset(self, name, split="train"):
        images = self.images if split == "train" else 255 - self.images
        return Dataset("made", split, images, np.arange(64) % 2, ("even", "odd"))


def figure(module, name):
    return next(figure for figure in module.GALLERY.figures if figure.name == name)


# the review's table


def test_printed_numbers_of_the_review():
    rows = {row.name: row.published for row in TABLES["review_table1"].rows}
    assert list(rows)[:7] == list(LAYERS)
    for name, (shape, parameters) in LAYERS.items():
        units = np.prod([int(side) for side in shape[1:-1].split(", ")[1:]])
        assert rows[name] == {"outputs": units, "params": parameters}
    for line in TOTALS.splitlines():
        if ": " in line:
            name, number = line.split(": ")
            assert list(rows[name].values()) == [float(number.replace(",", ""))]
            assert set(rows[name]) == ({"mb"} if "MB" in name else {"params"})
    assert len(rows) == 14


@pytest.mark.parametrize("name", ["review/mlp-cifar10", "review/mlp-cifar10-published"])
def test_the_table_in_the_format_of_the_paper(name):
    text = review.as_printed(presets.preset(name).blueprint())
    assert text.endswith(TOTALS)
    lines = text.splitlines()
    assert lines[1].split() == ["Layer", "(type)", "Output", "Shape", "Param", "#"]
    assert [line.split(maxsplit=1) for line in lines[3:10]] == [
        [name, f"{shape}{parameters:>16,}"] for name, (shape, parameters) in LAYERS.items()
    ]
    assert {len(line) for line in lines[1:10]} <= {62, 64}


def test_sizes_by_hand():
    """7,936 outputs of 4 bytes twice, 3,072 pixels, 3,543,552 weights; a MB is 2^20 bytes."""
    sizes = review.sizes(presets.preset("review/mlp-cifar10").blueprint())
    assert list(sizes.values()) == pytest.approx([0.01171875, 7936 * 8 / 2**20, 13.517578125, 13.58984375])


def test_batch_norm_has_parameters_that_are_not_trained():
    counts = review.counts(presets.preset("slides/conv-mnist-l2").blueprint())
    assert counts == {"Total params": 364_014, "Trainable params": 362_604, "Non-trainable params": 1410}


# the review's figures


def test_figures_of_the_review():
    numbers = (10, 11, *range(14, 21))
    assert [figure.label for figure in REVIEW.GALLERY.figures] == [f"Figure {number}" for number in numbers]
    assert figure(REVIEW, "figure16").watch and not figure(REVIEW, "figure14").presets


def test_curves_without_a_history(tmp_path):
    for name, words in (("figure15", "come without a history"), ("figure16", "hold no SSIM; `python x.py --train`")):
        with pytest.raises(NotRun, match=words):
            figure(REVIEW, name).draw(Made(tmp_path, history=[]))


def test_loss_from_a_made_history(tmp_path):
    context = Made(tmp_path, history=[{"loss": 90.0, "reconstruction": 70.0}, {"loss": 50.5, "reconstruction": 31.0}])
    sentence = figure(REVIEW, "figure15").draw(context)
    assert "loss 90.00 in the first epoch, 50.50 in the last; squared error 70.00" in sentence
    assert picture(context.path).min() < 255


class Perfect:
    """A model of which every reconstruction is the image; its codes are the first pixels."""

    latent_dim = 3

    def reconstruct(self, x, seed=0):
        return x / np.float32(255)

    def encode(self, x, sample=False, seed=0):
        assert sample  # as in the paper
        return x[:, 0, :3, 0] / np.float32(255)

    def generate(self, n, seed=0):
        return self.decode(np.random.default_rng(seed).standard_normal((n, 3)))

    def decode(self, z):
        return np.broadcast_to(z[:, :1, None, None].clip(0, 1), (len(z), 8, 8, 3)).astype("float32")


def test_ssim_of_perfect_reconstructions(tmp_path):
    context = Made(tmp_path, history=[{"ssim": 0.25, "ssim_changing": 0.5}], trained=Perfect())
    context.run.train_images = context.images
    sentence = figure(REVIEW, "figure16").draw(context)
    assert "mean over 64 test images with a data range of 1: 1.000" in sentence
    assert (
        "1.000 for the first, and over the first images of 2 batches 1.000 with a standard deviation of 0.000"
        in sentence
    )
    assert context.path.exists()


def test_reconstructions_scatter_and_neighbours(tmp_path):
    context = Made(tmp_path, trained=Perfect())
    context.run.train_images = context.images
    told = "summed over pixels and channels: 0.0; of ten test images: 0.0."
    assert told in figure(REVIEW, "figure17").draw(context)
    shown = picture(context.path)
    assert shown.shape == (2 * (2 * 10 + 2), 2 * (10 * 10 + 2), 3)  # two rows of ten
    assert np.array_equal(shown[4:20], shown[24:40])
    assert figure(REVIEW, "figure18").draw(context) == "64 training images. Classes: 0 even, 1 odd."
    context.run.bench = type("Bench", (), {"evaluator": FIDEvaluator(protocol="tiny", cache_dir=None)})
    told = figure(REVIEW, "figure20").draw(context)
    assert "against the first 64 test images: " in told and " of as many neighbours, " in told
    assert picture(context.path).shape == (2 * (4 * 10 + 2), 2 * (8 * 10 + 2), 3)  # four rows of eight
    values = picture(context.path)[4::20, 4::20, 0] / 255  # the first pixel of every image
    noise = np.random.default_rng(0).standard_normal((32, 3), dtype="float32")[:, 0]
    expected = (context.images[:32, 0, 0, 0] / 255 + 0.1 * noise).clip(0, 1)
    np.testing.assert_allclose(values.ravel(), expected, atol=0.003)


class Plane:
    """A model of two units: the mean is the class, on a circle, and the standard deviation a tenth of its radius."""

    def encode(self, x, sample=False, seed=0):
        angle = 0.2 * np.pi * x[:, 0, 0, 0]
        noise = 0.1 * np.random.default_rng(seed).standard_normal((len(x), 2)) if sample else 0
        return np.stack([np.cos(angle), np.sin(angle)], axis=1) + noise

    def latent_moments(self, x):
        return self.encode(x), np.full((len(x), 2), 0.01)


def test_codes_on_a_plane():
    labels = np.arange(200) % 10
    images = np.broadcast_to(labels[:, None, None, None], (200, 8, 8, 1)).astype("uint8")
    data, model = Dataset("made", "test", images, labels), Plane()
    assert review_planes.accuracy(model, data) == 100.0  # ten of each class in the first half
    assert review_planes.width(model, data) == pytest.approx(0.1 / np.sqrt(0.5))
    means = review_planes.means_by_class(model, data)
    assert means.shape == (10, 20, 2) and np.ptp(means, axis=1).max() == 0
    draws = review_planes.draws_of_classes(model, data)
    np.testing.assert_allclose(draws.mean(1), means[:, 0], atol=0.04)
    assert review_planes.reach(means) == pytest.approx(3.5 * np.sqrt(0.5))


# the slides' figures


def test_figures_of_the_slides():
    numbers = [figure.label.removeprefix("Figure ") for figure in SLIDES.GALLERY.figures]
    assert numbers == ["4", "5a", "5b", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "18", "19",
                       "inpainting", "richer-levels", "richer-samples"]  # fmt: skip
    trained = [figure for figure in SLIDES.GALLERY.figures if figure.presets and figure.name.startswith("figure")]
    latents = {figure.label[7:]: figure.presets[0].split("-l")[-1] for figure in trained}
    assert latents == {
        **dict.fromkeys(("4", "8", "9", "10"), "12"),
        **dict.fromkeys(("5a", "5b", "6"), "8"),
        **dict.fromkeys(("11", "12", "13"), "128"),
        **dict.fromkeys(("14", "15"), "256"),
        "7": "2",
    }


def test_the_plane_has_y_upwards():
    z = SLIDES.plane_codes(2).reshape(25, 25, 2)
    corners = {name: tuple(z[index]) for name, index in (("top left", (0, 0)), ("top right", (0, -1)))}
    assert corners == {"top left": (-1, 1), "top right": (1, 1)}
    assert tuple(z[-1, 0]) == (-1, -1) and tuple(z[12, 12]) == (0, 0)
    assert np.ptp(z[:, 3, 0]) == 0 and np.ptp(z[3, :, 1]) == 0
    assert not SLIDES.plane_codes(4)[:, 2:].any()


class Bars(Codec):
    """A model whose images show the first coordinates of a code as gray pixels, -5 black and 5 white."""

    latent_dim, parts, variational, prior_only = 3, None, True, False

    def draw(self, n, seed=0):
        return np.zeros((n, 3), "float32")

    def decode(self, z, batch_size=100):
        return np.clip(z[:, None, :, None] / 10 + 0.5, 0, 1)


def test_a_traversal_moves_one_coordinate_per_row_from_left_to_right(tmp_path):
    context = Made(tmp_path, trained=Bars())
    sentence = SLIDES.traversals(2)(context)
    assert "the first 2 of 3 latent coordinates" in sentence and "[figure.gif](gallery/figure.gif)" in sentence
    still = picture(context.path)
    assert still.shape == (2 * 3 + 2, 20 * 5 + 2)
    gray = still[2::3, :][:2]  # a row of pixels for each of the two rows of images
    images = np.stack([gray[:, 2 + 5 * step : 5 + 5 * step] for step in range(20)], axis=1) / 255
    offsets = 0.5 + np.linspace(-3, 3, 20) / 10
    for row in range(2):
        np.testing.assert_allclose(images[row, :, row], offsets, atol=0.003)
        np.testing.assert_allclose(np.delete(images[row], row, axis=1), 0.5, atol=0.003)


def test_the_animation_goes_forth_and_back(tmp_path):
    context = Made(tmp_path, trained=Bars())
    SLIDES.traversals(10)(context)
    with Image.open(context.path.with_suffix(".gif")) as animation:
        assert animation.n_frames == 20 + 18
        assert animation.size == (10 * 5 + 2, 3 * 3 + 2)  # ten draws, no more than the three coordinates there are
        values = []
        for index in range(animation.n_frames):
            animation.seek(index)
            values.append(np.asarray(animation.convert("L"))[2, 2])
    assert values == values[:20] + values[18:0:-1]
    assert (np.diff(np.array(values[:20], int)) > 0).all()
