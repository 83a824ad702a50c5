"""Pictures: grids to the pixel, and files that decode to what was asked for."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from PIL import Image

from green_vae import plots
from green_vae.plots import charts


def read(path):
    with Image.open(path) as image:
        assert image.format == "PNG"
        return np.asarray(image)


def test_grid_to_the_pixel():
    """Three 1x2 grey images in two columns, one pixel of white around each."""
    images = np.array([[[0, 50]], [[100, 150]], [[200, 250]]], np.uint8)[..., None]
    by_hand = [
        [255, 255, 255, 255, 255, 255, 255],
        [255, 0, 50, 255, 100, 150, 255],
        [255, 255, 255, 255, 255, 255, 255],
        [255, 200, 250, 255, 255, 255, 255],
        [255, 255, 255, 255, 255, 255, 255],
    ]
    grid = plots.image_grid(images, columns=2, pad=1)
    assert grid.dtype == np.uint8
    np.testing.assert_array_equal(grid[..., 0], by_hand)
    np.testing.assert_array_equal(plots.image_grid(images, pad=1), grid)  # two columns are the squarest for three


def test_colour_grid_without_padding():
    red, blue = np.zeros((2, 2, 3)), np.zeros((2, 2, 3))
    red[..., 0], blue[..., 2] = 1, 0.5
    grid = plots.image_grid([red, blue], columns=1, pad=0)
    assert grid.shape == (4, 2, 3)
    np.testing.assert_array_equal(grid[0, 0], [255, 0, 0])
    np.testing.assert_array_equal(grid[3, 1], [0, 0, 128])


def test_floats_are_rounded_and_a_hair_outside_is_cut():
    images = np.array([-0.0005, 0.5, 0.999, 1.0005], np.float32).reshape(1, 1, 4, 1)
    np.testing.assert_array_equal(plots.image_grid(images, pad=0).ravel(), [0, 128, 255, 255])


def test_grid_leaves_its_input_alone():
    images = np.full((2, 2, 2, 1), 0.25)
    plots.image_grid(images)[:] = 0
    assert (images == 0.25).all()


@given(st.integers(1, 9), st.integers(1, 4), st.integers(1, 5), st.integers(0, 3), st.sampled_from([1, 3]))
def test_every_image_is_found_again_in_the_grid(n, side, columns, pad, channels):
    images = np.random.default_rng(n).integers(0, 255, (n, side, side + 1, channels), np.uint8)
    grid = plots.image_grid(images, columns, pad)
    rows = -(-n // columns)
    assert grid.shape == (rows * (side + pad) + pad, columns * (side + 1 + pad) + pad, channels)
    for index, image in enumerate(images):
        top, left = pad + index // columns * (side + pad), pad + index % columns * (side + 1 + pad)
        np.testing.assert_array_equal(grid[top : top + side, left : left + side + 1], image)
    assert (grid == 255).sum() == grid.size - images.size  # no image has a 255


@pytest.mark.parametrize("pad", [0, 1])
def test_reconstructions_stand_below_their_originals(pad):
    originals = np.array([10, 20, 30], np.uint8).reshape(3, 1, 1, 1)
    grid = plots.reconstruction_grid(originals, originals + 1, columns=2, pad=pad)[..., 0]
    if pad:
        assert grid.shape == (9, 5)
        assert (grid[::2] == 255).all() and (grid[:, ::2] == 255).all()
        grid = grid[1::2, 1::2]
    np.testing.assert_array_equal(grid, [[10, 20], [11, 21], [30, 255], [31, 255]])


def test_reconstruction_grid_needs_pairs():
    with pytest.raises(ValueError, match=r"Received: \(2, 4, 4, 1\) and \(3, 4, 4, 1\)"):
        plots.reconstruction_grid(np.zeros((2, 4, 4, 1)), np.zeros((3, 4, 4, 1)))


@pytest.mark.parametrize(
    "images, received",
    [
        (np.zeros((3, 4, 4)), r"shape \(3, 4, 4\)"),
        (np.zeros((3, 4, 4, 2)), r"shape \(3, 4, 4, 2\)"),
        (np.zeros((0, 4, 4, 1)), r"shape \(0, 4, 4, 1\)"),
        (np.full((1, 4, 4, 1), np.nan), "nan"),
        (np.full((1, 4, 4, 1), 255.0), "values from 255.0"),
        (np.full((1, 4, 4, 1), -0.5), "values from -0.5"),
        (np.zeros((1, 4, 4, 1), np.int64), "int64"),
    ],
)
def test_what_is_no_image_is_refused(images, received):
    with pytest.raises(ValueError, match=f"Received: .*{received}"):
        plots.image_grid(images)


@pytest.mark.parametrize("layout", [{"columns": -1}, {"pad": -1}])
def test_impossible_layouts_are_refused(layout):
    with pytest.raises(ValueError, match="Received: columns"):
        plots.image_grid(np.zeros((3, 4, 4, 1)), **layout)


@pytest.mark.parametrize("channels", [1, 3])
def test_saved_grid_is_the_grid(tmp_path, channels):
    images = np.random.default_rng(0).random((5, 4, 4, channels))
    plots.save_grid(tmp_path / "new" / "grid.png", images, columns=3, zoom=2)
    saved = read(tmp_path / "new" / "grid.png").reshape(2 * 14, 2 * 20, channels)
    for shift in (0, 1):
        np.testing.assert_array_equal(saved[shift::2, shift::2], plots.image_grid(images, 3))
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["grid.png"]


@pytest.mark.parametrize(
    ("name", "kind"), [("x.jpg", "JPEG"), ("x.JPEG", "JPEG"), ("x.webp", "WEBP"), ("x.bmp", "BMP"), ("x", "PNG")]
)
def test_the_ending_is_the_format(tmp_path, name, kind):
    images = np.full((4, 8, 8, 3), 90, np.uint8)
    plots.save_grid(tmp_path / name, images, pad=0)
    with Image.open(tmp_path / name) as file:
        assert file.format == kind
        np.testing.assert_allclose(np.asarray(file.convert("RGB")), 90, atol=2)


def test_an_ending_that_is_no_picture_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"ends in one of .png.*Received: .*x\.txt"):
        plots.save_grid(tmp_path / "x.txt", np.zeros((1, 4, 4, 1)))
    assert not list(tmp_path.iterdir())


def test_save_png_takes_plain_grey_pictures(tmp_path):
    picture = np.arange(12, dtype=np.uint8).reshape(3, 4)
    plots.save_png(tmp_path / "grey.png", picture)
    np.testing.assert_array_equal(read(tmp_path / "grey.png"), picture)


def colours(picture):
    return {tuple(pixel) for pixel in picture[..., :3].reshape(-1, 3)}


def rgb(code):
    return tuple(int(code[start : start + 2], 16) for start in (1, 3, 5))


def test_curves_have_a_panel_per_quantity_and_validation_in_the_same(tmp_path):
    path = tmp_path / "curves.png"
    plots.curves(path, {"loss": [3.0, 2.0, 1.0]})
    one = read(path)
    assert rgb(plots.MEASURED) in colours(one) and rgb(plots.VALIDATION) not in colours(one)
    plots.curves(path, {"loss": [3.0, 2.0, 1.0], "val_loss": [4.0, 3.0, float("nan")]})
    assert read(path).shape == one.shape
    assert rgb(plots.VALIDATION) in colours(read(path))
    plots.curves(path, {"loss": [3.0, 2.0, 1.0], "kl": [0.1, 0.2, 0.3]}, title="two")
    assert read(path).shape[1] == 2 * one.shape[1]


def test_a_curve_of_one_epoch_is_visible(tmp_path):
    plots.curves(tmp_path / "one.png", {"loss": [3.0]})
    assert rgb(plots.MEASURED) in colours(read(tmp_path / "one.png"))


@pytest.mark.parametrize("history", [{}, {"loss": []}, {"loss": 3.0}, {"loss": [[1.0], [2.0]]}])
def test_curves_need_sequences(tmp_path, history):
    with pytest.raises(ValueError, match="Received: {"):
        plots.curves(tmp_path / "curves.png", history)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("classes", [1, 10, 24])
def test_scatter_shows_every_class(tmp_path, classes):
    z = np.random.default_rng(0).normal(size=(480, 2))
    plots.scatter2d(tmp_path / "classes.png", z, np.arange(480) % classes, title="latents")
    plots.scatter2d(tmp_path / "plain.png", z)
    with_legend, plain = read(tmp_path / "classes.png"), read(tmp_path / "plain.png")
    assert with_legend.shape == plain.shape
    assert not np.array_equal(with_legend, plain)
    assert len(colours(with_legend)) > classes


def test_long_names_of_axes_stay_beside_their_panel(tmp_path, monkeypatch):
    kept = []
    monkeypatch.setattr("green_vae.plots.charts.save_figure", lambda figure, path: kept.append(figure))
    name = "FID~ REC (training), AMD EPYC 9654 96-Core, 1 cores, estimated"
    plots.scatter(
        tmp_path / "a.png", {name: [plots.Points("ours", (1.0,), (2.0,))], "b": [plots.Points("ours", (1.0,), (2.0,))]}
    )
    (figure,) = kept
    figure.draw_without_rendering()
    for panel in figure.axes:
        label, height = panel.yaxis.label.get_window_extent(), panel.get_window_extent()
        assert height.y0 <= label.y0 and label.y1 <= height.y1
    assert figure.axes[0].get_ylabel().replace("\n", " ") == name


def test_scatter_refuses_other_latents(tmp_path):
    path = tmp_path / "scatter.png"
    with pytest.raises(ValueError, match=r"Received: \(5, 3\)"):
        plots.scatter2d(path, np.zeros((5, 3)))
    with pytest.raises(ValueError, match=r"Received: \(5, 2\), \(4,\)"):
        plots.scatter2d(path, np.zeros((5, 2)), np.zeros(4))
    with pytest.raises(ValueError, match="Received: NaN"):
        plots.scatter2d(path, np.full((5, 2), np.nan))


def test_dots_draw_both_and_leave_out_what_is_missing(tmp_path):
    path = tmp_path / "dots.png"
    plots.dots(path, ["a", "b"], [3.0, 4.0], [2.0, None], title="FID", x_label="FID", source="a digest")
    picture = read(path)
    area = {name: (picture[..., :3] == rgb(name)).all(axis=-1).sum() for name in (plots.PUBLISHED, plots.OURS)}
    assert 0 < area[plots.OURS] < area[plots.PUBLISHED]
    assert plots.source_of(path) == "a digest"


def test_dots_are_as_wide_as_a_page_and_the_numbers_are_inside(tmp_path):
    path = tmp_path / "dots.png"
    for n in (1, 40):
        labels = [f"a rather long name of a row, {i}" for i in range(n)]
        plots.dots(path, labels, [12345.678] * n, [0.00012345] * n, [0.00001] * n, title="a long title, " * 12)
        picture = read(path)[..., :3]
        assert picture.shape[1] == 900
        for edge in (picture[:2], picture[-2:], picture[:, :2], picture[:, -2:]):
            assert (edge == 255).all()  # nothing is cut off


def test_dots_are_equal_files_whenever_they_are_drawn_also_as_svg(tmp_path):
    for name in ("one", "other"):
        plots.dots(tmp_path / f"{name}.png", ["a"], [1.0], [2.0], title="FID")
    for ending in ("png", "svg"):
        assert (tmp_path / f"one.{ending}").read_bytes() == (tmp_path / f"other.{ending}").read_bytes()
    assert ">published</text>" in (tmp_path / "one.svg").read_text(encoding="utf-8")
    assert plots.source_of(tmp_path / "one.png") == ""


@pytest.mark.parametrize(("values", "log"), [([1, 99], False), ([1, 100], True), ([0, 100], False), ([-1, 100], False)])
def test_dots_have_a_logarithmic_scale_where_values_differ_by_a_factor_of_100(values, log):
    assert charts._spans(np.array([np.nan, *values], float)) is log


def test_dots_need_a_pair_per_label(tmp_path):
    with pytest.raises(ValueError, match="Received: 2 labels, 1 published, 2 ours"):
        plots.dots(tmp_path / "dots.png", ["a", "b"], [3.0], [2.0, 1.0])
    with pytest.raises(ValueError, match="Received: 0 labels"):
        plots.dots(tmp_path / "dots.png", [], [], [])


def test_drawing_does_not_import_pyplot(tmp_path):
    program = f"""
