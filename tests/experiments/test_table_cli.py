"""The command line of the tables: what it takes, and what it refuses with exit code 2."""

import re
import sys
from types import SimpleNamespace

import pytest
from experiment_tables import TABLES, Counted, hide_data, read_report, small_table

from green_vae.experiments import Row, main
from green_vae.experiments.bench import Bench
from green_vae.experiments.cli import FORMATS, chosen, parser_for
from green_vae.experiments.run import Run
from green_vae.experiments.runner import known_cells
from green_vae.experiments.spec import Settings


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--rows", "Transformer"], ["no row begins with that", "CNN-b128-l128", "Received: 'transformer'"]),
        (["--rows", "CNN", "nothing"], ["no row begins with that", "Received: 'nothing'"]),
        (["--columns", "fid_x"], ["no column begins with that", "fid_gen2", "Received: 'fid_x'"]),
        (["--layer", "65"], ["unknown feature layer", "mixed8", "Received: '65'"]),
        (["--epochs", "0"], ["--epochs", "expected a positive number. Received: 0"]),
        (["--epochs", "two"], ["--epochs", "expected a positive number. Received: two"]),
        (["--epochs", "1.5"], ["--epochs", "expected a positive number. Received: 1.5"]),
        (["--limit-train", "-3"], ["--limit-train"]),
        (["--limit-eval", "0"], ["--limit-eval", "Received: 0"]),
        (["--nonsense"], ["--nonsense"]),
    ],
)
def test_a_wrong_command_line(options, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        main(TABLES["survey_table2"], options)
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert all(word in error for word in words), error
    assert "usage: reproduce/survey_table2.py" in error and "Traceback" not in error
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("table", "names", "expected"),
    [
        ("survey_table2", ["resnet"], ["Resnet-s4-b48-l128", "Resnet-s4-b48-l100", "Resnet-s4-b64-l64"]),
        ("survey_table3", ["RESNET"], ["Resnet-s4-b32-l64", "Resnet-s4-b48-l64", "Resnet-s3-b64-l64"]),
        ("survey_table2", ["gp", "CNN"], ["CNN-b128-l128", "GP-RAE-b128-l128"]),  # in the table's order
        ("survey_table2", ["GP, CNN"], ["CNN-b128-l128", "GP-RAE-b128-l128"]),
        ("survey_table3", ["CNN"], ["CNN-b128-l64", "CNN-b128-l64 (seed 8x8)"]),
        ("survey_table3", ["CNN-b128-l64"], ["CNN-b128-l64"]),  # the whole name, though another begins with it
        ("survey_table3", ["cnn-b128-l64 (seed 8x8)"], ["CNN-b128-l64 (seed 8x8)"]),
        ("survey_table3", ["CNN-b128-l64", "CNN-b128-l64 (s"], ["CNN-b128-l64", "CNN-b128-l64 (seed 8x8)"]),
        ("svae_table2", ["random"], ["random mix"]),
    ],
)
def test_rows_by_the_beginning_of_their_names(table, names, expected):
    assert [row.name for row in chosen(TABLES[table].rows, names, "row")] == expected


def test_columns_by_name():
    columns = TABLES["svae_table2"].columns
    assert [column.name for column in chosen(columns, ["fid"], "column")] == ["fid"]
    assert [column.name for column in chosen(columns, ["fid_"], "column")] == ["fid_1280", "fid_768"]
    assert chosen(columns, [], "column") == list(columns)


