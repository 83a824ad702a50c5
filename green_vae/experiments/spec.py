"""The words in which a table is written. Nothing in here computes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

EXACT, REPRODUCED, DIFFERS, INCOMPARABLE, NOT_RUN = "exact", "reproduced", "differs", "not comparable", "not run"
MEASURED = "measured"  # nothing is published to compare with
SMOKE = "smoke"

# The number of the measuring code. It is part of every measured cell's identity: raise it whenever a change of code
# changes a measured value, so that what the old code recorded is measured again.
FORMAT = 2


def comparable(label):
    """Whether a number of that label is on the published scale: "" is what the column says, "FID" the published FID.

    `FID~`, `FID@1280`, `FID(ttur)` and a KID are not: they have no difference to a published number, no bar beside one
    and no verdict on it.
    """
    return label in ("", "FID")


class NotRun(Exception):  # noqa: N818 - an outcome that a table prints, not an error
    """A cell cannot be measured here; the message says why, and which command makes it possible."""


@dataclass(frozen=True)
class Column:
    """One quantity.

    Attributes:
        name: key in `Row.published`, on the command line and in the JSON.
        title: what the table's head says, with the unit.
        measure: `measure(run)` -> `Measurement`.
        identity: `identity(run)` -> everything the value depends on, as JSON; None for what is always computed live.
        format: of a number.
        tolerance: largest relative difference that is called "reproduced"; None: must be equal.
        layers: `layers(settings)` -> feature layers it needs.
        trained: whether the value depends on trained weights.
        possible: `possible(run)` raises NotRun if the row's model cannot have the quantity, whatever its weights.
        optional: why the column is left out unless --columns names it; "" for a column that is always measured.
        spread: what "±" beside a number of one training means, for the notes.
        no_spread: what the notes say of numbers of one training without it.
    """

    name: str
    title: str
    measure: Callable
    identity: Callable | None = None
    format: str = "{:,.1f}"
    tolerance: float | None = None
    layers: Callable = lambda settings: ()
    trained: bool = True
    possible: Callable = lambda run: None
    optional: str = ""
    spread: str = ""
    no_spread: str = ""


@dataclass(frozen=True)
class Measurement:
    """A value, and what a report should say of it.

    Attributes:
        value: the number.
        label: what it may be called, if not what the column says.
        incomparable: why it does not compare with the published one, if so.
        remark: what else was measured with it.
        protocol: how the images were measured.
        made: how they were made.
        images: how many of ours were measured, None if it is not about images.
        reference_images: how many they were compared with, None if with none.
        values: seed -> value, of a row that is trained several times; {} for one training.
        spread: standard deviation of these, with n - 1; of one training, what `Column.spread` says; None if not known.
    """

    value: float
    label: str = ""
    incomparable: str = ""
    remark: str = ""
    protocol: str = ""
    made: str = ""
    images: int | None = None
    reference_images: int | None = None
    values: dict = field(default_factory=dict)
    spread: float | None = None


@dataclass(frozen=True)
class Sampling:
    """How latent codes are drawn for one kind of images.

    Attributes:
        sampler: a name of `green_vae.samplers.SAMPLERS`.
        settings: its arguments.
        codes: the images whose codes it is fitted on: "train", or "test" for the table's reference images, which some
            authors' code does although these are what the samples are compared with.
        posterior: "mean" of the posterior, or one "sample" from it, are the codes; "" for what the preset says.
        noise: whether a second stage draws the noise of its loss, see `SecondStage.with_noise`.
    """

    sampler: str
    settings: dict = field(default_factory=dict)
    codes: str = "train"
    posterior: str = ""
    noise: bool = False


@dataclass(frozen=True)
class Reference:
    """The real images that generated ones are compared with: the first `n` of a split."""

    dataset: str
    split: str = "test"
    n: int = 10_000


@dataclass(frozen=True)
class Row:
    """One line of a table.

    Attributes:
        name: as published.
        published: column name -> published number.
        preset: of `green_vae.presets.PRESETS`, for a trained model.
        images: `images(bench)` -> uint8 array, for a row that is images and no model.
        pca: components of a principal component analysis of the training images, for a row that is one and no network.
        options: what its columns are told, for a row that is neither: a way to measure, or a choice of images.
        dataset: that these are of, if it is not that of the table's reference.
        samplers: kind -> `Sampling`, where the row differs from its table.
        notes: column name -> remark, printed below the table.
        missing: why nothing of the row can run, if so.
    """

    name: str
    published: dict = field(default_factory=dict)
    preset: str = ""
    images: Callable | None = None
    pca: int = 0
    options: dict = field(default_factory=dict)
    dataset: str = ""
    samplers: dict = field(default_factory=dict)
    notes: dict = field(default_factory=dict)
    missing: str = ""


def measured(name, preset, columns):
    """A row that no paper publishes: a preset, measured in every one of a table's `columns`."""
    return Row(name, dict.fromkeys(column.name for column in columns), preset=preset)


