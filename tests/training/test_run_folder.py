"""What a run folder holds: `run.json`, which run may go on from it, how often it saves, budgets, starting over."""

import dataclasses
import importlib
import itertools
import json
import shutil
from functools import partial
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from experiment_tables import Counted, small_table

from green_vae import cli, data, presets
from green_vae.experiments.bench import Bench
from green_vae.experiments.run import Run
from green_vae.experiments.runner import finished
from green_vae.experiments.spec import NotRun, Row, Settings
from green_vae.presets import Preset, store
from green_vae.training import Batches, Budget, Recipe, best_epoch
from green_vae.training.budget import seconds_of
from green_vae.training.checkpoint import checkpoints, read_history
from green_vae.training.loop import _Finite
from green_vae.training.run_folder import OtherRunError, read_run
from green_vae.utils import ledger

NETWORK = {"network": "mlp", "network_options": {"widths": (8,), "activation": "relu"}}
CONFIG = {"image_shape": (32, 32, 1), "latent_dim": 4, **NETWORK}
TINY = Preset("vae", CONFIG, "digits", Recipe(1e-3, (4, 8), 20, 10), "us", samplers={}, name="test/tiny")
EPOCHS = 5


@pytest.fixture(autouse=True)
def known(monkeypatch):
    monkeypatch.setitem(presets.PRESETS, "test/tiny", TINY)
    monkeypatch.setattr("green_vae.training.account.idle", lambda: (None, ""))


def train(out, chosen=TINY, epochs=EPOCHS, **options):
    """40 digits in batches of 20; no pictures and no folder to ship."""
    return presets.train(chosen, out, epochs, **{"limit_train": 40, "ships": False, "ledger": None, **options})


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """(folder, model) of a run of five epochs that nobody stopped."""
    out = tmp_path_factory.mktemp("straight") / "run"
    return out, train(out)


@pytest.fixture
def out(straight, tmp_path):
    """A copy of its folder."""
    return shutil.copytree(straight[0], tmp_path / "run")


def contents(out):
    return {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}


