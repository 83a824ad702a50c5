"""Models: one file per variant, one line per variant in `MODELS`."""

from green_vae.models.autoencoder import Autoencoder
from green_vae.models.base import BaseVAE
from green_vae.models.bernoulli_vae import BernoulliVAE
from green_vae.models.beta_vae import BetaVAE
from green_vae.models.capacity_vae import CapacityVAE
from green_vae.models.constant_variance_vae import ConstantVarianceVAE
from green_vae.models.control_vae import ControlVAE
from green_vae.models.free_bits_vae import FreeBitsVAE
from green_vae.models.gamma_vae import ComputedGammaVAE
from green_vae.models.hierarchical_vae import HierarchicalVAE
from green_vae.models.info_vae import InfoVAE
from green_vae.models.ladder_vae import LadderVAE
from green_vae.models.lagging_vae import LaggingVAE
from green_vae.models.rae import RAE
from green_vae.models.reslag_vae import ResLagVAE
from green_vae.models.review_vae import ReviewVAE
from green_vae.models.second_stage import SecondStageVAE
from green_vae.models.sigma_vae import SigmaVAE
from green_vae.models.split_vae import SplitVAE
from green_vae.models.vae import VAE

MODELS = {
    "vae": VAE,
    "autoencoder": Autoencoder,
    "bernoulli_vae": BernoulliVAE,
    "beta_vae": BetaVAE,
    "capacity_vae": CapacityVAE,
    "computed_gamma_vae": ComputedGammaVAE,
    "constant_variance_vae": ConstantVarianceVAE,
    "control_vae": ControlVAE,
    "free_bits_vae": FreeBitsVAE,
    "hierarchical_vae": HierarchicalVAE,
    "info_vae": InfoVAE,
    "ladder_vae": LadderVAE,
    "lagging_vae": LaggingVAE,
    "rae": RAE,
    "reslag_vae": ResLagVAE,
    "review_vae": ReviewVAE,
    "second_stage_vae": SecondStageVAE,
    "sigma_vae": SigmaVAE,
    "split_vae": SplitVAE,
}

__all__ = ["MODELS", "BaseVAE", *sorted(cls.__name__ for cls in MODELS.values())]
