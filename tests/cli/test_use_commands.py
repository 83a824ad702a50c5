"""Commands that use a trained model on pictures: their files hold what the model's own methods give."""

import csv

import numpy as np
import pytest
from PIL import Image

import green_vae as gv
from green_vae import cli

BETA, AUTOENCODER = "boon/beta-mnist", "boon/autoencoder-mnist"


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """A folder of four digits of 28 x 28, and the same as an array."""
    folder = tmp_path_factory.mktemp("pictures") / "digits"
    folder.mkdir()
    images = np.pad(gv.data.load("digits", "test").images[:4, 2:-2, 2:-2], 0)
    for number, image in enumerate(images):
        Image.fromarray(image[..., 0]).save(folder / f"{number}.png")
    return folder, images


@pytest.fixture(scope="module")
def model():
    return gv.load(BETA)


def run(capsys, *command):
    assert cli.main(list(map(str, command))) == 0
    return capsys.readouterr().out


def pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


def test_reconstruct(digits, model, tmp_path, capsys):
    folder, images = digits
    said = run(capsys, "reconstruct", BETA, folder, "-o", tmp_path / "rows.png", "--zoom", 1)
    made = model.reconstruct(images, sample=False)
    assert np.array_equal(pixels(tmp_path / "rows.png"), gv.plots.reconstruction_grid(images / 255, made)[..., 0])
    assert said == f"written: {tmp_path / 'rows.png'}; mean squared error {gv.metrics.mse(images, made):.5f}\n"
    run(capsys, "reconstruct", BETA, folder / "2.png", folder / "0.png", "-o", f"{tmp_path}/many/", "--zoom", 1)
    assert sorted(path.name for path in (tmp_path / "many").iterdir()) == ["0000-2.png", "0001-0.png"]
    assert np.array_equal(pixels(tmp_path / "many" / "0001-0.png"), np.round(made[0, ..., 0] * 255).astype("uint8"))


def test_encode(digits, model, tmp_path, capsys):
    folder, images = digits
    codes = model.encode(images)
    run(capsys, "encode", BETA, folder, "-o", tmp_path / "codes.npz")
    with np.load(tmp_path / "codes.npz") as file:
        np.testing.assert_array_equal(file["codes"], codes)
        assert file["names"].tolist() == [str(folder / f"{number}.png") for number in range(4)]
    run(capsys, "encode", BETA, folder, "-o", tmp_path / "codes.csv", "-n", 2, "--sample", "--seed", 5)
    with open(tmp_path / "codes.csv", newline="") as file:
        header, *lines = csv.reader(file)
    assert header == ["name", *(f"z{unit}" for unit in range(5))] and len(lines) == 2
    drawn = np.array([line[1:] for line in lines], "float32")
    np.testing.assert_array_equal(drawn, model.encode(images[:2], sample=True, seed=5))
    assert cli.main(["encode", BETA, str(folder), "-o", str(tmp_path / "codes.txt")]) == 1
    assert "as .npz or .csv" in capsys.readouterr().err


def test_interpolate(digits, model, tmp_path, capsys):
    folder, images = digits
    ends = [folder / "0.png", folder / "3.png"]
    run(capsys, "interpolate", BETA, *ends, "--steps", 5, "-o", tmp_path / "line.png", "--zoom", 1)
    row = model.interpolate(images[:1], images[3:], steps=5)[0]
    assert np.array_equal(pixels(tmp_path / "line.png"), gv.plots.image_grid(row, 5)[..., 0])
    run(capsys, "interpolate", BETA, *ends, "--steps", 4, "-o", tmp_path / "line.gif")
    with Image.open(tmp_path / "line.gif") as animation:
        assert animation.n_frames == 6  # there and back


def test_traverse(digits, model, tmp_path, capsys):
    folder, images = digits
    asked = ["--image", folder / "1.png", "--units", "0,3-4", "--reach", 2, "--steps", 3, "--zoom", 1]
    run(capsys, "traverse", BETA, *asked, "-o", tmp_path / "rows.png")
    rows = model.traverse(images[1:2], [0, 3, 4], reach=2, steps=3)[0]
    expected = gv.plots.rows_picture(dict(zip(("z 0", "z 3", "z 4"), rows, strict=True)))
    assert np.array_equal(pixels(tmp_path / "rows.png"), expected[..., 0])
    run(capsys, "traverse", BETA, "--steps", 3, "--zoom", 1, "-o", tmp_path / "prior.png")
    rows = model.traverse(z=np.zeros((1, 5), "float32"), steps=3)[0]
    expected = gv.plots.rows_picture({f"z {unit}": row for unit, row in enumerate(rows)})
    assert np.array_equal(pixels(tmp_path / "prior.png"), expected[..., 0])


