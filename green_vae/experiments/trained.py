"""The model of a row on its way to trained weights: those that ship, or a training of its own."""

import shlex
from functools import cached_property

from green_vae import presets
from green_vae.cost import flops, mflops, parameters, trainable_parameters
from green_vae.experiments.smoke import shrink
from green_vae.experiments.spec import NotRun
from green_vae.presets import store
from green_vae.training import recalibrate_batch_norm, settling_steps, train
from green_vae.training.account import energy_log, enter_training
from green_vae.training.callbacks import LatentActivity
from green_vae.training.checkpoint import checkpoints, load_weights, read_history
from green_vae.utils import digests


class TrainedRow:
    """A row of a table and its model, lazily.

    Args:
        bench: the `Bench` of the table: settings, data, feature extractor.
        row: a `Row`.
    """

    def __init__(self, bench, row):
        self.bench, self.row, self.table, self.settings = bench, row, bench.table, bench.settings

    @cached_property
    def preset(self):
        chosen = presets.preset(self.row.preset)
        return shrink(chosen) if self.settings.smoke else chosen

    @cached_property
    def model(self):
        """The model; fresh weights until `trained` is asked for."""
        return self.preset.build(self.settings.seed)

    def parameters(self):
        return parameters(*self.model.networks().values())

    def trainable_parameters(self):
        return trainable_parameters(*self.model.networks().values())

    def mflops(self):
        return mflops(sum(map(flops, self.model.networks().values())))

    @cached_property
    def folder(self):
        """Where training, codes and samplers of this row are kept; the same for any number of epochs."""
        limit = self.settings.limit_train
        parts = [self.row.preset.replace("/", "-"), f"seed{self.settings.seed}", *([f"first{limit}"] if limit else [])]
        return self.settings.out / "runs" / "-".join(parts)

    @property
    def trains(self):
        return self.settings.train or self.settings.smoke

    @property
    def shipped(self):
        """Whether the weights are those in pretrained/."""
        return not self.trains and presets.pretrained_path(self.row.preset).exists()

    @property
    def shipped_folder(self):
        return presets.pretrained_path(self.row.preset).parent

    @cached_property
    def train_images(self):
        """As many as were asked for, or as the weights that ship have seen."""
        limit = self.settings.limit_train
        if not limit and self.shipped:
            limit = store.metadata_of(self.shipped_folder).get("train_images")
        return self.bench.data(self.preset.dataset, "train").images[:limit]

    @property
    def validation_images(self):
        """Those that training is watched on; None for none."""
        split = self.preset.recipe.validation
        return self.bench.data(self.preset.dataset, split).images if split else None

    @cached_property
    def trained(self):
        """The model with trained weights.

        Raises:
            NotRun: there are none, and none may be trained.
        """
        if self.trains:
            return self._train()
        if not self.shipped:
            self.train_images  # noqa: B018 - without data, that is the reason to give
            command = f"`{self.table.command} --train --rows {shlex.quote(self.row.name)}`"
            raise NotRun(
                f"no trained weights; {command} trains by the paper's recipe, --epochs and --limit-train shorten"
            )
        store.verified(self.shipped_folder)
        load_weights(self.model, self.shipped_folder / store.WEIGHTS)
        return self.model

    def _train(self):
        recipe, images = self.preset.recipe, self.train_images
        done = max((epoch for epoch, _ in checkpoints(self.folder)), default=0)
        if done > self.epochs:
            how = f"give --epochs {done}, or another --out"
            raise NotRun(f"{self.folder} holds {done} epochs already, more than the {self.epochs} asked for; {how}")
        # first, so that it leaves out what the others measure
        log = energy_log(self.model, recipe.batch_size, estimate=self.settings.smoke)
        callbacks = [log, *self.callbacks]
        try:
            seed = self.settings.seed
            train(self.model, images, recipe, self.folder, self.epochs, seed, callbacks, self.validation_images)
        finally:  # what an interrupted training has cost was spent, too
            self._enter(log)
        if self.recalibrated:
            recalibrate_batch_norm(self.model, images, recipe.batch_size)
        return self.model

    def _enter(self, log):
        if not self.settings.smoke:
            path, data = self.settings.out / "ledger.jsonl", f"{self.preset.dataset}, {len(self.train_images):,} images"
            enter_training(path, self.row.preset, data, log, read_history(self.folder))

    @cached_property
    def callbacks(self):
        """A list of Keras callbacks for training, to be added to before `trained` is asked for."""
        return [LatentActivity(self.train_images[:1000])] if self.model.variational else []

    @property
    def history(self):
        """What each epoch of training logged, a list of dicts; [] for shipped weights without one.

        Raises:
            NotRun: as by `trained`.
        """
        self.trained  # noqa: B018 - which writes it
        return read_history(self.shipped_folder if self.shipped else self.folder)

    @property
    def epochs(self):
        """Those of the training asked for, else of the shipped weights."""
        if not self.trains:
            return len(read_history(self.shipped_folder)) or self.preset.recipe.epochs
        return self.settings.epochs or self.preset.recipe.epochs

    @property
    def recalibrated(self):
        """Whether training is too short for the moving statistics of batch norm to forget their start values."""
        steps = self.epochs * (len(self.train_images) // self.preset.recipe.batch_size)
        return steps < settling_steps(self.model)

    @cached_property
    def weights_hash(self):
        return digests.of_arrays(self.trained.get_weights())[:16]
