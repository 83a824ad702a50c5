"""Codes on a plane by three losses: the squared error alone, the KL alone, and both (review, Figures 10 and 11).

Small enough to be trained within a figure, in seconds.
"""

import functools

import keras
import numpy as np
from sklearn.neighbors import KNeighborsClassifier

from green_vae.models import ReviewVAE
from green_vae.models.undrawn import python_seed

LOSSES = {"squared error alone": 0.0, "KL alone": 1e4, "both": 1.0}  # title -> weight of the KL
TRAINED, SHOWN, NEIGHBOURS = 12_000, 2_000, 10  # images
REACH = 3.5  # half the side of a panel, in root mean squares of what it shows


@functools.lru_cache(maxsize=1)  # two figures show the same models
def models(data, seed, epochs=8):
    """Title of a loss -> model with two latent units, trained on the first images of a `data.Dataset`."""
    return {title: _trained(data.images[:TRAINED], weight, seed, epochs) for title, weight in LOSSES.items()}


def _trained(images, weight, seed, epochs):
    options = {"widths": (256,), "log_sigma": True}
    with python_seed(seed):
        model = ReviewVAE(
            image_shape=images.shape[1:], latent_dim=2, beta=weight, network="mlp", network_options=options, seed=seed
        )
    model.compile(optimizer=keras.optimizers.Adam(1e-3), jit_compile="auto")
    model.fit(images, batch_size=100, epochs=epochs, shuffle=False, verbose=0)
    return model


def means_by_class(model, data):
    """Posterior means of the first images, (classes, n, 2): as many of each class as the rarest one has."""
    shown = data[:SHOWN]
    z, labels = model.encode(shown.images), shown.labels
    n = np.bincount(labels).min()
    return np.stack([z[labels == label][:n] for label in np.unique(labels)])


def draws_of_classes(model, data, draws=200, seed=0):
    """Draws of the posteriors of one image of every class, (classes, draws, 2)."""
    first = [int(np.flatnonzero(data.labels == label)[0]) for label in np.unique(data.labels)]
    z = model.encode(np.repeat(data.images[first], draws, axis=0), sample=True, seed=seed)
    return z.reshape(len(first), draws, 2)


def accuracy(model, data):
    """Share of images, in %, whose class ten neighbours among the other half's posterior means tell."""
    shown = data[:SHOWN]
    z, half = model.encode(shown.images), len(shown) // 2
    found = KNeighborsClassifier(NEIGHBOURS).fit(z[:half], shown.labels[:half])
    return 100 * float(found.score(z[half:], shown.labels[half:]))


def width(model, data):
    """Mean standard deviation of a posterior over the standard deviation of the means of all images."""
    means, variances = model.latent_moments(data[:SHOWN].images)
    return float(np.sqrt(variances.mean()) / np.sqrt(means.var(axis=0).mean()))


def reach(points):
    """Half the side of a square that shows most of the points."""
    return REACH * float(np.sqrt(np.mean(np.square(points))))