def test_traverse_takes_the_spread_of_codes_where_there_is_no_prior(tmp_path, capsys):
    run(capsys, "traverse", AUTOENCODER, "--steps", 3, "--units", 1, "--zoom", 1, "-o", tmp_path / "rows.png")
    model = gv.load(AUTOENCODER)
    codes = model.new_codes(1000, seed=0)
    (row,) = model.traverse(z=codes.mean(0, keepdims=True), units=[1], steps=3, scale=codes.std(0))[0]
    assert np.array_equal(pixels(tmp_path / "rows.png"), gv.plots.rows_picture({"z 1": row})[..., 0])


@pytest.mark.parametrize(
    ("options", "settings"),
    [((), {}), (("--kind", "elbo", "-k", 3, "--sigma", 0.3), {"kind": "elbo", "k": 3, "sigma": 0.3})],
)
def test_score(options, settings, digits, model, capsys):
    folder, images = digits
    lines = [line.split("\t") for line in run(capsys, "score", BETA, folder, *options).splitlines()]
    np.testing.assert_allclose([float(line[0]) for line in lines], model.score(images, **settings), atol=1e-4)
    assert [line[1] for line in lines] == [str(folder / f"{number}.png") for number in range(4)]


def test_pictures_of_any_size_and_a_data_set(digits, model, tmp_path, capsys):
    """A wide coloured picture is cut to its middle and made grey, as `folder:` does."""
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (40, 60, 3), "uint8")).save(tmp_path / "wide.png")
    made = gv.data.read_files([tmp_path / "wide.png"], (28, 28, 1))
    with Image.open(tmp_path / "wide.png") as picture:
        grey = picture.convert("L").crop((10, 0, 50, 40)).resize((28, 28), Image.Resampling.BILINEAR)
    assert np.array_equal(made[0, ..., 0], np.asarray(grey))
    assert cli.main(["score", BETA, "digits:test", "-n", "2"]) == 1
    assert "Received: digits:test, 32 x 32 x 1 and 28 x 28 x 1" in capsys.readouterr().err
    names = [
        line.split("\t")[1]
        for line in run(capsys, "score", "slides/ladder-mnist-binary", digits[0], "-n", 1).splitlines()
    ]
    assert names == [str(digits[0] / "0.png")]


@pytest.mark.parametrize(
    ("command", "code", "message"),
    [
        (["reconstruct", "boon/beta-mnst", "x.png"], 2, "did you mean boon/beta-mnist?"),
        (["reconstruct", BETA, "x.png"], 2, "no such file, folder or data set. Received: x.png"),
        (["reconstruct", BETA, "x.png", "-o", "x.txt"], 1, "a picture's name ends in one of"),
        (["interpolate", BETA, "x.png", "y.png", "--steps", "1"], 2, "no such file"),
        (["traverse", BETA, "--units", "9"], 1, "units are numbers from 0 to 4. Received: [9]"),
        (["traverse", BETA, "--steps", "1"], 1, "at least 2 steps"),
    ],
)
def test_errors_are_one_line(command, code, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(command) == code
    captured = capsys.readouterr()
    assert captured.out == "" and message in captured.err.splitlines()[-1] and not list(tmp_path.iterdir())


@pytest.mark.parametrize("units", ["a-b", "5-3"])  # no number, and nothing in between
def test_units_are_numbers(units, capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(["traverse", BETA, "--units", units])
    assert end.value.code == 2 and f"expected numbers such as 0,3-5. Received: {units}" in capsys.readouterr().err


def test_a_line_has_one_picture_at_either_end(digits, tmp_path, capsys):
    command = ["interpolate", BETA, str(digits[0] / "0.png"), str(digits[0]), "-o", str(tmp_path / "line.png")]
    assert cli.main(command) == 2 and f"one picture is needed here. Received: {digits[0]}" in capsys.readouterr().err


def test_a_folder_without_pictures(tmp_path, capsys):
    assert cli.main(["score", BETA, str(tmp_path)]) == 1
    assert "a folder of pictures has .bmp" in capsys.readouterr().err