@pytest.mark.parametrize(("given", "layer"), [("1280", "mixed8"), ("mixed7", "mixed7"), ("2048", "avg_pool")])
def test_a_layer_goes_by_name_or_width(given, layer, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr("green_vae.experiments.cli._measure", lambda table, settings, *rest: seen.append(settings) or 0)
    assert main(TABLES["survey_table2"], ["--layer", given, "--epochs", "3"]) == 0
    assert (seen[0].layer, seen[0].epochs, seen[0].smoke) == (layer, 3, False)


def test_the_precision_of_the_fid_is_a_setting(monkeypatch, tmp_path):
    """It changes what a cell depends on, and float32 is what it always was."""
    seen = []
    monkeypatch.setattr("green_vae.experiments.cli._measure", lambda table, settings, *rest: seen.append(settings) or 0)
    table, row = TABLES["survey_table2"], TABLES["survey_table2"].rows[0]
    for arguments in ([], ["--fid-precision", "bfloat16"]):
        assert main(table, ["--smoke", "--out", str(tmp_path), *arguments]) == 0
    runs = [Run(Bench(table, settings), row) for settings in seen]
    assert [run.bench.protocol(None).label for run in runs] == ["FID@tiny", "FID@tiny(bfloat16)"]


def test_a_smoke_test_never_goes_over_results(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    hide_data(monkeypatch, tmp_path)
    assert main(small_table([Counted(8.0)]), ["--smoke"]) == 0
    assert read_report("runs/smoke/small.json")["smoke"] is True
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["smoke"]


def test_without_arguments_it_exits_with_its_code(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["reproduce/small.py", "--out", str(tmp_path / "out")])
    monkeypatch.setattr("green_vae.experiments.plan.device_rate", lambda: 1e12)
    with pytest.raises(SystemExit) as stopped:
        main(small_table([Counted(OSError("disk full"))]))
    assert stopped.value.code == 1


@pytest.mark.parametrize("name", list(TABLES))
def test_the_example_of_the_help_runs_a_row(name):
    """The row in the examples, as a shell would split it."""
    import shlex

    text = parser_for(TABLES[name]).format_help()
    line = next(line for line in text.splitlines() if "--limit-eval 2000" in line)
    words = shlex.split(line.strip())
    assert words[:2] == ["python", f"reproduce/{name}.py"]
    options = parser_for(TABLES[name]).parse_args(words[2:])
    assert options.train and [row.name for row in chosen(TABLES[name].rows, options.rows, "row")] == options.rows


@pytest.mark.parametrize(("name", "told"), [("svae_table2", True), ("svae_table3", False)])
def test_the_help_of_a_script_begins_with_what_it_says_of_itself(name, told, monkeypatch):
    script = SimpleNamespace(__file__="reproduce/svae_table2.py", __doc__="A question.\n\n    python one.py\n")
    monkeypatch.setitem(sys.modules, "__main__", script)
    assert ("\n\nA question.\n\n    python one.py\n" in parser_for(TABLES[name]).format_help()) == told


def test_a_name_with_a_comma_is_one_name():
    rows = [Row("Two, laptop"), Row("Two, workstation"), Row("Three")]
    assert [row.name for row in chosen(rows, ["Two, laptop"], "row")] == ["Two, laptop"]
    assert [row.name for row in chosen(rows, ["two, workstation", "three"], "row")] == ["Two, workstation", "Three"]
    assert [row.name for row in chosen(rows, ["Two"], "row")] == ["Two, laptop", "Two, workstation"]


def test_fault_7_a_package_that_is_missing_is_one_line(capsys, tmp_path):
    """Ends in exit code 1 as every error does, not in a traceback."""
    table = small_table([Counted(ImportError("needs `pip install something`"))])
    assert main(table, ["--out", str(tmp_path)]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == "error: needs `pip install something`"


def test_nothing_under_version_control_changes_unless_asked(tmp_path, monkeypatch, capsys):
    """Recorded numbers are read from results/, the report goes to runs/tables/, --update rewrites results/."""
    monkeypatch.chdir(tmp_path)
    hide_data(monkeypatch, tmp_path)
    counted = Counted(8.0)
    table = small_table([counted])
    assert main(table, ["--update"]) == 0 and counted.calls == 2
    before = {path: path.read_bytes() for path in sorted((tmp_path / "results").rglob("*")) if path.is_file()}
    assert "1/2  first" in capsys.readouterr().err
    assert main(table, []) == 0 and counted.calls == 2  # taken over
    assert {path: path.read_bytes() for path in before} == before
    assert read_report("runs/tables/small.json")["rows"]["first"]["a"]["recorded"] is True
    counted.version, counted.value = 2, 9.0
    assert main(table, ["--rows", "first"]) == 0  # measured here, on the same day: now it is this one that counts
    assert main(table, []) == 0 and counted.calls == 4
    cells = read_report("runs/tables/small.json")["rows"]
    assert [cells[row]["a"]["value"] for row in ("first", "second")] == [9.0, 9.0]
    assert read_report("results/small.json")["rows"]["first"]["a"]["value"] == 8.0
    assert main(table, ["--out", "mine"]) == 0 and counted.calls == 6  # a folder of one's own knows nothing of others
    for wrong in (["--update", "--out", "mine"], ["--update", "--smoke"]):
        with pytest.raises(SystemExit) as stopped:
            main(table, wrong)
        assert stopped.value.code == 2


def test_a_newer_number_of_results_goes_before_an_older_one_of_runs(tmp_path):
    counted = Counted(8.0)
    table = small_table([counted])
    for place, date in (("old", "2026-01-02"), ("new", "2026-01-03")):
        assert main(table, ["--out", str(tmp_path / place)]) == 0
        path = tmp_path / place / "small.json"
        path.write_text(re.sub(r'"date": "[0-9-]+"', f'"date": "{date}"', path.read_text()))
    for out, recorded in (("old", "new"), ("new", "old")):
        found = known_cells(table, Settings(out=tmp_path / out, recorded=tmp_path / recorded))
        assert found["first"]["a"].details["date"] == "2026-01-03"


@pytest.mark.parametrize("form", FORMATS)
def test_every_form_is_printed(form, tmp_path, capsys):
    assert main(small_table([Counted(8.0)]), ["--out", str(tmp_path), "--format", form]) == 0
    assert "first" in capsys.readouterr().out
