"""The toys in two dimensions: energies by hand, densities by another rule, bounds that are known, pictures."""

import math

import keras
import numpy as np
import pytest
from experiment_tables import MODULES
from PIL import Image
from scipy import integrate, special, stats

from green_vae import plots
from green_vae.experiments.figures import Context
from green_vae.experiments.papers import slides_toys
from green_vae.experiments.papers.slides_toys import ENERGIES

SLIDES = MODULES["slides_figures"]
close = np.testing.assert_allclose


def numbers(tensor):
    return np.asarray(keras.ops.convert_to_numpy(tensor), "float64")


# energies


def energy_by_hand(name, x, y):
    """Rezende and Mohamed 2015, Table 1, with Python's own functions."""
    w1 = math.sin(2 * math.pi * x / 4)
    w2 = 3 * math.exp(-0.5 * ((x - 1) / 0.6) ** 2)
    w3 = 3 / (1 + math.exp(-(x - 1) / 0.3))
    if name == "U1":
        pair = math.exp(-0.5 * ((x - 2) / 0.6) ** 2) + math.exp(-0.5 * ((x + 2) / 0.6) ** 2)
        return 0.5 * ((math.hypot(x, y) - 2) / 0.4) ** 2 - math.log(pair)
    if name == "U2":
        return 0.5 * ((y - w1) / 0.4) ** 2
    width, other = (0.35, w2) if name == "U3" else (0.4, w3)
    return -math.log(math.exp(-0.5 * ((y - w1) / width) ** 2) + math.exp(-0.5 * ((y - w1 + other) / 0.35) ** 2))


@pytest.mark.parametrize("name", ENERGIES)
def test_energies_by_hand(name):
    z = np.random.default_rng(0).uniform(-2, 2, (30, 2)).astype("float32")
    expected = [energy_by_hand(name, float(x), float(y)) for x, y in z]
    close(numbers(ENERGIES[name](keras.ops.convert_to_tensor(z))), expected, rtol=1e-3, atol=1e-4)


def test_the_wall_stands_outside_the_square_only():
    z = keras.ops.convert_to_tensor(np.array([[3.9, -4.0], [4.1, 0.0], [4.1, -4.2]], "float32"))
    added = numbers(slides_toys.bounded(ENERGIES["U2"])(z)) - numbers(ENERGIES["U2"](z))
    close(added, [0, 0.5, 0.5 + 2.0], atol=1e-2)


def test_the_normalisation_in_closed_form():
    """U2 is a Gaussian in z_2 for every z_1, of which the square cuts off nothing that counts; the wall is half of a
    Gaussian of width 0.1 on either side."""
    density, log_z = slides_toys.on_grid(ENERGIES["U2"], side=600)
    expected = math.log(0.4 * math.sqrt(2 * math.pi) * (8 + 0.1 * math.sqrt(2 * math.pi)))
    assert log_z == pytest.approx(expected, abs=1e-4)
    assert density.sum() * (10 / 600) ** 2 == pytest.approx(1, abs=1e-6)


def test_the_normalisation_by_adaptive_quadrature():
    value, _ = integrate.dblquad(lambda y, x: math.exp(-energy_by_hand("U1", x, y)), -4, 4, -4, 4, epsabs=1e-4)
    assert slides_toys.on_grid(ENERGIES["U1"])[1] == pytest.approx(math.log(value), abs=1e-3)


def test_rows_of_a_density_go_from_the_top_down():
    """The lower branch of U4 leaves to the right, downwards."""
    density, _ = slides_toys.on_grid(ENERGIES["U4"], side=40)
    bottom_right, top_right = density[30:36, 28:34].sum(), density[4:10, 28:34].sum()
    assert bottom_right > 100 * top_right


def test_histograms_are_densities_in_the_same_order():
    z = np.random.default_rng(0).normal([1.0, -2.0], 0.3, (20_000, 2))
    shade = slides_toys.histogram(z, side=80)
    assert shade.sum() * 0.1**2 == pytest.approx(1, abs=1e-3)
    row, column = np.unravel_index(shade.argmax(), shade.shape)
    assert abs((3.95 - 0.1 * row) + 2.0) < 0.3 and abs((-3.95 + 0.1 * column) - 1.0) < 0.3


# flows


def test_the_density_of_a_flow_without_gates_by_its_jacobian():
    keras.utils.set_random_seed(0)
    model = slides_toys.FittedFlow(ENERGIES["U1"], steps=3, widths=(8,))
    for index, weight in enumerate(model.flow.weights):
        weight.assign(0.5 * np.random.default_rng(index).normal(size=weight.shape))
    noise = np.random.default_rng(9).normal(size=(4, 2)).astype("float32")

    def draw(noise):
        return [numbers(value) for value in model(np.column_stack([noise, np.ones(4, "float32")]))]

    _, log_q = draw(noise)
    step, columns = 1e-2, []
    for unit in np.eye(2, dtype="float32") * step:
        columns.append((draw(noise + unit)[0] - draw(noise - unit)[0]) / (2 * step))
    jacobians = np.stack(columns, axis=2)
    expected = stats.norm.logpdf(noise).sum(axis=1) - np.log(abs(np.linalg.det(jacobians)))
    close(log_q, expected, atol=5e-3)
    assert (abs(np.linalg.det(jacobians)) > 1).any()  # it widens, which gates cannot


