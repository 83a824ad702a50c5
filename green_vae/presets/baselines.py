"""What the survey and Split-VAE compare with, as the code of its own authors has it; the tables' rows are elsewhere.

Split-VAE quotes numbers of these models and gives them the networks of the survey (`presets.survey`, `presets.svae`).
"""

import dataclasses

from green_vae.presets.preset import Preset
from green_vae.training import Recipe

NOT_QUITE = "their second stage sees a new draw of every code in each batch, ours one draw of every code"
DAI_WIPF_NOTE = (
    "the code of Dai and Wipf (daib13/TwoStageVAE): gamma trained in both stages without a limit, no batch norm in the "
    f"dense block; {NOT_QUITE}"
)
CIFAR_NOTE = (
    "they print no command for their residual network on CIFAR-10: width and units of the survey's row, schedule of "
    "their defaults"
)
ASPERTI_TRENTIN_NOTE = (
    "the code of Asperti and Trentin (asperti/BalancingVAE): gamma computed in both stages, no batch norm in the dense "
    "block; what it restores from a file starts anew here, and codes are always rescaled, there only where they have "
    f"lost variance; {NOT_QUITE}"
)
GHOSH_NOTE = (
    "the code of Ghosh et al. (ParthaEth/Regularized_autoencoders-RAE-): the rate is halved after 5 epochs without a "
    "better loss on images of which most are trained on, here all training images; the best epoch is kept; all images "
    "are trained on, there all but 10,000"
)
MINI_NOTE = "narrow, with a short training by Adam from a higher rate, for one CPU core"


def _two_stage(model, side, latent_dim, base, dataset, recipe, stage, channels=3, scales=4, **own):
    """A two-stage VAE on the residual network, whose second stage has three hidden layers."""
    options = {"base": base, "upsample": "transposed", "dense_norm": False, "scales": scales}
    config = {"image_shape": (side, side, channels), "latent_dim": latent_dim, "network": "resnet", **own}
    samplers = {"second_stage": stage}
    source = {"sigma_vae": "Dai and Wipf 2019", "computed_gamma_vae": "Asperti and Trentin 2020"}[model]
    return Preset(model, {**config, "network_options": options}, dataset, recipe, source, "sample", samplers)


def _dai_wipf(side, latent_dim, base, dataset, epochs, halve_at, second, **shape):
    """second: epochs and halvings of the second stage."""
    note = f"{DAI_WIPF_NOTE}; {CIFAR_NOTE}" if dataset == "cifar10" else DAI_WIPF_NOTE
    stage = {"reconstruction": "gaussian", "batch_size": 64, "epochs": second[0], "halve_at": second[1]}
    recipe = Recipe(1e-4, halve_at, 64, epochs, note)
    own = {"sigma": "learned", "lowest": None}
    return _two_stage("sigma_vae", side, latent_dim, base, dataset, recipe, stage, **own, **shape)


def _asperti_trentin(side, latent_dim, base, dataset, rate, epochs, halve_at, second, width=2048, **shape):
    stage = {"reconstruction": "computed_gamma", "widths": (width,) * 3, "learning_rate": rate}
    stage |= {"epochs": second[0], "halve_at": second[1]}
    recipe = Recipe(rate, halve_at, 100, epochs, ASPERTI_TRENTIN_NOTE)
    own = {"beta": (2 * side / latent_dim) ** 2, "minimum": "average"}
    return _two_stage("computed_gamma_vae", side, latent_dim, base, dataset, recipe, stage, **own, **shape)


