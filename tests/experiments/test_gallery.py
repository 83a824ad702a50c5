"""Galleries: the scripts that draw figures, which figures and weights are chosen, and what a report keeps."""

import dataclasses
import json
import shlex
import shutil

import numpy as np
import pytest
from core_models import only
from experiment_tables import GALLERIES, MODULES, TINY, first_run_of, hide_data, read_report
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from green_vae import plots, presets
from green_vae.data import DataNotFoundError
from green_vae.experiments import NotRun
from green_vae.experiments.gallery import Figure, Gallery, chosen_figures, main, parser_for
from green_vae.metrics import WeightsNotFoundError
from green_vae.plots import save_png
from green_vae.presets import store
from green_vae.samplers import GaussianMixture
from green_vae.training.callbacks import Every

COLOURS = [(31, 119, 180), (255, 127, 14), (44, 160, 44)]  # the first of matplotlib's tab10


def read(path):
    with Image.open(path) as image:
        assert image.format == "PNG"
        return np.asarray(image)


# every script


@pytest.mark.parametrize("name", list(GALLERIES))
def test_gallery_is_whole(name):
    gallery = GALLERIES[name]
    assert gallery.name == name
    names = [figure.name for figure in gallery.figures]
    assert names and sorted(set(names)) == names  # in the printed order, none twice
    assert set(gallery.presets) <= set(presets.PRESETS)
    assert all(figure.presets for figure in gallery.figures if figure.watch)