class Stop(keras.callbacks.Callback):
    """Ctrl-C at the beginning of an epoch, from 0 on."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            raise KeyboardInterrupt


def stopped(out, epoch, **options):
    with pytest.raises(KeyboardInterrupt):
        train(out, callbacks=[Stop(epoch)], **options)


def losses(out):
    """What does not depend on the clock."""
    return [{name: epoch[name] for name in ("loss", "kl", "learning_rate")} for epoch in read_history(out)]


def assert_same(one, other):
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


# what it is


def test_a_run_says_what_it_is_before_its_first_step(tmp_path):
    stopped(tmp_path, 0)
    run, digits = read_run(tmp_path), data.load("digits", "train")
    assert not checkpoints(tmp_path) and not read_history(tmp_path)
    assert (run["preset"], run["model"], run["dataset"]) == ("test/tiny", "vae", "digits")
    assert run["config"] == json.loads(json.dumps(CONFIG)) and run["recipe"]["halve_at"] == [4, 8]
    assert (run["seed"], run["images"], run["batch_size"], run["epochs"]) == (0, 40, 20, EPOCHS)
    assert run["fingerprint"] == digits.fingerprint
    assert (run["dtype_policy"], run["backend"]) == ("float32", keras.backend.backend())
    assert run["versions"] == ledger.versions() and run["commit"] == ledger.commit()
    assert run["plan"] is None and run["budget"] is None


@pytest.mark.parametrize(
    "arguments, difference",
    [
        (["--seed", "1"], "seed 0 there, 1 now"),
        (["--batch", "10"], "batch_size 20 there, 10 now"),
        (["--mixed-precision"], "dtype_policy float32 there, mixed_bfloat16 now"),
        (["--limit-train", "30"], "images 40 there, 30 now"),
        (["--epochs", "3"], "the folder holds 5 epochs already, more than the 3 asked for"),
    ],
)
def test_another_run_is_refused_by_the_command_line(arguments, difference, out, capsys):
    before, policy = contents(out), keras.config.dtype_policy().name
    same = {"--epochs": "5", "--limit-train": "40"}
    rest = [part for name, value in same.items() if name not in arguments for part in (name, value)]
    assert cli.main(["train", "test/tiny", "--out", str(out), *rest, *arguments]) == 1
    said = capsys.readouterr()
    line = said.err.splitlines()[-1]
    assert difference in line and "--fresh" in line and "another --out" in line and "Traceback" not in said.err
    assert contents(out) == before and keras.config.dtype_policy().name == policy


@pytest.mark.parametrize(
    "changes, difference",
    [
        ({"config": {**CONFIG, "beta": 2.0}}, "config.beta none there, 2.0 now"),
        ({"config": {name: CONFIG[name] for name in CONFIG if name != "network_options"}}, "network_options.widths"),
        ({"recipe": Recipe(2e-3, (4, 8), 20, 10)}, "recipe.learning_rate 0.001 there, 0.002 now"),
        ({"name": "test/other"}, "preset test/tiny there, test/other now"),
        ({"model": "beta_vae"}, "model vae there, beta_vae now"),
    ],
)
def test_another_preset_is_refused(changes, difference, out):
    with pytest.raises(OtherRunError, match=difference):
        train(out, dataclasses.replace(TINY, **changes))


def test_other_data_and_a_budget_are_refused(out):
    with pytest.raises(OtherRunError, match=r"fingerprint \w{12}\.\.\. there, \w{12}\.\.\. now"):
        train(out, read=lambda name, split: data.load(name, "test"))
    with pytest.raises(OtherRunError, match="budget none there, 540.0 now"):
        train(out, epochs=None, budget="9m")


def test_a_table_refuses_them_too_without_the_advice_to_start_over(tmp_path):
    settings = Settings(out=tmp_path, train=True, epochs=2, limit_train=40)
    run_of(settings).prepare()
    with pytest.raises(NotRun, match="holds 2 epochs already, more than the 1 asked for.* another --out") as refused:
        run_of(dataclasses.replace(settings, epochs=1)).prepare()
    assert "--fresh" not in str(refused.value)
    run = run_of(settings)
    run.preset = dataclasses.replace(TINY, recipe=Recipe(1e-3, (4, 8), 10, 10))
    with pytest.raises(NotRun, match="batch_size 20 there, 10 now"):
        run.prepare()


def test_what_does_not_decide_the_weights_may_change(out, straight):
    run = read_run(out)
    (out / "run.json").write_text(json.dumps({**run, "versions": {}, "commit": "another"}))
    recipe = dataclasses.replace(TINY.recipe, note="reworded", epochs=20)
    assert_same(train(out, dataclasses.replace(TINY, recipe=recipe)), straight[1])
    assert read_run(out)["commit"] == "another"  # nothing was trained
    train(out, epochs=EPOCHS + 1)
    assert len(read_history(out)) == read_run(out)["epochs"] == EPOCHS + 1
    assert read_run(out)["commit"] == ledger.commit()


@pytest.mark.parametrize("content", [None, "{"])
def test_a_folder_that_does_not_tell_what_it_holds_is_refused(content, out, straight):
    (out / "run.json").unlink()
    if content:
        (out / "run.json").write_text(content)
    with pytest.raises(OtherRunError, match="run.json.*--fresh.*another --out.*Received: "):
        train(out)
    with pytest.raises(OtherRunError, match="run.json"):  # nor does a figure draw from it
        presets.load_run(TINY, out, data.load, limit_train=40)
    assert_same(train(out, fresh=True), straight[1])


# going on


def test_the_same_folder_goes_on_from_the_last_checkpoint(straight, tmp_path):
    """Saved after every second epoch: stopped in the fifth, it goes on from the fourth."""
    stopped(tmp_path, 3, save_every=2, ledger="ledger.jsonl")
    assert ([epoch for epoch, _ in checkpoints(tmp_path)], len(read_history(tmp_path))) == ([2], 3)
    seen = []
    first = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: seen.append(epoch))
    assert_same(train(tmp_path, save_every=2, ledger="ledger.jsonl", callbacks=[first]), straight[1])
    assert seen == [2, 3, 4] and losses(tmp_path) == losses(straight[0])
    assert [epoch for epoch, _ in checkpoints(tmp_path)] == [EPOCHS]  # the last one always
    lines = ledger.read(tmp_path / "ledger.jsonl")
    assert [line["quality"]["epochs"] for line in lines] == [3, 5]
    assert lines[0]["flops"] == lines[1]["flops"] > 0  # three epochs each: what was lost was spent


def test_the_best_epoch_is_that_of_the_history_it_goes_on_from(tmp_path):
    """Epoch 3 is the best, but is lost; the epochs that are kept end with the best of theirs."""

    class Told(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["val_loss"] = (2.0, 3.0, 1.0, 4.0)[epoch]

    watched = dataclasses.replace(TINY, recipe=Recipe(1e-3, (), 20, 10, validation="test"))
    stopped_at = {"chosen": watched, "save_every": 2}
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "cut", callbacks=[Told(), Stop(3)], **stopped_at)
    kept = train(tmp_path / "cut", epochs=2, **stopped_at)
    assert_same(kept, train(tmp_path / "two", epochs=2, callbacks=[Told()], **stopped_at))
    assert sorted(path.name for path in (tmp_path / "two").glob("*.h5")) == ["best-1.weights.h5", "epoch-2.weights.h5"]
    model, history = presets.load_run(watched, tmp_path / "cut", data.load, limit_train=40)
    assert_same(model, kept)
    assert len(history) == 2


# starting over


def test_fresh_deletes_what_is_the_runs_own_and_nothing_else(out, straight):
    mine = ["epoch-best.weights.h5", "epoch-6-backup.weights.h5", "best.weights.h5", "notes.txt", "pictures/mine.png"]
    events = "pictures/tensorboard/events.out.tfevents.1764333333.host.1.0.v2"
    for name in (*mine, events, "pictures/generated-0009.png", "model/config.json", ".epoch-9.weights.h5.x.weights.h5"):
        (out / name).parent.mkdir(exist_ok=True, parents=True)
        (out / name).write_bytes(b"somebody's")
    train(out, epochs=EPOCHS + 1)  # nor does a run that goes on
    assert all((out / name).read_bytes() == b"somebody's" for name in mine)
    other = train(out, epochs=1, seed=1, fresh=True)
    left = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert left == {*mine, "run.json", "run.lock", "history.json", "epoch-1.weights.h5"}
    assert read_run(out)["seed"] == 1 and len(read_history(out)) == 1
    assert not np.array_equal(other.get_weights()[0], straight[1].get_weights()[0])


@pytest.mark.parametrize("wrong", [{"limit_train": 19}, {"precision": "float64"}])
def test_what_cannot_be_trained_does_not_delete_a_run(wrong, out):
    (out / "model").mkdir()
    (out / "model" / "config.json").write_text("of that run")
    before = contents(out), contents(out / "model")
    with pytest.raises(ValueError, match="Received: (19|'float64')"):
        train(out, fresh=True, **wrong)
    assert (contents(out), contents(out / "model")) == before


def test_a_model_that_cannot_be_takes_no_folder(tmp_path):
    """Its `run.json` stood in the way of the same command with a beta that can be."""
    wrong = dataclasses.replace(TINY, config={**CONFIG, "beta": -1.0})
    with pytest.raises(ValueError, match="beta is a number of 0 or more. Received: beta=-1.0"):
        train(tmp_path, wrong)
    assert read_run(tmp_path) is None


def test_the_command_line_starts_over(out):
    arguments = [
        "train",
        "test/tiny",
        "--out",
        str(out),
        "--limit-train",
        "40",
        "--seed",
        "1",
        "--epochs",
        "1",
        "--precision",
        "float32",
    ]
    assert cli.main(arguments) == 1
    assert cli.main([*arguments, "--fresh"]) == 0
    assert len(read_history(out)) == 1 and store.metadata_of(out / "model")["length"] == "1 of 10 epochs"


# budgets


@pytest.mark.parametrize(
    "text, seconds", [("9m", 540), ("90s", 90), ("1h30m", 5400), ("540", 540), (2.5, 2.5), ("1h1m1s", 3661)]
)
def test_times_are_read(text, seconds):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "9x", "m", "-3", "nan", "9 m"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ValueError, match="a positive time such as 9m.*Received: "):
        seconds_of(text)


def test_a_budget_and_epochs_are_refused_together(tmp_path):
    with pytest.raises(ValueError, match="epochs or a budget, not both. Received: "):
        train(tmp_path, epochs=2, budget="9m")


def first_epoch(budget, clock, compiling, step, batches, tests=0):
    """Let time pass as in an epoch whose first steps are compiled."""
    budget.set_model(SimpleNamespace(optimizer=SimpleNamespace(iterations=0)))
    budget.on_epoch_begin(0)
    for batch in range(batches):
        clock[0] += compiling * (batch == 0) + step
        budget.on_train_batch_end(batch)
    if tests:
        budget.on_test_begin()
    for batch in range(tests):
        clock[0] += compiling * (batch == 0) + step
        budget.on_test_batch_end(batch)
    budget.on_epoch_end(0)


@pytest.mark.parametrize("tests", [0, 6])
def test_compilation_is_spent_but_not_foreseen(tests):
    """Ten batches of 2 s, compiled in 30 s, and as many of validation as there are."""
    clock, decided = [100.0], []
    budget = Budget(600, Recipe(1e-3, (80, 120, 150), 100, 150), decided.append, lambda: clock[0])
    clock[0] += 8  # before the first epoch
    first_epoch(budget, clock, 30, 2, 10, tests)
    clock[0] += 3  # what others do after it
    spent, epoch = 8 + 3 + (30 + 20) + (30 + 2 * tests if tests else 0), 2 * (10 + tests)
    fit = 1 + int(0.95 * (600 - spent) / epoch)
    planned = budget.plan(1)
    assert (planned.epochs, decided) == (fit, [planned])
    assert planned.halve_at == tuple(round(part * fit / 150) for part in (80, 120, 150))


def test_one_batch_counts_as_a_whole_and_a_recipe_that_fits_stays():
    clock, recipe = [0.0], Recipe(1e-3, (4, 8), 100, 10)
    budget = Budget(1000, recipe, lambda planned: None, lambda: clock[0])
    first_epoch(budget, clock, 30, 70, 1)
    assert budget.plan(1, writing=20, epochs=2).epochs == 1 + int(0.95 * 900 / 110)
    budget.seconds = 10_000
    assert budget.plan(1) == recipe
    budget.seconds = 1
    assert budget.plan(1).epochs == 1 and budget.plan(1).halve_at == (1, 1)


@pytest.mark.parametrize(("seconds", "due"), [(600, [False, True]), (250, [True, False])])
def test_the_second_epoch_decides_where_an_epoch_is_one_short_batch(seconds, due):
    """Epochs of 20 s as one batch, and 10 s of what others do and compile after the first, 4 s after the second."""
    clock, recipe = [0.0], Recipe(1e-3, (80, 120, 150), 100, 150)
    budget = Budget(seconds, recipe, lambda planned: None, lambda: clock[0])
    clock[0] += 30  # compiled before the first epoch
    first_epoch(budget, clock, 0, 20, 1)
    clock[0] += 10
    assert budget.due(1) == due[0]
    if due[1]:
        first_epoch(budget, clock, 0, 20, 1)
        clock[0] += 4 + 1
        assert budget.due(2) and budget.plan(2, writing=1, epochs=4).epochs == 2 + int(0.95 * (600 - 85) / 24.25)
    else:
        assert budget.plan(1).epochs == 1 + int(0.95 * (250 - 60) / 20)


@pytest.fixture
def ticking(monkeypatch):
    """Every look at the budget's clock takes a second: two batches take 2, and 4 are spent after the first epoch."""
    module = importlib.import_module("green_vae.presets.train")  # the package's name is the function
    monkeypatch.setattr(module, "Budget", lambda *a: Budget(*a, clock=partial(next, itertools.count())))