import sys
from green_vae import plots
plots.curves({str(tmp_path / "curves.png")!r}, {{"loss": [2.0, 1.0]}})
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)


# animations


def test_an_animation_keeps_pictures_and_times(tmp_path):
    pictures = [np.full((3, 4, 3), value, np.uint8) for value in (0, 100, 255)]
    plots.save_gif(tmp_path / "a.gif", pictures, zoom=2, seconds=0.3)
    with Image.open(tmp_path / "a.gif") as animation:
        assert (animation.format, animation.n_frames, animation.size) == ("GIF", 3, (8, 6))
        assert animation.info["loop"] == 0  # for ever
        for index, value in enumerate((0, 100, 255)):
            animation.seek(index)
            assert animation.info["duration"] == 300
            assert (np.asarray(animation.convert("RGB")) == value).all()


@pytest.mark.parametrize("pictures", [[], [np.full((2, 2, 3), 1.5)]])
def test_what_an_animation_refuses(pictures, tmp_path):
    with pytest.raises(ValueError, match="Received: "):
        plots.save_gif(tmp_path / "a.gif", pictures)
    assert not list(tmp_path.iterdir())


def test_side_by_side():
    red, blue = np.zeros((2, 3, 3), np.uint8), np.zeros((2, 1, 3), np.uint8)
    red[..., 0], blue[..., 2] = 255, 255
    joined = plots.side_by_side({"": red, " ": blue}, gap=2)[-2:]
    np.testing.assert_array_equal(joined, np.concatenate([red, np.full((2, 2, 3), 255), blue], axis=1))
    np.testing.assert_array_equal(plots.side_by_side({"": red}), red)