@pytest.mark.parametrize("name", list(GALLERIES))
def test_help_names_everything_and_its_examples_are_right(name, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    gallery = GALLERIES[name]
    with pytest.raises(SystemExit) as stopped:
        main(gallery, ["--help"])
    assert stopped.value.code == 0
    text = capsys.readouterr().out
    for entry in (*(figure.name for figure in gallery.figures), *gallery.presets, "exit codes"):
        assert entry in text
    commands = [line.split("   ")[0].strip() for line in text.splitlines() if line.startswith("  python ")]
    assert len(commands) >= 4
    for command in commands:
        start, script, *words = shlex.split(command)
        assert (start, script) == ("python", f"reproduce/{name}.py")
        options = parser_for(gallery).parse_args(words)
        assert chosen_figures(gallery, options.figures, options.preset)


# one figure of each kind, where others differ by the network or the data alone: in a quick run; the rest in a slow one
FEW = {
    "boon_figures": ("figure01", "figure05a"),
    "green_frontier": ("celeba-training", "cifar10-energy", "cifar10-flops"),
    "review_figures": ("figure15", "figure16", "figure17", "figure20"),
    "slides_figures": ("figure04", "figure07"),
    "survey_figures": ("figure03", "figure13"),
    "survey_hierarchies": ("hfvae-groups",),
    "svae_figures": ("figure09", "figure15"),
}
NAMES = {name: [figure.name for figure in gallery.figures] for name, gallery in GALLERIES.items()}
SLOW = pytest.mark.slow
SMOKES = [
    *(pytest.param((name, FEW.get(name, NAMES[name])), id=name) for name in GALLERIES),
    *(
        pytest.param((name, [figure for figure in NAMES[name] if figure not in few]), id=f"{name}-rest", marks=SLOW)
        for name, few in FEW.items()
    ),
]


@pytest.fixture(scope="module", params=SMOKES)
def smoked(request, tmp_path_factory):
    """(gallery, folder) of one smoke test."""
    (name, chosen), out = request.param, tmp_path_factory.mktemp("smoke")
    gallery = GALLERIES[name]
    kept = tuple(figure for figure in gallery.figures if figure.name in chosen)
    assert len(kept) == len(chosen)
    gallery = dataclasses.replace(gallery, figures=kept)
    with pytest.MonkeyPatch.context() as patch:
        hide_data(patch, tmp_path_factory.mktemp("bare"))
        assert main(gallery, ["--smoke", "--out", str(out)]) == 0
    return gallery, out


def test_smoke_draws_every_figure(smoked):
    gallery, out = smoked
    report = read_report(out / f"{gallery.name}.json")
    assert set(report) == {"gallery", "title", "source", "smoke", "figures"} and report["smoke"] is True
    assert list(report["figures"]) == [figure.name for figure in gallery.figures]
    for figure in gallery.figures:
        entry = report["figures"][figure.name]
        assert entry["picture"] == f"{gallery.name}/{figure.name}.png" and not entry["reason"], entry
        picture = read(out / entry["picture"])
        assert picture.min() < picture.max()
        assert ("preset" in entry["details"]) == bool(figure.presets) and entry["details"]["date"]
        assert "nan" not in entry["sentence"]
    assert not [path for path in out.rglob("*") if path.name.startswith(".")]


def test_smoke_writes_the_page(smoked):
    gallery, out = smoked
    page = (out / f"{gallery.name}.md").read_text(encoding="utf-8")
    assert "**Smoke test: tiny networks on embedded digits; the pictures mean nothing.**" in page
    places = [page.index(f"]({gallery.name}/{figure.name}.png)") for figure in gallery.figures]
    assert places == sorted(places)
    assert all(f"## {figure.label}: {figure.title}" in page for figure in gallery.figures)
    head, how = page[: page.index("\n## ")], page[page.index("## How these figures were drawn") :]
    assert "reproduce/" not in head and f"`python reproduce/{gallery.name}.py --smoke" in how
    assert all(figure.label in how for figure in gallery.figures)


TYPED = "svae_figures"
# they need nothing, and train for minutes
TRAINS = {"slides_figures": ("figure18", "figure19"), "boon_figures": ("figure03",)}
# of the figures that weights which ship can draw: those of `FEW` and these in a quick run, all of them in a slow one
DRAWN = {"survey_figures": ("figure12",), "survey_hierarchies": ("nvae-samples",), "boon_figures": ("figure09b",)}


def first_figures(asked):
    """(gallery, its figures in a first run) of a name, which may end in "-all"."""
    name = asked.removesuffix("-all")
    quick = (*FEW.get(name, NAMES[name]), *DRAWN.get(name, ()))
    figures = [figure for figure in GALLERIES[name].figures if figure.name not in TRAINS.get(name, ())]
    ships = {preset for preset in GALLERIES[name].presets if presets.pretrained_path(preset).exists()}
    return name, [one for one in figures if name != asked or one.name in quick or not ships.intersection(one.presets)]


@pytest.mark.parametrize(
    "asked",
    [
        *only(GALLERIES, *GALLERIES.keys() - {"green_dissection", "green_frontier"}),
        *(pytest.param(f"{n}-all", marks=SLOW) for n in FEW),
    ],
)
def test_first_run_without_data_says_why_not(asked, tmp_path):
    name, figures = first_figures(asked)
    arguments = ["--figures", *(figure.name for figure in figures)]
    _, stdout = first_run_of(main, GALLERIES[name], arguments, tmp_path, typed=asked == TYPED)
    lines = stdout.splitlines()
    assert [line.split(":")[0] for line in lines] == [figure.name for figure in figures]
    for figure, line in zip(figures, lines, strict=True):
        drawable = any(presets.pretrained_path(preset).exists() for preset in figure.presets)
        drawable = drawable or (not figure.presets and "(no trained weights)" in line)
        how = "--download" if figure.presets else "--"  # a figure of results names the command that makes them
        assert drawable or ("not run" in line and how in line), line


# small galleries


def square(value):
    """draw() of a gray square of one value, which is what its sentence says."""

    def draw(context):
        if isinstance(value, BaseException):
            raise value
        save_png(context.path, np.full((2, 2), value, np.uint8))
        return f"value {value}"

    return draw


def gallery_of(**values):
    """A gallery without models; names "figure01" ... come from f1, f2 ..."""
    figures = (Figure(f"figure{int(name[1:]):02}", "a square", square(value)) for name, value in values.items())
    return Gallery("small", "Small", "nobody", tuple(figures))


@pytest.fixture(autouse=True)
def bare_machine(monkeypatch, tmp_path):
    hide_data(monkeypatch, tmp_path)


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def draw(gallery, out, *options, code=0):
    """The entries of the report after one run."""
    assert main(gallery, [*options, "--out", str(out)]) == code
    return read_report(out / f"{gallery.name}.json")["figures"]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], ["figure01", "figure02", "figure10", "figure11a", "figure11b"]),
        (["1"], ["figure01"]),
        (["figure1"], ["figure01"]),
        (["FIGURE02", "10"], ["figure02", "figure10"]),
        (["10,1"], ["figure01", "figure10"]),  # in the printed order
        (["11"], ["figure11a", "figure11b"]),
        (["figure11b"], ["figure11b"]),
    ],
)
def test_figures_by_name_or_number(names, expected):
    known = ("figure01", "figure02", "figure10", "figure11a", "figure11b")
    gallery = Gallery("small", "Small", "nobody", tuple(Figure(name, "", square(1)) for name in known))
    assert [figure.name for figure in chosen_figures(gallery, names)] == expected


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--figures", "12"], ["no figure begins with that", "figure01", "Received: 'figure12'"]),
        (["--figures", "1", "table"], ["Received: 'table'"]),
        (["--preset", "svae/mnist"], ["no figure is drawn from that preset", "tiny/b", "Received: 'svae/mnist'"]),
        (["--preset", "tiny/b", "--figures", "3"], ["none of figure03 is drawn from", "Received: 'tiny/b'"]),
        (["--fid-every", "0"], ["--fid-every", "expected a positive number. Received: 0"]),
        (["--epochs", "-1"], ["--epochs"]),
        (["--layer", "mixed8"], ["--layer"]),
    ],
)
def test_a_wrong_command_line(options, words, capsys, tmp_path, monkeypatch, models):
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.iterdir())
    with pytest.raises(SystemExit) as stopped:
        main(models.gallery, options)
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert all(word in error for word in words), error
    assert set(tmp_path.iterdir()) == before


