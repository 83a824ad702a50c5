"""The runner on tables of a few numbers: verdicts, what is taken over, what becomes a reason, what an error leaves."""

import dataclasses
import datetime
import json
import types

import pytest
from experiment_tables import TINY, Counted, hide_data, pixels, read_report, small_table

from green_vae import presets
from green_vae.data import DataNotFoundError
from green_vae.experiments import Column, NotRun, Reference, Row, Table, main, runner, spec
from green_vae.experiments.spec import Cell, Measurement
from green_vae.metrics import WeightsNotFoundError, image_key
from green_vae.presets import store
from green_vae.utils import ledger


@pytest.fixture(autouse=True)
def bare_machine(monkeypatch, tmp_path):
    hide_data(monkeypatch, tmp_path)
    monkeypatch.setattr("green_vae.experiments.plan.device_rate", lambda: 1e12)


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def measure(table, out, *options, code=0):
    """Cells of row "first" and the other rows after one run."""
    assert main(table, [*options, "--out", str(out)]) == code
    return read_report(out / f"{table.name}.json")["rows"]


def cell_of(column, out, *options, published=8.0, n=500):
    row = Row("only", {} if published is None else {"a": published}, images=pixels(3))
    return measure(small_table([column], [row], n), out, *options)["only"]["a"]


# verdicts


@pytest.mark.parametrize(
    ("value", "published", "tolerance", "verdict"),
    [
        (8.0, 8.0, None, "exact"),
        (8.0000001, 8.0, None, "differs"),
        (9.0, 8.0, 0.125, "reproduced"),  # on the boundary
        (7.0, 8.0, 0.125, "reproduced"),
        (9.0000001, 8.0, 0.125, "differs"),
        (6.9999999, 8.0, 0.125, "differs"),
        (8.0, 8.0, 0.0, "reproduced"),
        (8.0, None, 0.125, "measured"),
        (8.0, None, None, "measured"),
    ],
)
def test_verdict(value, published, tolerance, verdict, out):
    cell = cell_of(Counted(value, tolerance=tolerance), out, published=published)
    assert (cell["verdict"], cell["value"], cell["published"]) == (verdict, value, published)
    assert cell["difference"] == (None if published is None else value - published)
    assert cell["reason"] == "" and cell["recorded"] is False


def test_another_scale_is_not_comparable_even_if_equal(out):
    cell = cell_of(Counted(8.0, label="FID@1280", why="another scale"), out)
    assert (cell["verdict"], cell["reason"], cell["label"]) == ("not comparable", "another scale", "FID@1280")
    assert cell["difference"] is None


@pytest.mark.parametrize("label", ["FID~", "FID@1280", "FID~@1280", "FID(ttur)", "FID(8 bit)", "KID"])
def test_another_label_than_fid_never_compares(label, out):
    """Whether or not a column gives a reason."""
    cell = cell_of(Counted(8.0, label=label), out)
    assert (cell["verdict"], cell["difference"]) == ("not comparable", None)
    cell = cell_of(Counted(8.0, label=label), out / "unpublished", published=None)
    assert (cell["verdict"], cell["difference"]) == ("measured", None)
    assert cell_of(Counted(8.5, label="FID"), out / "exact")["difference"] == 0.5


def test_nothing_shortened_is_reproduced(out):
    assert cell_of(Counted(8.0), out)["verdict"] == "reproduced"
    cell = cell_of(Counted(8.0), out, "--limit-eval", "100", "--fresh")
    assert cell["verdict"] == "differs" and cell["reason"] == "measured on 100 instead of 500 images"
    assert cell["details"]["images"] == cell["details"]["reference_images"] == 100


def test_a_reference_that_is_too_small_is_shortened(out):
    cell = cell_of(Counted(8.0), out, n=501)
    assert cell["verdict"] == "differs" and "measured on 500 instead of 501 images" in cell["reason"]


