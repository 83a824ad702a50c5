"""One sampler for each class, on scikit-learn's digits and their principal components as codes."""

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier

from green_vae import data
from green_vae.samplers import GaussianMixture, Neighbourhood, per_class


@pytest.fixture(scope="module")
def digits():
    """(codes of 16 dimensions, labels) of the training digits, and a classifier of such codes by the test digits."""
    train, test = data.load("digits", "train"), data.load("digits", "test")
    pca = PCA(16, random_state=0).fit(train.images.reshape(len(train), -1))
    z, other = (pca.transform(part.images.reshape(len(part), -1)) for part in (train, test))
    return z, train.labels, KNeighborsClassifier(5).fit(other, test.labels)


def test_new_codes_of_a_digit_are_of_that_digit(digits):
    z, labels, classifier = digits
    samplers = per_class(z, labels, lambda: GaussianMixture(2))
    assert list(samplers) == list(range(10)) and {type(label) for label in samplers} == {int}
    right = [np.mean(classifier.predict(sampler.sample(100)) == label) for label, sampler in samplers.items()]
    assert min(right) > 0.5 and np.mean(right) > 0.9  # some of the ones look like eights
    fours = np.mean(classifier.predict(GaussianMixture(20).fit(z).sample(500)) == 4)  # all digits in one mixture
    assert fours < 0.2


def test_each_is_the_sampler_of_its_codes(digits):
    z, labels, _ = digits
    for label, sampler in per_class(z, labels).items():
        alone = GaussianMixture().fit(z[labels == label])
        np.testing.assert_array_equal(sampler.sample(5, seed=3), alone.sample(5, seed=3))


def test_any_sampler_and_labels_of_words():
    z = np.arange(12.0).reshape(6, 2, 1)
    samplers = per_class(z, ["b", "a", "b", "a", "b", "a"], lambda: Neighbourhood(scale=0.0))
    assert list(samplers) == ["a", "b"]
    drawn = samplers["a"].sample(50)
    assert {tuple(code.ravel()) for code in drawn} == {(2.0, 3.0), (6.0, 7.0), (10.0, 11.0)}


def test_what_cannot_be_is_refused():
    z = np.random.default_rng(0).normal(size=(24, 2))
    with pytest.raises(ValueError, match=r"one label for each code.*Received: \(3,\) for codes \(24, 2\)"):
        per_class(z, [0, 1, 2])
    with pytest.raises(ValueError, match="no sampler for class 7: at least 10 encodings are needed. Received: 4"):
        per_class(z, [1] * 20 + [7] * 4)