def mini(name, preset, columns, how="narrow", **options):
    """A row that no paper has: a model of fewer channels. columns: names of those that it is measured in."""
    note = f"not in the paper: {how}, for two CPU cores"
    return Row(name, dict.fromkeys(columns), preset=preset, notes={"params": note}, **options)


def pca(components, columns, prefix="", dataset=""):
    """A row that no paper has: the error that remains with as many principal components of the training images.

    Args:
        components: as many as a network of the table has latent numbers.
        columns: names of those that it is measured in.
        prefix: of its name. dataset: see `Row`.
    """
    note = "not in the paper: the mean image and the components"
    return Row(
        f"{prefix}PCA, {components:,} components",
        dict.fromkeys(columns),
        pca=components,
        dataset=dataset,
        notes={"params": note} if "params" in columns else {},
    )


@dataclass(frozen=True)
class Table:
    """A published table.

    Attributes:
        name: of the script and of the result files.
        title: one line.
        source: paper and table number.
        columns, rows: in the published order.
        reference: the real images of the FID columns.
        layer: feature layer of the FID columns.
        samplers: kind -> `Sampling`, of the kinds that the FID columns name; "prior" is known to every table.
        notes: remarks printed below.
        conclusions: `conclusions(report)` -> lines that follow from the cells, printed before the notes.
        seeds: of the trainings that every row is measured over, see `experiments.seeds`; () for one training.
    """

    name: str
    title: str
    source: str
    columns: tuple
    rows: tuple
    reference: Reference
    layer: str = "avg_pool"
    samplers: dict = field(default_factory=dict)
    notes: tuple = ()
    conclusions: Callable = lambda report: ()
    seeds: tuple = ()

    @property
    def command(self):
        return f"python reproduce/{self.name}.py"


@dataclass(frozen=True)
class Settings:
    """What the command line decides.

    Attributes:
        out: folder of the report, and of what is made on the way: trainings, codes, features.
        recorded: folder of further reports, whose cells are taken over where `out` has none as new; None for none.
        fid_precision: of Inception's products, see `metrics.Protocol`.
        seeds: of the trainings of every row, for a table with seeds. runs: folder of such trainings.
        arguments: of the command line, as given, for the report.
    """

    out: Path = Path("results")
    recorded: Path | None = None
    data_dir: Path | None = None
    inception: Path | None = None
    download: bool = False
    train: bool = False
    epochs: int | None = None
    budget: str | None = None
    save_every: int | None = None
    limit_train: int | None = None
    limit_eval: int | None = None
    layer: str | None = None
    fid_precision: str = "float32"
    smoke: bool = False
    fresh: bool = False
    seed: int = 0
    seeds: tuple = ()
    runs: Path | None = None
    arguments: tuple = ()


@dataclass
class Cell:
    """One finished cell.

    Attributes:
        value: ours, None if not run.
        published: theirs, None if they print nothing.
        verdict: one of the words at the head of this file.
        label: what kind of number it is, e.g. "FID@1280"; "" for what the column says.
        reason: why not run, why not comparable, what was shortened.
        remark: what else was measured with it: the KID beside an FID of few images.
        identity: hash of everything the value depends on; "" for what is computed live.
        details: how the value came about, see `provenance.of_cell`: command, date, commit, versions, seed, weights,
            images, protocol, seconds ...; {} for what is computed live. A recorded cell keeps its own.
        recorded: whether the value was taken over from an earlier run's file.
    """

    value: float | None = None
    published: float | None = None
    verdict: str = NOT_RUN
    label: str = ""
    reason: str = ""
    remark: str = ""
    identity: str = ""
    details: dict = field(default_factory=dict)
    recorded: bool = False

    @property
    def difference(self):
        """Ours minus published; None if there is not both, or if they are on different scales."""
        if self.value is None or self.published is None or not comparable(self.label) or self.verdict == SMOKE:
            return None
        return self.value - self.published