def test_a_figure_is_drawn_and_reported(out, capsys):
    entries = draw(gallery_of(f1=7, f3=9), out)
    assert [entry["sentence"] for entry in entries.values()] == ["value 7", "value 9"]
    assert (read(out / "small" / "figure03.png") == 9).all()
    assert capsys.readouterr().out.splitlines() == [
        f"figure01: {out}/small/figure01.png (no trained weights)",
        f"figure03: {out}/small/figure03.png (no trained weights)",
    ]
    page = (out / "small.md").read_text().splitlines()
    start = page.index("## Figure 1: a square")
    assert page[start + 2 : start + 8 : 2] == [
        "![Figure 1](small/figure01.png)",
        "Drawn without trained weights.",
        "value 7",
    ]


def test_what_is_not_asked_for_keeps_its_entry(out):
    first = draw(gallery_of(f1=7, f2=NotRun("too large"), f3=9), out, "--figures", "1", "2")
    assert first["figure03"]["reason"] == "not asked for in this run" and not first["figure03"]["picture"]
    again = draw(gallery_of(f1=1, f2=2, f3=3), out, "--figures", "3")
    assert again["figure01"] == {**first["figure01"], "recorded": True}
    assert again["figure02"]["reason"] == "too large" and not again["figure02"]["picture"]
    assert again["figure03"]["sentence"] == "value 3" and not again["figure03"]["recorded"]
    page = (out / "small.md").read_text()
    assert "Kept from an earlier run." in page and "Not run: too large" in page


def test_a_picture_that_is_gone_is_not_reported(out):
    draw(gallery_of(f1=7, f2=8), out)
    (out / "small" / "figure01.png").unlink()
    entries = draw(gallery_of(f1=7, f2=8), out, "--figures", "2")
    assert not entries["figure01"]["picture"] and entries["figure01"]["reason"] == "not asked for in this run"


@pytest.mark.parametrize("kind", [NotRun, DataNotFoundError, WeightsNotFoundError])
def test_what_is_unavailable_becomes_a_reason(kind, out, capsys):
    entries = draw(gallery_of(f1=kind("get it\nthere"), f2=8), out)
    assert entries["figure01"]["reason"] == "get it\nthere" and not entries["figure01"]["picture"]
    assert entries["figure02"]["picture"]
    assert capsys.readouterr().out.splitlines()[0] == "figure01: not run: get it there"


def test_what_is_unavailable_later_keeps_its_picture(out):
    draw(gallery_of(f1=7), out)
    entry = draw(gallery_of(f1=NotRun("gone")), out)["figure01"]
    assert (entry["sentence"], entry["recorded"], entry["reason"]) == ("value 7", True, "not drawn anew: gone")
    entry = draw(gallery_of(f1=5), out)["figure01"]
    assert (entry["sentence"], entry["recorded"], entry["reason"]) == ("value 5", False, "")


def test_interrupted_in_the_second_figure_keeps_the_first(out, capsys):
    entries = draw(gallery_of(f1=7, f2=KeyboardInterrupt()), out, code=130)
    assert "interrupted; the same command goes on from here" in capsys.readouterr().err
    assert entries["figure01"]["picture"] and not entries["figure02"]["picture"]
    assert "small/figure01.png" in (out / "small.md").read_text()


