"""The second stage as a sampler: settings of its sources, length of what it generates, noise of the likelihood."""

import numpy as np
import pytest

from green_vae.samplers import SecondStage

QUICK = {"epochs": 1, "batch_size": 8, "widths": (8,)}


def encodings(n=40):
    return (5 * np.random.default_rng(0).normal(size=(n, 6))).astype("float32")


def test_settings_of_the_sources():
    survey, original = SecondStage(), SecondStage("gaussian")
    assert (survey.widths, survey.beta, survey.learning_rate) == ((1536, 1536), 0.005, 1e-3)
    assert (survey.halve_at, survey.batch_size, survey.rescale) == ((80, 120, 150), 100, True)
    assert (original.widths, original.beta, original.learning_rate) == ((1024, 1024, 1024), 1.0, 1e-4)
    assert original.rescale is False
    computed = SecondStage("computed_gamma")  # Asperti and Trentin draw no noise, but rescale
    assert (computed.widths, computed.beta, computed.rescale) == ((2048, 2048, 2048), 1.0, True)
    assert (computed.learning_rate, computed.halve_at) == (1e-4, (400, 800, 1200))
    earlier = SecondStage("cosine_and_error")
    assert (earlier.widths, earlier.beta, earlier.rescale) == ((1536, 1536), 0.0075, True)
    assert (earlier.learning_rate, earlier.halve_at) == (1e-4, ())
    other = SecondStage("squared_error")  # the survey's, but for the loss
    assert {**other.settings(), "reconstruction": "cosine"} == survey.settings()
    assert SecondStage(beta=0.0, halve_at=()).settings().items() >= {"beta": 0.0, "halve_at": ()}.items()


def test_what_is_refused():
    with pytest.raises(ValueError, match="Received: 'laplace'"):
        SecondStage("laplace")
    with pytest.raises(ValueError, match="at least 8 encodings.*Received: 7"):
        SecondStage(**QUICK).fit(encodings(7))


def test_what_is_generated_has_the_length_of_the_encodings():
    z = encodings()
    rescaled, raw = (SecondStage(rescale=rescale, **QUICK).fit(z) for rescale in (True, False))
    assert raw.factor_ == 1 and rescaled.factor_ != 1
    spread, aim = rescaled.sample(10_000).std(axis=1).mean(), z.std(axis=1).mean()
    assert spread == pytest.approx(aim, rel=0.02)
    np.testing.assert_allclose(rescaled.sample(5), rescaled.factor_ * raw.sample(5), rtol=1e-4)


def test_the_likelihood_draws_with_its_own_noise():
    sampler = SecondStage("gaussian", **QUICK).fit(encodings())
    sampler.model_.log_gamma.assign(np.log(2.0))
    mean = sampler.model_.decode(np.random.default_rng(3).standard_normal((5000, 6)))
    noise = sampler.sample(5000, seed=3) - mean
    np.testing.assert_allclose(noise.std(axis=0), 2.0, rtol=0.05)
    np.testing.assert_allclose(noise.mean(axis=0), 0, atol=0.15)


def test_a_computed_variance_draws_no_noise_and_is_kept(tmp_path):
    sampler = SecondStage("computed_gamma", **QUICK).fit(0.01 * encodings())  # whose error is far below 1
    mean = sampler.model_.decode(np.random.default_rng(3).standard_normal((20, 6)))
    np.testing.assert_allclose(sampler.sample(20, seed=3), sampler.factor_ * mean, rtol=1e-5)
    sampler.save(tmp_path / "kept.npz")
    again = SecondStage.load(tmp_path / "kept.npz")
    np.testing.assert_array_equal(again.sample(20), sampler.sample(20))
    assert again.model_.observation() == sampler.model_.observation() != ("gaussian", 1.0)


@pytest.mark.parametrize("kind", ["cosine", "cosine_and_error", "squared_error", "computed_gamma"])
def test_with_noise_what_is_decoded_is_shortened_and_the_noise_of_the_loss_added(kind, tmp_path):
    z = encodings()
    plain = SecondStage(kind, **QUICK, beta=0.01).fit(z)
    noisy = plain.with_noise()
    square = float(np.square(plain.sample(10_000)).mean())
    gamma = None if plain.model_.gamma is None else float(plain.model_.gamma.value())
    noise = {
        "cosine": 0.01 * 6 * square,  # 6 numbers: the mean squared length of z is 6 times that of a number
        "cosine_and_error": 0.01 / (1 / (6 * square) + 0.0005 / (gamma or 1)),
        "squared_error": 0.01 * 6,
        "computed_gamma": 0.01 * (gamma or 1),
    }[kind]
    assert noisy.noise_ == pytest.approx(noise, rel=1e-5) and plain.noise_ == 0
    decoded = plain.sample(5_000, seed=3) * np.sqrt(1 - noise / square)
    added = noisy.sample(5_000, seed=3) - decoded
    np.testing.assert_allclose(added.var(axis=0), noise, rtol=0.1)
    np.testing.assert_allclose(added.mean(axis=0), 0, atol=5 * np.sqrt(noise / 5_000))
    assert np.square(noisy.sample(10_000)).mean() == pytest.approx(square, rel=0.03)
    noisy.save(tmp_path / "kept.npz")
    np.testing.assert_array_equal(SecondStage.load(tmp_path / "kept.npz").sample(20), noisy.sample(20))
    assert noisy.with_noise() is noisy
    np.testing.assert_array_equal(noisy.fit(z).sample(20), plain.sample(20), "fitted anew it has no noise")


