"""load: the table, the order of the search, and what it says when there is nothing."""

import dataclasses
import http.server
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from green_vae.data import DATASETS, DataNotFoundError, data_dir, load, tfds

ONLINE = [name for name in DATASETS if name not in ("digits", "sprites")]


def test_unknown_name_lists_the_names():
    with pytest.raises(ValueError, match=r"cifar10, .*sprites or folder:PATH\. Received: 'cifar'"):
        load("cifar")


@pytest.mark.parametrize("name", [None, 3, ["cifar10"]])
def test_a_name_that_is_not_text_is_refused(name):
    with pytest.raises(ValueError, match="name must be one of"):
        load(name)


@pytest.mark.parametrize("name", [name for name in DATASETS if "celeba" not in name])
def test_validation_exists_only_for_celeba(name):
    with pytest.raises(ValueError, match=r"train, test\. Received: 'validation'"):
        load(name, "validation")


def test_the_published_sizes():
    assert DATASETS["celeba"].splits == {"train": 162770, "validation": 19867, "test": 19962}
    assert sum(DATASETS["celeba"].splits.values()) == 202599
    assert DATASETS["celeba"].download_size == "1.5 GB" and DATASETS["cifar10"].download_size == "170 MB"


@pytest.mark.parametrize("name", ONLINE)
def test_nothing_found_says_what_where_how_large_and_how(name, tmp_path):
    with pytest.raises(DataNotFoundError) as caught:
        load(name, "test", data_dir=tmp_path)
    message = str(caught.value)
    spec = DATASETS[name]
    for part in (str(tmp_path), *spec.files, spec.download_size, spec.source, "download=True", "--download"):
        assert part in message
    assert "GREEN_VAE_DATA" in message and f"Received: name='{name}', split='test'" in message
    assert isinstance(caught.value, FileNotFoundError)


def test_nothing_found_is_said_at_once_without_tensorflow(tmp_path):
    """In a process of its own: the whole answer, imports included."""
    code = (
        "import sys, green_vae.data as d\n"
        f"try: d.load('cifar10', data_dir={str(tmp_path)!r})\n"
        "except d.DataNotFoundError: print('tensorflow' in sys.modules, 'tensorflow_datasets' in sys.modules)"
    )
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["False", "False"]
    assert time.perf_counter() - start < 20  # a busy machine; TFDS's retries would take 200 s


def test_nothing_is_downloaded_unasked(tmp_path, monkeypatch):
    calls = []  # listed, not raised: an error in the thread that asks would go unseen
    monkeypatch.setattr("socket.getaddrinfo", lambda *a, **k: calls.append(a) or [])
    monkeypatch.setattr(tfds, "download", lambda *a: calls.append(a))
    with pytest.raises(DataNotFoundError):
        load("mnist", data_dir=tmp_path)
    assert calls == [] and list(tmp_path.iterdir()) == []
    with pytest.raises(DataNotFoundError):
        load("mnist", data_dir=tmp_path, download=True)
    assert len(calls) == 1  # the watch above does see a download


def test_download_without_a_network_fails_soon_and_says_what_to_put_where(tmp_path, monkeypatch):
    nobody = dataclasses.replace(DATASETS["cifar10"], url="http://127.0.0.1:9/")
    monkeypatch.setitem(DATASETS, "cifar10", nobody)
    with pytest.raises(DataNotFoundError, match=r"no answer from http://127\.0\.0\.1:9/") as caught:
        load("cifar10", data_dir=tmp_path, download=True)
    assert "cifar-10-python.tar.gz" in str(caught.value)


def test_a_server_that_refuses_the_question_is_reachable():
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as server:  # answers 501
        threading.Thread(target=server.handle_request, daemon=True).start()
        assert tfds.reachable(f"http://127.0.0.1:{server.server_port}/")


def test_a_name_server_that_does_not_answer_is_given_up(monkeypatch):
    monkeypatch.setattr("socket.getaddrinfo", lambda *a, **k: time.sleep(30) or [])
    start = time.perf_counter()
    assert not tfds.reachable("http://example.invalid/", seconds=0.2)
    assert time.perf_counter() - start < 20


def test_data_dir_order_is_argument_variable_cache(tmp_path, monkeypatch):
    assert data_dir() == tmp_path / "cache" / "green_vae"
    monkeypatch.setenv("GREEN_VAE_DATA", "~/somewhere")
    assert data_dir() == Path.home() / "somewhere"
    assert data_dir(tmp_path) == tmp_path
    with pytest.raises(DataNotFoundError, match="somewhere"):
        load("mnist")


def test_digits_need_no_file():
    train, test = load("digits"), load("digits", "test", download=True)
    assert (len(train), len(test)) == (1297, 500) and train.shape == (32, 32, 1)
    assert train.labels[:10].tolist() == list(range(10))
    assert train.class_names[train.labels[3]] == "3"


def test_digits_are_the_published_values_enlarged():
    """Pixel values against scikit-image's order-1 interpolation (half-pixel, edges repeated) of scikit-learn's data."""
    from skimage.transform import resize
    from sklearn.datasets import load_digits

    source = load_digits().images[1297:1300] / 16 * 255
    for image, expected in zip(load("digits", "test").images[:3, :, :, 0], source, strict=True):
        enlarged = resize(expected, (32, 32), order=1, mode="edge", anti_aliasing=False)
        assert abs(image - enlarged).max() <= 0.5 + 1e-3
        assert image.max() > 200
