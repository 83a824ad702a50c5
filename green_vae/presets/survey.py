"""The survey's models, and NVAE as its own paper has it."""

import dataclasses

from green_vae.presets.preset import Preset
from green_vae.training import Recipe

CONVOLUTIONAL = Recipe(1e-4, (80, 120, 150), 100, 150, "survey's code; the last halving never acts")
RESIDUAL = Recipe(
    1e-4, (80, 120), 100, 150,
    "the survey's code holds only a fine-tuning state (Adam 1e-5); start at 1e-4, as Dai and Wipf and Asperti and "
    "Trentin do with these networks (at 1e-3 the KL of the first batches explodes); epochs and halving as in the "
    "survey's convolutional code",
)  # fmt: skip


SAMPLERS = {"gmm": {}, "second_stage": {}}  # columns FID GMM and FID GEN2
# a narrow model has a narrow second stage: 512 units instead of 1536, and the schedule of 150 epochs scaled to 100
MINI_SAMPLERS = {"gmm": {}, "second_stage": {"widths": (512, 512), "epochs": 100, "halve_at": (53, 80, 100)}}


def _cnn(side, latent_dim, dataset, **options):
    config = {"image_shape": (side, side, 3), "latent_dim": latent_dim, "beta": 0.024, "network_options": options}
    return Preset("vae", config, dataset, CONVOLUTIONAL, "survey, Tables 2, 3", codes="sample", samplers=SAMPLERS)


def rae(side, latent_dim, dataset, regularizer, channels=3, source="survey, Tables 2, 3", **options):
    config = {"image_shape": (side, side, channels), "latent_dim": latent_dim, "regularizer": regularizer}
    return Preset("rae", {**config, "network_options": options}, dataset, CONVOLUTIONAL, source, samplers=SAMPLERS)


def resnet(side, latent_dim, dataset, base, layout="full", channels=3, source="survey, Tables 2, 3"):
    config = {
        "image_shape": (side, side, channels),
        "latent_dim": latent_dim,
        "beta": (2 * side / latent_dim) ** 2,
        "network_options": {"base": base, "layout": layout},
    }
    return Preset("computed_gamma_vae", config, dataset, RESIDUAL, source, samplers=SAMPLERS)


HFVAE_NOTE = (
    "the survey gives no schedule for HFVAE, and its code a fine-tuning state (Adam 1e-5); here that of its "
    "convolutional models"
)
NVAE_SURVEY_NOTE = "the survey's code, whose kernels start at a mean of 0.01; here Glorot's"
NVAE_NOTE = (
    "epochs, batches and warm-up over 30 % of the steps as in NVAE's paper; Adamax from 0.01 with cosine decay there, "
    "Adam from 1e-3 here; KLs balanced as in its released code, which divides by the size of a group where the paper "
    "multiplies; the weight of the spectral norms is that of its commands, whose decay of weights and penalty on the "
    "scales of batch norm are left out"
)
BINARY_NOTE = (
    "grey values are probabilities, and the margin of the padded images counts; the released code draws binary images "
    "and leaves the margin out"
)
LOGISTICS_NOTE = (
    "the paper's mixture of ten logistics, since sigma = 1 on pixels in [0, 1] collapses: of the 1,280 units of a "
    "narrow network 64 were active after 600 steps of 16 images, with a computed gamma 659, with this mixture 886"
)
MINI_NOTE = (
    "narrow, with as many epochs as one CPU core finishes in under an hour; Adam from 1e-3, ten times the survey's"
)


def _mini(preset, epochs, halve_at=None):
    """A preset of few channels, for fewer epochs; its rate is halved after 60 and 85 % of them by default."""
    halve_at = halve_at or tuple(round(epochs * part) for part in (0.6, 0.85))
    recipe = dataclasses.replace(preset.recipe, learning_rate=1e-3, halve_at=halve_at, epochs=epochs, note=MINI_NOTE)
    return dataclasses.replace(preset, recipe=recipe, samplers=MINI_SAMPLERS)


