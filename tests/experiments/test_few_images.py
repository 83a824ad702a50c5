"""Fault 3: reconstructions are of training images; where these are fewer than the reference, the report says so."""

from types import SimpleNamespace

import numpy as np
import pytest

from green_vae.experiments import Reference, Row, Table, columns
from green_vae.experiments.bench import Bench
from green_vae.experiments.run import Run
from green_vae.experiments.spec import Settings
from green_vae.presets import store

COLUMN = columns.fid_rec("train")


def row_with(limit, folder):
    """A row with fresh weights, trained on the first `limit` images and measured against 24."""
    row = Row("only", {"fid_rec_train": 1.0}, preset="survey/cnn-b128-l128")
    table = Table("few", "Few", "nobody", (COLUMN,), (row,), Reference("digits", n=24))
    run = Run(Bench(table, Settings(out=folder, smoke=True, limit_train=limit)), row)
    run.prepared = True
    return run


def test_fault_3_the_report_tells_how_many_reconstructions_there_are(tmp_path):
    run = row_with(8, tmp_path)
    measured = COLUMN.measure(run)
    assert (measured.images, measured.reference_images) == (8, 24)
    assert "only 8 images against 24" in measured.incomparable
    assert measured.made == "reconstructions, from sampled codes, of the first 8 training images"
    assert run.image_identity("reconstructions")["n"] == 8
    assert run._picture("reconstructions").exists()  # of 8 images, where 24 were waited for


def test_fault_3_as_many_as_the_reference_where_there_are_enough(tmp_path):
    run = row_with(None, tmp_path)
    assert run.image_count("reconstructions") == run.image_count("prior") == 24
    assert len(np.concatenate(list(run.images("reconstructions")))) == 24
    assert run.made("reconstructions").endswith("the first 24 training images")


@pytest.mark.parametrize(("seen", "said"), [(8, "on the first 8"), (24, "measured with the first 8")])
def test_weights_that_ship_may_have_seen_more_images_than_are_measured(seen, said, monkeypatch):
    monkeypatch.setattr(store, "metadata_of", lambda folder: {"train_images": seen})
    run = SimpleNamespace(train_images=range(8), train_data=range(24), shipped=True, shipped_folder="")
    assert Run.trained_on_fewer(run) == [f"{said} training images"]
