"""What several parts share: digests, floats of images; and that it costs no import of Keras."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from green_vae.utils import digests
from green_vae.utils.images import unit_floats

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2's own example


def test_files_one_after_the_other(tmp_path):
    for name, content in (("whole", b"abc"), ("a", b"a"), ("bc", b"bc"), ("none", b"")):
        (tmp_path / name).write_bytes(content)
    assert digests.of_files(tmp_path / "whole") == ABC
    assert digests.of_files(*(tmp_path / name for name in ("a", "none", "bc"))) == ABC


def test_arrays_by_their_bytes_after_the_head(monkeypatch):
    letters = np.frombuffer(b"abc", "uint8")
    assert digests.of_arrays([letters]) == digests.of_arrays([letters[1:]], "a") == ABC
    assert digests.of_arrays([np.uint8(97), letters[:0], letters[1:]]) == ABC  # a number, and an empty array
    table = np.random.default_rng(0).random((7, 5, 3)).astype("<f4")
    expected = hashlib.sha256(table.tobytes()).hexdigest()
    for block in (digests.BLOCK, 2 * 60, 1):
        monkeypatch.setattr(digests, "BLOCK", block)
        assert {digests.of_arrays([array]) for array in (table, np.asfortranarray(table), table[::-1][::-1])} == {
            expected
        }


def test_json_by_value():
    expected = hashlib.sha256(b'{"a": [1, "x"], "b": null}').hexdigest()
    assert digests.of_json({"b": None, "a": (1, Path("x"))}) == expected
    assert digests.of_json({"b": None, "a": [1, "y"]}) != expected


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_floats_of_every_pixel_value(dtype):
    values = unit_floats(np.arange(256, dtype="uint8"), dtype)
    assert values.dtype == dtype
    np.testing.assert_array_equal(values, np.arange(256).astype(dtype) / np.asarray(255, dtype))


def test_floats_stay_and_are_copied_only_into_another_type():
    floats = np.array([0.5, 7.0], "float32")
    assert unit_floats(floats) is floats
    assert unit_floats(floats, "float64").tolist() == [0.5, 7.0]


def test_utils_do_without_keras_and_tensorflow():
    names = sorted(path.stem for path in Path(digests.__file__).parent.glob("[a-z]*.py"))
    code = f"import sys; from green_vae.utils import {', '.join(names)}; "
    code += "print({'keras', 'tensorflow'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"arguments", "digests", "images", "places"} <= set(names) and done.stdout.strip() == "set()"
