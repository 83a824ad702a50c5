"""New images of a class: one sampler for the codes of each label."""

import numpy as np

from green_vae.samplers.mixture import GaussianMixture


def per_class(z, labels, new=GaussianMixture):
    """A sampler for each class, fitted on the codes of its examples alone.

    New images of a 4: `model.generate(16, sampler=per_class(model.encode(x), labels)[4])`.

    Args:
        z: codes (n, *latent_shape).
        labels: (n,), the class of each, integers or strings.
        new: makes a sampler that is not fitted yet, say `lambda: GaussianMixture(n_components=3)`.

    Returns:
        dict label -> fitted sampler, labels in ascending order.

    Raises:
        ValueError: another number of labels than of codes, or what `Sampler.fit` refuses; the message names the class.
    """
    z, labels = np.asarray(z), np.asarray(labels)
    if labels.shape != z.shape[:1]:
        raise ValueError(f"give one label for each code, (n,). Received: {labels.shape} for codes {z.shape}")
    return {label: _fitted(new(), z[labels == label], label) for label in np.unique(labels).tolist()}


def _fitted(sampler, z, label):
    try:
        return sampler.fit(z)
    except ValueError as error:
        raise ValueError(f"no sampler for class {label!r}: {error}") from error