def test_names_stand_above_their_own_pictures():
    """Text is dark on white: it lies in the band above, within the width of the picture that it names."""
    grey, zoom, gap = np.full((10, 40, 1), 128, np.uint8), 2, 5
    bare = plots.side_by_side({"": grey, " ": grey, "  ": grey}, gap, zoom)
    named = plots.side_by_side({"": grey, "prior": grey, "a name that is far too long for it": grey}, gap, zoom)
    np.testing.assert_array_equal(named[-20:], bare[-20:])
    dark = np.flatnonzero((named[:-20] < 100).any((0, 2)))
    starts = [zoom * place * (40 + gap) for place in range(3)]
    groups = [dark[(dark >= start) & (dark < start + zoom * 40)] for start in starts]
    assert len(groups[0]) == 0 and sum(map(len, groups)) == len(dark)
    middle = starts[1] + 40
    assert abs(groups[1].mean() - middle) < 4 and groups[2].min() < starts[2] + 4


def test_diagram(tmp_path):
    boxes = {"a": (0, 0, "from", "#ff0000"), "b": (2, 1, "to", "#00ff00")}
    plots.diagram(tmp_path / "a.png", boxes, [("a", "b", "1/2")], title="two boxes")
    drawn = read(tmp_path / "a.png")
    red, green = (np.argwhere((drawn[..., :3] == colour).all(axis=-1)) for colour in ([255, 0, 0], [0, 255, 0]))
    assert len(red) > 100 and len(green) > 100
    assert (red.mean(axis=0) < green.mean(axis=0)).all()  # rows grow downwards, columns to the right
    with pytest.raises(ValueError, match="there are a, b. Received: c"):
        plots.diagram(tmp_path / "b.png", boxes, [("a", "c")])
    with pytest.raises(ValueError, match="at least one box"):
        plots.diagram(tmp_path / "b.png", {}, [])


def test_a_short_logarithmic_axis_has_plain_numbers():
    figure = Figure()
    for span, expected in (((1.5, 35), ["2", "5", "10", "20"]), ((1, 1e6), None), ((2e6, 3e7), None)):
        panel = figure.add_subplot(yscale="log", ylim=span)
        charts._plain_ticks(panel.yaxis)
        low, high = span
        shown = [text.get_text() for text in panel.get_yticklabels() if low <= text.get_position()[1] <= high]
        assert shown == expected or (expected is None and all("10^" in text for text in shown))
