"""The Frechet Inception distance: images to features to moments to a number that says how it was measured."""

import dataclasses
import re
import warnings
from pathlib import Path

from green_vae.metrics.frechet import frechet_error, frechet_from_moments
from green_vae.metrics.graph2015 import Graph2015Extractor
from green_vae.metrics.inception import InceptionExtractor
from green_vae.metrics.moments import Moments
from green_vae.metrics.protocol import Protocol
from green_vae.metrics.resize import DEFAULT
from green_vae.metrics.stream import batches, track
from green_vae.metrics.tiny import TinyExtractor

ENOUGH = 10_000  # images; below, an FID is biased upwards by more than methods differ


class FIDEvaluator:
    """Features, moments and Frechet distances of images under one protocol, at several depths in one pass.

    The network is built when the first image needs it, the protocols (with the hash of the weights) at once: results
    that are all cached cost nothing.

    Args:
        layers: one or several, by name or width ("64", "192", "mixed7" = 768, "mixed8" = 1280, "avg_pool" = 2048);
            default: "mixed8" for `survey`, "avg_pool" for `ttur`. `tiny` has a layer of its own, "tiny", whatever is
            asked.
        protocol: "survey", "ttur" or "tiny"; or an extractor: `protocols`, a dict of layer to `Protocol`; `batch_size`;
            and a call from float images (n, height, width, 3) in [0, 1] to a dict of layer to features (n, d).
        weights: path of the weights file (or graph); default: see `weights.find_weights`.
        data_dir: folder with `inception/`; default: $GREEN_VAE_DATA, else the user's cache.
        batch_size: images at a time.
        cache_dir: folder that keeps moments, by protocol and content; default: none are kept.
        download: whether weights may be fetched from the network.
        quantise, stretch: see `Protocol`.
        precision: of the network's products, "float32" or, quicker where the processor has units for it, "bfloat16".
            Its numbers are a protocol of their own. An extractor decides for itself.
        resize: rule by which images reach the network, see `InceptionExtractor`; of `survey` alone. Any other than
            "bilinear" is a protocol of its own.

    Raises:
        ValueError: an unknown protocol, layer, precision or rule, or unusable weights.
        WeightsNotFoundError: no weights.
    """

    def __init__(
        self,
        layers=None,
        protocol="survey",
        weights=None,
        data_dir=None,
        batch_size=32,
        cache_dir=None,
        download=False,
        quantise=False,
        stretch=False,
        precision="float32",
        resize=DEFAULT,
    ):
        layers = (layers,) if isinstance(layers, (str, int)) else layers
        files = {"path": weights, "data_dir": data_dir}
        options = {"batch_size": batch_size, "stretch": stretch, "precision": precision}
        if protocol == "survey":
            options |= {"download": download, "quantise": quantise, "resize": resize}
            self.extractor = InceptionExtractor(layers or ("mixed8",), **files, **options)
        elif resize != DEFAULT:
            told = "only the protocol survey has a choice of how images are resized; leave it out here"
            raise ValueError(f"{told}. Received: resize={resize!r}")
        elif protocol == "ttur":
            self.extractor = Graph2015Extractor(layers or ("avg_pool",), **files, **options)
        elif protocol == "tiny":
            self.extractor = TinyExtractor(**options, quantise=quantise)
        elif callable(protocol):
            if precision != "float32":
                told = "an extractor names its precision in its own protocols; leave it out here"
                raise ValueError(f"{told}. Received: precision={precision!r}")
            self.extractor = protocol
        else:
            raise ValueError(f"protocol must be survey, ttur, tiny or an extractor. Received: {protocol!r}")
        self.cache_dir = Path(cache_dir) if cache_dir else None

    @property
    def protocols(self):
        """Layer name to `Protocol`."""
        return dict(self.extractor.protocols)

    @property
    def layers(self):
        """Names of the layers, as they key every result."""
        return tuple(self.protocols)

    def moments(self, images, key=None, description="features", total=None, keep=0):
        """Moments of the features of `images`, by layer: one pass for all layers that are not cached.

        Args:
            images: one array (n, height, width, 1 or 3), uint8 or float in [0, 1]; or an iterable of such batches.
            key: hash of the images' content (`image_key`), under which moments are cached in `cache_dir`.
            description: what the progress bar says.
            total: number of images, for the progress of an iterable.
            keep: how many features to keep in `Moments.features` (float32), for the KID; they are cached too.

        Raises:
            ValueError: unusable images, or none.
        """
        found = {layer: self._cached(layer, key, keep) for layer in self.layers}
        missing = [layer for layer in self.layers if found[layer] is None]
        if missing:
            found |= self._measure(images, missing, description, total, keep)
        for layer in missing:
            if path := self._path(layer, key):
                found[layer].save(path)
        return found

    def fid(self, moments_a, moments_b):
        """Frechet distances by layer, of two results of `moments`; warns of fewer than 10,000 images.

        Raises:
            ValueError: different protocols or layers, or fewer than two images.
        """
        if not set(moments_a) == set(moments_b) == set(self.layers):
            received = f"{sorted(moments_a)} and {sorted(moments_b)}"
            raise ValueError(f"moments must have the layers {sorted(self.layers)}. Received: {received}")
        for moments in (moments_a, moments_b):
            _warn_of_few(next(iter(moments.values())))
        return {layer: frechet_from_moments(moments_a[layer], moments_b[layer]) for layer in self.layers}

    def _measure(self, images, layers, description, total, keep):
        settings = self.protocols[layers[0]]
        moments = {layer: Moments(self.protocols[layer].dim, self.protocols[layer], keep) for layer in layers}
        total = len(images) if hasattr(images, "shape") else total
        parts = batches(images, self.extractor.batch_size, settings.quantise, settings.stretch)
        for part in track(parts, total, description):
            for layer, features in self.extractor(part, layers).items():
                moments[layer].update(features)
        if not moments[layers[0]].n:
            raise ValueError(f"there are no images. Received: {type(images).__name__} without any")
        return moments

    def _path(self, layer, key):
        if key is None or self.cache_dir is None:
            return None
        if not re.fullmatch(r"[\w.-]{1,128}", key):
            raise ValueError(f"key must be a hash of the images, fit for a file name. Received: {key!r}")
        return self.cache_dir / f"{self.protocols[layer].hash}-{key}.npz"

    def _cached(self, layer, key, keep):
        """Moments kept earlier, or None; a damaged file is measured again."""
        path = self._path(layer, key)
        if path is None or not path.is_file():
            return None
        try:
            moments = Moments.load(path)
            moments.check_comparable(Moments(self.protocols[layer].dim, self.protocols[layer]))
        except ValueError as error:
            warnings.warn(f"measuring again: {error}", stacklevel=3)
            return None
        return moments if len(moments.features) >= min(keep, moments.n) else None