def test_the_divergence_of_a_known_pair():
    """N(0, I), which an untrained flow is after its weights are set to 0, against the density of a wider Gaussian."""
    model = slides_toys.FittedFlow(
        lambda z: 0.5 * keras.ops.sum(keras.ops.square(z / 1.1), axis=1), steps=2, widths=(4,)
    )
    for weight in model.flow.weights:
        weight.assign(np.zeros(weight.shape))
    inside = special.erf(4 / (1.1 * math.sqrt(2)))
    log_z = 2 * math.log(1.1 * math.sqrt(2 * math.pi) * inside)
    kl, error, z = slides_toys.divergence(model, log_z)
    expected = 2 * (math.log(1.1) + 0.5 / 1.1**2 - 0.5)
    assert kl == pytest.approx(expected, abs=5 * error + 2e-3) and error < 2e-3
    assert abs(z.std() - 1) < 0.01


def test_training_brings_the_flow_towards_the_target():
    _, log_z = slides_toys.on_grid(ENERGIES["U1"], side=100)
    start, _, _ = slides_toys.divergence(slides_toys.FittedFlow(ENERGIES["U1"]), log_z, 5_000)
    end, error, _ = slides_toys.divergence(
        slides_toys.fitted_flow(ENERGIES["U1"], steps=300, batch_size=64), log_z, 5_000
    )
    assert -3 * error < end < 0.5 * start


# four points


def test_four_points_of_one_model():
    model = slides_toys.four_points("gaussian", steps=150, batch_size=32)
    bound, error = slides_toys.point_bound(model, draws=500)
    assert -4 * math.log(2) < bound < slides_toys.PERFECT + 5 * error  # better than knowing nothing, no better than all
    codes = slides_toys.point_codes(model, 500)
    posterior = model.posterior(slides_toys.POINTS)
    assert codes.shape == (4, 500, 2)
    close(codes.mean(axis=1), posterior["mean"], atol=0.2)
    values = [slides_toys.point_bound(model, draws=50)[0] for _ in range(30)]
    assert np.std(values) == pytest.approx(error * math.sqrt(10), rel=0.5)  # the error is what repeating shows


# pictures


def test_every_panel_of_clouds_may_have_its_own_reach(tmp_path):
    points = np.random.default_rng(0).normal(size=(2, 30, 2))
    drawn = {}
    for name, reach in (("one", 3.0), ("same", [3.0, 3.0]), ("own", [3.0, 30.0])):
        plots.clouds(tmp_path / f"{name}.png", {"left": points, "right": points}, reach)
        drawn[name] = np.asarray(Image.open(tmp_path / f"{name}.png"))
    assert np.array_equal(drawn["one"], drawn["same"]) and not np.array_equal(drawn["one"], drawn["own"])


def test_clouds_and_densities_are_drawn(tmp_path):
    rng = np.random.default_rng(0)
    plots.clouds(tmp_path / "a.png", {"one": rng.normal(size=(1, 50, 2)), "two": rng.normal(size=(4, 20, 2))}, 3.0, "t")
    shades = {"x": np.eye(8), "y": np.ones((8, 8))}
    plots.densities(tmp_path / "b.png", {"true": shades, "fitted": shades}, 4.0)
    for name in ("a", "b"):
        with Image.open(tmp_path / f"{name}.png") as image:
            assert image.format == "PNG" and np.ptp(np.asarray(image.convert("L"))) > 100


def test_clouds_in_rows_with_a_diagonal(tmp_path):
    panels = {name: np.zeros((1, 3, 2)) for name in ("a", "b", "c")}
    wide = plots.clouds_picture({name: panels[name] for name in ("a", "b")}, 2.0)
    high = plots.clouds_picture(panels, 2.0, columns=2, axes=("across", "up"))
    lined = plots.clouds_picture(panels, 2.0, columns=2, axes=("across", "up"), diagonal=True)
    assert wide.dtype == np.uint8 and wide.shape[2] == 3 and high.shape[1] == wide.shape[1]
    assert high.shape[0] > 1.5 * wide.shape[0] and high.shape == lined.shape and (high != lined).any()
    plots.clouds(tmp_path / "a.png", panels, 2.0, columns=2)
    with Image.open(tmp_path / "a.png") as image:
        assert image.height > image.width


@pytest.mark.parametrize("points", [np.zeros((3, 2)), np.zeros((11, 5, 2)), np.full((1, 2, 2), np.nan)])
def test_clouds_refuse(points, tmp_path):
    with pytest.raises(ValueError, match="Received: "):
        plots.clouds(tmp_path / "a.png", {"one": points}, 3.0)
    with pytest.raises(ValueError, match="Received: {}"):
        plots.clouds(tmp_path / "a.png", {}, 3.0)


@pytest.mark.parametrize("shade", [np.zeros((3, 2)), -np.eye(2), np.full((2, 2), np.inf)])
def test_densities_refuse(shade, tmp_path):
    with pytest.raises(ValueError, match="Received: "):
        plots.densities(tmp_path / "a.png", {"one": {"a": shade}}, 3.0)
    with pytest.raises(ValueError, match="same columns.*Received: "):
        plots.densities(tmp_path / "a.png", {"one": {"a": np.eye(2)}, "two": {"b": np.eye(2)}}, 3.0)


@pytest.mark.parametrize(("name", "words"), [("figure18", "would be perfect"), ("figure19", "for U4 (bound")])
def test_the_figures_say_what_they_measured(name, words, tmp_path, monkeypatch):
    monkeypatch.setattr(slides_toys, "_fit", lambda *arguments: None)  # training is tested above
    figure = next(figure for figure in SLIDES.GALLERY.figures if figure.name == name)
    assert not figure.presets
    context = Context.__new__(Context)
    context.path, context.seed = tmp_path / "figure.png", 0
    context.settings = type("Settings", (), {"smoke": True})
    assert words in figure.draw(context) and context.path.exists()