def test_a_budget_scales_the_schedule_and_all_say_so(ticking, tmp_path):
    stopped(tmp_path, 3, epochs=None, budget=13.5)  # 0.95 * (13.5 - 4) / 2 = 4.5: four more
    plan = {"epochs": 5, "halve_at": [2, 4], "scaled": True}
    assert read_run(tmp_path)["plan"] == plan and len(read_history(tmp_path)) == 3
    model = train(tmp_path, epochs=None, budget="13.5s", ships=True)  # goes on by the schedule that was written
    assert read_run(tmp_path)["plan"] == plan
    rates = [epoch["learning_rate"] for epoch in read_history(tmp_path)]
    assert rates == pytest.approx([1e-3, 1e-3, 5e-4, 5e-4, 2.5e-4])
    metadata = store.metadata_of(tmp_path / "model")
    assert metadata["length"] == "5 of 10 epochs, schedule scaled" and metadata["budget"] == 13.5
    assert metadata["recipe"]["halve_at"] == [2, 4]
    scaled = dataclasses.replace(TINY, recipe=Recipe(1e-3, (2, 4), 20, 5))
    assert_same(model, train(tmp_path / "same", scaled, None))
    with pytest.raises(OtherRunError, match="budget 13.5 there, 20.0 now"):
        train(tmp_path, epochs=None, budget=20)


