"""What all rows of a table share: settings, data, the feature extractor, the reference images."""

from functools import cached_property

from green_vae import data, metrics
from green_vae.experiments.smoke import IMAGES

KEPT = 2000  # features of enough images: for the standard error of their FID, to 2 %


class Bench:
    """Shared by the runs of one table; everything is made when first asked for.

    Args:
        table: a `Table`.
        settings: a `Settings`.
        layers: the feature layers that the chosen columns need; all are taken in one pass.
    """

    def __init__(self, table, settings, layers=()):
        self.table, self.settings = table, settings
        self.feature_layers = tuple(dict.fromkeys(layers)) or (table.layer,)
        self._data = {}
        self.timings = {}  # preset -> batch size -> `cost.Timing`

    def data(self, name, split):
        """A `Dataset`, read once; digits in a smoke test.

        Raises:
            DataNotFoundError: it is not here; the message says what to do.
        """
        if self.settings.smoke:
            name = "digits"
        if (name, split) not in self._data:
            found = data.load(name, split, data_dir=self.settings.data_dir, download=self.settings.download)
            self._data[name, split] = found[:IMAGES] if self.settings.smoke else found
        return self._data[name, split]

    @property
    def count(self):
        """Images on either side of a Frechet distance."""
        reference = self.table.reference
        limit = self.settings.limit_eval or reference.n
        return min(limit, reference.n, len(self.data(reference.dataset, reference.split)))

    @property
    def reference_images(self):
        reference = self.table.reference
        return self.data(reference.dataset, reference.split).images[: self.count]

    @cached_property
    def reference_moments(self):
        images = self.reference_images
        few = self.count if self.few else 0
        return self.moments(images, metrics.image_key(images), "reference", keep=few)

    @property
    def few(self):
        """Whether there are fewer reference images than an FID needs: a KID stands beside it then."""
        return self.count < metrics.ENOUGH

    def moments(self, images, key, description, total=None, keep=None):
        """`FIDEvaluator.moments` of images whose content `key` names.

        Args:
            keep: how many features; None for as many as the KID of few images needs, or the FID's standard error.
        """
        keep = (self.count if self.few else KEPT) if keep is None else keep
        return self.evaluator.moments(images, key=key, description=description, total=total, keep=keep)

    @cached_property
    def evaluator(self):
        """The feature extractor.

        Raises:
            WeightsNotFoundError: no Inception weights; the message says where to get them.
            ValueError: weights that do not reach the layer.
        """
        return self.evaluator_of(self.feature_layers)

    def evaluator_of(self, layers, **protocol):
        """An extractor of these layers under another protocol; a smoke test knows one alone.

        Args:
            protocol: further settings of `FIDEvaluator`.

        Raises: as `evaluator`.
        """
        settings = self.settings
        return metrics.FIDEvaluator(
            layers=None if settings.smoke else layers,
            protocol="tiny" if settings.smoke else "survey",
            weights=settings.inception,
            data_dir=settings.data_dir,
            precision=settings.fid_precision,
            cache_dir=None if settings.fresh else settings.out / "cache",
            download=settings.download,
            **({} if settings.smoke else protocol),
        )

    def layer_name(self, layer):
        """The evaluator's name of a layer given by name or width."""
        if self.settings.smoke:
            return "tiny"
        return metrics.canonical_layer(layer)

    def protocol(self, layer):
        """The `Protocol` that a layer is measured under."""
        return self.evaluator.protocols[self.layer_name(layer)]
