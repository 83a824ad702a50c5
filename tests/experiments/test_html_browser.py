"""The pages in a real browser: keys, mouse, colours and widths, without a complaint on its console."""

import re

import chromium
import pytest
from experiment_tables import GALLERIES, ROOT, TABLES

from green_vae.experiments import html_index, overview

pytestmark = [
    pytest.mark.slow,  # it starts a browser
    pytest.mark.skipif(not chromium.path(), reason=f"there is no Chromium here: {', '.join(chromium.NAMES)}"),
]
TABLE, CODES, GALLERY = "survey_table5", "survey_codes", "survey_figure10"
SIZES = ((1280, 900), (390, 844))
NOTES = "[...document.querySelectorAll(':popover-open')].map((note) => note.innerText)"
FIRST = "document.activeElement.closest('tr').querySelector('th').innerText"
NAMES = "[...document.querySelectorAll('#table tbody tr:not([hidden]) th')].map((name) => name.innerText)"


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Folder of the pages of two tables and a gallery, and the index."""
    out = tmp_path_factory.mktemp("pages")
    entries = [TABLES[TABLE], TABLES[CODES], GALLERIES[GALLERY]]
    html_index.write_pages(entries, ROOT / "results", out, overview.VERDICTS)
    return out


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium.started(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("name", ["index", TABLE, GALLERY])
def test_no_complaint_and_nothing_beside_the_window(browser, pages, name, width, height, dark):
    browser.open(pages / f"{name}.html", width, height, dark)
    assert browser.run("[document.documentElement.scrollWidth - document.documentElement.clientWidth, innerWidth]") == [
        0,
        width,
    ]
    background = browser.run("getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(20, 24, 29)" if dark else "rgb(255, 255, 255)")
    browser.click("#theme")
    assert browser.run("getComputedStyle(document.body).backgroundColor") != background
    assert browser.run("document.querySelector('#theme').innerText") == ("Dark" if dark else "Light") + " colours"
    browser.run("localStorage.clear()")
    assert browser.complaints() == []


def test_sorting_by_ours_by_difference_and_back(browser, pages):
    browser.open(pages / f"{TABLE}.html")
    printed = browser.run(NAMES)
    side = "[...document.querySelectorAll('#table tbody td:nth-child(2)')].map((cell) => Number(cell.dataset.%s))"
    browser.click("#table thead th:nth-child(2) button")
    ours = browser.run(side % "ours")
    assert ours == sorted(ours) and len(ours) == len(printed) and browser.run(NAMES) != printed
    assert browser.run("document.querySelectorAll('th[aria-sort=ascending]').length") == 1
    browser.run("document.querySelector('#table thead th:nth-child(2) button').focus()")
    browser.press("Enter")
    assert browser.run(side % "ours") == ours[::-1]
    browser.run("by.value = 'difference'; by.dispatchEvent(new Event('change'))")
    shares = browser.run(side % "difference")
    assert shares == sorted(shares, reverse=True) and browser.run(side % "ours") != ours[::-1]
    browser.press("Enter")
    assert browser.run(NAMES) == printed
    unsorted = browser.run("document.querySelectorAll('#table th[aria-sort=none]').length")
    assert unsorted == len(TABLES[TABLE].columns) + 1
    browser.click("#table thead th:first-child button")
    # numbers in names by their size: z4 comes before z12
    assert browser.run(NAMES) == sorted(printed, key=lambda name: re.sub(r"\d+", lambda n: f"{int(n[0]):09}", name))


def test_a_filter_leaves_the_rows_with_that_verdict_and_says_how_many(browser, pages):
    browser.open(pages / f"{TABLE}.html")
    rows = len(browser.run(NAMES))
    browser.run("document.querySelector('input[value=differs]').focus()")
    browser.press(" ")
    left = browser.run(NAMES)
    assert left == ["HFVAE-s4-z4-l48", "HFVAE-s4-z12-l64"]
    assert browser.run("document.querySelector('[role=status]').innerText") == f"2 of {rows} rows, 4 cells marked"
    marked = browser.run("[...document.querySelectorAll('td.found')].map((cell) => cell.dataset.verdict)")
    assert marked == ["differs"] * 4
    browser.press(" ")
    assert len(browser.run(NAMES)) == rows
    browser.open(pages / f"{GALLERY}.html")
    browser.click("input[value=drawn]")
    assert browser.run("document.querySelector('[role=status]').innerText") == "2 of 2 figures"


def test_the_keyboard_walks_through_cells_and_reads_their_provenance(browser, pages):
    """The table is one stop of the Tab key; Escape closes a note; a filter moves the stop to what is left."""
    browser.open(pages / f"{TABLE}.html")
    browser.run("[...document.querySelectorAll('#table .sort')].at(-1).focus()")
    browser.press("Tab")
    assert browser.run(FIRST) == TABLES[TABLE].rows[0].name
    (note,) = browser.run(NOTES)
    assert note.startswith("CNN-b128-l128, params") and "counted from the network" in note
    browser.press("End")
    browser.press("ArrowLeft")
    browser.press("ArrowDown")
    (note,) = browser.run(NOTES)
    assert note.startswith("L2-RAE-b128-l128, s, batch 10")
    for part in ("published\n13.9", "difference\n79.99", "note\nmeasured on AMD EPYC"):
        assert part in note
    told = "document.activeElement.getAttribute('%s')"
    assert browser.run(f"document.getElementById({told % 'aria-describedby'}).matches(':popover-open')")
    assert browser.run(told % "aria-expanded") == "true"
    browser.press("Escape")
    assert browser.run(NOTES) == []
    browser.press("Home")
    assert browser.run(NOTES)[0].startswith("L2-RAE-b128-l128, params")
    browser.press("Tab")
    assert browser.run(NOTES) == [] and not browser.run("document.activeElement.matches('td > button')")
    browser.press("Tab", shift=True)
    assert browser.run(FIRST) == "L2-RAE-b128-l128"
    browser.click("input[value=differs]")
    assert browser.run("[...document.querySelectorAll('td > button[tabindex=\"0\"]')].length") == 1
    assert browser.run("document.querySelector('td > button[tabindex=\"0\"]').closest('tr').hidden") is False


def test_the_mouse_shows_a_note_which_stays_while_it_is_pointed_at(browser, pages):
    browser.open(pages / f"{TABLE}.html")
    browser.point("#cell10")
    browser.point("[data-note=cell10]")
    browser.until("document.querySelector('#cell10').matches(':popover-open')")
    browser.point("#cell10")
    assert browser.run("new Promise((done) => setTimeout(done, 400)).then(() => 1)") == 1
    assert len(browser.run(NOTES)) == 1
    inside = "(b => [b.left >= 0, b.top >= 0, b.right <= innerWidth, b.bottom <= innerHeight])"
    assert browser.run(f"{inside}(document.querySelector('#cell10').getBoundingClientRect())") == [True] * 4
    browser.point("h1")
    browser.until("!document.querySelector(':popover-open')")


def test_a_picture_is_enlarged_by_the_keyboard(browser, pages):
    browser.open(pages / f"{GALLERY}.html")
    browser.run("document.querySelector('.zoom').focus()")
    browser.press("Enter")
    browser.until("zoom.open && zoom.querySelector('output').innerText")
    width = "zoom.querySelector('img').getBoundingClientRect().width"
    before = browser.run(width)
    browser.press("+")
    assert browser.run(width) == pytest.approx(2 * before)
    assert browser.run("zoom.querySelector('img').alt").startswith("Figure 10: ")
    browser.press("Escape")
    browser.until("!zoom.open")
    assert browser.run("document.activeElement.className") == "zoom"


def test_all_of_it_is_there_without_scripts(browser, pages):
    """A button opens its note by itself."""
    browser.send("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(pages / f"{CODES}.html")
        assert browser.run("getComputedStyle(document.querySelector('form')).display") == "none"
        browser.click("[data-note=cell1]")
        (note,) = browser.run(NOTES)
        for part in ("command\npython reproduce/survey_codes.py", "commit\n", "date\n", "versions\npython 3."):
            assert part in note
    finally:
        browser.send("Emulation.setScriptExecutionDisabled", value=False)
