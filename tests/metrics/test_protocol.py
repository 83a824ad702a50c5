"""What protocols are called, and that nothing that matters is left out of their hash."""

import dataclasses

import pytest

from green_vae.metrics import LAYERS, Protocol
from green_vae.metrics.protocol import canonical_layer
from green_vae.metrics.resize import described

FID = Protocol("survey", "some weights", "ab" * 32, "bilinear", "2x - 1", "avg_pool")


@pytest.mark.parametrize(
    "changes, label",
    [
        ({}, "FID"),
        ({"approximate": True}, "FID~"),
        ({"layer": "mixed8"}, "FID@1280"),
        ({"layer": "mixed7"}, "FID@768"),
        ({"layer": "192"}, "FID@192"),
        ({"layer": "64", "approximate": True}, "FID~@64"),
        ({"name": "ttur", "quantise": True}, "FID(ttur)"),
        ({"name": "ttur", "quantise": True, "stretch": True}, "FID(ttur, stretched)"),
        ({"name": "tiny", "layer": "tiny"}, "FID@tiny"),
        ({"stretch": True}, "FID(stretched)"),
        ({"quantise": True}, "FID(8 bit)"),
        ({"precision": "bfloat16"}, "FID(bfloat16)"),
        ({"precision": "bfloat16", "approximate": True}, "FID~(bfloat16)"),
        ({"precision": "bfloat16", "layer": "mixed8", "stretch": True}, "FID@1280(stretched, bfloat16)"),
        ({"precision": "bfloat16", "name": "tiny", "layer": "tiny"}, "FID@tiny(bfloat16)"),
        ({"resize": described("bilinear")}, "FID"),
        ({"resize": described("nearest")}, "FID(nearest)"),
        ({"resize": described("bilinear@75"), "quantise": True}, "FID(bilinear@75, 8 bit)"),
        ({"resize": described("bicubic"), "layer": "mixed8"}, "FID@1280(bicubic)"),
    ],
)
def test_labels(changes, label):
    protocol = dataclasses.replace(FID, **changes)
    assert protocol.label == label
    assert protocol.describe().startswith(f"{label} [") and "\n" not in protocol.describe()


def test_hash_is_stable_and_covers_every_field():
    assert FID.hash == dataclasses.replace(FID).hash == "c0e674321aef"
    others = {"name": "x", "weights": "x", "weights_sha256": "x", "resize": "x", "input_range": "x", "layer": "mixed8"}
    others |= {"quantise": True, "stretch": True, "approximate": True, "precision": "bfloat16"}
    assert set(others) == {field.name for field in dataclasses.fields(Protocol)}
    hashes = {dataclasses.replace(FID, **{name: value}).hash for name, value in others.items()}
    assert len(hashes | {FID.hash}) == len(others) + 1


def test_precision_is_a_part_of_the_protocol_and_float32_goes_without_saying():
    """Hashes and files of before there was a choice stay what they are."""
    other = dataclasses.replace(FID, precision="bfloat16")
    assert other != FID == dataclasses.replace(other, precision="float32") and other.hash != FID.hash
    assert "precision" not in FID.settings and Protocol(**FID.settings) == FID
    assert other.settings == FID.settings | {"precision": "bfloat16"} and Protocol(**other.settings) == other
    assert other.caveat == "FID(bfloat16) is not on the scale of the published FID (2048 features, in float32)"
    assert other.describe().endswith("; products in bfloat16") and "float32" not in FID.describe()


def test_another_resize_is_not_on_the_published_scale():
    other = dataclasses.replace(FID, resize=described("nearest@150"))
    assert other.hash != FID.hash and other.resize_name == "nearest@150" and Protocol(**other.settings) == other
    told = "FID(nearest@150) is not on the scale of the published FID (2048 features, bilinear to 299x299)"
    assert other.caveat == told


def test_protocols_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        FID.stretch = True


@pytest.mark.parametrize("name", LAYERS)
def test_layers_by_name_and_width(name):
    dim = LAYERS[name].dim
    assert canonical_layer(name) == canonical_layer(dim) == canonical_layer(str(dim)) == name
    assert dataclasses.replace(FID, layer=name).dim == dim


@pytest.mark.parametrize("layer", ["mixed9", 100, "", None, "128"])
def test_unknown_layers_are_refused_with_the_known_ones(layer):
    with pytest.raises(ValueError, match="'64'.*'192'.*'mixed7'.*'mixed8'.*'avg_pool'.*Received: "):
        canonical_layer(layer)
