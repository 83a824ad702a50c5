"""A row without a model: real images, which are measured as generated ones are."""

from functools import cached_property

from green_vae import metrics
from green_vae.experiments.run import SHOWN, Run
from green_vae.plots import save_grid


class ImagesRun(Run):
    """A row that is a set of real images."""

    def prepare(self):
        return self  # there is no model

    def identity(self):
        reference = self.bench.reference_images
        return {"image_key": metrics.image_key(self.row_images), "reference_key": metrics.image_key(reference)}

    def image_identity(self, kind):
        return self.identity()

    @cached_property
    def row_images(self):
        return self.row.images(self.bench)[: self.reference_count]

    def made(self, kind):
        return ""

    def shortened(self):
        return "; ".join(self.fewer())

    def details(self):
        return self.identity()

    def new_moments(self, kind):
        """Cached by content alone, so that any table may share them."""
        path = self.settings.out / self.table.name / f"{self.row.name.replace(' ', '-')}.png"
        save_grid(path, self.row_images[:SHOWN], columns=16)
        return self.bench.moments(self.row_images, metrics.image_key(self.row_images), self.row.name)
