"""What the command line says of a machine: `--version` and `doctor`."""

import keras
import pytest

import green_vae as gv
from green_vae import cli, doctor
from green_vae.presets import pretrained


def test_the_version_is_printed(capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(["--version"])
    assert end.value.code == 0 and capsys.readouterr().out == f"green_vae {gv.__version__}\n"


def test_a_machine_is_told_by_subject(tmp_path, capsys):
    assert cli.main(["doctor", "--data-dir", str(tmp_path)]) == 0
    told = dict(line.split(None, 1) for line in capsys.readouterr().out.splitlines())
    assert told["backend"].startswith(keras.backend.backend()) and "cpu" in told["devices"].lower()
    assert told["cores"].split()[0].isdigit() and keras.__version__ in told["versions"]
    assert f"digits, sprites in {tmp_path}; not there: cifar10, cifar100" in told["data"]


def test_data_sets_are_seen_and_not_read(tmp_path):
    (tmp_path / "cifar-10-batches-py").mkdir()
    (tmp_path / "fashion_mnist").mkdir()
    assert doctor.data_found(tmp_path).startswith(
        f"cifar10, fashion_mnist, digits, sprites in {tmp_path}; not there: cifar100"
    )


def test_weights_that_are_missing_are_named(monkeypatch, tmp_path):
    count = len(pretrained.registry())
    assert doctor.weights_found() == f"{count} of {count} trained models"
    monkeypatch.setattr(pretrained, "places", lambda: [tmp_path])
    (tmp_path / "svae" / "mnist-mini").mkdir(parents=True)
    (tmp_path / "svae" / "mnist-mini" / "metadata.json").write_text("{}")
    found = doctor.weights_found()
    assert found.startswith(f"1 of {len(pretrained.registry())}") and "svae/cifar10" in found
    assert "svae/mnist-mini," not in found


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ("avx2 avx512_bf16 amx_bf16", "several times"),
        ("avx512_bf16", "about twice"),
        ("avx2 avx512f", "none for bfloat16"),
    ],
)
def test_matrix_instructions_are_those_of_the_kernel(tmp_path, flags, said):
    (tmp_path / "cpuinfo").write_text(f"processor : 0\nflags\t\t: fpu {flags} sse\n")
    assert said in doctor.instructions(tmp_path / "cpuinfo")
    assert doctor.instructions(tmp_path / "none") == "unknown"
