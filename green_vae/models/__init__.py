"""Models: one file per variant, one line per variant in `MODELS`."""

from green_vae.models.autoencoder import Autoencoder
from green_vae.models.base import VAE
from green_vae.models.beta_vae import BetaVAE
from green_vae.models.gamma_vae import ComputedGammaVAE
from green_vae.models.rae import RAE
from green_vae.models.second_stage import SecondStageVAE
from green_vae.models.split_vae import SplitVAE

MODELS = {
    "vae": VAE,
    "autoencoder": Autoencoder,
    "beta_vae": BetaVAE,
    "computed_gamma_vae": ComputedGammaVAE,
    "rae": RAE,
    "second_stage_vae": SecondStageVAE,
    "split_vae": SplitVAE,
}

__all__ = ["MODELS", *sorted(cls.__name__ for cls in MODELS.values())]
