"""How the groups of a hierarchy share the KL that is paid for while its weight rises."""

from keras import ops


def balancing(kls, sizes, rule):
    """The factors gamma_l of the KLs of groups of latent variables, (groups,): 1 on average, without gradient.

    gamma_l = a_l / mean of all a. Groups that say much are held back, and those that say little let go. KLs that are
    estimated may be negative. For the s_l units of a group, and means over the batch,

    * "paper": a_l = s_l |mean KL_l| (Vahdat and Kautz 2020, appendix A; survey, balancing coefficients);
    * "code": a_l = (mean |KL_l| + 0.01) n_l / s_l, n_l the number of groups of that size (their released code). The
      authors call the paper's factor a slip for its inverse (NVlabs/NVAE on GitHub, issue 26).

    Args:
        kls: a KL in nats per group, (batch,) each. sizes: their units.
    """
    if rule == "paper":
        pulls = [size * ops.abs(ops.mean(kl)) for size, kl in zip(sizes, kls, strict=True)]
    else:
        shares = [sizes.count(size) / size for size in sizes]
        pulls = [share * (ops.mean(ops.abs(kl)) + 0.01) for share, kl in zip(shares, kls, strict=True)]
    pulls = ops.stack(pulls)
    return ops.stop_gradient(pulls / ops.maximum(ops.mean(pulls), 1e-12))
