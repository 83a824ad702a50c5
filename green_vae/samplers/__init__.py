"""Samplers of latents: `SAMPLERS[name](**settings).fit(z).sample(n, seed)`. They see latents, never images."""

from green_vae.samplers.base import Sampler
from green_vae.samplers.mixture import GaussianMixture
from green_vae.samplers.neighbourhood import Neighbourhood
from green_vae.samplers.prior import Prior, ScalarGaussian
from green_vae.samplers.second_stage import SecondStage

SAMPLERS = {sampler.name: sampler for sampler in (Prior, ScalarGaussian, GaussianMixture, SecondStage, Neighbourhood)}

__all__ = [
    "SAMPLERS",
    "GaussianMixture",
    "Neighbourhood",
    "Prior",
    "Sampler",
    "ScalarGaussian",
    "SecondStage",
    "new_sampler",
]


def new_sampler(name, epochs, **settings):
    """A sampler for the codes of a model that was trained for so many epochs, not yet fitted.

    A second stage trains as long as the first did, which is what the survey did; all else is as in `settings`, by
    default as in the survey.
    """
    return SAMPLERS[name](**({"epochs": epochs} if name == "second_stage" else {}) | settings)
