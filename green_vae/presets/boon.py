"""The models of the ResLag study on its five data sets."""

from dataclasses import dataclass, replace

from green_vae.models.lagging_vae import passes
from green_vae.models.reslag_vae import ORIGINAL
from green_vae.networks import reslag
from green_vae.presets.preset import DIGITS, FACES, Preset
from green_vae.training import Recipe


@dataclass(frozen=True)
class _Boon:
    """A data set of the ResLag study: what its models share, and how long its sigma models are trained."""

    dataset: str
    shape: tuple
    latent_dim: int
    beta: float
    layouts: str  # of `networks.boon`
    epochs: int
    aggressive: int
    ratio: int
    validation: str = "test"


BOON = {
    "mnist": _Boon("mnist", DIGITS, 5, 4.0, "digits", 40, 5, 3),
    "fashion": _Boon("fashion_mnist", DIGITS, 10, 4.0, "digits", 40, 5, 3),
    "cifar10": _Boon("cifar10", (32, 32, 3), 100, 3.0, "cifar", 40, 20, 5),
    "cifar100": _Boon("cifar100", (32, 32, 3), 100, 3.0, "cifar", 40, 20, 5),
    "celeba": _Boon("celeba_squeeze", FACES, 150, 4.0, "faces", 20, 10, 5, "validation"),
}
BOON_NOTE = "Adam 0.002, batches of 32, the best epoch by validation loss, as in the study"
BOON_EPOCHS = f"{BOON_NOTE}, which gives this number of epochs for its lagging models only"
BOON_PASSES = f"{BOON_NOTE}; an epoch here is one pass: aggressive epochs have several. Whether the study's number of "
BOON_PASSES += "aggressive epochs is their count, as here, or one more than it, its code and text leave open"
BOON_PLATEAU = f"{BOON_NOTE}; halved after 3 epochs without a better one, until below 5e-5; the study gives no number "
BOON_PLATEAU += "of epochs, 100 at most here"
BOON_RYBKIN = f"{BOON_EPOCHS}; the sigma of the batch's error, which the study cites; it ran that of the pixels"
BOON_BOUNDED = f"{BOON_EPOCHS}; log sigma of the posterior is kept between -2 and 2, as in the original ResLag-VAE; "
BOON_BOUNDED += "the encoder that the study's code has for this model caps it at 1 alone"
BOON_HE = f"{BOON_PASSES}. Aggression ends where He et al. 2019 end it for images, at the fifth fall of the mutual "
BOON_HE += "information, or after 16 aggressive epochs; as many passes as the study's own schedule has"
BOON_MINI = f"{BOON_PASSES}; here 6 epochs, 3 of them aggressive, and as many passes without lagging"
MNIST_VARIANCE, PUBLISHED_KL = 0.0949, 14.6  # of the pixels of MNIST; of the study's Optimal Sigma row, in nats
RISE = 3_750  # steps until the capacity is reached
FALLS = 5  # in the code of He et al. 2019 for images
MULTI_LEVEL = {  # for the originals of ResLag, and for the trunk of the light one
    32: {"sides": ORIGINAL[32], "log_sigma": (-2.0, 2.0)},
    64: {"blocks": reslag.CELEBA, "sides": ORIGINAL[64], "log_sigma": (-2.0, 2.0)},
}
LIGHT = {
    32: {"sides": (1, 4, 16), "log_sigma": (None, 1.0)},
    64: {"blocks": reslag.CELEBA, "sides": (1, 4, 16, 64), "log_sigma": (-2.0, 2.0)},
}


def _boon(name, model, recipe, options, network="boon", **config):
    study = BOON[name]
    config = {"image_shape": study.shape, "latent_dim": study.latent_dim, "network": network, **config}
    config["network_options"] = options
    return Preset(model, config, study.dataset, recipe, "boon, Table 1", codes="sample")


def _boon_recipe(name, note=BOON_EPOCHS, **changes):
    settings = {"epochs": BOON[name].epochs, "validation": BOON[name].validation, "note": note, **changes}
    return Recipe(2e-3, (), 32, **settings)


