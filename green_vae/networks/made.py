"""Masked dense layers, and the autoregressive network made of them (MADE, Germain et al. 2015, section 4)."""

import keras
import numpy as np
from keras import layers, ops


@keras.saving.register_keras_serializable(package="green_vae")
class MaskedDense(layers.Dense):
    """Dense layer in which a unit sees only those inputs whose degree is not above its own (not equal, if strict).

    Args:
        degrees_in: of the inputs, in order.
        degrees: of the units, in order; their number is the number of units.
        strict: an equal degree is not seen either.
        kwargs: of `keras.layers.Dense`.
    """

    def __init__(self, degrees_in, degrees, strict=False, **kwargs):
        super().__init__(len(degrees), **kwargs)
        self.degrees_in, self.degrees, self.strict = list(degrees_in), list(degrees), strict

    def mask(self):
        """Which input reaches which unit: 0 or 1, float32 (inputs, units)."""
        see = np.less if self.strict else np.less_equal
        return see.outer(np.array(self.degrees_in), np.array(self.degrees)).astype("float32")

    def call(self, inputs):
        x = ops.matmul(inputs, self.kernel * ops.cast(self.mask(), self.compute_dtype))
        x = x + self.bias if self.use_bias else x
        return x if self.activation is None else self.activation(x)

    def get_config(self):
        own = {"degrees_in": self.degrees_in, "degrees": self.degrees, "strict": self.strict}
        config = {**super().get_config(), **own}
        del config["units"]
        return config


@keras.saving.register_keras_serializable(package="green_vae")
class AutoregressiveNetwork(layers.Layer):
    """(m, a) for every unit of z, where those of unit i see the context and z_1 ... z_(i-1) only.

    A hidden unit of degree j sees z_1 ... z_j; degrees go round from 0, the context alone, to dim - 1. In float32 under
    every policy, since it stands between a draw and its density.

    Args:
        dim: size of z.
        context: size of the context.
        widths: of the hidden layers; at least one.
        reverse: the order is from the last unit to the first.
        gate: bias that a starts with.

    Call arguments: z (batch, dim) and context (batch, context). Returns: m and a, (batch, dim) each.

    Raises:
        ValueError: no hidden layer; the context would reach nothing.
    """

    def __init__(self, dim, context, widths=(64,), reverse=False, gate=2.0, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        if not widths:
            raise ValueError(f"an autoregressive network needs a hidden layer. Received: widths={widths}")
        self.dim, self.context, self.widths = dim, context, tuple(widths)
        self.reverse, self.gate = reverse, gate
        order = list(range(dim, 0, -1) if reverse else range(1, dim + 1))
        degrees = [order, *([unit % dim for unit in range(width)] for width in self.widths)]
        self.from_context = layers.Dense(self.widths[0], use_bias=False, dtype="float32")
        self.hidden = [MaskedDense(*pair, dtype="float32") for pair in zip(degrees, degrees[1:], strict=False)]
        head = {"degrees_in": degrees[-1], "degrees": order, "strict": True, "dtype": "float32"}
        self.m = MaskedDense(**head, name="m")
        self.a = MaskedDense(**head, bias_initializer=keras.initializers.Constant(gate), name="a")
        self._build()

    def _build(self):
        """All weights exist from the start, as those of the functional networks do."""
        self.from_context.build((None, self.context))
        for layer in (*self.hidden, self.m, self.a):
            layer.build((None, len(layer.degrees_in)))
        self.built = True

    def call(self, z, context):
        x = ops.elu(self.hidden[0](z) + self.from_context(context))
        for layer in self.hidden[1:]:
            x = ops.elu(layer(x))
        return self.m(x), self.a(x)

    def get_config(self):
        own = {"dim": self.dim, "context": self.context, "widths": list(self.widths)}
        return {**super().get_config(), **own, "reverse": self.reverse, "gate": self.gate}