def test_a_note_stands_with_its_cell(out):
    columns = [Counted(1.0, name).column for name in ("a", "b")]
    row = Row("only", {"a": 8.0, "b": 8.0}, images=pixels(3), notes={"b": "a remark"})
    cells = measure(small_table(columns, [row]), out)["only"]
    assert (cells["a"]["reason"], cells["b"]["reason"]) == ("", "a remark")


def test_a_smoke_test_judges_nothing(out):
    cell = cell_of(Counted(8.0), out, "--smoke")
    assert cell["verdict"] == "smoke" and cell["difference"] is None


# taken over


def test_a_recorded_cell_is_taken_over(out):
    column = Counted(8.5)
    table = small_table([column])
    before = measure(table, out)
    column.value = 1.0
    after = measure(table, out)
    assert column.calls == 2  # once for each row, in the first run
    for row in ("first", "second"):
        assert after[row]["a"] == {**before[row]["a"], "recorded": True}


def test_fresh_measures_again(out):
    column = Counted(8.5)
    table = small_table([column])
    measure(table, out)
    column.value = 1.0
    after = measure(table, out, "--fresh", "--rows", "first")
    assert column.calls == 3
    assert (after["first"]["a"]["value"], after["first"]["a"]["recorded"]) == (1.0, False)
    assert (after["second"]["a"]["value"], after["second"]["a"]["recorded"]) == (8.5, True)


def test_another_identity_measures_again(out):
    column = Counted(8.5)
    table = small_table([column])
    measure(table, out)
    column.value, column.version = 1.0, 2
    after = measure(table, out)
    assert column.calls == 4
    assert (after["first"]["a"]["value"], after["first"]["a"]["recorded"]) == (1.0, False)


def test_other_measuring_code_measures_again_what_is_asked_for(out, monkeypatch):
    column = Counted(8.5)
    table = small_table([column])
    measure(table, out)
    monkeypatch.setattr(spec, "FORMAT", spec.FORMAT + 1)
    column.value = 1.0
    after = measure(table, out, "--rows", "first")
    assert (after["first"]["a"]["value"], after["first"]["a"]["recorded"]) == (1.0, False)
    assert (after["second"]["a"]["value"], after["second"]["a"]["recorded"]) == (8.5, True)


def test_a_live_column_is_always_computed(out):
    column = Counted(8.5, live=True)
    table = small_table([column])
    measure(table, out)
    column.value = 8.0
    after = measure(table, out)
    assert column.calls == 4 and after["first"]["a"]["value"] == 8.0 and after["first"]["a"]["recorded"] is False


def test_what_is_not_asked_for_stays(out):
    a, b = Counted(8.5), Counted(3.0, "b")
    table = small_table([a, b])
    first = measure(table, out, "--columns", "a")
    assert first["first"]["b"]["verdict"] == "not run" and "not asked for" in first["first"]["b"]["reason"]
    second = measure(table, out, "--columns", "b", "--rows", "second")
    assert (a.calls, b.calls) == (2, 1)
    assert second["first"]["a"]["value"] == second["second"]["a"]["value"] == 8.5
    assert second["second"]["a"]["recorded"] is True and second["second"]["b"]["value"] == 3.0
    assert second["first"]["b"]["value"] is None


def test_the_reference_is_part_of_a_picture_rows_identity(out):
    """A distance to the first 100 reference images is not one to all 500."""
    seen = []
    column = Column(
        "a", "A", lambda run: Measurement(run.reference_count), identity=lambda run: run.image_identity("row")
    )
    for options in (["--limit-eval", "100"], [], ["--limit-eval", "500"]):
        cell = cell_of(column, out, *options)
        seen.append((cell["value"], cell["recorded"]))
    assert seen == [(100, False), (500, False), (500, True)]


def test_limit_eval_limits_the_pictures_of_a_row(out):
    column = Column("a", "A", lambda run: Measurement(len(run.row_images)), identity=lambda run: run.identity())
    assert cell_of(column, out, "--limit-eval", "3")["value"] == 3
    assert cell_of(column, out)["value"] == 4