@dataclasses.dataclass(frozen=True)
class FID:
    """A Frechet distance and all that it depends on.

    Attributes:
        value: the distance. n_a, n_b: images. protocol: of the features.
        error: its standard error if the first images were others of their kind, see `frechet_error`; None where it is
            not known.
    """

    value: float
    n_a: int
    n_b: int
    protocol: Protocol
    error: float | None = None

    @property
    def label(self):
        """What the number may be called, such as "FID" or "FID@1280"."""
        return self.protocol.label

    def __float__(self):
        return self.value

    def __str__(self):
        error = "" if self.error is None else f" ± {self.error:.2g}"
        return f"{self.label} = {self.value:.4f}{error} (n = {self.n_a} and {self.n_b})"


def fid(images_a, images_b, layer=None, **settings):
    """The Frechet distance between two sets of images, as an `FID`; `float` of it is the number.

    Args:
        images_a, images_b: arrays, or iterables of batches; see `FIDEvaluator.moments`.
        layer: one layer; default: the protocol's.
        settings: of `FIDEvaluator`.

    Raises:
        ValueError: unusable images or settings, or fewer than two images.
        WeightsNotFoundError: no weights.
    """
    return fid_of_moments(*measured(images_a, images_b, layer, keep=ENOUGH, **settings))


def measured(images_a, images_b, layer=None, keep=0, **settings):
    """Moments of two sets of images at one layer: two `Moments`, each after one pass. Arguments as for `fid`.

    Args:
        keep: how many features of each to keep, see `FIDEvaluator.moments`.
    """
    evaluator = FIDEvaluator(layers=layer, **settings)
    (name,) = evaluator.layers
    return tuple(evaluator.moments(images, keep=keep)[name] for images in (images_a, images_b))


def fid_of_moments(a, b):
    """The `FID` of two `Moments`, with its standard error if `a` has kept features; warns of fewer than 10,000 images.

    Raises:
        ValueError: different protocols, or fewer than two images.
    """
    for moments in (a, b):
        _warn_of_few(moments)
    return FID(frechet_from_moments(a, b), a.n, b.n, a.protocol, error_of_moments(a, b))


def error_of_moments(a, b):
    """`frechet_error` of two `Moments`, by the features that `a` has kept.

    None without two of them, and where either side has no more images than features have dimensions: a covariance
    without an inverse has no such error.
    """
    if len(a.features) < 2 or min(a.n, b.n) <= a.dim:
        return None
    return frechet_error(a.features, a.mean, a.covariance, b.mean, b.covariance, a.n)


def _warn_of_few(moments):
    """Too few images bias the distance; of a smoke test nobody expects more."""
    if moments.n < ENOUGH and moments.protocol.name != "tiny":
        message = f"a Frechet distance of only {moments.n} images: below {ENOUGH} it is biased upwards"
        warnings.warn(message, stacklevel=3)
