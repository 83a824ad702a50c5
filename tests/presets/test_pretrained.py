"""Where trained weights are found, and what is fetched from where; no network is asked unless somebody said so."""

import shutil

import numpy as np
import pytest
import requests
from loopback import serving

import green_vae as gv
from green_vae.presets import pretrained, registry, store
from green_vae.samplers import SAMPLERS

NAME = "some/model"
CONTENTS = {"config.json": b"{}", "metadata.json": b"about", "model.weights.h5": bytes(range(256)) * 400}


def put(place, name=NAME, contents=CONTENTS):
    (place / name).mkdir(parents=True)
    for file, content in contents.items():
        (place / name / file).write_bytes(content)
    return place / name


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A machine with nothing on it, which knows the models under home/server; returns its folder."""
    put(tmp_path / "server")
    monkeypatch.setattr(pretrained, "CHECKOUT", tmp_path / "checkout")
    monkeypatch.setattr(pretrained, "INSTALLED", tmp_path / "installed")
    monkeypatch.setattr(pretrained, "cache_dir", lambda: tmp_path / "cache")
    monkeypatch.delenv("GREEN_VAE_PRETRAINED", raising=False)
    monkeypatch.delenv("GREEN_VAE_PRETRAINED_URL", raising=False)
    known(tmp_path, monkeypatch)
    return tmp_path


def known(home, monkeypatch):
    monkeypatch.setattr(pretrained, "REGISTRY", home / "registry.json")
    registry.write_json(home / "registry.json", registry.registry_of(home / "server"))


@pytest.fixture
def server(home):
    with serving(home / "server") as parts:
        yield parts


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_registry_is_what_ships():
    assert pretrained.registry() == registry.registry_of(pretrained.CHECKOUT), registry.__doc__


def test_the_registry_is_written_anew_by_one_command(home, monkeypatch, capsys):
    monkeypatch.setattr(registry, "REGISTRY", home / "new.json")
    monkeypatch.setattr(registry, "CHECKOUT", home / "server")
    registry.main([])
    assert (home / "new.json").read_text() == (
        home / "registry.json"
    ).read_text() and "1 models" in capsys.readouterr().out
    entry = pretrained.registry()[NAME]["config.json"]  # of the two bytes {}, as `sha256sum` gives it
    assert entry == {"size": 2, "sha256": "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}
    shutil.rmtree(home / "server")
    with pytest.raises(FileNotFoundError, match="it takes a checkout. Received: .*server"):
        registry.main([])


def test_the_first_place_that_has_it(home, monkeypatch):
    monkeypatch.setenv("GREEN_VAE_PRETRAINED", str(home / "own"))
    order = [home / "own", home / "checkout", home / "installed", home / "cache" / "pretrained"]
    assert pretrained.places() == order
    for place in reversed(order):
        folder = put(place)
        assert pretrained.where(NAME) == pretrained.folder_of(NAME) == folder
    monkeypatch.delenv("GREEN_VAE_PRETRAINED")
    assert pretrained.where(NAME) == home / "checkout" / NAME


def test_what_is_at_hand_is_taken_without_the_network(home, monkeypatch):
    monkeypatch.setenv("GREEN_VAE_PRETRAINED_URL", "http://127.0.0.1:1")
    for place in ("installed", "cache/pretrained"):
        folder = put(home / place)
        assert pretrained.folder_of(NAME) == folder
        shutil.rmtree(home / place)


def test_without_an_address_the_error_says_what_to_put_where(home, monkeypatch):
    monkeypatch.setattr(requests, "get", lambda *args, **more: pytest.fail("asked a network"))
    with pytest.raises(FileNotFoundError) as error:
        pretrained.folder_of(NAME)
    text, folder = str(error.value), home / "cache" / "pretrained" / NAME
    for words in ("Set GREEN_VAE_PRETRAINED_URL", f"GREEN_VAE_PRETRAINED to a folder with {NAME}/", f"into {folder};"):
        assert words in text
    assert "put config.json (2 bytes), metadata.json (5 bytes), model.weights.h5 (102,400 bytes) into" in text
    assert "Received: no GREEN_VAE_PRETRAINED_URL" in text and not (home / "cache").exists()
    put(home / "cache" / "pretrained")  # as it was said
    assert pretrained.folder_of(NAME) == folder
    (folder / "config.json").write_bytes(b"[]")
    with pytest.raises(FileNotFoundError, match="put config.json .2 bytes. into"):
        pretrained.folder_of(NAME)


def test_an_address_is_a_consent_and_each_file_is_asked_for_once(home, server, monkeypatch):
    address, asked, _ = server
    monkeypatch.setenv("GREEN_VAE_PRETRAINED_URL", address + "/")
    folder = pretrained.folder_of(NAME)
    assert folder == home / "cache" / "pretrained" / NAME and contents(folder) == CONTENTS
    assert asked == [f"{NAME}/{file}" for file in ("config.json", "model.weights.h5", "metadata.json")]
    assert pretrained.folder_of(NAME) == folder and len(asked) == 3


def test_an_explicit_call_is_a_consent(home, server):
    address, asked, _ = server
    assert contents(gv.fetch(NAME, address)) == CONTENTS and len(asked) == 3


def test_a_damaged_file_in_the_cache_is_fetched_again(home, server):
    address, asked, _ = server
    (gv.fetch(NAME, address) / "model.weights.h5").write_bytes(CONTENTS["model.weights.h5"][::-1])
    asked.clear()
    assert contents(gv.fetch(NAME, address)) == CONTENTS and asked == [f"{NAME}/model.weights.h5"]


@pytest.mark.parametrize(
    ("fault", "kind", "message"),
    [
        ("other", ValueError, "another file than the one that shipped.*nothing was kept. Received: http.*weights.h5"),
        ("half", ConnectionError, "could not fetch a file.*Received: http.*weights.h5"),
    ],
)
def test_a_file_that_is_wrong_or_half_is_not_kept(home, server, fault, kind, message):
    address, asked, faults = server
    faults["model.weights.h5"] = fault
    with pytest.raises(kind, match=message):
        gv.fetch(NAME, address)
    folder = home / "cache" / "pretrained" / NAME
    assert contents(folder) == {"config.json": CONTENTS["config.json"]}
    with pytest.raises(FileNotFoundError, match="put metadata.json .5 bytes., model.weights.h5"):
        pretrained.folder_of(NAME)
    faults.clear()
    asked.clear()
    assert contents(gv.fetch(NAME, address)) == CONTENTS
    assert asked == [f"{NAME}/model.weights.h5", f"{NAME}/metadata.json"]  # what was whole is kept


def test_an_address_that_has_no_such_file_or_does_not_answer(home, server):
    address, asked, _ = server
    (home / "server" / NAME / "config.json").unlink()
    with pytest.raises(ConnectionError, match="could not fetch a file; look at GREEN_VAE_PRETRAINED_URL.*404"):
        gv.fetch(NAME, address)
    with pytest.raises(ConnectionError, match="could not fetch a file.*Received: http://127.0.0.1:1/some/model"):
        gv.fetch(NAME, "http://127.0.0.1:1")
    with pytest.raises(ValueError, match="or is no address.*Received: somewhere/some/model"):
        gv.fetch(NAME, "somewhere")


def test_a_preset_whose_weights_do_not_ship(home, server):
    address, asked, _ = server
    with pytest.raises(
        FileNotFoundError, match="python -m green_vae train svae/celeba` trains it. Received: svae/celeba"
    ):
        gv.fetch("svae/celeba", address)
    assert asked == []


def test_a_model_and_its_sampler_from_an_address(home, server, monkeypatch):
    """The model is the registered one with every weight equal, and what is fetched is verified as what ships."""
    address, asked, _ = server
    config = {"image_shape": (32, 32, 1), "latent_dim": 4, "network_options": {"base": 2}}
    model = gv.MODELS["vae"](**config)
    mixture = SAMPLERS["gmm"](n_components=2).fit(np.random.default_rng(0).normal(size=(30, model.latent_dim)))
    monkeypatch.setitem(gv.PRESETS, "test/tiny", gv.presets.Preset("vae", config, "digits", None, ""))
    store.save_preset(model, home / "server" / "test" / "tiny", samplers={"gmm": mixture}, dtype="float32")
    known(home, monkeypatch)
    with pytest.raises(FileNotFoundError, match="sampler-gmm.npz"):
        gv.load_sampler("test/tiny", "gmm")
    assert not store.pretrained_path("test/tiny").exists() and asked == []
    monkeypatch.setenv("GREEN_VAE_PRETRAINED_URL", address)
    codes = gv.load_sampler("test/tiny", "gmm").sample(3, seed=1)
    loaded = gv.load("test/tiny")
    assert np.array_equal(codes, mixture.sample(3, seed=1)) and len(asked) == 4
    for ours, theirs in zip(loaded.get_weights(), model.get_weights(), strict=True):
        assert np.array_equal(ours, theirs)
    assert store.pretrained_path("test/tiny").is_relative_to(home / "cache")
