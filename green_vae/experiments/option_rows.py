"""Rows that are a way to measure, or a choice of images, and no model."""

from green_vae.experiments.run import Run


class OptionsRun(Run):
    """A row that is neither a model nor images: its columns go by `Row.options`."""

    unprinted = "not measured in this row, see the notes"

    def prepare(self):
        return self

    def identity(self):
        return {"options": self.row.options, "seed": self.settings.seed, "limit": self.settings.limit_eval}

    def shortened(self):
        return "; ".join(self.fewer())

    def details(self):
        return {"options": self.row.options}
