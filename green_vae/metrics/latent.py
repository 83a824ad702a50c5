"""What a posterior says of its latent units: the variance law, inactive units, lost variance. NumPy only.

Means and variances are those of q(z|x) over a set of images: arrays (n, ...) of one shape; a unit is one position of
the trailing axes. Variances are not logarithms.
"""

import numpy as np

from green_vae.metrics.image import per_image

RULES = {"posterior": 0.8, "means": 0.05}


def variance_law(means, variances):
    """Mean over the units of Var_x[mu(x)] + E_x[sigma^2(x)]; 1 where the aggregate posterior has the prior's variance.

    Source: Asperti, "About Generative Aspects of Variational Autoencoders" (2019).

    Raises:
        ValueError: shapes differ, no images, not finite, or negative variances.
    """
    means, variances = _checked(means, variances)
    return float(np.mean(means.var(0) + variances.mean(0)))


def inactive_mask(means, variances, rule="posterior", threshold=None, prior_variance=1.0):
    """Which units the encoder does not use, bool of the units' shape.

    Args:
        rule: "posterior": the mean posterior variance, divided by `prior_variance`, is above 0.8 (the survey; 0.9 for
            its hierarchical models; 0.95 Split-VAE's other form). "means": the variance of the posterior means is
            below 0.05 (Split-VAE; Burda et al., 2016, call a unit active above 0.01).
        threshold: in place of the rule's own.
        prior_variance: number, or of the units' shape.

    Raises:
        ValueError: unknown rule, or as for `variance_law`.
    """
    if rule not in RULES:
        raise ValueError(f"rule must be one of {tuple(RULES)}. Received: {rule!r}")
    means, variances = _checked(means, variances)
    threshold = RULES[rule] if threshold is None else threshold
    if rule == "posterior":
        return variances.mean(0) / prior_variance > threshold
    return means.var(0) < threshold


def inactive_units(means, variances, rule="posterior", threshold=None, prior_variance=1.0):
    """Number of units that `inactive_mask` marks."""
    return int(inactive_mask(means, variances, rule, threshold, prior_variance).sum())


def active_units(means, variances, rule="posterior", threshold=None, prior_variance=1.0):
    """Number of units that `inactive_mask` leaves."""
    return int((~inactive_mask(means, variances, rule, threshold, prior_variance)).sum())


def kl_standard_normal(mean, log_var):
    """KL(N(mean, exp(log_var)) || N(0, I)) in nats, float64 (n,), of arrays (n, d); of tensors, see `models.losses`."""
    mean, log_var = np.asarray(mean, "float64"), np.asarray(log_var, "float64")
    return 0.5 * (mean**2 + np.exp(log_var) - log_var - 1).sum(axis=1)


def variance_loss(images, reconstructions):
    """|mean per-image variance of the data - of the reconstructions|, the variance over an image's pixels and channels.

    Source: Asperti, "Variance Loss in Variational Autoencoders" (2020).

    Args:
        images, reconstructions: (n, height, width, channels), float of one range, or uint8 (divided by 255).

    Raises:
        ValueError: shapes differ or are not images, or not finite.
    """
    return float(abs(per_image(images, reconstructions, lambda a, b: a.var((1, 2, 3)) - b.var((1, 2, 3))).mean()))


def _checked(means, variances):
    means, variances = np.asarray(means, "float64"), np.asarray(variances, "float64")
    if means.shape != variances.shape or means.ndim < 2 or not len(means):
        raise ValueError(f"means and variances must be (n, ...), n > 0. Received: {means.shape} and {variances.shape}")
    if not (np.isfinite(means).all() and np.isfinite(variances).all()):
        raise ValueError("means and variances must be finite. Received: NaN or infinite numbers")
    if variances.min(initial=0) < 0:
        raise ValueError(f"variances must not be negative (logarithms?). Received: {variances.min():.4g}")
    return means, variances
