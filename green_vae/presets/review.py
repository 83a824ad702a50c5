"""The MLP VAE of the review."""

from green_vae.presets.preset import Preset
from green_vae.training import Recipe

REVIEW = Recipe(
    1e-3, (), 32, 100,
    "Adam, batches and epochs as in the paper, whose last batch of an epoch has 16 images; here it is dropped, and "
    "another one in every epoch",
)  # fmt: skip


def _mlp(kl):
    config = {"image_shape": (32, 32, 3), "latent_dim": 256, "kl": kl, "network_options": {"widths": (512,)}}
    return Preset("review_vae", config, "cifar10", REVIEW, "review, Table 1", codes="sample")


PRESETS = {
    "review/mlp-cifar10": _mlp("exact"),
    "review/mlp-cifar10-published": _mlp("published"),
}