@pytest.mark.parametrize("error", [ValueError("bad weights. Received: x"), OSError("disk full")])
def test_an_error_ends_with_one_line(error, out, capsys):
    draw(gallery_of(f1=7, f2=error), out, code=1)
    assert capsys.readouterr().err.splitlines()[-1] == f"error: {error}"


def test_a_fault_of_the_program_is_not_hidden(out):
    with pytest.raises(ZeroDivisionError):
        main(gallery_of(f1=ZeroDivisionError()), ["--out", str(out)])


@pytest.mark.parametrize("content", ["", "{", "[]", '{"figures": 3}', '{"smoke": false, "figures": {"figure01": {}}}'])
def test_a_damaged_report_stops_the_run(content, out, capsys):
    out.mkdir()
    (out / "small.json").write_text(content)
    assert main(gallery_of(f1=7), ["--out", str(out)]) == 1
    error = capsys.readouterr().err
    assert "error: the earlier report is damaged" in error and f"Received: {out / 'small.json'}" in error
    assert (out / "small.json").read_text() == content and not (out / "small").exists()


def test_smoke_and_real_figures_do_not_mix(out, capsys, tmp_path, monkeypatch):
    draw(gallery_of(f1=7), out)
    assert main(gallery_of(f1=8), ["--smoke", "--out", str(out)]) == 1
    assert "the report there is of real figures; choose another --out" in capsys.readouterr().err
    assert (read(out / "small" / "figure01.png") == 7).all()
    monkeypatch.chdir(tmp_path)
    assert main(gallery_of(f1=8), ["--smoke"]) == 0
    assert read_report("runs/smoke/small.json")["smoke"] is True
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["smoke"]


# which weights


class Models:
    """A gallery of tiny models on the digits, and a folder for shipped weights.

    Figures 1 and 2 take tiny/a, then tiny/b; figure 3 only tiny/a; figure 4 none.
    """

    def __init__(self, patch, folder):
        self.preset, self.shipped = TINY, folder / "shipped"
        for name in ("tiny/a", "tiny/b"):
            patch.setitem(presets.PRESETS, name, self.preset)
        patch.setenv("GREEN_VAE_PRETRAINED", str(self.shipped))
        self.runs = []
        both = ("tiny/a", "tiny/b")
        figures = [Figure(f"figure0{n}", "", self.draw, names) for n, names in ((1, both), (2, both), (3, both[:1]))]
        self.gallery = Gallery("small", "Small", "nobody", (*figures, Figure("figure04", "", square(4))))

    def draw(self, context):
        """A picture of what the weights generate."""
        self.runs.append(context.run)
        save_png(context.path, context.run.trained.generate(1, seed=context.seed)[0])

    def ship(self, name, seed, history=None, **about):
        store.save_preset(self.preset.build(seed), presets.pretrained_path(name).parent, history or (), **about)


@pytest.fixture
def models(monkeypatch, tmp_path):
    return Models(monkeypatch, tmp_path)


def drawn_from(entries):
    return {name[-1]: entry["details"].get("preset") for name, entry in entries.items() if entry["picture"]}


def test_without_weights_the_reason_is_a_command(models, out):
    entries = draw(models.gallery, out)
    assert drawn_from(entries) == {"4": None}
    for name in ("figure01", "figure03"):
        command = f"`python reproduce/small.py --train --figures {name}` trains tiny/a"
        assert command in entries[name]["reason"] and "no trained weights" in entries[name]["reason"]
    assert "--preset tiny/b another model" in entries["figure01"]["reason"]
    assert "tiny/b" not in entries["figure03"]["reason"]
    reason = draw(models.gallery, out, "--preset", "tiny/b")["figure01"]["reason"]
    assert "--figures figure01 --preset tiny/b` trains tiny/b" in reason


def test_the_first_candidate_with_weights_is_taken(models, out):
    models.ship("tiny/b", 1, [{"loss": 3.0}, {"loss": 2.0}])
    entries = draw(models.gallery, out)
    assert drawn_from(entries) == {"1": "tiny/b", "2": "tiny/b", "4": None}
    assert entries["figure01"]["details"]["shipped"] is True and entries["figure01"]["details"]["epochs"] == 2
    assert models.runs[0] is models.runs[1] and models.runs[0].history == [{"loss": 3.0}, {"loss": 2.0}]
    models.ship("tiny/a", 2)
    entries = draw(models.gallery, out)
    assert drawn_from(entries) == {"1": "tiny/a", "2": "tiny/a", "3": "tiny/a", "4": None}
    assert entries["figure01"]["details"]["epochs"] is None
    assert "Drawn from tiny/a, shipped weights; weights" in (out / "small.md").read_text()
    entries = draw(models.gallery, out / "other", "--preset", "tiny/b")
    assert drawn_from(entries) == {"1": "tiny/b", "2": "tiny/b", "4": None}
    assert entries["figure03"]["reason"] == "not asked for in this run"


