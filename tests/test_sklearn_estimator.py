"""`green_vae.sklearn.VAETransformer`: scikit-learn's own checks, and what it promises of units, shapes and scores."""

import pickle
import subprocess
import sys
import warnings

import keras
import numpy as np
import pytest
from core_models import child_env
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from green_vae.sklearn import VAETransformer

TINY = {"epochs": 2, "batch_size": 16, "network_options": {"widths": (8,)}}
EXPECTED_FAILURES = {}  # check -> why it does not apply; there is none


@pytest.fixture(autouse=True)
def eager():
    """Nothing is compiled: nearly every test trains an estimator of its own for a few steps."""
    if keras.backend.backend() != "tensorflow":
        yield
        return
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Even though the `tf.config.experimental_run_functions_eagerly`")
        yield
    tf.config.run_functions_eagerly(False)


@pytest.mark.slow  # 47 trainings, 15 s of processor time; those below prove the parts that matter most
@parametrize_with_checks([VAETransformer(**TINY)], expected_failed_checks=lambda estimator: EXPECTED_FAILURES)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


@pytest.fixture(scope="module")
def few(iris):
    """Every fourth flower."""
    return iris[0][::4], iris[1][::4]


@pytest.fixture(scope="module")
def fitted(iris):
    return VAETransformer(**{**TINY, "epochs": 40}, learning_rate=0.01, random_state=0).fit(iris[0])


def test_in_a_pipeline(few):
    x, y = few
    pipeline = make_pipeline(VAETransformer(**TINY, random_state=0), LogisticRegression())
    assert 0 <= pipeline.fit(x, y).score(x, y) <= 1
    assert pipeline[:-1].get_feature_names_out().tolist() == ["vaetransformer0", "vaetransformer1"]
    assert clone(pipeline[0]).get_params() == pipeline[0].get_params()


def test_codes_and_features_are_those_of_the_model_in_the_units_of_the_table(fitted, iris):
    x, _ = iris
    low, high = x.min(axis=0), x.max(axis=0)
    scaled = ((x - low) / (high - low)).astype("float32").reshape(-1, 1, 4, 1)
    codes = fitted.transform(x)
    np.testing.assert_allclose(codes, fitted.model_.encode(scaled), rtol=1e-5, atol=1e-5)
    made = fitted.inverse_transform(codes)
    expected = fitted.model_.decode(codes).reshape(-1, 4) * (high - low) + low
    np.testing.assert_allclose(made, expected, rtol=1e-5)
    assert made.shape == x.shape and np.square(made - x).mean() < 0.5 * x.var(axis=0).mean()
    np.testing.assert_allclose(fitted.score_samples(x), -np.square((made - x) / (high - low)).sum(axis=1), atol=1e-5)
    assert fitted.score(x) == pytest.approx(fitted.score_samples(x).mean())


def test_rows_beyond_the_range_of_training_are_anomalies(fitted, iris):
    """The model sees them cut off, their scores do not."""
    x, _ = iris
    far = x[:5] + 10 * (x.max(axis=0) - x.min(axis=0))
    assert fitted.score_samples(far).max() < -300 < fitted.score_samples(x).min()


def test_the_same_number_is_the_same_estimator(few):
    x, _ = few
    first, again, other = (VAETransformer(**TINY, random_state=seed).fit_transform(x) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3


def test_new_rows(fitted, iris):
    x, _ = iris
    drawn = fitted.sample(200, random_state=3)
    np.testing.assert_array_equal(drawn, fitted.sample(200, random_state=3))
    assert drawn.shape == (200, 4) and (drawn >= x.min(axis=0) - 1e-6).all() and (drawn <= x.max(axis=0) + 1e-6).all()
    assert drawn.std(axis=0).min() > 0 and np.abs(drawn - fitted.sample(200)).max() > 0


def test_a_pickle_is_the_same_estimator(fitted, iris):
    read = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(read.transform(iris[0]), fitted.transform(iris[0]))


@pytest.mark.parametrize("sampler", [None, "scalar_gaussian", GaussianMixture(2)])
def test_an_autoencoder_draws_by_a_sampler(sampler, few):
    estimator = VAETransformer(model="rae-gp", model_options={"latent_weight": 0.01}, sampler=sampler, **TINY)
    assert estimator.fit(few[0]).sample(5).shape == (5, 4) and estimator.model_.latent_weight == 0.01


def test_images_keep_their_shape():
    images = np.random.default_rng(0).integers(0, 256, (40, 6, 5, 3), "uint8")
    estimator = VAETransformer(**TINY, random_state=0).fit(images)
    codes = estimator.transform(images)
    assert codes.dtype == "float32" and estimator.inverse_transform(codes).shape == images.shape
    assert estimator.sample(2).shape == (2, 6, 5, 3) and 0 <= estimator.sample(2).min()
    rows = VAETransformer(**TINY, random_state=0, image_shape=(6, 5, 3)).fit(images.reshape(40, -1) / 255)
    np.testing.assert_allclose(rows.transform(images.reshape(40, -1)), codes, atol=1e-5)
    assert rows.inverse_transform(codes).shape == (40, 90)
    with pytest.raises(ValueError, match=r"expected images \(n, 6, 5, 3\). Received: shape \(40, 5, 6, 3\)"):
        estimator.transform(images.reshape(40, 5, 6, 3))
    with pytest.raises(ValueError, match="divide by 255"):
        VAETransformer(**TINY).fit(images.astype("float32"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": "gan"}, "model is one of autoencoder, .*Received: 'gan'"),
        ({"image_shape": (2, 3, 1)}, "h \\* w \\* c numbers. Received: 4"),
        ({"model": "rae"}, "regularizer='l2' needs layers of the network cnn.*Received: network='mlp'"),
        (
            {"model": "vae", "model_options": {"bata": 1}},
            "an option that the model does not have. Received: vae.*'bata'",
        ),
        ({"learning_rate": 1e30, "epochs": 3}, "training diverged; lower learning_rate"),
    ],
)
def test_what_is_refused(settings, message, few):
    with pytest.raises(ValueError, match=message):
        VAETransformer(**{**TINY, **settings}).fit(few[0])


def test_the_module_brings_no_backend():
    code = "import green_vae.sklearn, sys; print(*{'keras', 'tensorflow', 'jax'} & {*sys.modules})"
    found = subprocess.run([sys.executable, "-c", code], env=child_env(), capture_output=True, text=True, check=True)
    assert found.stdout == "\n"
