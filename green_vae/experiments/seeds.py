"""Rows that are trained several times: one run for each seed, and columns of their mean and spread.

A table with `seeds` has one. The spread is the standard deviation over the seeds, with n - 1.
"""

import dataclasses
import shlex
from functools import cached_property

import numpy as np

from green_vae import presets
from green_vae.experiments.run import Run
from green_vae.experiments.spec import NotRun
from green_vae.experiments.trained import NO_WEIGHTS
from green_vae.presets import store
from green_vae.presets.pretrained import METADATA

SPREAD = (  # a note of tables
    "a ± b gives the mean and the standard deviation (n - 1) over the seeds. Each seed is a training of its own, with "
    "its own first weights, noise and order of images."
)


class SeedsRun(Run):
    """A row of several seeds. Counts are those of one model; what is measured is measured on every one of `parts`."""

    @cached_property
    def parts(self):
        """A `SeedRun` for each seed; a smoke test takes the first one alone."""
        seeds = self.settings.seeds[:1] if self.settings.smoke else self.settings.seeds
        return [SeedRun(self.bench, self.row, seed) for seed in seeds]

    def prepare(self):
        """Have trained weights of all seeds, see `TrainedRow.prepare`."""
        for part in self.parts:
            part.prepare()
        return self

    def shortened(self):
        return "; ".join(dict.fromkeys(filter(None, (part.shortened() for part in self.parts))))

    def details(self):
        told = [part.details() for part in self.parts]
        lengths = dict.fromkeys(part["length"] for part in told)
        return {
            **told[0],
            "epochs": [part["epochs"] for part in told],
            "length": " and ".join(lengths),
            "weights": [part["weights"] for part in told],
            "seeds": list(self.settings.seeds),
        }


class SeedRun(Run):
    """One seed of a row: its model is trained, and all that is random is drawn, with this seed.

    Weights of the same preset and seed are taken from the run folders that `Settings.runs` holds, else from those that
    ship. Only what is in neither is trained, if that was asked for.

    Args:
        bench, row: as for `Run`. seed: of the model.
    """

    def __init__(self, bench, row, seed):
        super().__init__(bench, dataclasses.replace(row, name=f"{row.name}, seed {seed}"))
        self.of, self.settings = row, dataclasses.replace(bench.settings, seed=seed)

    @cached_property
    def shipped_folder(self):
        """The folder of trained weights; None if there is none, or if they saw more images than one is to train on."""
        found = trained_folder(self.row.preset, self.settings.seed, self.settings.runs)
        limit = self.settings.limit_train if self.settings.train else None
        if found and limit and (store.metadata_of(found).get("train_images") or 0) > limit:
            return None
        return found

    @property
    def shipped(self):
        return not self.settings.smoke and self.shipped_folder is not None

    @property
    def trains(self):
        return self.settings.smoke or (self.settings.train and not self.shipped)

    def _load(self):
        if not self.shipped:
            self.require_data()
            command = f"`{self.table.command} --train --rows {shlex.quote(self.of.name)}`"
            how = f"{command} trains by the preset's recipe, --runs DIR takes models that are trained"
            raise NotRun(f"{NO_WEIGHTS} of seed {self.settings.seed}; {how}, --seeds names others")
        super()._load()
        policy = store.metadata_of(self.shipped_folder).get("dtype_policy", "float32")
        if policy != "float32" and not self.length.endswith(policy):  # lengths did not always tell it
            self.length += f" in {policy}"


def trained_folder(preset, seed, runs=None):
    """The folder of a trained model; None if there is none.

    Args:
        preset: its name. seed: that it was trained with.
        runs: folder with one folder for each run (of `green-vae train --out`), whatever their names.

    Raises:
        ValueError: two runs of this preset and seed, or damaged metadata.
    """
    own = (preset, seed)
    found = [path.parent for path in sorted(runs.glob(f"*/model/{METADATA}"))] if runs else []
    found = [folder for folder in found if _of(folder) == own]
    if len(found) > 1:
        names = " and ".join(str(folder) for folder in found)
        raise ValueError(f"two runs of one preset and seed; leave one of them there. Received: {names}")
    ships = presets.pretrained_path(preset).parent
    if not found and (ships / METADATA).exists() and _of(ships) == own:
        found = [ships]
    return found[0] if found else None


def _of(folder):
    """(preset, seed) of a trained model."""
    told = store.metadata_of(folder)
    return told.get("preset"), told.get("seed")


def over_seeds(column):
    """The column of a table with seeds: the mean of what `column` measures on each seed, and its spread.

    A row that is not trained, such as a PCA, is measured once.
    """

    def measure(run):
        if run.parts == [run]:
            return column.measure(run)
        found = {part.settings.seed: column.measure(part) for part in run.parts}
        values = {str(seed): float(part.value) for seed, part in found.items()}
        shown = (
            f"seed {seed}: {column.format.format(part.value)}" + f" ({part.remark})" * bool(part.remark)
            for seed, part in found.items()
        )
        spread = float(np.std([*values.values()], ddof=1)) if len(values) > 1 else None
        first = next(iter(found.values()))
        mean = float(np.mean([*values.values()]))
        return dataclasses.replace(first, value=mean, remark=", ".join(shown), values=values, spread=spread)

    return dataclasses.replace(
        column, measure=measure, identity=lambda run: [column.identity(part) for part in run.parts]
    )
