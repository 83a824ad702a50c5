"""Measures of images, features and latents. Arrays in, numbers out; nothing here knows a model."""

from green_vae.metrics.disentanglement import DCI, dci, factor_vae_score, mutual_information_gap
from green_vae.metrics.evaluation import Evaluation, compare, evaluate
from green_vae.metrics.extrapolation import Extrapolation, extrapolate, extrapolate_moments
from green_vae.metrics.fid import ENOUGH, FID, FIDEvaluator, error_of_moments, fid, fid_of_moments
from green_vae.metrics.frechet import frechet_distance, frechet_error, frechet_from_features, frechet_from_moments
from green_vae.metrics.graph2015 import Graph2015Extractor
from green_vae.metrics.image import mse, psnr, ssim
from green_vae.metrics.inception import InceptionExtractor
from green_vae.metrics.kid import KID, kid, kid_from_features, kid_of_moments
from green_vae.metrics.latent import (
    active_units,
    inactive_mask,
    inactive_units,
    kl_standard_normal,
    variance_law,
    variance_loss,
)
from green_vae.metrics.moments import Moments
from green_vae.metrics.neighbours import Neighbours, neighbours
from green_vae.metrics.protocol import LAYERS, Protocol, canonical_layer
from green_vae.metrics.stream import image_key
from green_vae.metrics.tiny import TinyExtractor
from green_vae.metrics.weights import WeightsNotFoundError

__all__ = [
    "DCI",
    "ENOUGH",
    "Evaluation",
    "Extrapolation",
    "FID",
    "FIDEvaluator",
    "Graph2015Extractor",
    "InceptionExtractor",
    "KID",
    "LAYERS",
    "Moments",
    "Neighbours",
    "Protocol",
    "TinyExtractor",
    "WeightsNotFoundError",
    "active_units",
    "canonical_layer",
    "compare",
    "dci",
    "error_of_moments",
    "evaluate",
    "extrapolate",
    "extrapolate_moments",
    "factor_vae_score",
    "fid",
    "fid_of_moments",
    "frechet_distance",
    "frechet_error",
    "frechet_from_features",
    "frechet_from_moments",
    "image_key",
    "inactive_mask",
    "inactive_units",
    "kid",
    "kid_from_features",
    "kid_of_moments",
    "kl_standard_normal",
    "mse",
    "mutual_information_gap",
    "neighbours",
    "psnr",
    "ssim",
    "variance_law",
    "variance_loss",
]
