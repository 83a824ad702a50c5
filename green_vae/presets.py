"""Names for everything a paper trained: class, configuration, data, recipe. `load` turns a name into a model."""

from dataclasses import dataclass
from pathlib import Path

import keras

from green_vae.models import MODELS
from green_vae.training import Recipe, load_weights

PRETRAINED = Path(__file__).resolve().parent.parent / "pretrained"


@dataclass(frozen=True)
class Preset:
    """One trained model of a paper.

    Attributes:
        model: a name of `green_vae.models.MODELS`.
        config: its arguments.
        dataset: what it is trained on, a name of `green_vae.data.DATASETS`.
        recipe: how.
        source: paper and table.
        codes: which codes the samplers are fitted on: "mean" of the posterior, or one "sample" from it.
    """

    model: str
    config: dict
    dataset: str
    recipe: Recipe
    source: str
    codes: str = "mean"

    def build(self, seed=None):
        """The model with fresh weights; the same ones for the same seed."""
        if seed is not None:
            keras.utils.set_random_seed(seed)
        return MODELS[self.model](**self.config, **({} if seed is None else {"seed": seed}))


CONVOLUTIONAL = Recipe(1e-4, (80, 120, 150), 100, 150, "survey's code; the last halving never acts")
RESIDUAL = Recipe(
    1e-4, (80, 120), 100, 150,
    "the survey's code holds only a fine-tuning state (Adam 1e-5); start at 1e-4, as Dai and Wipf and Asperti and "
    "Trentin do with these networks (at 1e-3 the KL of the first batches explodes); epochs and halving as in the "
    "survey's convolutional code",
)  # fmt: skip


def _cnn(side, latent_dim, dataset, **options):
    config = {"image_shape": (side, side, 3), "latent_dim": latent_dim, "beta": 0.024, "network_options": options}
    return Preset("vae", config, dataset, CONVOLUTIONAL, "survey, Tables 2, 3", codes="sample")


def _rae(side, latent_dim, dataset, regularizer):
    config = {"image_shape": (side, side, 3), "latent_dim": latent_dim, "regularizer": regularizer}
    return Preset("rae", config, dataset, CONVOLUTIONAL, "survey, Tables 2, 3")


def _resnet(side, latent_dim, dataset, base, layout="full"):
    config = {
        "image_shape": (side, side, 3),
        "latent_dim": latent_dim,
        "beta": (2 * side / latent_dim) ** 2,
        "network_options": {"base": base, "layout": layout},
    }
    return Preset("computed_gamma_vae", config, dataset, RESIDUAL, "survey, Tables 2, 3")


PRESETS = {
    "survey/cnn-b128-l128": _cnn(32, 128, "cifar10"),
    "survey/l2-rae-b128-l128": _rae(32, 128, "cifar10", "l2"),
    "survey/gp-rae-b128-l128": _rae(32, 128, "cifar10", "gp"),
    "survey/sn-rae-b128-l128": _rae(32, 128, "cifar10", "sn"),
    "survey/resnet-s4-b48-l128": _resnet(32, 128, "cifar10", 48),
    "survey/resnet-s4-b48-l100": _resnet(32, 100, "cifar10", 48),
    "survey/resnet-s4-b64-l64": _resnet(32, 64, "cifar10", 64),
    # the printed parameters of this row need a decoder seed of 16x16, the printed FLOPs one of 8x8
    "survey/cnn-b128-l64": _cnn(64, 64, "celeba", seed_side=16),
    "survey/cnn-b128-l64-seed8": _cnn(64, 64, "celeba", seed_side=8),
    "survey/l2-rae-b128-l64": _rae(64, 64, "celeba", "l2"),
    "survey/gp-rae-b128-l64": _rae(64, 64, "celeba", "gp"),
    "survey/resnet-s4-b32-l64": _resnet(64, 64, "celeba", 32),
    "survey/resnet-s4-b48-l64": _resnet(64, 64, "celeba", 48),
    "survey/resnet-s3-b64-l64": _resnet(64, 64, "celeba", 64, "light"),
}


def preset(name):
    """The `Preset` of that name.

    Raises:
        ValueError: no such name.
    """
    if name not in PRESETS:
        raise ValueError(f"unknown preset; there are {', '.join(PRESETS)}. Received: {name!r}")
    return PRESETS[name]


def load(name, weights="pretrained", seed=None):
    """The model of a preset, with trained weights.

    Args:
        name: of the preset, say "survey/resnet-s4-b64-l64".
        weights: "pretrained" for those in `pretrained/`, a path to a `.weights.h5` file, or None for fresh ones.
        seed: of fresh weights and of the model's noise.

    Raises:
        ValueError: unknown preset, or a file that is damaged or of another model.
        FileNotFoundError: no such weights; the message says how to train them.
    """
    chosen = preset(name)
    if weights is None:
        return chosen.build(seed)
    path = pretrained_path(name) if weights == "pretrained" else Path(weights)
    if not path.exists():
        how = "weights=None builds it untrained; `python reproduce/survey_table2.py --train` (CIFAR-10) or "
        how += "survey_table3.py (CelebA) trains the survey's models"
        raise FileNotFoundError(f"no weights for {name}; {how}. Received: {path}, which does not exist")
    model = chosen.build(seed)
    load_weights(model, path)
    return model


def pretrained_path(name):
    """Where the trained weights of a preset lie, if they do."""
    return PRETRAINED / name / "model.weights.h5"