def test_what_a_preset_leaves_out_of_the_figures_asked_for_is_said(models, out, capsys):
    models.ship("tiny/b", 1)
    entries = draw(models.gallery, out, "--preset", "tiny/b", "--figures", "3", "1")
    assert drawn_from(entries) == {"1": "tiny/b"}
    assert "left out, since tiny/b does not draw them: figure03\n" in capsys.readouterr().err
    draw(models.gallery, out, "--preset", "tiny/b")
    assert "left out" not in capsys.readouterr().err


def test_trained_once_and_then_drawn_without_training(models, out):
    options = ["--limit-train", "24", "--figures", "1", "2"]
    trained = draw(models.gallery, out, *options, "--train", "--epochs", "2", "--preset", "tiny/b")
    assert models.runs[0] is models.runs[1]
    details = trained["figure01"]["details"]
    assert (details["preset"], details["epochs"], details["recipe_epochs"]) == ("tiny/b", 2, 1)
    history = json.loads((out / "runs/tiny-b-seed0-first24/history.json").read_text())
    assert len(history) == 2 and all("active_means" in epoch for epoch in history)
    assert models.runs[0].history == history
    picture = read(out / "small" / "figure01.png")

    somebody = out / "runs/tiny-b-seed0-first24/.epoch-3.weights.h5.x"  # a training at work there
    somebody.touch()
    (out / "small" / "figure01.png").unlink()
    again = draw(models.gallery, out, *options)
    made = again["figure01"]["details"]
    assert made.pop("command") != details.pop("command")
    assert made == details  # with the hash of the weights: statistics of batch norm, too
    np.testing.assert_array_equal(read(out / "small" / "figure01.png"), picture)
    assert somebody.exists() and models.runs[-1].history == history
    assert drawn_from(draw(models.gallery, out, "--figures", "1"))["1"] == "tiny/b"  # kept: all images is another run
    assert "on the first 24 training images" in (out / "small.md").read_text()


@pytest.mark.slow
def test_train_takes_the_first_candidate_though_another_is_there(models, out):
    models.ship("tiny/b", 1)
    entries = draw(models.gallery, out, "--train", "--limit-train", "8", "--figures", "1")
    assert drawn_from(entries) == {"1": "tiny/a"}


@pytest.mark.slow
def test_an_epoch_without_its_history_is_not_there(models, out):
    """Killed between the two writes."""
    options = ["--limit-train", "8", "--figures", "3"]
    draw(models.gallery, out, *options, "--train")
    folder = out / "runs/tiny-a-seed0-first8"
    shutil.copy(folder / "epoch-1.weights.h5", folder / "epoch-2.weights.h5")
    assert draw(models.gallery, out, *options)["figure03"]["details"]["epochs"] == 1
    (folder / "epoch-1.weights.h5").unlink()
    assert draw(models.gallery, out, *options)["figure03"]["reason"].startswith("not drawn anew: no trained weights")


def test_a_figure_has_the_mixture_and_the_images(models, out):
    seen = []

    def draw_both(context):
        model, sampler = context.run.trained, context.run.sampler("gmm")
        seen.append((len(context.run.train_images), context.dataset("cifar10", "test").images.shape))
        save_png(context.path, model.generate(1, sampler)[0])

    figures = (Figure("figure01", "", draw_both, ("tiny/a",)),)
    assert draw(dataclasses.replace(models.gallery, figures=figures), out, "--smoke")["figure01"]["picture"]
    assert seen == [(96, (96, 32, 32, 1))]  # digits, in a smoke test
    assert list((out / "runs/tiny-a-seed0").glob("gmm-*.npz"))


