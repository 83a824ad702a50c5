"""What is known of every preset, without a backend; and presets by the methods that KerasHub has for them."""

import json
import subprocess
import sys

import numpy as np
import pytest
from core_models import blobs, build, child_env

import green_vae as gv
from green_vae import cards, cli
from green_vae.models import MODELS, VAE, SplitVAE
from green_vae.models.base import BaseVAE
from green_vae.presets import PRESETS, pretrained, write_cards
from green_vae.utils import digests

SMALL = "svae/mnist-mini"


def test_every_preset_has_a_card_that_says_what_it_says():
    found = cards.cards()
    assert list(found) == list(PRESETS), write_cards.__doc__
    for name, preset in PRESETS.items():
        said = found[name]["model"], found[name]["data"], found[name]["source"]
        assert said == (MODELS[preset.model].__name__, preset.dataset, preset.source), write_cards.__doc__
        known = {key: list(value) if key == "image_shape" else value for key, value in preset.config.items()}
        assert found[name] == found[name] | {key: known[key] for key in ("image_shape", "latent_dim") if key in known}
    shipped = {name: sum(file["size"] for file in files.values()) for name, files in pretrained.registry().items()}
    told = {name: card["trained"]["bytes"] for name, card in found.items() if card["trained"]}
    assert told == shipped, write_cards.__doc__


def test_cards_are_what_is_written_from_models_metadata_and_tables():
    few = [SMALL, "slides/linear-mnist-l2"]
    again = write_cards.cards_of(pretrained.CHECKOUT, pretrained.CHECKOUT.parent / "results", few)
    assert again == {name: cards.cards()[name] for name in few}, write_cards.__doc__
    for name in few:
        metadata = json.loads((pretrained.CHECKOUT / name / "metadata.json").read_text())
        assert again[name]["parameters"] == metadata["parameters"]
    table = json.loads((pretrained.CHECKOUT.parent / "results" / "svae_table3.json").read_text())["rows"]
    measured = {cell["value"] for cells in table.values() for cell in cells.values()}
    quality = [cell for cell in again[SMALL]["trained"]["quality"] if cell["table"] == "svae_table3"]
    assert all(cell["value"] in measured for cell in quality)


def test_a_measured_cell_of_other_weights_is_no_quality_of_these(tmp_path):
    cell = {
        "label": "FID~",
        "value": 1.5,
        "published": None,
        "verdict": "measured",
        "details": {"preset": SMALL, "weights": "0" * 16},
    }
    (tmp_path / "a_table1.json").write_text(json.dumps({"rows": {"row": {"mse": cell}}}))
    found = write_cards.cards_of(pretrained.CHECKOUT, tmp_path, [SMALL])[SMALL]["trained"]["quality"]
    assert found == []
    cell["details"]["weights"] = digests.of_arrays(gv.load(SMALL).get_weights())[:16]
    (tmp_path / "a_table1.json").write_text(json.dumps({"rows": {"row": {"mse": cell}}}))
    found = write_cards.cards_of(pretrained.CHECKOUT, tmp_path, [SMALL])[SMALL]["trained"]["quality"]
    assert found == [{"table": "a_table1", "column": "mse"} | {name: cell[name] for name in cell if name != "details"}]


def test_presets_are_chosen_by_data_and_by_weights():
    everything = gv.list_presets()
    assert set(gv.list_presets(trained=True)) == set(pretrained.registry())
    assert set(gv.list_presets(data="cifar10")) == {n for n, card in everything.items() if card["data"] == "cifar10"}
    with pytest.raises(ValueError, match="did you mean cifar10[?] Received: data='cifar-10'"):
        gv.list_presets(data="cifar-10")


def test_list_and_info_print_the_cards(capsys):
    assert cli.main(["list", "--trained", "--data", "cifar100"]) == 0
    assert capsys.readouterr() == ("", "no preset of cifar100 has trained weights; list it without --trained\n")
    assert cli.main(["list", "--trained", "--data", "mnist32", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == gv.list_presets(True, "mnist32")
    assert cli.main(["list", "--trained"]) == 0
    lines = capsys.readouterr().out.splitlines()[2:]
    assert [line.split()[0] for line in lines] == list(gv.list_presets(True))
    assert cli.main(["info", SMALL, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == cards.cards()[SMALL]
    assert cli.main(["info", SMALL]) == 0
    out = capsys.readouterr().out
    for word in ("SplitVAE", "1,984,901", "32 numbers", "mnist32", "prior, gmm", "Apache-2.0", f'gv.load("{SMALL}")'):
        assert word in out
    assert cli.main(["info", "survey/cnn-b128-l128"]) == 0
    assert "none ship" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["info", "cost", "generate", "train"])
def test_a_misspelt_name_suggests_the_nearest_without_a_backend(command):
    program = f"""
import sys
from green_vae import cli
code = cli.main([{command!r}, "svae/mnist-mni"])
print(code, *(name for name in ("keras", "tensorflow", "jax", "numpy") if name in sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", program], env=child_env(), capture_output=True, text=True)
    assert done.stdout == "2\n"
    assert "did you mean svae/mnist-mini? Received: svae/mnist-mni" in done.stderr


def test_listing_needs_no_backend():
    program = "import sys, green_vae; green_vae.list_presets(); print('keras' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], env=child_env(), capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("mnist-mini", "did you mean svae/mnist-mini"),
        ("svae/minst-mini", "did you mean svae/mnist-mini"),
        ("xyz", "list"),
    ],
)
def test_loading_a_misspelt_name_suggests_the_nearest(name, advice):
    with pytest.raises(ValueError, match=f"unknown preset; .*{advice}.*Received: '{name}'"):
        gv.load(name)


def test_presets_in_the_manner_of_kerashub(tmp_path):
    model = build("vae")
    model.save_to_preset(tmp_path / "mine", dtype="float32")
    for kind in (VAE, BaseVAE):
        again = kind.from_preset(tmp_path / "mine")
        np.testing.assert_array_equal(again.encode(blobs(3)), model.encode(blobs(3)))
    fresh = VAE.from_preset(tmp_path / "mine", load_weights=False)
    assert (fresh.encode(blobs(3)) != model.encode(blobs(3))).any()
    with pytest.raises(ValueError, match="VAE.from_preset loads it. Received: "):
        SplitVAE.from_preset(tmp_path / "mine")