def _hierarchy(network, epochs, note, dataset="cifar10", **config):
    recipe = dataclasses.replace(CONVOLUTIONAL, epochs=epochs, note=note)
    config = {"image_shape": (32, 32, 3), "network": network, "beta": 0.01, **config}
    return Preset("hierarchical_vae", config, dataset, recipe, "survey, Table 2", codes="sample", samplers=SAMPLERS)


def _hfvae(base, group_dim):
    options = {"base": base, "group_dim": group_dim}
    return _hierarchy("hfvae", 150, HFVAE_NOTE, network_options=options, reconstruction_weight=1.0)


def _nvae_survey(**options):
    # every group's KL in full, but for halvings that the code applies to the sum so far
    weights = (0.125, 0.25, 0.5, 1.0)
    return _hierarchy("nvae-survey", 200, NVAE_SURVEY_NOTE, network_options=options, group_weights=weights)


def _nvae(image_shape, dataset, epochs, batch, spectral, likelihood, train_images, **options):
    """NVAE of its own paper (survey, Table 1): grey values are probabilities, colours a mixture of ten logistics."""
    config = {
        "image_shape": image_shape,
        "network": "nvae",
        "network_options": options,
        "warmup_steps": int(0.3 * epochs * (train_images // batch)),
        "reconstruction_weight": 1.0,  # both are log probabilities
        "balance": "code",
        "spectral": spectral,
        "likelihood": likelihood,
    }
    note = f"{NVAE_NOTE}; {LOGISTICS_NOTE if likelihood == 'logistics' else BINARY_NOTE}"
    recipe = Recipe(1e-3, (), batch, epochs, note)
    return Preset("hierarchical_vae", config, dataset, recipe, "survey, Table 1", codes="sample")


# In units of 1/2 SSE, of the weights that Ghosh et al. (2020) give for MNIST beside the mean squared error of an image
# of 32x32 values and 16 latent units: 1e-4 of the mean z^2; 1e-7 of the squared weights; 0.5e-7 of the mean over units
# of the squared gradient. Their code has no penalty on the Jacobian itself: it gets what the noise of their CV-VAE, of
# sigma 0.7, adds to the error to first order.
FORMS_LATENT, FORMS_L2, FORMS_SUMMED, FORMS_SIGMA = 6.4e-3, 5.12e-5, 1.6e-6, 0.7
FORMS_JACOBIAN = FORMS_SIGMA**2 / 2
FORMS_NOTE = (
    "a thirty-second of the width and 8 latent units, so that the exact Jacobian can be afforded; one pass over the "
    "images by Adam from 1e-3, batches of 50; one weight on the codes for all that have one"
)


def _forms():
    """Regularised autoencoders as formulas and as code have them, on one network of MNIST; and what they come from."""
    shared = {
        "image_shape": (32, 32, 1), "latent_dim": 8, "network": "cnn", "network_options": {"base": 4, "seed_side": 4},
    }  # fmt: skip
    gp = {"regularizer": "gp", "regularizer_weight": FORMS_JACOBIAN}
    l2 = {"regularizer": "l2", "regularizer_weight": FORMS_L2}
    models = {
        "ae": ("autoencoder", {}),
        "rae": ("rae", {"l2_on": "decoder", "regularizer_weight": 0.0}),  # the weight on codes alone
        "rae-l2-code": ("rae", l2),
        "rae-l2": ("rae", {**l2, "l2_on": "decoder"}),
        "rae-gp-code": ("rae", {**gp, "regularizer_weight": FORMS_SUMMED}),
        "rae-gp": ("rae", {**gp, "gradient": "jacobian"}),
        "rae-gp-hutchinson": ("rae", {**gp, "gradient": "hutchinson"}),
        "rae-sn": ("rae", {"regularizer": "sn"}),
        "cv-vae": ("constant_variance_vae", {"sigma": FORMS_SIGMA, "beta": FORMS_LATENT}),
    }
    recipe, source = Recipe(1e-3, (), 50, 1, FORMS_NOTE), "survey, section on RAE; Ghosh et al. 2020"
    found = {}
    for name, (model, own) in models.items():
        config = {**shared, **({"latent_weight": FORMS_LATENT} if model == "rae" else {}), **own}
        codes = "sample" if model == "constant_variance_vae" else "mean"
        found[f"survey/{name}-mnist-mini"] = Preset(model, config, "mnist32", recipe, source, codes=codes)
    return found


COMPUTED_NOTE = (
    "not in the survey's code, which fixes the KL's weight here: gamma computed, of which the survey says that all its "
    "models have it; everything else as in the preset with the fixed weight: "
)


def _computed(preset, **config):
    """A preset of the survey's code with computed gamma in place of its fixed weight.

    A CNN names its network, because `ComputedGammaVAE` takes the residual one by itself.
    """
    model = "hierarchical_vae" if preset.model == "hierarchical_vae" else "computed_gamma_vae"
    recipe = dataclasses.replace(preset.recipe, note=COMPUTED_NOTE + preset.recipe.note)
    return dataclasses.replace(preset, model=model, config={**preset.config, **config}, recipe=recipe)


# of balancing: the two sides of the balance as the pilot ended, a training of the arm "computed" with a seed of its own
PILOT_GAMMA, PILOT_KL = 0.0075, 86.0
BALANCING_EPOCHS, BALANCING_BATCH = 2, 100
BALANCING_NOTE = (
    f"narrow, for one CPU core; the fixed weight of {PILOT_GAMMA:g} and the set KL of {PILOT_KL:g} nats are what the "
    "arm with computed gamma came to in a pilot with seed 3, rounded"
)


def _balancing(model, **config):
    """One network, data set and recipe for all ways to balance error and KL; with as many latent units as here, the
    survey's factor of the KL, (2 side / latent units)^2, is 1.
    """
    network = {"network": "slides", "network_options": {"widths": (8, 16, 32)}}
    recipe = Recipe(3e-3, (1,), BALANCING_BATCH, BALANCING_EPOCHS, BALANCING_NOTE)
    config = {"image_shape": (32, 32, 1), "latent_dim": 64, **network, **config}
    return Preset(model, config, "mnist32", recipe, "survey, balancing", codes="sample", samplers={})


BALANCING = {  # arm -> preset
    "fixed-code": _balancing("vae", beta=0.024),
    "fixed-pilot": _balancing("vae", beta=PILOT_GAMMA),
    "warm-up": _balancing("beta_vae", beta=PILOT_GAMMA, warmup_steps=60_000 // BALANCING_BATCH // 2),
    "free-bits": _balancing("free_bits_vae", beta=PILOT_GAMMA, free_bits=0.25),
    "learned": _balancing("sigma_vae", sigma="learned"),
    "computed": _balancing("computed_gamma_vae"),
    "computed-average": _balancing("computed_gamma_vae", minimum="average"),
    "computed-rising": _balancing("computed_gamma_vae", minimum="none"),
    "control": _balancing("control_vae", target_kl=PILOT_KL),
}

LATENT_SIZES = (32, 64, 128, 256)
LATENT_NOTE = "narrow, for one CPU core; of latent sizes: one network for all, but for its codes"


def _latent_size(units, beta):
    """One network of CIFAR-10 with as many latent units, and a factor of the KL beside the computed gamma."""
    network = {"network": "slides", "network_options": {"widths": (16, 32, 64)}}
    config = {"image_shape": (32, 32, 3), "latent_dim": units, "beta": beta, **network}
    recipe = Recipe(3e-3, (3, 4), 100, 5, LATENT_NOTE)
    source = "survey, sections on the evaluation"
    return Preset("computed_gamma_vae", config, "cifar10", recipe, source, codes="sample", samplers={"gmm": {}})


PRESETS = {
    "survey/cnn-b128-l128": _cnn(32, 128, "cifar10"),
    "survey/l2-rae-b128-l128": rae(32, 128, "cifar10", "l2"),
    "survey/gp-rae-b128-l128": rae(32, 128, "cifar10", "gp"),
    "survey/sn-rae-b128-l128": rae(32, 128, "cifar10", "sn", source="svae, Table 3"),
    "survey/resnet-s4-b48-l128": resnet(32, 128, "cifar10", 48),
    "survey/resnet-s4-b48-l100": resnet(32, 100, "cifar10", 48),
    "survey/resnet-s4-b64-l64": resnet(32, 64, "cifar10", 64),
    # the printed parameters of this row need a decoder seed of 16x16, the printed FLOPs one of 8x8
    "survey/cnn-b128-l64": _cnn(64, 64, "celeba", seed_side=16),
    "survey/cnn-b128-l64-seed8": _cnn(64, 64, "celeba", seed_side=8),
    "survey/l2-rae-b128-l64": rae(64, 64, "celeba", "l2"),
    "survey/gp-rae-b128-l64": rae(64, 64, "celeba", "gp"),
    "survey/resnet-s4-b32-l64": resnet(64, 64, "celeba", 32),
    "survey/resnet-s4-b48-l64": resnet(64, 64, "celeba", 48),
    "survey/resnet-s3-b64-l64": resnet(64, 64, "celeba", 64, "light"),
    # the authors' network, whose counts are not the printed ones
    "survey/hfvae-s4-z4-l48": _hfvae(48, 4),
    "survey/hfvae-s4-z12-l64": _hfvae(64, 12),
    "survey/nvae-z10-b100-l4": _nvae_survey(final_norms=1),  # the printed counts
    "survey/nvae-z10-b100-l4-code": _nvae_survey(),  # the public code's
    # gamma computed where the survey's code has fixed weights; beta of the CNN by the rule of the residual rows
    "survey/cnn-b128-l128-computed": _computed(_cnn(32, 128, "cifar10"), network="cnn", beta=(2 * 32 / 128) ** 2),
    "survey/hfvae-s4-z4-l48-computed": _computed(
        _hfvae(48, 4), beta=1.0, reconstruction_weight=0.5, likelihood="computed_gamma"
    ),
    "survey/nvae-z10-b100-l4-computed": _computed(
        _nvae_survey(final_norms=1), beta=1.0, group_weights=None, likelihood="computed_gamma"
    ),
    # narrow, for two CPU cores
    "survey/cnn-mini": _mini(_cnn(32, 128, "cifar10", base=32), 10),
    "survey/l2-rae-mini": _mini(rae(32, 128, "cifar10", "l2", base=32), 10),
    "survey/gp-rae-mini": _mini(rae(32, 128, "cifar10", "gp", base=32), 2),
    "survey/resnet-mini": _mini(resnet(32, 64, "cifar10", 16), 7),
    "survey/hfvae-mini": _mini(_hfvae(16, 12), 6, CONVOLUTIONAL.halve_at),
    "survey/nvae-mini": _mini(_nvae_survey(base=12, group_dim=4), 6, CONVOLUTIONAL.halve_at),
    **{f"survey/balancing-{arm}-mini": chosen for arm, chosen in BALANCING.items()},
    # the survey's factor of the KL falls with the latent size; with one factor for all, the size alone differs
    **{f"survey/latent-{units}-mini": _latent_size(units, (2 * 32 / units) ** 2) for units in LATENT_SIZES},
    **{f"survey/latent-{units}-one-factor-mini": _latent_size(units, 1.0) for units in LATENT_SIZES},
    "nvae/mnist": _nvae(
        (32, 32, 1),
        "mnist32",
        400,
        200,
        0.01,
        "bernoulli",
        60_000,
        base=32,
        groups=(5, 10),
        cells=1,
        flows=0,
        blocks=2,
        block_cells=3,
    ),
    "nvae/cifar10": _nvae(
        (32, 32, 3), "cifar10", 400, 32, 0.01, "logistics", 50_000, base=128, groups=(30,), components=10
    ),
    "nvae/celeba": _nvae(
        (64, 64, 3), "celeba", 90, 16, 0.1, "logistics", 162_770, base=64, groups=(5, 10, 20), components=10
    ),
}
PRESETS.update(_forms())
