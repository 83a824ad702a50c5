"""NVAE as its own paper configures it (Vahdat and Kautz 2020; survey, Table 1): many groups of latent maps at one or
more scales, residual cells, normalising flows in the posterior.

Left out of the released code: weight normalisation, which adds a number per output channel.
"""

import keras
from keras import layers, ops

from green_vae.networks.common import square_side, to_image
from green_vae.networks.hierarchy import Group, assemble, flat, pair, squeeze_excitation
from green_vae.networks.logistics import MixtureMean, size
from green_vae.networks.pixel_flow import volume_preserving_flow

RESIDUAL = 0.1  # factor of every cell's branch


def build(image_shape, base=128, group_dim=20, groups=(30,), cells=2, flows=2, blocks=1, block_cells=2, components=0):
    """Encoder, bidirectional network, decoder, and the flow of the innermost group.

    Args:
        image_shape: (h, w, c), square, the side a multiple of 2^(blocks + scales - 1).
        base: channels at full size ("initial channels in enc."); they double with every halving.
        group_dim: channels of every latent map.
        groups: groups at each scale, the smallest scale first; the first of all is the innermost.
        cells: residual cells per group, in both directions.
        flows: flow cells per group; 0 for a Gaussian posterior.
        blocks, block_cells: halvings between the image and the largest scale, and cells in each.
        components: of a mixture of logistics (`green_vae.networks.logistics`) whose parameters the decoder gives beside
            its mean image; the paper takes 10. 0 for an image alone.

    Raises:
        ValueError: an image size that does not fit.
    """
    scales = len(groups)
    side = square_side(image_shape, 2 ** (blocks + scales - 1)) >> (blocks + scales - 1)
    width = base << (blocks + scales - 1)
    encoder = _encoder(image_shape, base, group_dim, groups, cells, blocks, block_cells)
    seed, below = _seed(side, width, group_dim), []
    for scale, count in enumerate(groups):
        for index in range(scale == 0, count):
            up = scale > 0 and index == 0
            of = (side << scale, width >> scale)
            below.append(_group(*of, group_dim, cells, flows, up, len(below) + 1))
    channels = image_shape[-1]
    output = _output((side << (scales - 1),) * 2, width >> (scales - 1), blocks, block_cells, channels, components)
    mixture_mean = MixtureMean(channels, name="image") if components else None
    latent = (side, side, group_dim)
    bound = SoftBound(name="bound")
    bidirectional, decoder = assemble(side * side * group_dim, seed, below, output, bound, mixture_mean)
    return encoder, bidirectional, decoder, _flat_flow(latent, flows) if flows else None


@keras.saving.register_keras_serializable(package="green_vae")
class SoftBound(layers.Layer):
    """(mean, log sigma) -> (mean, log variance): both within -5 to 5 by 5 tanh(x / 5), then sigma + 0.01. float32."""

    def __init__(self, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})

    def call(self, mean, log_sigma):
        mean, log_sigma = (5.0 * ops.tanh(x / 5.0) for x in (mean, log_sigma))
        return mean, 2.0 * ops.log(ops.exp(log_sigma) + 0.01)

    def compute_output_spec(self, mean, log_sigma):
        return keras.KerasTensor(mean.shape, "float32"), keras.KerasTensor(log_sigma.shape, "float32")


def _flat_flow(shape, cells):
    """The flow of the innermost group, on vectors."""
    z = keras.Input((shape[0] * shape[1] * shape[2],))
    x = volume_preserving_flow(shape, cells)(layers.Reshape(shape)(z))
    return keras.Model(z, layers.Flatten(dtype="float32")(x), name="flow_0")


# cells


def _norm(x, activation="swish"):
    return layers.Activation(activation)(layers.BatchNormalization(momentum=0.95, epsilon=1e-5)(x))


