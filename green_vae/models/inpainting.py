"""Images whose pixels are known in part, completed by the most probable code."""

import keras
import numpy as np
from keras import ops

from green_vae.models import losses
from green_vae.models.likelihood import observation_of
from green_vae.utils.arguments import whole
from green_vae.utils.images import unit_floats


class Codes(keras.Model):
    """Codes as weights, moved towards those that are most probable for what is known of some images.

    Minimised is, for each image, -log p(known pixels | z) - log p(z), with p(z) = N(0, I).

    Args:
        decoder: z -> images; its own weights stay.
        start: codes (n, latent_dim) to begin with.
        likelihood: of a pixel, "gaussian" or "bernoulli". sigma: of the Gaussian, one or one for every value.
    """

    def __init__(self, decoder, start, likelihood, sigma):
        super().__init__(name="codes", dtype="float32")
        self.decode = lambda z: decoder(z, training=False)  # hidden from Keras, which would train the decoder
        self.likelihood, self.sigma = likelihood, sigma
        initial = keras.initializers.Constant(0.0)
        self.codes = self.add_weight(name="codes", shape=start.shape, initializer=initial)
        self.codes.assign(start)
        self.built = True

    def call(self, inputs):
        return self.decode(ops.convert_to_tensor(self.codes))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """x: images (n, h, w, c). y: 1 where a pixel is known, else 0, of the same shape."""
        if self.likelihood == "bernoulli":
            p = ops.clip(y_pred, 1e-6, 1 - 1e-6)
            error = -(x * ops.log(p) + (1 - x) * ops.log(1 - p))
        else:
            sigma = np.reshape(self.sigma, x.shape[1:] if np.ndim(self.sigma) else ())
            error = ops.square(x - y_pred) / (2 * sigma**2)
        prior = losses.half_squared_norm(ops.convert_to_tensor(self.codes))
        return ops.sum(y * error) + ops.sum(prior)


def most_probable(decoder, images, known, start, likelihood, sigma, steps, learning_rate):
    """Codes (n, latent_dim) after some steps of Adam on the loss of `Codes`; all images are moved together.

    Args:
        images: float32 (n, h, w, c). known: float32 of the same shape, 1 where a pixel is known.
        steps: at least 1. learning_rate: at the start; it falls to 0 along a cosine.
    """
    model = Codes(decoder, np.asarray(start, "float32"), likelihood, sigma)
    rate = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(optimizer=keras.optimizers.Adam(rate), jit_compile="auto")
    for _ in range(steps):
        model.train_on_batch(images, known)
    return ops.convert_to_numpy(model.codes)


def inpainted(model, x, known, batch_size, likelihood, sigma, steps, learning_rate):
    """`Codec.inpaint` of images that are checked."""
    if model.prior_only or not model.variational or len(model.decoder.inputs) > 1:  # a hierarchy takes noise, too
        raise ValueError(f"inpainting needs one code with a prior N(0, I). Received: {type(model).__name__}")
    if int(steps) != steps or steps < 1:
        raise ValueError(f"a code is moved by at least one step. Received: steps={steps}")
    likelihood, sigma = observation_of(model, likelihood, sigma)
    if likelihood == "logistics":
        raise ValueError("inpainting takes a Gaussian or a Bernoulli p(x|z). Received: a mixture of logistics")
    x, known = unit_floats(x), _mask(known, x.shape)
    found, batch_size = [], whole(batch_size, "batch_size")
    for first in range(0, len(x), batch_size):
        images, mask = x[first : first + batch_size], known[first : first + batch_size]
        start = model.encode(_filled(images, mask), sample=model.flow is not None)
        z = most_probable(model.decoder, images, mask, start, likelihood, sigma, int(steps), learning_rate)
        found.append(np.where(mask == 1, images, model.decode(z)))
    return np.concatenate(found)


def _mask(known, shape):
    """float32 of the shape of the images, 1 where a pixel is known."""
    known = np.asarray(known)
    if known.dtype != bool or known.shape not in (shape[1:3], shape[:3]):
        expected = f"known tells by True which pixels are known: bool, {shape[1:3]} or {shape[:3]}"
        raise ValueError(f"{expected}. Received: {known.dtype}, {known.shape}")
    known = np.broadcast_to(known, shape[:3])
    if not known.any((1, 2)).all():
        raise ValueError("every image has at least one known pixel. Received: an image without any")
    return np.broadcast_to(known[..., None], shape).astype("float32")


def _filled(images, mask):
    """Images whose unknown pixels have the mean of the known ones, to be encoded."""
    mean = (images * mask).sum((1, 2, 3), keepdims=True) / mask.sum((1, 2, 3), keepdims=True)
    return np.where(mask == 1, images, mean)
