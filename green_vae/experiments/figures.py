"""From a gallery and settings to PNG files, written down after every figure."""

import dataclasses
import functools
import sys
import warnings

from green_vae import presets
from green_vae.experiments import html_report
from green_vae.experiments.bench import Bench
from green_vae.experiments.figure_report import Entry, markdown, read_entries, terminal_line, to_json
from green_vae.experiments.provenance import circumstances
from green_vae.experiments.run import Run
from green_vae.experiments.runner import UNAVAILABLE, why_not
from green_vae.experiments.spec import NotRun, Reference, Row, Sampling, Table
from green_vae.presets import store
from green_vae.training.checkpoint import newest
from green_vae.utils.files import write_json, write_text

LAYER = "mixed8"  # of the FIDs during training: the deepest that needs no reconstructed kernels


class FigureRun(Run):
    """The run of a preset, which also takes the weights that an earlier training left in its folder."""

    @property
    def checkpoint(self):
        """(epochs done, path) of the newest complete epoch in the folder; (0, None) for none."""
        return newest(self.folder)

    @property
    def epochs(self):
        return super().epochs if self.trains or self.shipped else self.checkpoint[0]

    def _load(self):
        """As in a table; also from the folder, which is left as it is: somebody may be training there."""
        if self.shipped or not self.checkpoint[0]:
            return super()._load()
        limit, seed = self.settings.limit_train, self.settings.seed
        self.model, self.history = presets.load_run(self.preset, self.folder, self.bench.data, limit, seed)
        self.length = presets.run_length(self.preset, self.folder)

    def details(self):
        """What a figure was drawn from, for the report."""
        return {
            "preset": self.row.preset,
            "epochs": len(self.history) or None,  # shipped weights may come without a history
            "recipe_epochs": self.preset.recipe.epochs,
            "length": self.length,
            **(self._provenance() if self.shipped else {"limit_train": self.settings.limit_train}),
            "weights": self.weights_hash,
            "seed": self.settings.seed,
        }

    def _provenance(self):
        """What the weights that ship were trained on, as far as they tell."""
        return {"shipped": True, "data": store.metadata_of(self.shipped_folder).get("data", "")}


class Studio:
    """What the figures of a gallery share: every data set read once, every preset trained or loaded once.

    Args:
        gallery: a `Gallery`. settings: a `Settings`.
        preset: that every figure is to be drawn from; "" for its own choice.
        fid_every: epochs between Frechet distances during training.
    """

    def __init__(self, gallery, settings, preset="", fid_every=5):
        self.gallery, self.settings, self.preset, self.fid_every = gallery, settings, preset, fid_every
        self.bench, self.run = functools.cache(self._bench), functools.cache(self._run)

    def _bench(self, dataset):
        samplers = {"gmm": Sampling("gmm", {"n_components": 10})}
        of = Table(self.gallery.name, "", "", (), (), Reference(dataset), layer=LAYER, samplers=samplers)
        return Bench(of, self.settings)

    def _run(self, preset):
        return FigureRun(self.bench(presets.preset(preset).dataset), Row(preset, preset=preset))

    def run_of(self, figure):
        """The `FigureRun` that a figure is drawn from; None if it needs no model.

        Raises:
            NotRun: there are no weights, and none may be trained.
            DataNotFoundError: and neither could they be, without the data.
        """
        if not figure.presets:
            return None
        runs = [self.run(name) for name in ([self.preset] if self.preset else figure.presets)]
        if self.settings.train or self.settings.smoke:
            return runs[0]
        for run in runs:
            if run.shipped or run.checkpoint[0]:
                return run
        runs[0].require_data()  # without data, that is the reason to give
        command = f"{self.gallery.command} --train --figures {figure.name}"
        *smaller, first = [run.row.preset for run in reversed(runs)]
        others = f", --preset {' or '.join(reversed(smaller))} another model" if smaller else ""
        if self.preset:
            command += f" --preset {self.preset}"
        raise NotRun(
            f"no trained weights; `{command}` trains {first} by the paper's recipe, --epochs and --limit-train shorten"
            + others
        )