# reasons


@pytest.mark.parametrize("kind", [NotRun, DataNotFoundError, WeightsNotFoundError])
@pytest.mark.parametrize("where", ["measure", "identity"])
def test_what_is_unavailable_becomes_a_reason(kind, where, out):
    column = Counted({"first": kind("get it there"), "second": 8.0})
    table = small_table([column])
    if where == "identity":

        def identity(run):
            if run.row.name == "first":
                raise kind("get it there")
            return 1

        column.value["first"] = 8.0
        table = small_table([dataclasses.replace(column.column, identity=identity)])
    rows = measure(table, out)
    cell = rows["first"]["a"]
    assert (cell["verdict"], cell["reason"], cell["value"]) == ("not run", "get it there", None)
    assert cell["published"] == 8.0
    assert rows["second"]["a"]["verdict"] == "reproduced"


def test_what_is_unavailable_later_keeps_its_recorded_value(out):
    column = Counted(8.5)
    table = small_table([column])
    measure(table, out)
    column.version, column.value = 2, NotRun("gone")
    cell = measure(table, out)["first"]["a"]
    assert (cell["value"], cell["recorded"], cell["verdict"]) == (8.5, True, "reproduced")


@pytest.mark.parametrize(
    ("options", "fits"),
    [((), True), (("--limit-eval", "500"), True), (("--limit-eval", "100"), False), (("--seed", "5"), False)],
)
def test_a_recorded_value_of_other_options_stays_with_a_warning(options, fits, out, capsys):
    """A number of seed 0 and of 500 images is no answer to a question for seed 5, or for 100 images."""
    column = Counted(8.5)
    table = small_table([column])
    measure(table, out)
    column.version, column.value = 2, NotRun(f"gone {options}")  # each warning is told once
    cell = measure(table, out, *options)["first"]["a"]
    assert (cell["value"], cell["recorded"]) == (8.5, True)
    said = f"{runner.OTHER_OPTIONS}; what is missing: gone {options}"
    assert (said in capsys.readouterr().err) is not fits


def test_options_of_a_training_fit_a_recorded_cell_or_not():
    """As far as its details tell: a count that is larger than what was asked for, or other seeds, do not fit."""
    table = dataclasses.replace(small_table([Counted(8.5)]), seeds=(0, 1))
    told = Cell(8.5, details={"epochs": [20, 18], "train_images": 1_000, "seeds": [0, 1], "seed": 0})

    def fits(cell=told, **options):
        settings = spec.Settings(**{"seeds": table.seeds, **options})
        return runner._as_asked(types.SimpleNamespace(settings=settings, table=table), cell)

    assert fits() and fits(epochs=20) and fits(limit_train=1_000) and fits(seeds=(0, 1), limit_eval=1)
    assert not (fits(epochs=19) or fits(limit_train=999) or fits(seeds=(0,)) or fits(seeds=(0, 1, 2)))
    assert fits(Cell(8.5), epochs=1, seeds=(4,), seed=4), "what tells nothing of itself is kept"


def test_rows_and_cells_that_cannot_run(out):
    a, b = Counted(8.0), Counted(8.0, "b")
    rows = (Row("later", {"a": 1.0}, missing="not built yet"), Row("partly", {"b": 2.0}, preset="nowhere"))
    cells = measure(small_table([a, b], rows), out, "--columns", "a")
    assert cells["later"]["a"]["reason"] == "not built yet" and cells["later"]["a"]["published"] == 1.0
    assert cells["partly"]["a"]["reason"] == "the paper prints nothing here"
    assert a.calls == b.calls == 0


# errors


