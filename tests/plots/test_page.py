"""Pages of one file: nothing else runs or is fetched, all is escaped, colours have contrast, pictures fit."""

import base64
import hashlib
import io
import math
import re
import xml.etree.ElementTree as ElementTree
from importlib.resources import files

import numpy as np
import pytest
from html_pages import Page, check
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from green_vae import plots
from green_vae.plots import page, svg

STYLE, SCRIPT = (files(plots).joinpath(name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\r", exclude_categories=["Cc"]), max_size=40)
NASTY = st.one_of(
    WORDS,
    st.sampled_from(["</script><script>alert(1)</script>", "\" onload='x", "<!--", "]]>", "&amp;", "$body", "`<b>`"]),
)


def drawn(path, side=8, mode="RGB", seed=0):
    noise = np.random.default_rng(seed).integers(0, 256, (side, side, len(mode)), dtype=np.uint8)
    Image.fromarray(noise, mode).save(path)
    return path


@given(NASTY, NASTY, NASTY)
def test_texts_come_back_as_they_were(title, name, value):
    parts = [page.heading(name), page.facts({name: value}), page.code(value), page.note("a", title, [(name, value)])]
    read = check(Page(page.document(title, parts)))
    for words in filter(str.strip, (title, name, value)):
        assert words in read.text
    assert read.count("b") == 0 and len(read.all("div", id="a")) == 1


@given(NASTY)
def test_lines_of_markdown_gain_code_alone(line):
    read = Page(page.bullets([line], ordered=True) + page.text(line))
    assert {tag for tag, _ in read.elements} <= {"ol", "li", "p", "code"}


def test_a_line_of_markdown_to_the_letter():
    assert page.worded("a `<b>` of [c_1](d/e.gif).") == "a <code>&lt;b&gt;</code> of c_1."


def test_the_policy_names_style_and_script_by_their_hashes_and_nothing_else_may_run():
    """A browser takes what stands between the tags, to the byte."""
    text = page.document("A", [])
    policy = Page(text).all("meta", **{"http-equiv": "Content-Security-Policy"})[0]["content"]
    for tag in ("style", "script"):
        between = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.S)
        assert len(between) == 1
        digest = base64.b64encode(hashlib.sha256(between[0].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; img-src data:; ")
    assert not re.search(r"https?:|url\(|@import|fetch\(|innerHTML|eval\(", STYLE + SCRIPT)


def luminance(colour):
    """WCAG 2.2, relative luminance."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


def contrast(one, other):
    low, high = sorted(map(luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_by_hand():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)  # the known grey that just fails


@pytest.mark.parametrize("side", [0, 1], ids=["light", "dark"])
def test_colours_have_the_contrast_of_wcag_aa(side):
    found = dict(re.findall(r"--([\w-]+): light-dark\((.+?)\)", STYLE))
    colours = {name: pair.split(", ")[side] for name, pair in found.items()}
    pairs = [(ink, back) for ink in ("ink", "muted", "link") for back in ("page", "surface")]
    pairs += [(f"{name}-ink", f"{name}-fill") for name in VERDICTS]
    pairs += [("ink", "differs-fill")]
    assert {pair: contrast(*(colours[name] for name in pair)) for pair in pairs if ratio(colours, pair) < 4.5} == {}
    edges = [(edge, back) for edge in ("control", "focus") for back in ("page", "surface")]
    assert {pair for pair in edges if ratio(colours, pair) < 3} == set()


VERDICTS = ("exact", "reproduced", "differs", "not-comparable", "measured", "not-run")


def ratio(colours, pair):
    return contrast(*(colours[name] for name in pair))


def pixels_of(picture):
    with Image.open(io.BytesIO(picture.content), formats=("WEBP",)) as opened:
        return np.asarray(opened)


def test_a_picture_has_the_pixels_of_its_file_and_charts_are_told_from_images(tmp_path):
    path = drawn(tmp_path / "a.png")
    kept = page.read_picture(path)
    with Image.open(path) as opened:
        np.testing.assert_array_equal(pixels_of(kept), np.asarray(opened))
    assert (kept.width, kept.height, kept.pixels, kept.extent) == (8, 8, True, "")
    assert [kept._replace(pixels=False, width=width).extent for width in (24, 25)] == ["", "wide"]
    assert kept._replace(pixels=False, width=1001, height=400).extent == "large"
    plots.dots(tmp_path / "b.png", ["one", "two"], [1, 2], [2, 1])
    assert not page.read_picture(tmp_path / "b.png").pixels
    read = Page(page.picture(path, 'a "b" <c>'))
    assert read.all("img")[0]["alt"] == 'a "b" <c>' and read.all("img")[0]["class"] == "pixels"


def test_only_png_files_are_read(tmp_path):
    """PIL hands other formats to other programs, whatever a file is called."""
    (tmp_path / "a.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    with pytest.raises(OSError):
        page.read_picture(tmp_path / "a.png")
    whole = drawn(tmp_path / "b.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[:-40])
    (tmp_path / "broken.png").write_bytes(whole[:20] + bytes(20) + whole[40:])
    names = ("a", "none", "cut", "broken", "b")
    assert list(page.embedded([tmp_path / f"{name}.png" for name in names])) == [tmp_path / "b.png"]


def test_pictures_fit_without_loss_then_with_loss_then_not_all(tmp_path):
    paths = [drawn(tmp_path / f"{seed}.png", 64, seed=seed) for seed in range(3)]
    exact = [len(page.read_picture(path).content) for path in paths]
    lossy = [len(page.read_picture(path, lossless=False).content) for path in paths]
    assert sum(lossy) < sum(exact)
    assert [len(kept.content) for kept in page.embedded(paths, sum(exact)).values()] == exact
    assert [len(kept.content) for kept in page.embedded(paths, sum(exact) - 1).values()] == lossy
    assert list(page.embedded(paths, sum(lossy) - 1)) == paths[:2]


NUMBERS = st.lists(st.floats(-1e30, 1e30) | st.just(math.nan), min_size=1, max_size=500)


@given(NUMBERS.filter(lambda values: any(map(math.isfinite, values))), st.data())
def test_a_curve_stays_within_its_frame(values, data):
    """Where a number is missing, its point is; the first and the last epoch lie at the edges."""
    validation = data.draw(st.sampled_from([(), values, [math.nan] * len(values)]))
    figure = ElementTree.fromstring(svg.curve("a<b", values, validation))
    lines = figure.findall(".//polyline")
    assert len(lines) == 1 + (validation is values) and figure.find("figcaption").text == "a<b"
    points = [tuple(map(float, point.split(","))) for point in lines[0].get("points").split()]
    assert points or len(values) > svg.STEPS
    for x, y in points:
        assert svg.SIDE <= x <= svg.WIDTH - svg.SIDE and svg.TOP <= y <= svg.HEIGHT - svg.BOTTOM
    if len(values) > 1 and math.isfinite(values[-1]):
        assert points[-1][0] == svg.WIDTH - svg.SIDE


def test_a_curve_by_hand():
    figure = ElementTree.fromstring(svg.curve("kl", [4.0, math.nan, 2.0]))
    assert figure.find("svg").get("aria-label") == "kl: training from 4 to 2, least 2, greatest 4"
    assert figure.find(".//polyline").get("points") == "6.0,16.0 234.0,112.0"
    assert [text.text for text in figure.iter("text")] == ["4", "2", "epoch 3"]


def test_shares_by_hand():
    bar = ElementTree.fromstring(svg.shares({"exact": 1, "not-run": 3}))
    assert [(part.get("class"), part.get("x"), part.get("width")) for part in bar] == [
        ("exact", "0.00", "50.00"),
        ("not-run", "50.00", "150.00"),
    ]
    assert len(ElementTree.fromstring(svg.shares({"exact": 0}))) == 1
