"""What the network builders share."""

import keras
from keras import layers, ops


def reparametrised(mean, log_var, noise):
    """mean + exp(log_var / 2) noise, tensors of one shape; float32 under every policy (Kingma and Welling 2014)."""
    return drawn_with(ops.exp, *(ops.cast(value, "float32") for value in (mean, log_var, noise)))


def drawn_with(exp, mean, log_var, noise):
    """The formula of `reparametrised` with the exponential function of whatever the numbers are."""
    return mean + exp(0.5 * log_var) * noise


def latent_heads(x, latent_dim, heads, wrap=lambda layer: layer):
    """One linear Dense, in a wrapper, per head on the flat tensor x; a dict head name -> (batch, latent_dim), float32
    always.
    """
    return {head: wrap(layers.Dense(latent_dim, dtype="float32", name=head))(x) for head in heads}


def normed_dense(x, width):
    """Dense, batch norm, leaky ReLU of slope 0.1: a layer of the Ladder VAE's MLPs (Sonderby et al. 2016)."""
    x = layers.BatchNormalization()(layers.Dense(width, use_bias=False)(x))  # the norm has a bias
    return layers.LeakyReLU(negative_slope=0.1)(x)


@keras.saving.register_keras_serializable(package="green_vae")
class Bounded(keras.layers.Layer):
    """min(max(x, lowest), highest); None for no such bound. The gradient is 0 beyond it."""

    def __init__(self, lowest=None, highest=None, **kwargs):
        super().__init__(**kwargs)
        self.lowest, self.highest = lowest, highest

    def build(self, input_shape):
        pass  # no weights

    def call(self, x):
        x = x if self.lowest is None else ops.maximum(x, self.lowest)
        return x if self.highest is None else ops.minimum(x, self.highest)

    def get_config(self):
        return {**super().get_config(), "lowest": self.lowest, "highest": self.highest}


def sigma_heads(x, latent_dim, heads, bounds=None, zero=False):
    """As `latent_heads`, for a second head that is log sigma: "log_var" is twice it.

    Args:
        bounds: (lowest, highest) of log sigma, None for none.
        zero: whether its weights start at 0.
    """
    start = {"kernel_initializer": "zeros"} if zero else {}
    log_sigma = layers.Dense(latent_dim, dtype="float32", name="log_var", **start)(x)
    log_sigma = Bounded(*bounds, dtype="float32", name="bounded")(log_sigma) if bounds else log_sigma
    others = latent_heads(x, latent_dim, [head for head in heads if head != "log_var"])
    return {**others, "log_var": twice(log_sigma)}


def twice(log_sigma):
    """A head that is log sigma as the log variance, in float32."""
    return layers.Rescaling(2.0, dtype="float32", name="twice_log_sigma")(log_sigma)


def to_image(x):
    """Sigmoid in float32 also under mixed precision: 8 bits of mantissa are too coarse for pixels."""
    return layers.Activation("sigmoid", dtype="float32", name="image")(x)


def halvings(side, seed_side):
    """How many times `side` must be halved to give `seed_side`.

    Raises:
        ValueError: `side` is not seed_side times a power of two, at least once.
    """
    steps = (side // seed_side).bit_length() - 1
    if steps < 1 or seed_side << steps != side:
        raise ValueError(f"the image side must be {seed_side} times a power of two. Received: {side}")
    return steps


def square_side(image_shape, multiple):
    """The side of a square image (h, w, c) that is a multiple of `multiple`.

    Raises:
        ValueError: not square, or not such a multiple.
    """
    height, width = image_shape[0], image_shape[1]
    if height != width or height % multiple:
        raise ValueError(f"expected square images with a side divisible by {multiple}. Received: {image_shape}")
    return height


def decoder_input(latent_dim):
    return keras.Input((latent_dim,), name="z")
