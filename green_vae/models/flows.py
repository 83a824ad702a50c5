"""Flows: invertible maps that bend a Gaussian posterior, one line per flow in `FLOWS`.

A flow is a layer, made with (dim, context, **options), that maps a draw z (batch, dim) and a context (batch, context)
to (new z, ln of the diagonal of its Jacobian), both (batch, dim) and float32.
"""

import keras
from keras import layers, ops

from green_vae.networks.made import AutoregressiveNetwork


@keras.saving.register_keras_serializable(package="green_vae")
class InverseAutoregressiveFlow(layers.Layer):
    """Steps of  m, a = network(z, context);  g = sigmoid(a);  z <- g z + (1 - g) m.

    g_i and m_i see z_1 ... z_(i-1) alone, so the Jacobian of a step is triangular with g on its diagonal; every second
    step takes the units in reverse order. At the start g is near sigmoid(2) = 0.88: a step that changes little.
    Source: Kingma et al. 2016, Improving variational inference with inverse autoregressive flow, Algorithm 1.

    A gate only contracts. Without one a step is  z <- exp(a) z + m,  the paper's general form, which also widens: for a
    flow that has no encoder before it to set the scale.

    Args:
        dim: size of z.
        context: size of the context.
        steps: how many; at least one.
        widths: of the hidden layers of each step's network.
        gate: bias that a starts with; None for steps without a gate, which start with a near 0.

    Raises:
        ValueError: no step, or no hidden layer.
    """

    def __init__(self, dim, context, steps=2, widths=(64,), gate=2.0, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        if int(steps) != steps or steps < 1:
            raise ValueError(f"a flow needs a positive number of steps. Received: steps={steps}")
        self.dim, self.context, self.steps, self.widths, self.gate = dim, context, steps, tuple(widths), gate
        start = {"gate": 0.0 if gate is None else gate}
        self.networks = [
            AutoregressiveNetwork(dim, context, widths, reverse=bool(step % 2), **start) for step in range(steps)
        ]
        self.built = True

    def call(self, z, context):
        log_diagonal = ops.zeros_like(z)
        for network in self.networks:
            m, a = network(z, context)
            z, log_scale = self._step(z, m, a)
            log_diagonal = log_diagonal + log_scale
        return z, log_diagonal

    def _step(self, z, m, a):
        if self.gate is None:
            return ops.exp(a) * z + m, a
        g = ops.sigmoid(a)
        return g * z + (1.0 - g) * m, ops.log_sigmoid(a)

    def as_network(self):
        """The same weights as a functional model of z and the context, for whoever counts costs."""
        z, context = keras.Input((self.dim,), name="z"), keras.Input((self.context,), name="context")
        return keras.Model([z, context], self(z, context), name="flow")

    def get_config(self):
        own = {"dim": self.dim, "context": self.context, "steps": self.steps, "widths": list(self.widths)}
        return {**super().get_config(), **own, "gate": self.gate}


FLOWS = {"iaf": InverseAutoregressiveFlow}
