"""What the top-down hierarchies share: their cells, and how groups of latent variables become a decoder.

A hierarchy has an innermost latent vector z and, below it, groups z_1, z_2, ... from the inside outwards. A map runs
from z to the image; every group reads its prior from that map, and writes its draw into it. What the image says of a
group comes from the encoder's map of the same size, as a difference to the prior (residual posterior, Vahdat and Kautz
2020, section 3.2):

    p(z_l | z_<l) = N(mean_p, exp(log_var_p)),   q(z_l | z_<l, x) = N(mean_p + mean_d, exp(log_var_p + log_var_d)).

A builder takes (image_shape, **options) and returns (encoder, bidirectional, decoder), functional Keras models.
encoder: image -> {"mean", "log_var": (batch, latent_dim) of the innermost z, "features_l": a map for every group}.
bidirectional: {"z", "features_l", "noise_l"} -> for every group "mean_l", "log_var_l", "prior_mean_l",
"prior_log_var_l", "z_l", and "reconstruction", an image; where that is the mean of a mixture
(`green_vae.networks.logistics`) also "mixture", its parameters. decoder: {"z", "noise_l"} -> images. The noise is
standard normal and of the shape of z_l. The last two share their layers.
"""

import math
from typing import NamedTuple

import keras
from keras import layers

from green_vae.networks.common import reparametrised


class Group(NamedTuple):
    """One group of latent variables; every part is a functional Keras model.

    Attributes:
        prior: map -> {"map", "mean", "log_var"}: the way down to this group, and p.
        delta: [map, features] -> {"mean", "log_var"}: what the image adds to p.
        merge: [map, z] -> map.
        flow: drawn z -> z, a map of volume 1 that bends the posterior (`green_vae.networks.pixel_flow`); None for none.
    """

    prior: keras.Model
    delta: keras.Model
    merge: keras.Model
    flow: keras.Model | None = None


def assemble(latent_dim, seed, groups, output, bound=None, mixture_mean=None):
    """(bidirectional, decoder) of a hierarchy.

    Args:
        latent_dim: size of the innermost z.
        seed: functional model, z (batch, latent_dim) -> the first map.
        groups: of `Group`, from the inside outwards.
        output: functional model, the last map -> images, or the parameters of a mixture.
        bound: (mean, log_var) -> the same kept in bounds, before a draw; None for none.
        mixture_mean: layer, parameters of the mixture -> images; None where `output` gives images.
    """
    bound = bound or (lambda mean, log_var: (mean, log_var))
    z = keras.Input((latent_dim,), name="z")
    shapes = [group.prior.output["mean"].shape[1:] for group in groups]
    noise = {f"noise_{n}": keras.Input(shape, name=f"noise_{n}") for n, shape in enumerate(shapes, 1)}
    features = {
        f"features_{n}": keras.Input(group.delta.input[1].shape[1:], name=f"features_{n}")
        for n, group in enumerate(groups, 1)
    }
    outputs, inferred = {}, seed(z)
    generated = inferred
    for number, group in enumerate(groups, 1):
        p = group.prior(generated)
        prior = bound(p["mean"], p["log_var"])
        generated = group.merge([p["map"], Draw(name=f"prior_draw_{number}")([*prior, noise[f"noise_{number}"]])])

        p = group.prior(inferred)
        d = group.delta([p["map"], features[f"features_{number}"]])
        prior = bound(p["mean"], p["log_var"])
        posterior = bound(*(layers.Add(dtype="float32")([p[head], d[head]]) for head in ("mean", "log_var")))
        drawn = latent = Draw(name=f"draw_{number}")([*posterior, noise[f"noise_{number}"]])
        if group.flow is not None:
            latent = group.flow(drawn)
            outputs[f"drawn_{number}"] = drawn
        names = ("mean", "log_var", "prior_mean", "prior_log_var", "z")
        outputs |= {f"{name}_{number}": x for name, x in zip(names, (*posterior, *prior, latent), strict=True)}
        inferred = group.merge([p["map"], latent])
    to_images = mixture_mean or (lambda images: images)
    made = output(inferred)
    outputs |= {"reconstruction": to_images(made), **({} if mixture_mean is None else {"mixture": made})}
    bidirectional = keras.Model({"z": z, **features, **noise}, outputs, name="bidirectional")
    return bidirectional, keras.Model({"z": z, **noise}, to_images(output(generated)), name="decoder")


@keras.saving.register_keras_serializable(package="green_vae")
class Draw(layers.Layer):
    """[mean, log_var, noise] -> mean + exp(log_var / 2) noise, in float32; all of one shape."""

    def __init__(self, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})

    def call(self, inputs):
        return reparametrised(*inputs)


# cells: functions of a map (batch, h, w, c)


def squeeze_excitation(x, hidden):
    """Every channel times a number in (0, 1) that a small network reads from the channels' means."""
    channels = x.shape[-1]
    scale = layers.Dense(hidden, activation="relu")(layers.GlobalAveragePooling2D()(x))
    scale = layers.Dense(channels, activation="sigmoid")(scale)
    return layers.Multiply()([x, layers.Reshape((1, 1, channels))(scale)])


def survey_hidden(channels):
    """Width of a squeeze-excitation in the survey's code: max(c // 16, floor(sqrt c))."""
    return max(channels // 16, math.isqrt(channels))


def norm_swish(x):
    return layers.Activation("swish")(layers.BatchNormalization()(x))


def encoder_cell(x):
    """x + SE([norm, swish, conv 3x3] twice): the cell of both of the survey's bottom-up networks."""
    channels, main = x.shape[-1], x
    for _ in range(2):
        main = layers.Conv2D(channels, 3, padding="same")(norm_swish(main))
    return layers.Add()([x, squeeze_excitation(main, survey_hidden(channels))])


def pair(x, make):
    """Two heads in float32: {"mean": make(x), "log_var": make(x)}, make(name) being a layer."""
    return {head: make(head)(x) for head in ("mean", "log_var")}


def flat(heads):
    """Heads that are maps as vectors."""
    return {head: layers.Flatten(dtype="float32", name=f"flat_{head}")(x) for head, x in heads.items()}