@pytest.mark.parametrize("content", ["", "{", "[]", '{"rows": 3}', '{"rows": {"first": {"a": 3}}}', "cut"])
def test_a_damaged_report_stops_the_run(content, out, capsys):
    column = Counted(8.0)
    table = small_table([column])
    measure(table, out)
    path = out / "small.json"
    path.write_text(path.read_text()[:400] if content == "cut" else content)
    before = path.read_text()
    capsys.readouterr()
    assert main(table, ["--out", str(out)]) == 1
    error = capsys.readouterr().err
    assert "error: the earlier report is damaged" in error and f"Received: {path}" in error
    assert "Traceback" not in error
    assert path.read_text() == before and column.calls == 2


def test_smoke_and_measurement_do_not_mix(out, capsys):
    table = small_table([Counted(8.0)])
    measure(table, out)
    before = (out / "small.json").read_text()
    assert main(table, ["--smoke", "--out", str(out)]) == 1
    assert "the report there is of a measurement; choose another --out" in capsys.readouterr().err
    assert (out / "small.json").read_text() == before
    measure(table, out / "smoke", "--smoke")
    assert main(table, ["--out", str(out / "smoke")]) == 1
    assert "is of a smoke test" in capsys.readouterr().err


def test_interrupted_in_the_second_row_keeps_the_first(out, capsys):
    column = Counted({"first": 8.0, "second": KeyboardInterrupt()})
    table = small_table([column])
    assert main(table, ["--out", str(out)]) == 130
    assert "interrupted; the same command goes on from here" in capsys.readouterr().err
    rows = read_report(out / "small.json")["rows"]
    assert rows["first"]["a"]["value"] == 8.0 and rows["second"]["a"]["value"] is None
    column.value = 8.5
    rows = measure(table, out)
    assert (rows["first"]["a"]["value"], rows["second"]["a"]["value"]) == (8.0, 8.5)