class Context:
    """What a figure is drawn with.

    Attributes:
        path: where the PNG goes.
        run: a `Run` of the chosen preset: `run.trained` is the model, once it is prepared; None if none is needed.
        settings, seed: of the command line.
        fid_every: epochs between Frechet distances during training.
        command: that trains what the figure needs.
    """

    def __init__(self, studio, figure):
        self.studio, self.settings, self.seed = studio, studio.settings, studio.settings.seed
        self.fid_every = studio.fid_every
        self.path = self.settings.out / studio.gallery.name / f"{figure.name}.png"
        self.run = studio.run_of(figure)
        self.command = f"{studio.gallery.command} --train --figures {figure.name}"
        if self.run:
            self.command += f" --preset {self.run.row.preset}"

    def other(self, preset):
        """The `Run` of another preset of the figure, with trained weights.

        Raises:
            NotRun: there are no weights, and none may be trained.
        """
        return self.studio.run(preset).prepare()

    def dataset(self, name, split="train"):
        """A `Dataset`; digits in a smoke test.

        Raises:
            DataNotFoundError: it is not here; the message says what to do.
        """
        return self.studio.bench(name).data(name, split)


def draw_gallery(gallery, settings, figures, preset="", fid_every=5):
    """Draw the chosen figures; keep what an earlier run recorded of the others.

    Args:
        gallery: a `Gallery`. settings: a `Settings`. figures: the chosen ones of the gallery.
        preset, fid_every: as for `Studio`.

    Returns:
        the report as JSON, on disk as `<out>/<gallery>.json` and `.md`, rewritten after every figure.

    Raises:
        ValueError: a damaged earlier report, or one of a smoke test and of real figures would be mixed.
    """
    path = settings.out / f"{gallery.name}.json"
    entries = read_entries(path, settings.smoke)
    studio = Studio(gallery, settings, preset, fid_every)
    unwatched = {figure.name: reason for figure in figures if (reason := watch(studio, figure))}
    for figure in figures:
        old = entries.get(figure.name)
        entries[figure.name] = entry = drawn(studio, figure, old, unwatched.get(figure.name))
        report = to_json(gallery, settings, entries)
        write_json(path, report)
        write_text(path.with_suffix(".md"), markdown(gallery, report))
        print(terminal_line(figure, entry, settings.out))
    page = html_report.write(gallery, report, settings)
    print(f"written: {path.with_suffix('.md')} and {path}{page}", file=sys.stderr)
    return report


def watch(studio, figure):
    """Give the training ahead the callbacks that a figure needs; the reason why not as an exception, else None."""
    if figure.watch is None or not (studio.settings.train or studio.settings.smoke):
        return None
    try:
        context = Context(studio, figure)
        if context.run.checkpoint[0] < context.run.epochs:
            context.run.callbacks.extend(figure.watch(context))
    except UNAVAILABLE as reason:
        return reason
    return None


def drawn(studio, figure, old=None, reason=None):
    """The entry of a figure: drawn, taken over from `old`, or not drawn with the reason."""
    try:
        if reason:
            raise reason
        context = Context(studio, figure)
        if context.run:
            context.run.prepare()
        with warnings.catch_warnings():
            # the number of images stands in the sentence
            warnings.filterwarnings("ignore", message="a Frechet distance of only")
            sentence = figure.draw(context) or ""
        picture = context.path.relative_to(studio.settings.out).as_posix()
        details = context.run.details() if context.run else {}
        details |= circumstances(studio.gallery, studio.settings)
        return Entry(picture, sentence, details=details)
    except UNAVAILABLE as error:
        if old and old.picture:
            return dataclasses.replace(old, reason=f"not drawn anew: {why_not(error)}", recorded=True)
        return Entry(reason=why_not(error))