def test_with_noise_a_linear_gaussian_is_drawn_with_its_own_variances():
    """A linear VAE at its optimum: decoding u alone loses d beta of each variance, and the noise gives it back."""
    variances, beta = np.array([4.0, 2.0, 1.0, 0.5]), 0.1
    sampler = SecondStage("squared_error", **QUICK, beta=beta, rescale=False).fit(
        np.random.default_rng(0).normal(size=(40, 4))
    )
    kernel, bias = sampler.model_.decoder.layers[-1].weights  # of the hidden units and of u itself
    weights = np.zeros(kernel.shape)
    weights[-4:] = np.diag(np.sqrt(np.clip(variances - 4 * beta, 0, None)))
    kernel.assign(weights), bias.assign(np.zeros(4))
    plain, noisy = sampler.sample(100_000), sampler.with_noise().sample(100_000)
    np.testing.assert_allclose(plain.var(axis=0), variances - 0.4, rtol=0.02)
    np.testing.assert_allclose(noisy.var(axis=0), variances, rtol=0.02)


def test_with_noise_what_cannot_have_it_is_refused():
    with pytest.raises(ValueError, match="not fitted"):
        SecondStage(**QUICK).with_noise()
    with pytest.raises(ValueError, match="draws its noise anyway"):
        SecondStage("gaussian", **QUICK).fit(encodings()).with_noise()
    with pytest.raises(ValueError, match="leaves nothing else; fit with a smaller beta. Received: 6, and"):
        SecondStage("squared_error", **QUICK, beta=1.0).fit(0.1 * encodings()).with_noise()


def test_a_file_with_a_negative_noise_is_refused(tmp_path):
    sampler = SecondStage(**QUICK).fit(encodings())
    sampler.noise_ = -1.0
    sampler.save(tmp_path / "wrong.npz")
    with pytest.raises(ValueError, match="a noise of the variance -1.0"):
        SecondStage.load(tmp_path / "wrong.npz")


def test_weights_may_be_kept_as_float16(tmp_path):
    sampler = SecondStage("gaussian", **QUICK).fit(encodings())
    for dtype in ("float32", "float16"):
        sampler.save(tmp_path / f"{dtype}.npz", dtype)
    whole, half = (SecondStage.load(tmp_path / f"{dtype}.npz") for dtype in ("float32", "float16"))
    for a, b in zip(whole.model_.get_weights(), half.model_.get_weights(), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a.astype("float16").astype("float32") if a.ndim else a, b)
    np.testing.assert_allclose(half.sample(50), whole.sample(50), rtol=0.01, atol=0.02)
    with np.load(tmp_path / "float16.npz") as file:
        assert {file[name].dtype.name for name in file.files if name.startswith("weight") and file[name].ndim} == {
            "float16"
        }


def test_a_weight_beyond_float16_is_kept_as_float32_and_one_that_is_no_number_is_refused(tmp_path):
    sampler = SecondStage("gaussian", **QUICK).fit(encodings())
    weight = sampler.model_.decoder.weights[0]
    weight.assign(np.full(weight.shape, 7e4))
    sampler.save(tmp_path / "large.npz", "float16")
    again = SecondStage.load(tmp_path / "large.npz").model_.decoder.weights[0]
    np.testing.assert_array_equal(again.numpy(), weight.numpy())
    with np.load(tmp_path / "large.npz") as file:
        kept = [file[name] for name in file.files if name.startswith("weight") and file[name].ndim]
    assert [values.max() for values in kept if values.dtype == "float32"] == [7e4]
    weight.assign(np.full(weight.shape, np.inf))
    with pytest.raises(ValueError, match="NaN or infinite; train again.*Received: weight_"):
        sampler.save(tmp_path / "large.npz", "float16")


def test_checkpoints_are_kept_and_used(tmp_path):
    first, second = SecondStage(**QUICK), SecondStage(**QUICK)
    z, kept = encodings(), tmp_path / "kept"
    expected = first.fit(z, kept).sample(5)
    written = (tmp_path / "kept" / "epoch-1.weights.h5").stat().st_mtime_ns
    np.testing.assert_array_equal(second.fit(z, kept).sample(5), expected)
    assert (tmp_path / "kept" / "epoch-1.weights.h5").stat().st_mtime_ns == written