@pytest.mark.parametrize("error", [ValueError("bad weights. Received: x"), OSError("disk full")])
def test_an_error_ends_with_one_line_and_keeps_the_first_row(error, out, capsys):
    assert main(small_table([Counted({"first": 8.0, "second": error})]), ["--out", str(out)]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == f"error: {error}"
    assert read_report(out / "small.json")["rows"]["first"]["a"]["value"] == 8.0


def test_a_fault_of_the_program_is_not_hidden(out):
    with pytest.raises(ZeroDivisionError):
        main(small_table([Counted(ZeroDivisionError())]), ["--out", str(out)])


# provenance


def test_every_cell_says_how_it_came_about_and_the_head_what_is_true_of_all(out):
    table = small_table([Counted(8.0), Counted(1.0, "b", live=True)])
    cells = measure(table, out, "--seed", "3", "--limit-eval", "7")["first"]
    said = cells["a"]["details"]
    assert said["command"] == f"python reproduce/small.py --seed 3 --limit-eval 7 --out {out}"
    assert abs(datetime.date.fromisoformat(said["date"]) - datetime.datetime.now(datetime.UTC).date()).days <= 1
    assert said["versions"]["green_vae"] and said["versions"]["backend"] in ("tensorflow", "jax", "torch")
    assert said["commit"] == ledger.commit() and said["seconds"] >= 0
    assert (said["seed"], said["images"], said["reference_images"]) == (3, 7, 7)
    assert said["image_key"] == image_key(pixels(1)(None)) and said["reference_key"]
    assert cells["b"]["details"] == {}  # computed live
    report = json.loads((out / "small.json").read_text())
    assert set(report) == {"table", "title", "source", "reference", "smoke", "rows"}
    assert report["reference"] == {"dataset": "digits", "split": "test", "n": 500} and report["smoke"] is False


def test_a_run_with_other_settings_leaves_the_provenance_of_the_other_cells(out):
    table = small_table([Counted(8.0)])
    before = measure(table, out, "--limit-eval", "100")
    after = measure(table, out, "--rows", "second", "--seed", "5", "--limit-eval", "200", "--fresh")
    assert after["first"]["a"]["details"] == before["first"]["a"]["details"]
    said = after["second"]["a"]["details"]
    assert (said["seed"], said["images"]) == (5, 200) and "--seed 5" in said["command"]
    page = (out / "small.md").read_text()
    where = page.index("## How these numbers were measured")
    lines = page[where:].splitlines()[2:]
    assert [line.split(":")[0] for line in lines] == ["* A of first", "* A of second", "* Versions 1"]
    assert "seed 0, 100 images against 100, versions 1." in lines[0]
    assert "seed 5, 200 images against 200, versions 1." in lines[1]
    assert said["date"] not in page[:where] and "python reproduce" not in page[:where]


def test_cells_of_the_earlier_code_are_kept_until_they_are_asked_for(out):
    column = Counted(8.5)
    table = small_table([column])
    measure(table, out)
    path = out / "small.json"
    report = json.loads(path.read_text())
    for row in report["rows"].values():
        row["a"] |= {"identity": "0123456789abcdef", "details": {"made": "somehow"}, "seconds": 1.5}
    path.write_text(json.dumps({**report, "written": "2026-11-21", "command": "x", "versions": {}}))
    column.value = 1.0
    cells = measure(table, out, "--rows", "second")
    assert (cells["first"]["a"]["value"], cells["first"]["a"]["details"]) == (8.5, {"made": "somehow"})
    assert (cells["second"]["a"]["value"], cells["second"]["a"]["recorded"]) == (1.0, False)
    assert "* A of first: recorded before provenance was kept.\n" in (out / "small.md").read_text()
    column.value = NotRun("gone")
    cell = measure(table, out)["first"]["a"]
    assert (cell["value"], cell["recorded"]) == (8.5, True)


# a row with a model, on the digits


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    """A table of one tiny trained model; its columns count images instead of measuring them."""
    monkeypatch.setitem(presets.PRESETS, "tiny", TINY)
    path = tmp_path / "model.weights.h5"
    monkeypatch.setattr(presets, "pretrained_path", lambda name: path)
    column = Column(
        "a",
        "A",
        lambda run: Measurement(sum(map(len, run.images("reconstructions")))),
        identity=lambda run: run.image_identity("reconstructions"),
        tolerance=1.0,
    )
    table = Table("tiny", "Tiny", "nobody", (column,), (Row("a row", {"a": 200}, "tiny"),), Reference("digits", n=200))
    return table, path


def test_fewer_images_are_said_and_never_taken_for_all(tiny, out):
    table, path = tiny
    store.save_preset(TINY.build(1), path.parent)
    cell = measure(table, out, "--limit-train", "150")["a row"]["a"]
    assert (cell["value"], cell["verdict"], cell["reason"]) == (150, "differs", "on the first 150 training images")
    cell = measure(table, out)["a row"]["a"]
    assert (cell["value"], cell["verdict"], cell["recorded"]) == (200, "reproduced", False)
    cell = measure(table, out, "--limit-train", "1297")["a row"]["a"]  # all of them
    assert (cell["value"], cell["verdict"], cell["reason"]) == (200, "reproduced", "")


def test_without_weights_the_reason_is_a_command_that_a_shell_takes(tiny, out):
    table, _ = tiny
    cell = measure(table, out)["a row"]["a"]
    assert cell["verdict"] == "not run"
    assert "no trained weights; `python reproduce/tiny.py --train --rows 'a row'` trains" in cell["reason"]


def test_a_cell_does_not_lack_weights_that_came_later(tiny, out):
    table, path = tiny
    a = table.columns[0]
    row = dataclasses.replace(table.rows[0], published={"a": 200, "b": 200})
    table = dataclasses.replace(table, columns=(a, dataclasses.replace(a, name="b", title="B")), rows=(row,))
    assert measure(table, out)["a row"]["b"]["reason"].startswith("no trained weights; ")
    store.save_preset(TINY.build(1), path.parent)
    cell = measure(table, out, "--columns", "a")["a row"]["b"]
    assert (cell["verdict"], cell["reason"]) == ("not run", "not asked for in this run")
