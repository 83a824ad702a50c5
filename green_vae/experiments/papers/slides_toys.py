"""Posteriors in two dimensions that can be looked at: four data points, and energies with odd shapes.

Small enough to be trained within a figure, in seconds. Sources: Kingma et al. 2016, Improving variational inference
with inverse autoregressive flow, Figure 1; Rezende and Mohamed 2015, Variational inference with normalizing flows,
Table 1 and Figure 3.
"""

import math

import keras
import numpy as np
from keras import ops
from scipy.special import logsumexp

from green_vae.models import BernoulliVAE
from green_vae.models.flows import InverseAutoregressiveFlow
from green_vae.models.undrawn import python_seed

POINTS = np.eye(4, dtype="float32").reshape(4, 2, 2, 1)  # four images of four pixels
PERFECT = -math.log(4)  # nats: the bound of a model that knows the four points and nothing else
REACH = 4.0  # the energies live on the square [-REACH, REACH]^2


# four data points


def four_points(posterior, steps=3_000, batch_size=128, seed=0):
    """A VAE with two latents and a Bernoulli likelihood, trained on the four points.

    Args:
        posterior: "gaussian", or "iaf" with four steps.
        steps: of Adam. batch_size: of a step, a multiple of four. seed: of weights and noise.
    """
    flow = {} if posterior == "gaussian" else {"posterior_options": {"steps": 4, "widths": (64, 64)}}
    network = {"network": "mlp", "network_options": {"widths": (64, 64), "activation": "relu"}}
    with python_seed(seed):
        model = BernoulliVAE(image_shape=(2, 2, 1), latent_dim=2, **network, posterior=posterior, **flow, seed=seed)
    _fit(model, np.tile(POINTS, (steps * batch_size // 4, 1, 1, 1)), batch_size, 3e-3)
    return model


def point_bound(model, draws=2_500):
    """(evidence lower bound in nats, its standard error) over the four points, from so many draws of each."""
    x = np.repeat(POINTS, draws, axis=0)
    outputs = model(x)
    terms = model.terms(x, outputs)
    values = -np.asarray(ops.convert_to_numpy(terms["reconstruction"] + terms["kl"]), "float64").reshape(4, draws)
    return values.mean(), math.sqrt(values.var(axis=1, ddof=1).sum() / draws) / 4


def point_codes(model, draws, seed=0):
    """Draws of the four posteriors, float32 (4, draws, 2)."""
    return model.encode(np.repeat(POINTS, draws, axis=0), sample=True, seed=seed).reshape(4, draws, 2)


# energies


def _w1(z):
    return ops.sin(0.5 * math.pi * z[:, 0])


def _w2(z):
    return 3.0 * ops.exp(-0.5 * ops.square((z[:, 0] - 1.0) / 0.6))


def _w3(z):
    return 3.0 * ops.sigmoid((z[:, 0] - 1.0) / 0.3)


def _either(a, b):
    """-ln(exp(-a^2 / 2) + exp(-b^2 / 2))."""
    return -ops.logaddexp(-0.5 * ops.square(a), -0.5 * ops.square(b))


def u1(z):
    ring = 0.5 * ops.square((ops.norm(z, axis=1) - 2.0) / 0.4)
    return ring + _either((z[:, 0] - 2.0) / 0.6, (z[:, 0] + 2.0) / 0.6)


def u2(z):
    return 0.5 * ops.square((z[:, 1] - _w1(z)) / 0.4)


def u3(z):
    return _either((z[:, 1] - _w1(z)) / 0.35, (z[:, 1] - _w1(z) + _w2(z)) / 0.35)


def u4(z):
    return _either((z[:, 1] - _w1(z)) / 0.4, (z[:, 1] - _w1(z) + _w3(z)) / 0.35)


ENERGIES = {"U1": u1, "U2": u2, "U3": u3, "U4": u4}  # (n, 2) -> (n,), as in Table 1 of the paper


def bounded(energy):
    """The energy with a wall around the square, without which three of the four have no finite integral."""
    return lambda z: energy(z) + 0.5 * ops.sum(ops.square(ops.relu(ops.abs(z) - REACH) / 0.1), axis=1)


def on_grid(energy, side=400, reach=1.25 * REACH):
    """Density exp(-U) / Z of a bounded energy on a square grid, and ln Z, by the midpoint rule.

    Returns:
        (side, side), rows from the largest second coordinate down, and ln Z.
    """
    step = 2 * reach / side
    axis = -reach + step * (np.arange(side) + 0.5)
    z = np.stack(np.meshgrid(axis, axis[::-1]), axis=-1).reshape(-1, 2).astype("float32")
    minus = -np.asarray(ops.convert_to_numpy(bounded(energy)(ops.convert_to_tensor(z))), "float64")
    log_z = logsumexp(minus) + 2 * math.log(step)
    return np.exp(minus - log_z).reshape(side, side), log_z


def histogram(z, side=80, reach=REACH):
    """Density of draws z (n, 2) on a square grid, (side, side) as in `on_grid`; draws outside count for the whole."""
    edges = np.linspace(-reach, reach, side + 1)
    counts, _, _ = np.histogram2d(z[:, 1], z[:, 0], bins=edges)
    return counts[::-1] / (len(z) * (2 * reach / side) ** 2)


class FittedFlow(keras.Model):
    """An inverse autoregressive flow from N(0, I), without gates: loss = batch mean of ln q(z) + beta U(z).

    For beta = 1 it is KL(q || p) - ln Z, minus the bound; a beta that rises keeps q from settling in one mode (Rezende
    and Mohamed 2015 anneal likewise). Input: noise and beta, (batch, 3). Output: z (batch, 2) and ln q(z) (batch,).
    """

    def __init__(self, energy, steps=4, widths=(64, 64)):
        super().__init__()
        self.energy, self.flow = bounded(energy), InverseAutoregressiveFlow(2, 1, steps, widths, gate=None, name="flow")

    def call(self, inputs):
        noise, beta = inputs[:, :2], inputs[:, 2]
        z, log_diagonal = self.flow(noise, ops.zeros_like(noise[:, :1]))
        normal = 0.5 * ops.square(noise) + 0.5 * math.log(2 * math.pi)
        log_q = -ops.sum(normal + log_diagonal, axis=1)
        self.add_loss(ops.mean(log_q + beta * self.energy(z)))
        return z, log_q


def fitted_flow(energy, steps=3_000, batch_size=256, seed=0):
    """A `FittedFlow` after so many steps of Adam, beta rising from 0.01 to 1 in the first half of them."""
    with python_seed(seed):
        model = FittedFlow(energy)
    beta = np.minimum(1.0, 0.01 + np.arange(steps) / (0.5 * steps)).astype("float32")
    _fit(model, _noise(steps * batch_size, seed, np.repeat(beta, batch_size)), batch_size, 3e-3)
    return model


def divergence(model, log_z, draws=100_000, seed=1):
    """KL(q || p) in nats, p the normalised target; its standard error; and the draws of q, float32 (draws, 2)."""
    z, log_q = model(_noise(draws, seed))
    values = np.asarray(ops.convert_to_numpy(log_q + model.energy(z)), "float64") + log_z
    return values.mean(), values.std(ddof=1) / math.sqrt(draws), ops.convert_to_numpy(z)


def _noise(n, seed, beta=1.0):
    """Noise and beta, float32 (n, 3)."""
    noise = np.random.default_rng(seed).standard_normal((n, 2), dtype="float32")
    return np.column_stack([noise, np.broadcast_to(np.float32(beta), n)])


def _fit(model, x, batch_size, rate):
    """One pass over x with Adam, its rate falling to nothing along half a cosine."""
    schedule = keras.optimizers.schedules.CosineDecay(rate, len(x) // batch_size)
    model.compile(optimizer=keras.optimizers.Adam(schedule), jit_compile="auto")
    model.fit(x, batch_size=batch_size, epochs=1, shuffle=False, verbose=0)