def test_the_recipe_that_was_followed_ships_also_from_one_process(ticking, tmp_path):
    train(tmp_path, epochs=None, budget=13.5, ships=True)
    recipe = store.metadata_of(tmp_path / "model")["recipe"]
    assert (recipe["epochs"], recipe["halve_at"]) == (5, [2, 4])


def run_of(settings):
    """The `Run` of the tiny preset in a table whose published number is the one that is measured."""
    row = Row("tiny", {"a": 8.0}, preset="test/tiny")
    return Run(Bench(small_table([Counted(8.0)], [row]), settings), row)


@pytest.mark.parametrize(("budget", "verdict", "epochs"), [(13.5, "differs", 5), (100.0, "reproduced", 10)])
def test_what_a_budget_has_cut_is_never_called_reproduced(budget, verdict, epochs, ticking, tmp_path, monkeypatch):
    monkeypatch.setattr(Run, "train_images", property(lambda run: run.bench.data("digits", "train").images))
    monkeypatch.setattr(presets, "train", partial(_on_forty, presets.train))
    run = run_of(Settings(out=tmp_path, train=True, budget=budget))
    cell = finished(run, Counted(8.0).column)
    assert (cell.verdict, cell.value) == (verdict, cell.published)
    assert ("trained 5 of 10 epochs, schedule scaled" in cell.reason) == (verdict == "differs")
    assert run.length.startswith(f"{epochs} of 10 epochs") and run.epochs == epochs


