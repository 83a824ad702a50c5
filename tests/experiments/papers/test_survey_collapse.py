"""One latent unit under noise: the noise, what is measured, and the verdict."""

from types import SimpleNamespace

import numpy as np
import pytest
from keras import ops

from green_vae.experiments.papers import survey_claims
from green_vae.experiments.papers.survey_collapse import VERDICT, DisturbedSample, RisingNoise, height, measured, told


def test_the_noise_rises_in_the_second_quarter_and_falls_in_the_third():
    heights = [height(epoch, 4) for epoch in range(16)]
    assert heights == [0, 0, 0, 0, 0.25, 0.5, 0.75, 1, 0.75, 0.5, 0.25, 0, 0, 0, 0, 0]


def test_one_unit_gets_the_noise():
    layer = DisturbedSample(3, seed=0)
    layer.disturbance.assign([0.0, 2.0, 0.0])
    narrow = ops.full((50_000, 3), 2 * np.log(0.5))
    z = ops.convert_to_numpy(layer(ops.ones((50_000, 3)), narrow))
    np.testing.assert_allclose(z.mean(axis=0), 1, atol=0.05)
    np.testing.assert_allclose(z.std(axis=0), [0.5, np.sqrt(0.25 + 4), 0.5], rtol=0.02)


class Linear:
    """Decodes z to the image a z: masking unit i then costs a_i^2 E[z_i^2], but for what the others leave."""

    latent_dim, weights = 2, np.array([2.0, 0.5])

    def posterior(self, x):
        mean = x.reshape(len(x), 2) / self.weights
        return {"mean": mean.astype("float32"), "log_var": np.full(mean.shape, -30.0, "float32")}

    def decode(self, z):
        return (z * self.weights).reshape(-1, 1, 2, 1)


def test_the_gain_of_a_linear_decoder_is_what_the_unit_carries():
    x = np.random.default_rng(0).uniform(size=(4_000, 1, 2, 1)).astype("float32")
    found = measured(Linear(), x, np.zeros(2), range(2))
    np.testing.assert_allclose(found["gain"], np.square(x).mean(axis=(0, 1, 3)), rtol=1e-4)
    mean = Linear().posterior(x)["mean"]
    np.testing.assert_allclose(found["kl"], 0.5 * (np.square(mean).mean(axis=0) + np.exp(-30) + 29), rtol=1e-5)
    np.testing.assert_allclose(found["variance"], np.exp(-30.0), rtol=1e-5)
    noisy = measured(Linear(), x, np.array([0.0, 3.0]), [1])["gain"]
    assert np.isnan(noisy[0])
    assert noisy[1] == pytest.approx(found["gain"][1] - (0.5 * 3.0) ** 2, rel=0.05)  # its noise is gone, too


def watched(kl):
    """A `RisingNoise` that has seen these KLs of its unit, the second of two."""
    watch = RisingNoise(None, quarter=len(kl) // 4)
    watch.unit = 1
    for epoch, value in enumerate(kl):
        sides = {name: np.array([9.0, value]) for name in ("gain", "kl", "variance")}
        watch.seen.append({"noise": 4 * height(epoch, watch.quarter), **sides})
    return watch


@pytest.mark.parametrize(
    ("kl", "given_up", "back"),
    [([2, 2, 0.3, 0.1, 0.2, 0.4, 1, 1.5], "yes", "yes"), ([2, 2, 0.3, 0.3, 0.4, 0.4, 1, 1.5], "no", "yes"),
     ([2, 2, 0.3, 0.1, 0.1, 0.1, 0.1, 0.1], "yes", "no")],
)  # fmt: skip
def test_the_sentence_tells_whether_the_unit_was_given_up_and_came_back(kl, given_up, back):
    sentence = told(watched([float(value) for value in kl]))
    assert sentence.startswith("Unit 1 of 16: KL 2.000 nats, gain 2.00, variance 2.00 before the noise; ")
    assert sentence.endswith(VERDICT.format(given_up, back))
    _, ours = survey_claims.under_noise(SimpleNamespace(sentence=lambda gallery, figure: sentence))
    assert ours.says == (given_up == back == "yes") and ours.text in sentence
    _, ours = survey_claims.under_noise(SimpleNamespace(sentence=lambda gallery, figure: ""))
    assert (ours.text, ours.says) == ("not measured", None)


def test_the_unit_with_the_largest_gain_is_disturbed():
    watch = RisingNoise(None, quarter=1, peak=2.0)
    watch.seen = [{"gain": np.array([1.0, 5.0, 2.0])}]
    sample = DisturbedSample(3)
    watch.set_model(SimpleNamespace(latent_dim=3, sample=sample))
    for epoch, expected in ((1, 2.0), (2, 0.0)):
        watch.on_epoch_begin(epoch)
        np.testing.assert_allclose(sample.disturbance.numpy(), [0, expected, 0])
