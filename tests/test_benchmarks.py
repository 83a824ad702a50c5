"""The scripts in benchmarks/ that need no data run; fault 11: in mixed precision, too."""

import importlib.util
import json
import math
import subprocess
import sys
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from core_models import child_env
from experiment_tables import ROOT
from scipy import stats

import green_vae as gv
from green_vae import metrics, presets, training
from green_vae.experiments.overview import load_script
from green_vae.models.precision import dtype_policy
from green_vae.models.train_step import schedules_move
from green_vae.presets import Preset
from green_vae.training import Recipe

CONFIG = {"image_shape": (8, 8, 1), "latent_dim": 2, "network": "mlp", "network_options": {"widths": (8,)}}


@pytest.mark.parametrize("options", [[], ["--mixed-precision"]])
def test_fault_11_the_speed_of_training(options, monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(presets.PRESETS, "test/tiny", Preset("vae", CONFIG, "digits", Recipe(batch_size=4), "us"))
    monkeypatch.setattr(sys, "argv", ["training.py", "test/tiny", "--steps", "1", "--out", str(tmp_path), *options])
    script = load_script(ROOT / "benchmarks" / "training.py")
    monkeypatch.setattr(script.matmul_rate, "__defaults__", (16, 1))
    with dtype_policy(None):  # the script sets one
        script.main()
        assert keras.config.dtype_policy().name == ("mixed_bfloat16" if options else "float32")
    first, second = capsys.readouterr().out.splitlines()
    (page,) = tmp_path.glob("training-*.md")
    assert second in page.read_text() and page.with_suffix(".json").exists()
    assert "GFLOP/s" in first and second.startswith("test/tiny: ") and "images/s" in second and " graph)" in second


EPOCH = """
%body (arg: (f32[4,8])) -> (f32[4,8]) {
  %arg = (f32[4,8]{1,0}) parameter(0)
  %w = f32[4,8]{1,0} get-tuple-element(%arg), index=0
  %x = f32[2,4]{1,0} fusion(%w), kind=kLoop, calls=%f, metadata={op_name="jit(epoch)/while/body/jvp(encoder)/relu/max"}
  %y = f32[2,8]{1,0} dot(%x, %w), metadata={op_name="jit(epoch)/while/body/jvp(encoder)/dense/dot_general"}
  %n = (f32[8]{0}, bf16[8]{0}) fusion(%y), calls=%g, metadata={op_name="jvp(encoder)/batch_normalization_1/sub"}
  ROOT %v = f32[4,8]{1,0} fusion(%w, %y), calls=%h, metadata={op_name="jit(epoch)/while/body/adam/sub"}
}

ENTRY %main (p: f32[4,8]) -> f32[4,8] {
  %small = (s32[]) while(%c), condition=%other, body=%draw
  %while = (f32[4,8]{1,0}) while(%t), condition=%cond, body=%body
}
"""


def test_bytes_of_a_step_by_kind_of_operation():
    script = load_script(ROOT / "benchmarks" / "epoch.py")
    weights, x, y = 4 * 4 * 8, 4 * 2 * 4, 4 * 2 * 8
    assert script.moved(script.step_of(EPOCH)) == {
        "optimizer": (1, 2 * weights + y),
        "products": (1, x + weights + y),
        "batch norm": (1, y + 8 * (4 + 2)),
        "the rest": (1, weights + x),
    }
    with pytest.raises(ValueError, match="no loop over steps"):
        script.step_of("ENTRY %main () -> f32[] {}")


@pytest.mark.slow
@pytest.mark.skipif(not importlib.util.find_spec("jax"), reason="JAX is not installed")
def test_the_least_time_of_a_step():
    command = [sys.executable, str(ROOT / "benchmarks" / "epoch.py"), "review/mlp-cifar10", "--batch", "8"]
    done = subprocess.run(command, env=child_env(KERAS_BACKEND="jax"), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    lines = done.stdout.splitlines()
    assert len(lines) == 11 and lines[0].startswith("review/mlp-cifar10, a step of 8 images: ")
    assert all(" operations " in line and " GB, at least " in line for line in (*lines[1:5], *lines[6:10]))


def first_steps(monkeypatch, *arguments, **recipe):
    """Run benchmarks/first_steps.py on a tiny preset -> its exit code."""
    tiny = Preset("vae", {**CONFIG, "image_shape": (32, 32, 1)}, "digits", Recipe(batch_size=4, **recipe), "us")
    monkeypatch.setitem(presets.PRESETS, "test/tiny", tiny)
    monkeypatch.setattr(sys, "argv", ["first_steps.py", "test/tiny", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        load_script(ROOT / "benchmarks" / "first_steps.py").main()
    return end.value.code


def test_the_first_steps_of_a_recipe_that_holds(monkeypatch, capsys, tmp_path):
    """The steps are those of `training.train`: the same last loss as its own loop, batch by batch."""
    assert first_steps(monkeypatch, "--steps", 21, "--out", tmp_path) == 0
    head, *lines, end = capsys.readouterr().out.splitlines()
    assert "images of digits, batches of 4, rate 0.0001" in head and end == "test/tiny: finite"
    assert [line.split("/")[0] for line in lines] == ["step 1", "step 10", "step 20", "step 21"]
    assert all("largest |log variance|" in line and " left 0:" in line for line in lines)
    row = json.loads((tmp_path / "first_steps.json").read_text())["test/tiny"]
    assert (row["steps"], row["outcome"], row["batch_size"]) == (21, "finite", 4) and len(row["curve"]) == 4
    assert "| test/tiny | " in (tmp_path / "first_steps.md").read_text()

    losses = []
    watch = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: losses.append(logs["loss"]))
    chosen = presets.PRESETS["test/tiny"]
    x = gv.data.load("digits").images
    training.train(chosen.build(0), x, chosen.recipe, tmp_path / "run", epochs=1, callbacks=[watch])
    means = [losses[step] * (step + 1) for step in range(21)]  # they are means since the beginning
    assert row["curve"][-1]["loss"] == pytest.approx(means[20] - means[19], rel=1e-4)


def test_the_first_steps_of_a_recipe_that_diverges(monkeypatch, capsys, tmp_path):
    assert first_steps(monkeypatch, "--steps", 50, "--out", tmp_path, learning_rate=1e30) == 1
    assert capsys.readouterr().out.splitlines()[-1].startswith("test/tiny: diverged at step ")
    row = json.loads((tmp_path / "first_steps.json").read_text())["test/tiny"]
    assert row["outcome"] == f"diverged at step {row['steps']}" and row["steps"] < 50
    assert None in row["curve"][-1].values()


def test_the_start_of_commands_beside_another_process(monkeypatch, capsys, tmp_path):
    script = load_script(ROOT / "benchmarks" / "start.py")
    commands = {script.IMPORT: ("-c", "pass"), "busy": ("-c", "sum(range(3_000_000))"), "other": ("-c", "pass")}
    monkeypatch.setattr(script, "COMMANDS", commands)
    monkeypatch.setattr(sys, "argv", ["start.py", "--rounds", "2", "--only", "busy", "--out", str(tmp_path)])
    script.main()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| `import tensorflow`", "| `busy`"]
    found = json.loads((tmp_path / "start.json").read_text())["commands"]
    assert all(len(row["runs"]) == 2 and row["runs"][0]["peak_mb"] > 1 for row in found.values())
    busy, others = found["busy"], found[script.IMPORT]["runs"]
    for run, other, ratio in zip(busy["runs"], others, busy["ratios"], strict=True):
        assert ratio == run["cpu_s"] / other["cpu_s"] > 1 and run["wall_s"] > 0
    assert lines[3] in (tmp_path / "start.md").read_text()

    with pytest.raises(RuntimeError, match="exit code 1 of -c raise(?s:.*)no such thing"):
        script.spent(("-c", "raise SystemExit('no such thing')"), tmp_path)


def benchmark(name, monkeypatch, *arguments):
    """A script of benchmarks/ that takes from its neighbours, its FID made of tiny features."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    monkeypatch.setattr(sys, "argv", [f"{name}.py", *map(str, arguments)])
    script = load_script(ROOT / "benchmarks" / f"{name}.py")
    monkeypatch.setattr(
        script, "FIDEvaluator", lambda layers, **settings: metrics.FIDEvaluator(protocol="tiny", **settings)
    )
    return script


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_speed_of_the_fid(precision, monkeypatch, capsys, tmp_path):
    arguments = ("--images", 20, "--rounds", 4, "--precision", precision, "--out", tmp_path)
    script = benchmark("fid", monkeypatch, *arguments)
    monkeypatch.setattr(script, "DIM", 16)
    script.main()
    lines, report = capsys.readouterr().out.splitlines(), (tmp_path / "fid.md").read_text()
    found = json.loads((tmp_path / "fid.json").read_text())
    assert len(lines) == (5 if precision == "bfloat16" else 3) and all(f"* {line}\n" in report for line in lines)
    assert [len(rates) for rates in found["inception"]["images_per_s"].values()] == [4] * (len(lines) // 2)
    rates = found["inception"]["images_per_s"]
    if precision == "bfloat16":
        expected = [b / a for a, b in zip(rates["float32"], rates["bfloat16"], strict=True)]
        assert found["inception"]["ratios"] == expected and "times as many images/s; the processor has" in lines[2]
    distance = found["frechet"]
    assert distance["ratios"] == [b / a for a, b in zip(distance["ours_s"], distance["scipy_s"], strict=True)]

    monkeypatch.setattr(script, "by_matrix_root", lambda *_: 0)
    with pytest.raises(ValueError, match="must give one distance. Received: .* and 0"):
        script.frechet_seconds(1)


def test_the_shift_by_bfloat16(monkeypatch, capsys, tmp_path):
    script = benchmark(
        "fid_precision", monkeypatch, "--images", 40, "--reference", 90, "--cache", tmp_path / "kept", "--out", tmp_path
    )
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (90, 8, 8, 3), "uint8")
    monkeypatch.setattr(script.gv.data, "load", lambda *_: SimpleNamespace(images=images))
    monkeypatch.setattr(script, "SETS", {"same": lambda n: images[:n], "dark": lambda n: images[:n] // 2})
    script.main()
    told = json.loads((tmp_path / "fid_precision.json").read_text())["sets"]["FID@tiny"]
    assert list(told) == ["same", "dark"] and len(list((tmp_path / "kept").iterdir())) == 6
    sides = {
        precision: [metrics.FIDEvaluator(protocol="tiny", precision=precision).moments(x)["tiny"] for x in (a, images)]
        for precision in ("float32", "bfloat16")
        for a in [images[:40] // 2]
    }
    for precision, (a, b) in sides.items():
        assert told["dark"][precision] == pytest.approx(metrics.frechet_from_moments(a, b), rel=1e-4)
    row = told["dark"]
    assert row["shift"] == row["bfloat16"] - row["float32"] and row["noise_of_10000"] == row["noise"] * 0.004**0.5
    assert [script.below(row | {"shift": s, "noise_of_10000": 1.0}) for s in (-0.9, 0.9, 1, -1.1)] == [1, 1, 0, 0]
    out = capsys.readouterr().out
    assert (tmp_path / "fid_precision.md").read_text().startswith(out.rstrip()) and "| dark | " in out


def test_the_wait_for_a_picture_of_the_page(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["explore.py", "boon/beta-mnist", "--times", "3"])
    load_script(ROOT / "benchmarks" / "explore.py").main()
    header, line = capsys.readouterr().out.splitlines()
    name, median, largest = line.split()
    assert name == "boon/beta-mnist" and 0 < float(median) <= float(largest)


def test_the_package_beside_plain_keras(monkeypatch, capsys, tmp_path):
    """The bare models lose what ours do: the same loss for the same weights and posterior means."""
    script = load_script(ROOT / "benchmarks" / "overhead.py")
    tiny = {"image_shape": (8, 8, 1), "latent_dim": 2, "network": "mlp", "network_options": {"widths": (4,)}}
    models = {"plain": (gv.models.VAE, tiny), "gamma": (gv.models.ComputedGammaVAE, {**tiny, "beta": 2.0})}
    monkeypatch.setattr(script, "NETWORKS", models)
    for name in models:
        ours, bare = script.pair(name)
        x = script.random_images(ours, 5)
        outputs = bare(x)
        before = float(bare.compute_loss(x, y_pred=outputs))
        assert before == pytest.approx(float(ours.compute_loss(x, y_pred=outputs)), rel=1e-5)
        with schedules_move():
            ours.compute_loss(x, y_pred=outputs)
        again = float(bare.compute_loss(x, y_pred=outputs))
        assert again == pytest.approx(float(ours.compute_loss(x, y_pred=outputs)), rel=1e-5)
        assert (again > before) == (name == "gamma")  # gamma has fallen, so that the error weighs more

    monkeypatch.setattr(script, "SIZES", (2,))
    monkeypatch.setattr(sys, "argv", ["overhead.py", "--quick", "--networks", "gamma", "--out", str(tmp_path)])
    script.main()
    rows = json.loads((tmp_path / "overhead.json").read_text())
    assert [row["what"].split()[0] for row in rows["call"]] == ["generate", "encode", "reconstruct"]
    for row in (*rows["train"], *rows["call"]):
        low, high = row["quartiles"]
        assert 0 < low <= row["ratio"] <= high and row["ours_s"] > 0 and row["other_s"] > 0
    assert rows["train"][0]["mark"] == 1.05 and "memory" not in rows and rows["repeats"] == 3
    printed, written = capsys.readouterr().out, (tmp_path / "overhead.md").read_text()
    assert printed.strip() in written and written.count("| gamma |") == 4


def paired(*differences):
    """Results of one network, whose log ratios of bfloat16 to float32 are these numbers in every measure."""
    return {
        "float32": [{"mse": 5.0, "latent": 20.0, "fid": 40.0} for _ in differences],
        "bfloat16": [
            {"mse": 5 * math.exp(d), "latent": 20 * math.exp(d), "fid": 40 * math.exp(d)} for d in differences
        ],
    }


@pytest.mark.parametrize(
    ("networks", "verdict"),
    [
        ([(0.001, -0.002, 0.001), (0.0, 0.002, -0.001)], "as well"),
        ([(0.3, -0.3, 0.1), (0.0, 0.2, -0.1)], "open"),
        ([(0.10, 0.11, 0.12), (0.0, 0.0, 0.0)], "worse"),  # one network is enough
        ([(-0.10, -0.11, -0.12), (-0.11, -0.1, -0.12)], "worse"),  # another KL is none better
        ([(0.011, 0.012, 0.010), (0.012, 0.010, 0.011)], "as well"),  # told apart, and less than the margin
    ],
)
def test_the_rule_of_the_study_of_precisions(networks, verdict):
    script = load_script(ROOT / "benchmarks" / "precision.py")
    found = script.judged({str(place): paired(*differences) for place, differences in enumerate(networks)})
    assert found["verdict"] == verdict
    every = np.concatenate(networks)
    low, high = stats.ttest_1samp(every, 0).confidence_interval(0.95)
    assert found["pooled"]["mse"]["low"] == pytest.approx(low) and found["pooled"]["mse"]["high"] == pytest.approx(high)
    assert found["pooled"]["fid"]["mean"] == pytest.approx(every.mean()) and found["networks"]["0"]["mse"]["pairs"] == 3


def test_a_training_that_only_bfloat16_loses_decides():
    script, rows = load_script(ROOT / "benchmarks" / "precision.py"), paired(0.001, -0.001, 0.0)
    rows["bfloat16"][1] = {"diverged": "why"}
    found = script.judged({"one": rows})
    assert found["verdict"] == "worse" and found["diverged in bfloat16 alone"] == ["one"]
    assert found["pooled"]["mse"]["pairs"] == 2


def test_the_study_of_precisions_goes_on_with_what_is_there(monkeypatch, capsys, tmp_path):
    script = load_script(ROOT / "benchmarks" / "precision.py")
    tiny = Preset("vae", {**CONFIG, "image_shape": (32, 32, 1)}, "digits", Recipe(1e-3, (), 20, 1), "us", name="tiny")
    monkeypatch.setattr(script, "NETWORKS", {"tiny": script.Network(tiny)})
    for name in ("IMAGES", "TEST", "SAMPLES", "REFERENCE"):
        monkeypatch.setattr(script, name, 40)
    arguments = ["--seeds", "1", "--protocol", "tiny", "--runs", str(tmp_path / "runs"), "--out", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["precision.py", *arguments])
    script.main()
    first = json.loads((tmp_path / "precision.json").read_text())
    assert first["verdict"] == "open" and first["label"] == "FID@tiny"  # one pair has no interval
    policies = [json.loads((tmp_path / "runs" / f"tiny-{p}-0" / "run.json").read_text()) for p in script.PRECISIONS]
    assert [run["dtype_policy"] for run in policies] == ["float32", "mixed_bfloat16"]
    assert all(len(first["results"]["tiny"][precision]) == 1 for precision in script.PRECISIONS)
    monkeypatch.setattr(script.presets, "train", None)  # nothing is trained again
    script.main()
    assert json.loads((tmp_path / "precision.json").read_text())["results"] == first["results"]
    printed, written = capsys.readouterr().out, (tmp_path / "precision.md").read_text()
    assert "| tiny | MSE x 1000 | " in printed and "is open" in written and "Margins, fixed before the run" in written


@pytest.mark.slow
def test_killed_trainings_end_with_the_same_weights(tmp_path):
    script = ROOT / "benchmarks" / "kills.py"
    for counts in ("1", "0", "0"), ("0", "0", "2"):  # the second run keeps what the first one wrote
        kinds = [word for pair in zip(("--kills", "--ships", "--writes"), counts, strict=True) for word in pair]
        command = [sys.executable, str(script), *kinds, "--seed", "3", "--out", str(tmp_path)]
        done = subprocess.run(command, env=child_env(), capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr[-2000:]
    first, second = (run["trials"] for run in json.loads((tmp_path / "kills.json").read_text())["runs"])
    assert [(row["model"], row["equal"], row["loads"]) for row in first] == [("plain", True, True)]
    assert all(row["killed"] and row["loads"] for row in second) and len(second) == 2
    page = (tmp_path / "kills.md").read_text()
    assert (
        "| plain | trained | 1 |" in page
        and "| moments and report | wrote them over and over | 2 | 2 | - | 2 |" in page
    )


def test_operations_of_a_step_by_group():
    script = load_script(ROOT / "benchmarks" / "step_profile.py")
    for operation, kind, group in (
        ("encoder/conv2d/convolution", "FusedConv2D", "convolutions"),
        ("gradient_tape/decoder/batch_normalization_2/mul", "Mul", "batch norm"),
        ("decoder/batch_normalization/Cast", "Cast", "casts"),
        ("decoder/dense/MatMul", "MatMul", "products of matrices"),
        ("decoder/activation/Relu", "Relu", "element by element"),
        ("adam/ResourceApplyAdam_3", "ResourceApplyAdam", "updates of weights"),
        ("noise/StatelessRandomNormalV2", "StatelessRandomNormalV2", "all else"),
    ):
        assert script.group_of(operation, kind) == group
    single = {"seconds": (0.4, 0.6), "system": 0.1, "pages": 8, "groups": {"convolutions": 0.9, "casts": 0.1}}
    half = {"seconds": (0.2, 0.2), "system": 0.0, "pages": 4, "groups": {"convolutions": 0.3}}
    page = list(script.lines({"a net": {"float32": single, "bfloat16": half}}, batch=7))
    assert page[0] == "## a net, batches of 7" and "2.50 (2.00 to 3.00) times as long" in page[2]
    assert "| convolutions | 900 | 90% | 300 | 100% | 3.00 |" in page
    assert "| casts | 100 | 10% | 0 | 0% |  |" in page and "| pages brought in | 8 | | 4 | | 2.00 |" in page


@pytest.mark.slow
def test_the_profile_of_a_step(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(presets.PRESETS, "test/tiny", Preset("vae", CONFIG, "digits", Recipe(batch_size=4), "us"))
    monkeypatch.setattr(
        sys, "argv", ["step_profile.py", "test/tiny", "--steps", "1", "--batch", "4", "--out", str(tmp_path)]
    )
    load_script(ROOT / "benchmarks" / "step_profile.py").main()
    (found,) = json.loads((tmp_path / "step_profile.json").read_text())["rows"].values()
    for precision in ("float32", "bfloat16"):
        assert found[precision]["groups"]["products of matrices"] > 0 and found[precision]["seconds"][0] > 0
    assert "## test/tiny, batches of 4" in capsys.readouterr().out


def test_a_reader_that_hangs_is_killed(tmp_path, monkeypatch):
    script = load_script(ROOT / "benchmarks" / "fuzz.py")
    monkeypatch.setattr(script, "HANG", 0.2)
    (tmp_path / "seed").write_text("7")
    assert script.ended(subprocess.Popen(["sleep", "60"]).pid, tmp_path / "seed") == -9
    assert script.ended(subprocess.Popen(["false"]).pid, tmp_path / "none") == 1