def _finish(skip, main):
    """skip + 0.1 SE(main)."""
    main = squeeze_excitation(main, max(main.shape[-1] // 16, 4))
    return layers.Add()([skip, layers.Rescaling(RESIDUAL)(main)])


def residual_cell(x, down=False):
    """Twice [norm, swish, conv 3x3]; `down` halves the map and doubles the channels."""
    width = x.shape[-1] * (2 if down else 1)
    main = layers.Conv2D(width, 3, strides=2 if down else 1, padding="same")(_norm(x))
    main = layers.Conv2D(width, 3, padding="same")(_norm(main))
    return _finish(_halved(x, width) if down else x, main)


def _halved(x, width):
    """swish, and a 1x1 convolution of every fourth pixel in each of the four phases, concatenated."""
    x = layers.Activation("swish")(x)
    phases = [x[:, i::2, j::2, :] for i in (0, 1) for j in (0, 1)]
    return layers.Concatenate()([layers.Conv2D(width // 4, 1)(phase) for phase in phases])


def inverted_cell(x, expansion=6, up=False):
    """[norm, 1x1 to expansion c, norm, swish, depthwise 5x5, norm, swish, 1x1, norm]; `up` doubles the map first and
    halves the channels."""
    width, main = x.shape[-1] // (2 if up else 1), x
    hidden = x.shape[-1] * expansion
    main = _norm(layers.UpSampling2D()(main) if up else main, "linear")
    main = _norm(layers.Conv2D(hidden, 1, use_bias=False)(main))
    main = _norm(layers.DepthwiseConv2D(5, padding="same", use_bias=False)(main))
    main = _norm(layers.Conv2D(width, 1, use_bias=False)(main), "linear")
    skip = layers.Conv2D(width, 1)(layers.UpSampling2D(interpolation="bilinear")(x)) if up else x
    return _finish(skip, main)


# networks


def _heads(x, group_dim, kernel, **names):
    return pair(
        x, lambda head: layers.Conv2D(group_dim, kernel, padding="same", dtype="float32", name=names.get(head, head))
    )


def _elu(x):
    return layers.Activation("elu")(x)


def _encoder(image_shape, base, group_dim, groups, cells, blocks, block_cells):
    image, kept = keras.Input(image_shape, name="image"), []
    x = layers.Conv2D(base, 3, padding="same")(layers.Rescaling(2.0, -1.0)(image))
    for _ in range(blocks):
        for cell in range(block_cells):
            x = residual_cell(x, down=cell == block_cells - 1)
    for scale, count in enumerate(reversed(groups)):
        x = residual_cell(x, down=True) if scale else x
        for _ in range(count):
            for _ in range(cells):
                x = residual_cell(x)
            kept.append(x)
    x = _elu(layers.Conv2D(x.shape[-1], 1)(_elu(kept.pop())))
    heads = flat(_heads(x, group_dim, 3, mean="mean_map", log_var="log_sigma_map"))
    mean, log_var = SoftBound(name="bound")(heads["mean"], heads["log_var"])
    features = {f"features_{n}": x for n, x in enumerate(reversed(kept), 1)}
    return keras.Model(image, {"mean": mean, "log_var": log_var, **features}, name="encoder")


def _seed(side, width, group_dim):
    z = keras.Input((side * side * group_dim,))
    x = LearnedMap((side, side, width))(layers.Reshape((side, side, group_dim))(z))
    return keras.Model(z, layers.Conv2D(width, 1)(x), name="seed")


@keras.saving.register_keras_serializable(package="green_vae")
class LearnedMap(layers.Layer):
    """x (batch, h, w, c) -> a learned map of `shape` (h, w, d), the same for every example, with x behind it."""

    def __init__(self, shape, **kwargs):
        super().__init__(**kwargs)
        self.shape = tuple(shape)
        self.map = self.add_weight(name="map", shape=self.shape, initializer=keras.initializers.RandomUniform(0.0, 1.0))
        self.built = True

    def call(self, x):
        map = ops.broadcast_to(ops.cast(self.map, x.dtype), (ops.shape(x)[0], *self.shape))
        return ops.concatenate([map, x], axis=-1)

    def compute_output_spec(self, x):
        return keras.KerasTensor((*x.shape[:-1], self.shape[-1] + x.shape[-1]), self.compute_dtype)

    def get_config(self):
        return {**super().get_config(), "shape": list(self.shape)}


def _group(side, width, group_dim, cells, flows, up, number):
    """A group on maps (side, side, width); `up`: the map above is half as large and twice as deep."""
    inner = keras.Input((side // 2, side // 2, 2 * width) if up else (side, side, width))
    x = inverted_cell(inner, up=True) if up else inner
    for _ in range(cells):
        x = inverted_cell(x)
    prior = keras.Model(inner, {"map": x, **_heads(_elu(x), group_dim, 1)}, name=f"prior_{number}")

    x, features = keras.Input(x.shape[1:]), keras.Input(x.shape[1:])
    told = layers.Add()([features, layers.Conv2D(width, 1)(x)])
    delta = keras.Model([x, features], _heads(told, group_dim, 3), name=f"delta_{number}")

    x, z = keras.Input(x.shape[1:]), keras.Input((side, side, group_dim))
    merge = keras.Model([x, z], layers.Conv2D(width, 1)(layers.Concatenate()([x, z])), name=f"merge_{number}")
    flow = volume_preserving_flow((side, side, group_dim), flows, name=f"flow_{number}") if flows else None
    return Group(prior, delta, merge, flow)


def _output(sides, width, blocks, block_cells, channels, components):
    x = inner = keras.Input((*sides, width))
    for _ in range(blocks):
        for cell in range(block_cells):
            x = inverted_cell(x, expansion=3, up=cell == 0)
    if components:
        made = layers.Conv2D(size(channels, components), 3, padding="same", dtype="float32", name="mixture")(_elu(x))
    else:
        made = to_image(layers.Conv2D(channels, 3, padding="same")(_elu(x)))
    return keras.Model(inner, made, name="output")