@pytest.mark.parametrize(("components", "taken"), [(10, True), (3, False)])
def test_a_mixture_that_ships_is_taken_if_it_is_the_one_asked_for(components, taken, models, out):
    codes = np.random.default_rng(0).normal(size=(50, models.preset.build().latent_dim))
    mixture = GaussianMixture(n_components=components).fit(codes)
    models.ship("tiny/b", 1, samplers={"gmm": mixture}, train_images=24)
    draw(models.gallery, out, "--figures", "1")
    run = models.runs[0]
    assert len(run.train_images) == 24  # those that the weights have seen
    found = run.sampler("gmm")
    assert found.n_components == 10 and np.array_equal(found.sample(5), mixture.sample(5)) == taken
    assert bool(list((out / "runs").glob("*/gmm-*.npz"))) != taken
    draw(models.gallery, out, "--figures", "1", "--limit-train", "12", "--fresh")
    assert len(models.runs[-1].sampler("gmm").sample(5)) == 5 and len(models.runs[-1].codes()) == 12


class Ten(Every):
    def measure(self):
        return {"ten": 10.0}


@pytest.mark.slow
def test_a_figure_may_watch_the_training_ahead(models, out):
    asked = []

    def watch(context):
        asked.append(context.fid_every)
        return [Ten(context.fid_every)]

    figures = tuple(dataclasses.replace(figure, watch=watch) for figure in models.gallery.figures[:1])
    gallery = dataclasses.replace(models.gallery, figures=figures + models.gallery.figures[1:])
    options = ["--limit-train", "8", "--figures", "2", "1", "--train", "--epochs", "3", "--fid-every", "2"]
    draw(gallery, out, *options)
    assert ["ten" in epoch for epoch in models.runs[-1].history] == [True, True, False]  # also after the first epoch
    draw(gallery, out, *options)  # nothing left to train
    draw(gallery, out, "--limit-train", "8")
    assert asked == [2]


def test_a_watch_that_cannot_be_leaves_the_others(models, out):
    def watch(context):
        raise WeightsNotFoundError("fetch them")

    figures = tuple(dataclasses.replace(figure, watch=watch) for figure in models.gallery.figures[:1])
    gallery = dataclasses.replace(models.gallery, figures=figures + models.gallery.figures[1:])
    entries = draw(gallery, out, "--limit-train", "8", "--figures", "1", "2", "--train")
    assert entries["figure01"]["reason"] == "fetch them" and drawn_from(entries) == {"2": "tiny/a"}


# Split-VAE


def svae(number):
    return next(figure for figure in MODULES["svae_figures"].GALLERY.figures if figure.label == f"Figure {number}")


class Made:
    """A context of a made run."""

    def __init__(self, folder, **run):
        self.path, self.seed, self.command = folder / "figure.png", 0, "python x.py --train"
        self.settings = type("Settings", (), {"smoke": False})
        self.run = type("Run", (), {"row": type("Row", (), {"preset": "made"}), **run})


def test_fid_by_epoch_from_a_made_history(tmp_path):
    """Measured after epochs 1, 3 and 5; the curves rise and fall where the numbers do."""
    values = {"x": (300.0, 100.0, 20.5), "x1": (310.0, 150.0, 60.25), "x2": (320.0, 200.0, 120.0)}
    history = [{"loss": 1.0} for _ in range(6)]
    for part, numbers in values.items():
        for epoch, number in zip((1, 3, 5), numbers, strict=True):
            history[epoch - 1] |= {f"fid_{part}": number, "fid_n": 1000.0}
    context = Made(tmp_path, history=history)
    sentence = svae(13).draw(context)
    assert sentence == "FID@1280, of 1,000 images, after epoch 5: x 20.50, x1 60.25, x2 120.00."
    picture = read(context.path)[..., :3]
    width = picture.shape[1] * 3 // 4  # the legend is at the right
    ends = []
    for colour in COLOURS:
        rows, columns = np.nonzero((picture[:, :width] == colour).all(axis=-1))
        ends.append(rows[columns == columns.max()].mean())
        assert rows[columns == columns.min()].mean() < ends[-1]  # falls: further down in the picture
    assert ends[0] > ends[1] > ends[2]


def test_a_history_without_fid_says_how_to_get_one(tmp_path):
    with pytest.raises(NotRun, match="the 2 epochs that made is trained hold no FID; `python x.py --train` measures"):
        svae(13).draw(Made(tmp_path, history=[{"loss": 1.0}, {"loss": 0.5}]))
    assert not list(tmp_path.glob("*.png"))


