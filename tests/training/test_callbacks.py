"""Callbacks: what they log and when, and that training is the same with and without them."""

import json

import keras
import numpy as np
import pytest
from core_models import blobs, build
from skimage.metrics import structural_similarity

from green_vae.metrics import FIDEvaluator
from green_vae.training import Recipe, train
from green_vae.training.callbacks import Every, LatentActivity, ReconstructionSSIM, SampleFID, latent_activity


class Count(Every):
    calls, names = 0, ("count",)

    def measure(self):
        self.calls += 1
        return {"count": self.calls}


def fit(model, callbacks, epochs=6):
    model.compile(optimizer=keras.optimizers.Adam(1e-3))
    return model.fit(blobs(16), batch_size=8, epochs=epochs, verbose=0, callbacks=callbacks).history


def test_measures_after_the_first_epoch_and_every_few():
    epochs = []

    class Spy(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            epochs.extend([epoch + 1] if logs["count"] == logs["count"] else [])

    fit(build("vae"), [Count(3), Spy()], epochs=7)
    assert epochs == [1, 3, 6]


@pytest.mark.parametrize("first", [True, False])
def test_every_epoch_has_a_number_or_nan_whatever_the_order_of_callbacks(tmp_path, first):
    measuring = [LatentActivity(blobs(16), every=3), ReconstructionSSIM(blobs(4), blobs(3), every=2)]
    log = keras.callbacks.CSVLogger(tmp_path / "log.csv")
    history = fit(build("vae"), [*measuring, log] if first else [log, *measuring], epochs=4)
    assert {len(values) for values in history.values()} == {4}
    nan = {name: [bool(np.isnan(value)) for value in values] for name, values in history.items()}
    assert nan["active_means"] == nan["variance_law"] == [False, True, False, True]
    assert nan["ssim"] == nan["ssim_changing"] == [False, False, True, False]
    assert not any(nan["loss"])
    rows = np.genfromtxt(tmp_path / "log.csv", delimiter=",", names=True)
    for name in history:
        np.testing.assert_allclose(rows[name], history[name], rtol=1e-6)


def test_a_training_writes_down_what_was_measured_alone(tmp_path):
    seen = train(build("vae"), blobs(16), Recipe(1e-3, (), 8, 3), tmp_path, callbacks=[LatentActivity(blobs(16), 3)])
    assert ["active_means" in epoch for epoch in seen] == [True, False, True]
    assert "NaN" not in (tmp_path / "history.json").read_text()


@pytest.mark.parametrize("every", [0, -2, 1.5])
def test_never_is_refused(every):
    with pytest.raises(ValueError, match="positive. Received"):
        Count(every)


def test_latent_activity_of_known_units():
    """Unit 0 carries the input, unit 1 is the prior, unit 2 is in between: used by one rule, not by the other."""
    rng = np.random.default_rng(0)
    means = rng.normal(size=(5000, 3)) * [1.0, 0.0, 0.1]
    variances = np.broadcast_to([0.01, 1.0, 0.7], means.shape)
    measured = latent_activity(means, variances)
    assert (measured["active_posterior"], measured["active_means"]) == (2, 1)
    assert measured["variance_law"] == pytest.approx((1.01 + 1.0 + 0.71) / 3, rel=0.02)


def test_latent_activity_in_the_history_is_of_the_trained_model():
    model, x = build("split_vae"), blobs(16)
    history = fit(model, [LatentActivity(x)], epochs=2)
    posterior = model.posterior(x)
    last = {name: values[-1] for name, values in history.items()}
    assert latent_activity(posterior["mean"], np.exp(posterior["log_var"])) == pytest.approx(
        {name: last[name] for name in ("active_posterior", "active_means", "variance_law")}
    )


def test_sample_fid_of_each_part():
    model, x = build("split_vae"), blobs(16)
    evaluator = FIDEvaluator(protocol="tiny")
    reference = evaluator.moments(x)
    parts = ("x", "x1", "x2")
    history = fit(model, [SampleFID(evaluator, reference, n=8, parts=parts, every=2)], epochs=2)
    made = {part: evaluator.moments(model.generate(8, seed=0, part=part)) for part in parts}
    expected = {part: evaluator.fid(moments, reference)["tiny"] for part, moments in made.items()}
    assert history["fid_n"][-1] == 8
    for part, value in expected.items():
        assert history[f"fid_{part}"][-1] == pytest.approx(value)
    assert len({round(value, 6) for value in expected.values()}) == 3


def test_watching_changes_nothing_and_stands_in_the_history(tmp_path):
    recipe, x = Recipe(1e-3, (), 8, 2), blobs(16)
    plain, watched = build("vae"), build("vae")
    bare = train(plain, x, recipe, tmp_path / "a")
    full = train(watched, x, recipe, tmp_path / "b", callbacks=[LatentActivity(x, every=2)])
    assert all(np.array_equal(a, b) for a, b in zip(plain.get_weights(), watched.get_weights(), strict=True))
    assert json.loads((tmp_path / "b" / "history.json").read_text()) == full
    for before, after in zip(bare, full, strict=True):
        assert before == {name: after[name] for name in before}
    assert all({"active_posterior", "active_means", "variance_law"} <= set(epoch) for epoch in full)


def test_both_readings_of_the_ssim():
    """Against scikit-image; the second is of another training image each epoch, with twice the true range."""
    model, x, trained = build("vae"), blobs(16), blobs(7)[::-1]
    history = fit(model, [ReconstructionSSIM(x[:6], trained, seed=3)], epochs=2)
    chosen = np.random.default_rng([3, 1]).integers(7)  # of the second epoch
    assert chosen != np.random.default_rng([3, 0]).integers(7)
    made, one = model.reconstruct(x[:6], seed=3), model.reconstruct(trained[chosen : chosen + 1], seed=3)
    options = {"channel_axis": -1, "data_range": 1.0}
    pairs = zip(x[:6] / 255, made.astype("float64"), strict=True)
    expected = np.mean([structural_similarity(a, b, **options) for a, b in pairs])
    assert history["ssim"][-1] == pytest.approx(expected, rel=1e-6)
    wide, narrow = (
        structural_similarity(trained[chosen] / 255, one[0].astype("float64"), **{**options, "data_range": data_range})
        for data_range in (2.0, 1.0)
    )
    assert history["ssim_changing"][-1] == pytest.approx(wide, rel=1e-6) and wide > narrow
