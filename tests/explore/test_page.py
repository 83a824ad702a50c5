"""The page in a real browser: sliders, map, interpolation and samplers; nothing leaves this machine."""

import contextlib
import http.client
import io
import ipaddress
import socket
import urllib.error
import urllib.request
from pathlib import Path

import chromium
import numpy as np
import pytest
from PIL import Image

import green_vae as gv
from green_vae.explore import View, running
from green_vae.explore.page import UPLOAD

pytest.importorskip("gradio", reason="Gradio is not installed: pip install 'green_vae[explore]'")
pytestmark = [
    pytest.mark.slow,  # it starts a server and a browser
    pytest.mark.filterwarnings("ignore:.*(no_silent_downcasting|copy keyword):DeprecationWarning"),  # in Gradio
    pytest.mark.skipif(not chromium.path(), reason=f"there is no Chromium here: {', '.join(chromium.NAMES)}"),
]
PICTURE = "document.querySelector('#picture img').src"
UPLOADS = "Method not implemented."  # a warning of Gradio's own script after an upload
SLIDERS = "[...document.querySelectorAll('input[type=range]')].map((slider) => Number(slider.value))"


@pytest.fixture(scope="module")
def view():
    model = gv.load("svae/mnist-mini")
    return View(model, model.generate(40, seed=0), np.arange(40) % 3)


@pytest.fixture(scope="module")
def others():
    """Addresses that this process tried to reach beyond the loopback interface."""
    found, connect = [], socket.socket.connect

    def watched(self, address):
        if self.family in (socket.AF_INET, socket.AF_INET6) and not is_loopback(address[0]):
            found.append(address)
        return connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", watched)
        yield found


def is_loopback(host):
    return host == "localhost" or ipaddress.ip_address(host).is_loopback


@pytest.fixture(scope="module")
def address(view, others):
    with running(view, "svae/mnist-mini", "Forty images.", ["a", "b", "c"]) as address:
        yield address


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium.started(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def page(browser, address):
    """The page just opened; at the end there must be no complaint, and no address but its own."""
    browser.open(address)
    browser.until("document.querySelectorAll('#picture img').length === 4")
    browser.until("document.querySelector('#map img') !== null")
    yield browser
    found = browser.complaints(own=(address, "data:", "blob:" + address))
    assert [complaint for complaint in found if UPLOADS not in str(complaint)] == []


def test_nothing_but_the_page_itself_is_asked_for(page, address, others):
    browser_asked = {told["request"]["url"] for method, told in page.events if method == "Network.requestWillBeSent"}
    assert address in browser_asked and len(browser_asked) > 5
    assert others == []
    assert page.run("document.title") == "svae/mnist-mini"
    assert page.run("document.querySelectorAll('input[type=range]').length") == 12


def test_a_slider_changes_the_picture(page):
    for key in ("ArrowRight", "Home", "End"):
        before = page.run(PICTURE)
        page.run("document.querySelector('input[type=range]').focus()")
        page.press(key)
        page.until(f"{PICTURE} !== {before!r}")


def test_buttons_lead_to_a_new_code_and_back_to_the_middle(page, view):
    middle = page.run(PICTURE)
    press(page, "New code")
    page.until(f"{PICTURE} !== {middle!r}")
    press(page, "Middle of the codes")
    page.until(f"{PICTURE} === {middle!r}")
    assert page.run(SLIDERS) == view.values(view.centre)


def test_a_click_on_the_map_shows_the_image_and_moves_the_sliders(page, view):
    before = page.run(PICTURE)
    page.click("#map img")
    page.until("document.querySelectorAll('#chosen img').length === 2")
    page.until(f"{PICTURE} !== {before!r}")
    number = int(page.run("document.querySelector('input[type=number][step=\"1\"]').value"))
    shown = page.run("document.querySelector('#chosen img').src")
    with Image.open(io.BytesIO(urllib.request.urlopen(shown).read())) as picture:
        assert np.array_equal(np.asarray(picture), np.rint(view.images[number, ..., 0] * 255).astype("uint8"))
    np.testing.assert_allclose(page.run(SLIDERS), view.values(view.codes[number]), atol=1e-6)


def test_interpolation_between_two_uploads_and_what_is_no_picture(page, tmp_path, view):
    tab(page, "Interpolation")
    for number in range(2):
        gv.plots.save_png(tmp_path / f"{number}.png", view.images[number])
    (tmp_path / "hostile.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    upload(page, tmp_path / "0.png", tmp_path / "1.png")
    press(page, "Interpolate")
    page.until("document.querySelectorAll('#line img').length === 1")
    assert page.run("document.querySelector('#line img').naturalWidth") == 9 * 33 + 1
    press(page, "×", "Clear", "Remove", "Remove file")
    upload(page, tmp_path / "hostile.png")
    press(page, "Interpolate")
    page.until("document.body.innerText.includes('not a readable image')")


def test_samplers_side_by_side(page):
    tab(page, "Samplers")
    page.until("document.querySelectorAll('#samplers img').length === 2")
    assert page.run("[...document.querySelectorAll('#samplers figcaption')].map((words) => words.innerText)") == [
        "prior",
        "gmm",
    ]
    before = page.run("document.querySelector('#samplers img').src")
    press(page, "New images")
    page.until(f"document.querySelector('#samplers img').src !== {before!r}")


def test_an_upload_is_limited_and_files_of_the_machine_are_not_served(address):
    assert status(address, "gradio_api/upload", form(b"x" * 1000)) == 200
    assert status(address, "gradio_api/upload", form(b"x" * (UPLOAD + 1000))) == 413
    for path in (Path(__file__), "/etc/hostname"):
        assert status(address, f"gradio_api/file={path}") in (403, 404)


def test_no_other_machine_can_open_it(address):
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # of documentation; nothing is sent
        except OSError:
            pytest.skip("this machine has no address but the loopback one")
        own = probe.getsockname()[0]
    port = int(address.rstrip("/").rpartition(":")[2])
    with pytest.raises(OSError), socket.create_connection((own, port), timeout=2):
        pass


def tab(page, name):
    page.run(f"[...document.querySelectorAll('button[role=tab]')].find((tab) => tab.innerText === '{name}').click()")


def press(page, *names):
    """Press the first visible button of one of these names."""
    found = (
        "[...document.querySelectorAll('button')].find((button) => button.checkVisibility() && %s.some((name) => name"
    )
    page.run(found % list(names) + " === button.innerText.trim() || name === button.ariaLabel)).click()")


def upload(page, *paths):
    """Give files to as many of the visible places for them, one after the other."""
    for path in paths:
        place = page.send("Runtime.evaluate", expression="document.querySelector('input[type=file]')")["result"]
        page.send("DOM.setFileInputFiles", files=[str(path)], objectId=place["objectId"])
        page.until(f"document.body.innerText.includes({path.stem!r})")


def form(content):
    """(body, headers) of a form with one file."""
    head = b'--edge\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
    return head + content + b"\r\n--edge--\r\n", {"Content-Type": "multipart/form-data; boundary=edge"}


def status(address, path, sent=(None, {})):
    """The status of an answer."""
    try:
        with urllib.request.urlopen(urllib.request.Request(address + path, *sent), timeout=20) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except (http.client.HTTPException, urllib.error.URLError):  # it hung up before it had read all
        return 413