class Halves:
    """A model whose parts are known: left half of the map 1, right half 0; x1 white, x2 grey."""

    latent_dim = 3

    def decode(self, z, part="x"):
        left = np.zeros((len(z), 32, 32, 1), "float32")
        left[:, :, :8] = 1  # a quarter
        images = {"map": left, "x1": np.ones((len(z), 32, 32, 3)), "x2": np.full((len(z), 32, 32, 3), 0.25)}
        return images[part] if part in images else left * images["x1"] + (1 - left) * images["x2"]


def test_numbers_of_known_parts(tmp_path):
    context = Made(tmp_path, trained=Halves())
    # mean 1/4; standard deviation sqrt(1/4 3/4)
    sentence = svae(7).draw(context)
    assert "mean 0.250 and, within an image, standard deviation 0.433" in sentence and "|x1 - x2| is 0.750" in sentence
    picture = read(context.path)
    assert picture.shape[0] == 2 * (4 * 34 + 2) and picture.shape[2] == 3
    assert "0.250" in svae(15).draw(context)
    assert set(np.unique(read(context.path))) == {0, 255}


def test_a_missing_data_set_leaves_the_other(tmp_path):
    context = Made(tmp_path)
    ramp = np.zeros((4, 32, 32, 3), np.uint8)
    ramp[:2, :, 16:] = 200  # the mean is 0 and 100

    def dataset(name, split="train"):
        if name != "cifar10":
            raise DataNotFoundError("fetch it")
        return type("Dataset", (), {"images": ramp})

    context.dataset = dataset
    sentence = svae(9).draw(context)
    assert f"CIFAR-10 {50 / 255:.3f}. CelebA is not here" in sentence
    assert {0, 100, 255} <= set(np.unique(read(context.path)))
    context.dataset = lambda name, split="train": dataset("celeba")
    with pytest.raises(DataNotFoundError, match="fetch it"):
        svae(9).draw(context)


# the pictures


@given(st.integers(1, 4), st.integers(1, 3), st.integers(0, 3), st.integers(1, 3), st.booleans())
def test_every_image_of_a_row_is_found_again(n, rows, pad, zoom, colour):
    rng = np.random.default_rng(n)
    images = {str(row): rng.integers(0, 255, (n, 8, 9, 3 if colour and row else 1), np.uint8) for row in range(rows)}
    picture = plots.rows_picture(images, pad, zoom)
    channels = 3 if colour and rows > 1 else 1
    width = zoom * (n * (9 + pad) + pad)
    assert picture.shape[0] == zoom * (rows * (8 + pad) + pad) and picture.shape[2] == channels
    assert picture.shape[1] > width  # with the names' margin
    small = picture[::zoom, -width::zoom]
    np.testing.assert_array_equal(small.repeat(zoom, 0).repeat(zoom, 1), picture[:, -width:])
    for row, part in enumerate(images.values()):
        for column, image in enumerate(part):
            top, left = pad + row * (8 + pad), pad + column * (9 + pad)
            there = small[top : top + 8, left : left + 9]
            np.testing.assert_array_equal(there, np.broadcast_to(image, there.shape))


def test_names_stand_beside_their_rows():
    white = np.full((2, 32, 32, 1), 255, np.uint8)
    picture = plots.rows_picture({"": white, "a name": white})[..., 0]
    rows, columns = np.nonzero(picture < 128)
    middle = 2 + 34 + 16
    assert abs((rows.min() + rows.max()) / 2 - middle) < 3 and rows.max() - rows.min() < 16
    assert columns.max() < picture.shape[1] - (2 * 34 + 2)  # in the margin
    np.testing.assert_array_equal(plots.rows_picture({"": white}), plots.image_grid(white, 2))


def test_rows_of_different_sizes_are_refused():
    with pytest.raises(ValueError, match=r"Received: \[\(2, 4, 4, 1\), \(3, 4, 4, 1\)\]"):
        plots.rows_picture({"a": np.zeros((2, 4, 4, 1)), "b": np.zeros((3, 4, 4, 1))})
    with pytest.raises(ValueError, match=r"Received: \[\]"):
        plots.rows_picture({})


@pytest.mark.parametrize("series", [{}, {"a": ([], [])}, {"a": ([1, 2], [1.0])}, {"a": ([[1]], [[1.0]])}])
def test_lines_need_a_value_for_each_step(series, tmp_path):
    with pytest.raises(ValueError, match="Received: {"):
        plots.lines(tmp_path / "lines.png", series)
    assert not list(tmp_path.glob("*.png"))
