"""The model of a row on its way to trained weights: those that ship, or a training of its own."""

import shlex
from functools import cached_property

from green_vae import presets
from green_vae.cost import flops, mflops, parameters, trainable_parameters
from green_vae.experiments.smoke import shrink
from green_vae.experiments.spec import NotRun
from green_vae.presets import store
from green_vae.training.checkpoint import load_weights, read_history
from green_vae.training.run_folder import OtherRunError
from green_vae.utils import digests

NO_WEIGHTS = "no trained weights"  # how the reason of a cell begins


class TrainedRow:
    """A row of a table and its model, lazily.

    Args:
        bench: the `Bench` of the table: settings, data, feature extractor.
        row: a `Row`.
    """

    def __init__(self, bench, row):
        self.bench, self.row, self.table, self.settings = bench, row, bench.table, bench.settings
        self.callbacks = []  # for the training ahead, besides those that every training has
        self.prepared, self.history, self.length = False, [], ""

    @cached_property
    def preset(self):
        chosen = presets.preset(self.row.preset)
        return shrink(chosen) if self.settings.smoke else chosen

    @cached_property
    def blueprint(self):
        """The model to be counted, or asked what it is: its weights have no values, so that it takes no memory."""
        return self.preset.blueprint()

    @cached_property
    def model(self):
        """The model; until `prepare` is called its weights are 0."""
        return self.preset.outline(self.settings.seed)

    def drawn(self):
        """Another model of this row, with fresh weights: to be timed, because sums of zeros may cost less."""
        return self.preset.build(self.settings.seed)

    def parameters(self):
        return parameters(*self.blueprint.networks().values())

    def trainable_parameters(self):
        return trainable_parameters(*self.blueprint.networks().values())

    def mflops(self):
        return mflops(sum(map(flops, self.blueprint.networks().values())))

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

    @property
    def train_data(self):
        """The `Dataset` of which training takes its images."""
        return self.preset.training_set(self.bench.data)

    @cached_property
    def train_images(self):
        """As many as were asked for, or as the weights that ship have seen."""
        limit = self.settings.limit_train
        if not limit and self.shipped:
            limit = store.metadata_of(self.shipped_folder).get("train_images")
        return self.train_data.images[:limit]

    def limited(self):
        """What tells numbers of fewer training images, by --limit-train, from those of all; {} for all."""
        return {"train_images": len(self.train_images)} if self.settings.limit_train else {}

    def require_data(self):
        """Raises DataNotFoundError, which says what to do, if the images to train on are not here."""
        self.bench.data(self.preset.dataset, "train")

    def require_images(self):
        """Raises DataNotFoundError without the images that every measured cell depends on: then no weights are read."""
        if self.row.preset and self.shipped:
            self.bench.data(self.preset.dataset, "test")

    @property
    def validation_images(self):
        """Those that training is watched on; None for none."""
        split = self.preset.recipe.validation
        return self.bench.data(self.preset.dataset, split).images if split else None

    def prepare(self):
        """Have trained weights in the model, once: train it if that was asked for, else take those that ship.

        Returns:
            the run itself; from now on `trained` is the model and `history` what each epoch of its training logged.

        Raises:
            NotRun: there are no weights, and none may be trained, or those in its folder are of another run.
        """
        if not self.prepared:
            try:
                (self._train if self.trains else self._load)()
            except OtherRunError as error:
                raise NotRun(error.reason) from error
            self.prepared = True
        return self

    @property
    def trained(self):
        """The model with trained weights, after `prepare`."""
        if not self.prepared:
            raise RuntimeError(f"prepare() has the weights trained or loaded first. Received: {self.row.name}")
        return self.model

    def _train(self):
        settings = self.settings
        trained = presets.train(
            self.preset,
            self.folder,
            settings.epochs,
            limit_train=settings.limit_train,
            seed=settings.seed,
            save_every=settings.save_every,
            budget=settings.budget,
            read=self.bench.data,
            callbacks=self.callbacks,
            ledger=None if settings.smoke else settings.out.absolute() / "ledger.jsonl",
            ships=False,
        )
        self.model = store.float32_twin(trained)  # tables compute in float32, whatever the run in the folder did
        self.history, self.length = read_history(self.folder), presets.run_length(self.preset, self.folder)

    def _load(self):
        if not self.shipped:
            self.require_data()  # without data, that is the reason to give
            command = f"`{self.table.command} --train --rows {shlex.quote(self.row.name)}`"
            raise NotRun(f"{NO_WEIGHTS}; {command} trains by the paper's recipe, --epochs and --limit-train shorten")
        store.verified(self.shipped_folder)
        load_weights(self.model, self.shipped_folder / store.WEIGHTS)
        self.history = read_history(self.shipped_folder)
        of = f"{self.epochs} of {self.preset.recipe.epochs} epochs"
        self.length = store.metadata_of(self.shipped_folder).get("length", of)

    @property
    def epochs(self):
        """Those that a training has done, or is asked for; the recipe's for shipped weights that tell nothing."""
        return len(self.history) or self._asked

    @property
    def _asked(self):
        shipped = len(read_history(self.shipped_folder)) if self.shipped else self.settings.epochs
        return shipped or self.preset.recipe.epochs

    @cached_property
    def weights_hash(self):
        return digests.of_arrays(self.trained.get_weights())[:16]
