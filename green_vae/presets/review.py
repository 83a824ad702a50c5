"""The MLP VAE of the review, and short trainings of it with other weights of the KL."""

from green_vae.presets.preset import Preset
from green_vae.training import Recipe

REVIEW = Recipe(
    1e-3, (), 32, 100,
    "Adam, batches and epochs as in the paper, whose last batch of an epoch has 16 images; here it is dropped, and "
    "another one in every epoch",
)  # fmt: skip
SWEEP_EPOCHS, SWEEP_BATCH, SWEEP_NORM = 6, 50, 50.0
SWEEP = Recipe(
    1e-3, (4,), SWEEP_BATCH, SWEEP_EPOCHS,
    "the paper trains the first of these for 100 epochs with batches of 32; here so short that one CPU core trains "
    "three seeds of all in a quarter of an hour; the norm of gradients is limited, without which a weight of 0 is lost",
    clip_norm=SWEEP_NORM,
)  # fmt: skip
WEIGHTS = (1.0, 0.1, 0.01, 0.0)  # of the KL beside the whole squared error
SIZE = {"image_shape": (32, 32, 3), "latent_dim": 256}


def _mlp(kl, recipe=REVIEW, log_sigma=True, **config):
    """The paper's heads are mean and log sigma."""
    options = {"widths": (512,), **({"log_sigma": True} if log_sigma else {})}
    config = {**SIZE, "kl": kl, "network_options": options, **config}
    return Preset("review_vae", config, "cifar10", recipe, "review, Table 1", codes="sample")


def weighted(weight):
    """Name of the preset that weighs the KL with one of `WEIGHTS`."""
    return f"review/weight-{weight:g}-cifar10"


def _linear():
    config = {**SIZE, "network": "mlp", "network_options": {"widths": (), "cut": True}}
    return Preset("autoencoder", config, "cifar10", SWEEP, "review, section 3.1")


PRESETS = {
    "review/mlp-cifar10": _mlp("exact"),
    # its weights ship with a head for the log variance, which is twice that of log sigma
    "review/mlp-cifar10-published": _mlp("published", log_sigma=False),
    **{weighted(weight): _mlp("exact", SWEEP, beta=weight) for weight in WEIGHTS},
    "review/linear-cifar10": _linear(),
}
