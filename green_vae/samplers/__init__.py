"""Samplers of latents: `SAMPLERS[name](**settings).fit(z).sample(n, seed)`, or `per_class` of them. They see latents,
never images."""

from green_vae.samplers.base import Sampler
from green_vae.samplers.classes import per_class
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
    "per_class",
]