def _boon_models(name):
    """Name -> `Preset` of the models of one data set."""
    study, side = BOON[name], BOON[name].shape[0]
    own = {"layout": study.layouts}
    plain, bounded = _boon_recipe(name), _boon_recipe(name, BOON_BOUNDED)
    plateau = {"note": BOON_PLATEAU, "epochs": 100, "plateau": 3, "stop_below": 5e-5}
    lagging = _boon_recipe(name, BOON_PASSES, epochs=passes(study.epochs, study.aggressive, study.ratio))
    schedule = {"ratio": study.ratio, "aggressive_epochs": study.aggressive}
    # SSE + beta KL / d is twice 1/2 SSE + beta / (2 d) KL, which Adam does not tell apart
    models = {
        "beta": _boon(name, "vae", _boon_recipe(name, **plateau), {"layout": f"{study.layouts}-beta"},
                      beta=study.beta / (2 * study.latent_dim)),
        "info": _boon(name, "info_vae", _boon_recipe(name, **plateau, clip_norm=0.3),
                      {"layout": f"{study.layouts}-info"}, alpha=1.0, lambda_=500.0),
    }  # fmt: skip
    if side == 28:
        models["autoencoder"] = _boon(name, "autoencoder", plain, {"layout": "digits-autoencoder"})
        models["optimal-sigma"] = _boon(name, "sigma_vae", plain, own, sigma="data")
        models["rybkin-sigma"] = _boon(name, "sigma_vae", _boon_recipe(name, BOON_RYBKIN), own, sigma="mse")
        models["lagging"] = _boon(name, "lagging_vae", lagging, own, **schedule)
        he = {"ratio": study.ratio, "aggressive_epochs": lagging.epochs // study.ratio, "falls": FALLS}
        models["lagging-he"] = _boon(name, "lagging_vae", replace(lagging, note=BOON_HE), own, **he)
    elif side == 32:
        models["autoencoder"] = _boon(name, "autoencoder", plain, own)
        models["optimal-sigma"] = _boon(name, "sigma_vae", plain, own, sigma="data")
        models["autoencoder-multi-level"] = _boon(name, "autoencoder", plain, {"layout": "cifar-multi-level"})
    else:
        trunk = {**MULTI_LEVEL[64], "sides": None}
        models["optimal-sigma"] = _boon(name, "sigma_vae", bounded, trunk, "reslag", sigma="data")
    if side > 28:
        # the study's last registry of networks gives its optimal-sigma models those of ResLag, but for the bounds
        multi_level = MULTI_LEVEL[side]
        models["optimal-sigma-multi-level"] = _boon(name, "sigma_vae", bounded, multi_level, "reslag", sigma="data")
        models["reslag"] = _boon(name, "reslag_vae", lagging, MULTI_LEVEL[side], "reslag", **schedule)
        models["reslag-light"] = _boon(name, "reslag_vae", lagging, LIGHT[side], "reslag", **schedule)
    return {f"boon/{model}-{name}": chosen for model, chosen in models.items()}


def _ablation(name="cifar10", base=16):
    """The study's two ideas apart and together, on its trunk at a quarter of its width and with one schedule for all.

    The schedule has 6 epochs, 3 of them aggressive, where the study has 40 and 20. So training takes 18 passes over the
    images, and models without a lagging decoder have as many.
    """
    study, schedule = BOON[name], {"ratio": BOON[name].ratio, "aggressive_epochs": 3}
    recipe = _boon_recipe(name, f"{BOON_MINI}; a quarter of the width", epochs=passes(6, 3, study.ratio))
    multi_level = {**MULTI_LEVEL[study.shape[0]], "base": base}
    trunk, light = {**multi_level, "sides": None}, {**LIGHT[study.shape[0]], "base": base}
    models = {
        "optimal-sigma-trunk": _boon(name, "sigma_vae", recipe, trunk, "reslag", sigma="data"),
        "lagging-trunk": _boon(name, "lagging_vae", recipe, trunk, "reslag", **schedule),
        "optimal-sigma-multi-level": _boon(name, "sigma_vae", recipe, multi_level, "reslag", sigma="data"),
        "reslag": _boon(name, "reslag_vae", recipe, multi_level, "reslag", **schedule),
        "reslag-light": _boon(name, "reslag_vae", recipe, light, "reslag", **schedule),
    }
    return {f"boon/{model}-{name}-mini": chosen for model, chosen in models.items()}


def _objectives(name="mnist"):
    """What the study minimises, and what it cites, on its network for digits and with one short schedule for all.

    The schedule has 6 epochs, 3 of them aggressive, where the study has 40 and 5; the others have as many passes. He's
    criterion is that of the paper here, the first fall: there is no time for five.
    """
    study, schedule = BOON[name], {"ratio": BOON[name].ratio, "aggressive_epochs": 3}
    recipe = _boon_recipe(name, BOON_MINI, epochs=passes(6, 3, study.ratio))
    he = {"ratio": study.ratio, "aggressive_epochs": recipe.epochs // study.ratio, "falls": 1}
    models = {
        "optimal-sigma": ("sigma_vae", {"sigma": "data"}),
        "beta-sigma": ("vae", {"beta": MNIST_VARIANCE}),  # 1/2 SSE + sigma^2 KL
        "rybkin-sigma": ("sigma_vae", {"sigma": "mse"}),
        "capacity": ("capacity_vae", {"beta": 100.0, "capacity": PUBLISHED_KL, "warmup_steps": RISE}),
        "lagging": ("lagging_vae", schedule),
        "lagging-he": ("lagging_vae", he),
    }
    own = {"layout": study.layouts}
    return {f"boon/{arm}-{name}-mini": _boon(name, model, recipe, own, **config)
            for arm, (model, config) in models.items()}  # fmt: skip


PRESETS = {name: chosen for dataset in BOON for name, chosen in _boon_models(dataset).items()}
PRESETS.update({**_ablation(), **_objectives()})
