"""Residual VAE networks (survey, Figure 7; the layout of Dai and Wipf 2019 with batch norm in the dense block).

Two layouts carry the survey's rows: "full" (Resnet-s4-*) and "light" (Resnet-s3-*, and the backbone of Split-VAE).
The number after "s" counts the scale blocks of the encoder.
"""

import keras
from keras import layers

from green_vae.networks.common import decoder_input, halvings, latent_heads, square_side, to_image, twice

# stem_stride: of the first convolution; last_scale: a scale block on the encoder's smallest map;
# seed_side: of the decoder's first map; full_resolution: a scale block after the last up-step
LAYOUTS = {
    "full": {"stem_stride": 1, "last_scale": True, "seed_side": 2, "full_resolution": True},
    "light": {"stem_stride": 2, "last_scale": False, "seed_side": 4, "full_resolution": False},
}
DENSE_WIDTH = 512
MAX_DECODER_WIDTH = 1024  # the encoder is not capped


def build(
    image_shape,
    latent_dim,
    heads,
    channels,
    base=64,
    layout="full",
    activation="relu",
    upsample="nearest",
    log_sigma_head=True,
    projection=None,
    dense_norm=True,
    scales=4,
    **layout_options,
):
    """Encoder and decoder.

    Args:
        image_shape: (h, w, c), square, side divisible by 16 and a power of two times the seed.
        latent_dim: size of the latent vector.
        heads: names of the encoder's outputs.
        channels: of the decoder's output.
        base: channels at the first scale.
        layout: "full" or "light"; its parts can be overridden by `layout_options` (keys of `LAYOUTS["full"]`).
        activation: after every batch norm.
        upsample: "nearest", 2x repetition and a convolution, which is what the survey's FLOPs count; or
            "transposed", a stride-2 transposed convolution as in its code, with the same parameters.
        log_sigma_head: the second head is log sigma, so log_var is twice it (the survey's residual code);
            False: it is log_var itself (Split-VAE).
        projection: width of a linear layer between z and the decoder's seed (Split-VAE: 512), or None.
        dense_norm: batch norm in the dense block, as the survey's counts have it; False for none there, as in the code
            of Dai and Wipf and in that of Asperti and Trentin.
        scales: of the encoder, each half as large as the one before it.

    Raises:
        ValueError: unknown layout, layout option or way of upsampling; an image size that does not fit.
    """
    if layout not in LAYOUTS:
        raise ValueError(f"unknown layout; choose one of {', '.join(LAYOUTS)}. Received: {layout!r}")
    if unknown := set(layout_options) - set(LAYOUTS[layout]):
        raise ValueError(f"unknown options; {layout!r} takes {', '.join(LAYOUTS[layout])}. Received: {sorted(unknown)}")
    if upsample not in ("nearest", "transposed"):
        raise ValueError(f"upsample must be 'nearest' or 'transposed'. Received: {upsample!r}")
    parts = {**LAYOUTS[layout], **layout_options}
    encoder = _encoder(image_shape, latent_dim, heads, base, activation, log_sigma_head, dense_norm, scales, parts)
    decoder = _decoder(image_shape[0], latent_dim, channels, base, activation, upsample, projection, parts)
    return encoder, decoder


def _norm(x, activation):
    return layers.Activation(activation)(layers.BatchNormalization(momentum=0.999, epsilon=1e-5)(x))


def _conv(width, strides=1):
    return layers.Conv2D(width, 3, strides=strides, padding="same")


def scale_block(x, width, activation):
    """Residual block: twice [norm, activation, conv]; the shortcut is a convolution even where the width stays."""
    main = _conv(width)(_norm(x, activation))
    main = _conv(width)(_norm(main, activation))
    return layers.Add()([main, _conv(width)(x)])


def dense_block(x, activation, norm=True):
    """The same on vectors: twice [norm, if there is one, activation, Dense 512], shortcut Dense 512."""
    before = _norm if norm else lambda x, activation: layers.Activation(activation)(x)
    main = layers.Dense(DENSE_WIDTH)(before(x, activation))
    main = layers.Dense(DENSE_WIDTH)(before(main, activation))
    return layers.Add()([main, layers.Dense(DENSE_WIDTH)(x)])


def _encoder(image_shape, latent_dim, heads, base, activation, log_sigma_head, dense_norm, scales, parts):
    square_side(image_shape, 16)
    image = keras.Input(image_shape, name="image")
    x = _conv(base, parts["stem_stride"])(image)
    for step in range(scales - 1):
        x = scale_block(x, base << step, activation)
        x = _conv(base << (step + 1), strides=2)(x)
    if parts["last_scale"]:
        x = scale_block(x, base << (scales - 1), activation)
    x = dense_block(layers.GlobalAveragePooling2D()(x), activation, dense_norm)
    outputs = latent_heads(x, latent_dim, heads)
    if log_sigma_head and "log_var" in outputs:
        outputs["log_var"] = twice(outputs["log_var"])
    return keras.Model(image, outputs, name="encoder")


def _up(x, width, upsample):
    if upsample == "transposed":
        return layers.Conv2DTranspose(width, 3, strides=2, padding="same")(x)
    return _conv(width)(layers.UpSampling2D()(x))


def _decoder(side, latent_dim, channels, base, activation, upsample, projection, parts):
    seed_side = parts["seed_side"]
    steps = halvings(side, seed_side)
    # from the seed to the image: ..., 4 base, 2 base, base
    seed_width, *widths = [min(MAX_DECODER_WIDTH, base << step) for step in range(steps, -1, -1)]
    x = z = decoder_input(latent_dim)
    if projection:
        x = layers.Dense(projection, name="projection")(x)
    x = layers.Reshape((seed_side, seed_side, seed_width))(layers.Dense(seed_side**2 * seed_width)(x))
    for step, width in enumerate(widths):
        x = _up(x, width, upsample)
        if step < steps - 1 or parts["full_resolution"]:
            x = scale_block(x, width, activation)
    return keras.Model(z, to_image(_conv(channels)(x)), name="decoder")
