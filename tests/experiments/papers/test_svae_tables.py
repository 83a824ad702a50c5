"""Kinds of images in the Split-VAE tables: parts, mixtures of training and of test codes, and how cells say so."""

import numpy as np
import pytest
from experiment_tables import TABLES, read_report
from sklearn.mixture import GaussianMixture

from green_vae.experiments import main
from green_vae.experiments.bench import Bench
from green_vae.experiments.run import SMOKE_SAMPLERS, Run
from green_vae.experiments.spec import NotRun, Row, Settings

TABLE = TABLES["svae_table4"]
SVAE = next(row for row in TABLE.rows if row.name == "SVAE")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    run = Run(Bench(TABLE, Settings(out=tmp_path_factory.mktemp("run"), smoke=True)), SVAE)
    run.prepare()
    return run


def all_of(run, kind):
    return np.concatenate(list(run.images(kind)))


def test_parts_are_of_the_same_codes(run):
    image, first, second = (all_of(run, f"prior{part}") for part in ("", ":x1", ":x2"))
    assert image.shape == first.shape == second.shape == (96, 32, 32, 1)
    between = (np.minimum(first, second) - 1e-6 <= image) & (image <= np.maximum(first, second) + 1e-6)
    assert between.all() and not np.array_equal(first, second)
    mix, first, second = (all_of(run, f"gmm:{part}") for part in ("mix", "x1", "x2"))
    assert np.array_equal(mix[:48], first[:48]) and np.array_equal(mix[48:], second[48:])


def test_mixtures_are_fitted_on_the_codes_they_say(run):
    """Against scikit-learn, from the codes of the model itself."""
    for kind, images in (("gmm", run.train_images), ("gmm_test", run.bench.reference_images)):
        codes = run.trained.encode(images)
        n = SMOKE_SAMPLERS["gmm"]["n_components"]
        expected = GaussianMixture(n, max_iter=200, random_state=0).fit(codes.astype("float64"))
        means = run.sampler(kind).means_
        order = [np.argsort(m[:, 0]) for m in (means, expected.means_)]
        np.testing.assert_allclose(means[order[0]], expected.means_[order[1]], rtol=1e-4, atol=1e-5)
    assert not np.allclose(run.sampler("gmm").means_, run.sampler("gmm_test").means_)


def test_what_images_depend_on_differs_by_kind(run):
    kinds = ["prior", "prior:x1", "prior:x2", "gmm", "gmm_test", "gmm:mix", "reconstructions"]
    identities = [str(run.image_identity(kind)) for kind in kinds]
    assert len(set(identities)) == len(kinds)


def test_models_without_a_split_head_say_so(tmp_path):
    """The plain twin, and a row of another paper; the head itself is asked for before any weights are."""
    bench = Bench(TABLE, Settings(out=tmp_path, smoke=True))
    for row in (Row("plain twin", preset="svae/mnist-mini-plain"), TABLE.rows[1]):
        with pytest.raises(NotRun, match="^no split head: the images of this row"):
            Run(bench, row).check_kind("gmm:mix")


def test_words_for_how_images_are_made(run):
    assert run.made("prior") == "samples from N(0, I)"
    assert run.made("prior:x2") == "x2 of samples from N(0, I)"
    assert run.made("gmm") == (
        "samples by gmm(n_components=100, max_iter=200) fitted on the posterior mean of all 96 training images"
    )
    assert "the 96 test images that are the reference too, as the authors' code does" in run.made("gmm_test")
    assert run.made("gmm:mix").startswith("half x1, half x2, of samples by gmm(")


@pytest.mark.slow
def test_the_report_says_how_images_are_made(tmp_path):
    columns = ["fid_gmm", "fid_gmm_test", "fid_gmm_test_mix"]
    arguments = ["--smoke", "--rows", "SVAE", "2S-VAE (Dai", "--columns", *columns]
    assert main(TABLE, [*arguments, "--out", str(tmp_path)]) == 0
    page = (tmp_path / "svae_table4.md").read_text(encoding="utf-8")
    assert "FID GMM (SVAE): samples by gmm(" in page
    assert "FID GMM (2S-VAE (Dai, Wipf)): samples by second_stage(" in page
    assert "FID GMM (test codes): samples by gmm(" in page and "as the authors' code does" in page
    cells = read_report(tmp_path / "svae_table4.json")["rows"]
    assert cells["SVAE"]["fid_gmm"]["value"] != cells["SVAE"]["fid_gmm_test"]["value"]
    assert "FID GMM (test codes) mix: half x1, half x2, of samples by gmm(" in page
    assert cells["2S-VAE (Dai, Wipf)"]["fid_gmm_test_mix"]["reason"].startswith("no split head")
    assert "second stage stands in the place of the mixture" in cells["2S-VAE (Dai, Wipf)"]["fid_gmm"]["reason"]


def test_active_units_stand_beside_the_published_range():
    """Section 5.1: between 2 and 5 of 32 units are inactive, so 27 to 30 are active."""
    for value, verdict in ((26, "outside"), (27, "inside"), (30, "inside"), (31, "outside")):
        cells = {name: {"active_means": {"value": value}} for name in ("MNIST split", "MNIST plain")}
        (line,) = TABLES["svae_activity"].conclusions({"rows": cells})
        assert "published 27 to 30 of 32" in line and line.endswith(f"ours {value}: {verdict}.")
    assert not list(TABLES["svae_activity"].conclusions({"rows": {"MNIST split": {"active_means": {"value": None}}}}))
