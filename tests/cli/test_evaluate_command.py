"""`green-vae evaluate`: what A and B may be, and that its numbers are those of `metrics.evaluate`."""

import json
import subprocess
import sys

import numpy as np
import pytest
from core_models import child_env
from PIL import Image

import green_vae as gv
from green_vae import cli, metrics
from green_vae.cli.sources import source
from green_vae.metrics import FIDEvaluator
from green_vae.metrics.resize import described

TINY = ["--protocol", "tiny"]
BETA = "boon/beta-mnist"


@pytest.fixture
def sets(tmp_path):
    """A folder of 30 pictures, an .npz file of 24, and both as arrays."""
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 256, (30, 8, 8, 3), "uint8"), rng.integers(60, 256, (24, 8, 8, 3), "uint8")
    (tmp_path / "a").mkdir()
    for number, image in enumerate(a):
        Image.fromarray(image).save(tmp_path / "a" / f"{number:02}.png")
    np.savez(tmp_path / "b.npz", images=b, labels=np.arange(24))
    return tmp_path / "a", tmp_path / "b.npz", a, b


def as_json(capsys, *arguments):
    assert cli.main(["evaluate", *map(str, arguments), *TINY, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_folder_and_a_file_of_images(sets, capsys):
    folder, file, a, b = sets
    told = as_json(capsys, folder, file)
    with pytest.warns(UserWarning, match="subsets of 12"):
        expected = metrics.evaluate(a, b, protocol="tiny")
    assert told["fid"] == expected.fid.value and told["label"] == "FID@tiny"
    assert (told["kid"], told["kid_error"]) == (expected.kid.value, expected.kid.error)
    for name, value in expected.neighbours._asdict().items():
        assert told[name] == value
    assert told["a"] == {"source": str(folder), "images": 30} and told["b"]["images"] == 24
    assert "not on the scale of the published FID" in told["caveat"] and told["compared"] == [30, 24]


def test_a_page_for_people(sets, capsys):
    folder, file, *_ = sets
    assert cli.main(["evaluate", f"{folder}@4", str(file), "-n", "20", *TINY]) == 0
    out, err = capsys.readouterr()
    head, numbers, caveat, shapes = out.split("\n\n")
    assert head == f"A  {folder}@4: 20 images of 4 x 4\nB  {file}: 20 images of 8 x 8"
    names = ["FID@tiny", "KID@tiny", "precision", "recall", "density", "coverage"]
    assert [line.split()[0] for line in numbers.splitlines()] == names and " +- " in numbers
    assert caveat.startswith("FID@tiny is not on the scale") and "differ in size or channels (4 x 4 x 3 and" in shapes
    assert "note: a KID of subsets of 10 features" in err and ".py" not in err


def test_a_model_generates_what_tables_measure(capsys):
    told = as_json(capsys, f"{BETA}:gmm", "digits:test", "-n", "150", "--seed", "3")
    assert (told["a"]["images"], told["b"]["images"]) == (150, 150)
    model, reference = gv.load(BETA), gv.data.load("digits", "test").images
    chosen = reference[np.sort(np.random.default_rng(3).choice(len(reference), 150, replace=False))]
    assert told["fid"] == pytest.approx(float(metrics.fid(model.generate(150, "gmm", seed=3), chosen, protocol="tiny")))


def test_moments_that_were_kept_serve_again(sets, tmp_path, capsys):
    folder, file, *_ = sets
    first = as_json(capsys, folder, file, "--cache", tmp_path / "kept")
    kept = sorted((tmp_path / "kept").iterdir(), key=lambda path: metrics.Moments.load(path).n)
    again = as_json(capsys, kept[1], kept[0])
    assert {**again, "a": 0, "b": 0} == {**first, "a": 0, "b": 0}
    others = metrics.FIDEvaluator(protocol="tiny", stretch=True).moments(np.zeros((3, 8, 8, 3)))["tiny"]
    others.save(tmp_path / "others.npz")
    assert cli.main(["evaluate", str(tmp_path / "others.npz"), str(file), *TINY]) == 1
    assert "different protocols do not compare" in capsys.readouterr().err


def test_a_precision_goes_by_the_moments_that_are_given_and_never_mixes(sets, tmp_path, capsys):
    folder, file, *_ = sets
    told = as_json(capsys, folder, file, "--precision", "bfloat16", "--cache", tmp_path / "kept")
    assert told["label"] == "FID@tiny(bfloat16)" and "products in bfloat16" in told["protocol"]
    kept = max((tmp_path / "kept").iterdir(), key=lambda path: metrics.Moments.load(path).n)
    assert as_json(capsys, kept, file)["fid"] == told["fid"] != as_json(capsys, folder, file)["fid"]
    assert cli.main(["evaluate", str(kept), str(file), "--precision", "float32", *TINY]) == 1
    assert "with the same settings. Received: {'precision': ('bfloat16', 'float32')}" in capsys.readouterr().err


def test_rounding_goes_by_the_moments_that_are_given_and_never_mixes(sets, tmp_path, capsys):
    folder, file, *_ = sets
    told = as_json(capsys, folder, file, "--quantise", "--cache", tmp_path / "kept")
    assert told["label"] == "FID@tiny(8 bit)" and "rounded to 8 bit" in told["protocol"]
    kept = max((tmp_path / "kept").iterdir(), key=lambda path: metrics.Moments.load(path).n)
    assert as_json(capsys, kept, file)["label"] == told["label"] != as_json(capsys, folder, file)["label"]


def test_a_resize_goes_by_the_moments_that_are_given_and_never_mixes(sets, tmp_path, monkeypatch, capsys):
    """What the extractor is asked for; the network itself is tested elsewhere."""
    asked, file = [], sets[1]

    def evaluator(layer, **settings):
        asked.append(settings.get("resize"))
        raise ValueError("no network in this test")

    monkeypatch.setattr(metrics, "FIDEvaluator", evaluator)
    nearest = metrics.Protocol("survey", "w", "0", described("nearest@150"), "2x - 1", "avg_pool")
    metrics.Moments(2048, nearest).update(np.eye(2048)[:9]).save(tmp_path / "kept.npz")
    for options in ([], ["--resize", "bicubic"]):
        assert cli.main(["evaluate", str(tmp_path / "kept.npz"), str(file), *options]) == 1
    assert asked == ["nearest@150", "bicubic"] and "no network in this test" in capsys.readouterr().err
    monkeypatch.undo()
    assert cli.main(["evaluate", str(file), str(file), "--resize", "cubic", *TINY]) == 1
    assert "Received: resize='cubic'" in capsys.readouterr().err


def test_the_distance_of_infinitely_many_images(sets, capsys):
    folder, file, a, b = sets
    told = as_json(capsys, folder, file, "--extrapolate")
    extractor = metrics.TinyExtractor()
    with pytest.warns(UserWarning, match="6 images are fewer than the 64 features"):
        line = metrics.extrapolate(*(extractor(x / np.float32(255))["tiny"] for x in (a, b)))
    assert told["fid_extrapolated"] == pytest.approx(line.value, rel=1e-6) and told["fid_extrapolated_error"] > 0
    assert list(told["fid_of_n"]) == ["24", "12", "8", "6"]
    assert told["fid_error_of_both"] == pytest.approx(line.spread, rel=1e-6) and told["fid_error"] is None  # too few
    assert cli.main(["evaluate", str(folder), str(file), *TINY, "--extrapolate"]) == 0
    assert f"FID@tiny, n to infinity  {line}" in capsys.readouterr().out


def test_generated_images_as_the_reference_are_remarked_upon(capsys):
    assert cli.main(["evaluate", "digits:test", BETA, "-n", "40", *TINY]) == 0
    assert "B is the reference, and these images are generated" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("a", "b", "code", "message"),
    [
        ("boon/beta-mnst", "digits", 2, "did you mean boon/beta-mnist? Received: boon/beta-mnst"),
        ("digits", "cifar1", 2, "did you mean cifar10?"),
        ("nothing", "digits", 2, "list` shows the presets; data sets are cifar10"),
        ("digits:dev", "digits", 2, "digits has the splits train, test. Received: digits:dev"),
        ("missing.npz", "digits", 1, "no such file. Received: missing.npz"),
        (f"{BETA}:gm", "digits", 1, "there is prior, gmm"),
        (f"{BETA}:gmm:x1", "digits", 1, "without a split head"),
        ("boon/beta-cifar10", "digits", 1, "no weights for boon/beta-cifar10"),
    ],
)
def test_errors_are_one_line_before_anything_is_measured(a, b, code, message, capsys):
    assert cli.main(["evaluate", a, b, *TINY]) == code
    captured = capsys.readouterr()
    assert captured.out == "" and len(captured.err.splitlines()) == 1 and message in captured.err


def test_an_archive_without_images_says_what_it_holds(tmp_path, capsys):
    np.savez(tmp_path / "stats.npz", mu=np.zeros(3), sigma=np.eye(3))
    assert cli.main(["evaluate", str(tmp_path / "stats.npz"), "digits", *TINY]) == 1
    assert "stats.npz with mu (3,), sigma (3, 3)" in capsys.readouterr().err


def test_the_deepest_layer_for_which_there_are_weights(sets, monkeypatch):
    """By default 2048 features; 1280 where the file of weights ends before; what is asked for, as it is asked for."""
    asked = []

    def evaluator(layer, **settings):
        asked.append(layer)
        if layer == "2048":
            raise ValueError("this file ends before this layer")
        return FIDEvaluator(protocol="tiny")

    monkeypatch.setattr(metrics, "FIDEvaluator", evaluator)
    folder, file, *_ = sets
    assert cli.main(["evaluate", str(folder), str(file)]) == 0 and asked == ["2048", "1280"]
    assert cli.main(["evaluate", str(folder), str(file), "--layer", "768"]) == 0 and asked[2:] == ["768"]


def test_a_folder_of_a_model_may_have_a_colon_in_its_name(tmp_path):
    for name in ("config.json", "metadata.json"):
        (tmp_path / "may:june").mkdir(exist_ok=True)
        (tmp_path / "may:june" / name).write_text("{}")
    found = source(str(tmp_path / "may:june"))
    assert (found.kind, found.name, found.rest) == ("model", str(tmp_path / "may:june"), "")


def test_names_are_answered_without_a_backend():
    code = """
import json, sys
from green_vae import cli
codes = []
for arguments in (["list"], ["info", "boon/beta-mnist"], ["evaluate", "boon/beta-mnst", "mnist"], ["--help"]):
    try:
        codes.append(cli.main(arguments))
    except SystemExit as end:
        codes.append(end.code)
print(json.dumps([codes, [name for name in ("keras", "tensorflow", "jax") if name in sys.modules]]))
"""
    done = subprocess.run([sys.executable, "-c", code], env=child_env(), capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == [[0, 0, 2, 0], []]