def _ghosh(regularizer, side, latent_dim, dataset, channels, latent_weight, weight=None, epochs=100, base=128):
    """A regularised autoencoder with the weights that Ghosh et al. have beside the mean squared error of a value and
    the mean of z^2; here, times half of the number of values, beside 1/2 SSE.

    Args:
        latent_weight: of the mean of z^2. weight: of the squared kernels, or of the mean squared gradient.
    """
    scale = side * side * channels / 2
    config = {"image_shape": (side, side, channels), "latent_dim": latent_dim, "regularizer": regularizer}
    config["latent_weight"] = 2 * scale * latent_weight / latent_dim
    form = {"l2": {"l2_on": "transposed"}, "gp": {"gradient": "summed_squares"}, "sn": {"sn_on": "all"}}
    own = {"regularizer_weight": scale * weight / (latent_dim if regularizer == "gp" else 1)} if weight else {}
    options = {"base": base, "seed_norm": False, "centred": True}
    recipe = Recipe(5e-4, (), 100, epochs, GHOSH_NOTE, validation="train", plateau=5)
    samplers = {"gmm": {"n_components": 10, "max_iter": 2000}}
    config |= {**form[regularizer], **own, "network_options": options}
    return Preset("rae", config, dataset, recipe, "Ghosh et al. 2020", samplers=samplers)


def _mini(preset, epochs=4, rate=1e-3):
    """A short training; a second stage of 128 units."""
    samplers = {name: dict(settings) for name, settings in preset.samplers.items()}
    if "second_stage" in samplers:
        short = {"widths": (128,) * 3, "epochs": 10, "halve_at": (6, 8), "learning_rate": 1e-3}
        samplers["second_stage"] |= short
    schedule = {"learning_rate": rate, "halve_at": (3,), "epochs": epochs, "validation": "", "plateau": 0}
    recipe = dataclasses.replace(preset.recipe, **schedule, note=MINI_NOTE)
    return dataclasses.replace(preset, recipe=recipe, samplers=samplers)


CIFAR, DIGITS = (32, 128, "cifar10", 3), (32, 16, "mnist32", 1)
NARROW = {"side": 32, "latent_dim": 16, "base": 8, "dataset": "mnist32", "channels": 1}

PRESETS = {
    "baselines/dai-wipf-cifar10": _dai_wipf(32, 64, 64, "cifar10", 400, (150, 300), (800, (300, 600))),
    "baselines/dai-wipf-celeba": _dai_wipf(64, 128, 32, "celeba", 100, (40, 80), (100, (40, 80))),
    "baselines/asperti-trentin-cifar10": _asperti_trentin(
        32, 64, 32, "cifar10", 1e-4, 700, (250, 500), (1400, (400, 800, 1200)), scales=3
    ),
    "baselines/asperti-trentin-celeba": _asperti_trentin(
        64, 64, 32, "celeba", 5e-5, 70, (60,), (140, (120,)), width=4096
    ),
    "baselines/ghosh-l2-mnist": _ghosh("l2", *DIGITS, 1e-4, 1e-7),
    "baselines/ghosh-gp-mnist": _ghosh("gp", *DIGITS, 1e-4, 0.5e-7),
    "baselines/ghosh-sn-mnist": _ghosh("sn", *DIGITS, 0.009),
    "baselines/ghosh-l2-cifar10": _ghosh("l2", *CIFAR, 1e-3, 1e-6),
    "baselines/ghosh-sn-cifar10": _ghosh("sn", *CIFAR, 0.03),
    "baselines/dai-wipf-mini": _mini(_dai_wipf(epochs=4, halve_at=(), second=(10, ()), **NARROW)),
    "baselines/asperti-trentin-mini": _mini(
        _asperti_trentin(rate=1e-4, epochs=4, halve_at=(), second=(10, ()), **NARROW)
    ),
    "baselines/ghosh-l2-mini": _mini(_ghosh("l2", *DIGITS, 1e-4, 1e-7, base=8)),
    "baselines/ghosh-gp-mini": _mini(_ghosh("gp", *DIGITS, 1e-4, 0.5e-7, base=8)),
    "baselines/ghosh-sn-mini": _mini(_ghosh("sn", *DIGITS, 0.009, base=8)),
}