def _on_forty(train, *arguments, **options):
    """The real function on forty images, of which a table that trains on all of them knows nothing."""
    return train(*arguments, **{**options, "limit_train": 40})


# no numbers


def test_a_term_that_is_no_number_stops_a_training_before_others_look_at_the_model(tmp_path):
    guard = _Finite(Batches(np.zeros((1, 1)), 1), tmp_path)
    guard.set_model(SimpleNamespace(optimizer=SimpleNamespace(learning_rate=1e-3)))
    guard.on_epoch_begin(2)
    guard.on_epoch_end(2, {"loss": 1.0, "val_loss": 2.0})
    for logs in ({"loss": 1.0, "kl": np.nan}, {"loss": np.inf}, {"loss": 1.0, "val_loss": np.nan}):
        name, value = list(logs.items())[-1]
        said = f"which is not kept.*Received: {name} {value} at a learning rate of 0.001"
        with pytest.raises(ValueError, match=f"diverged in epoch 3, {said}"):
            guard.on_epoch_end(2, logs)
        with pytest.raises(ValueError, match=f"diverged in epoch 3 at step 8, {said}"):
            guard.on_train_batch_end(7, logs)


def test_fault_14_a_training_that_diverges_names_epoch_step_and_term_and_is_not_measured(tmp_path, monkeypatch):
    """The first step of two moves the weights beyond all bounds, the second one sees it."""
    measured = []
    monkeypatch.setattr("green_vae.training.callbacks.LatentActivity.measure", lambda self: measured.append(1) or {})
    wild = dataclasses.replace(TINY, recipe=Recipe(1e30, (), 20, 2))
    said = r"diverged in epoch 1 at step 2, .*; no epoch is saved. Received: .*kl (nan|inf).* of 1e\+30"
    with pytest.raises(ValueError, match=said):
        train(tmp_path, wild, None)
    assert not measured and not checkpoints(tmp_path)


class Wild(keras.callbacks.Callback):
    """Moves a weight beyond all bounds before an epoch, from 0 on."""

    def __init__(self, epoch):
        super().__init__()
        self.wild = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.wild:
            weight = self.model.trainable_weights[0]
            weight.assign(np.full(weight.shape, np.inf))


def test_what_a_training_that_diverged_has_left_is_named_and_becomes_a_model(tmp_path):
    """With a checkpoint after the first epoch alone, two of the three that were trained are lost."""
    with pytest.raises(ValueError, match="diverged in epoch 4") as caught:
        train(tmp_path, epochs=5, callbacks=[Wild(3)], ships=True, pictures_every=9)
    ((epoch, path),) = checkpoints(tmp_path)
    assert f"; the run folder holds epoch 1; load_weights reads {path}. Received: " in str(caught.value)
    assert (epoch, len(read_history(tmp_path))) == (1, 3) and not (tmp_path / "model").exists()
    loaded = presets.load(TINY.name, weights=path)
    train(tmp_path, epochs=1, ships=True, pictures_every=9)
    made, metadata = presets.load(tmp_path / "model"), store.metadata_of(tmp_path / "model")
    assert (metadata["epochs"], metadata["length"]) == (1, "1 of 10 epochs")
    assert metadata["cost"]["images"] == read_history(tmp_path)[0]["images"]
    for ours, theirs in zip(made.trainable_weights, loaded.trainable_weights, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-3, atol=1e-6)


def test_no_number_is_never_the_best():
    nan = {"val_loss": float("nan")}
    assert best_epoch([nan, {"val_loss": 3.0}, nan, {"val_loss": 2.0}]) == 4
    assert best_epoch([nan, nan]) is None and best_epoch([{"loss": 1.0}]) is None


@pytest.mark.parametrize("name", ["epochs", "batch_size", "limit_train", "save_every"])
def test_numbers_that_are_not_positive_are_refused_before_anything_is_written(name, tmp_path):
    with pytest.raises(ValueError, match=f"{name} must be positive. Received: 0"):
        train(tmp_path / "run", **{name: 0})
    assert not (tmp_path / "run").exists()
