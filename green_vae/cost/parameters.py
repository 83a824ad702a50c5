"""Parameters as Keras counts them, the way the papers' tables do."""

import keras

from green_vae.keras_internals import layers_inside


def parameters(*models):
    """Total number of parameters: trainable weights plus state such as the moving statistics of BatchNorm.

    This is the "total" of `model.summary()` and the column "params" of the survey's tables. One exception: the
    `vector_u` of a SpectralNormalization wrapper is left out. It is the state of a power iteration, a tool of the
    training, and not a parameter of the network. A weight shared between the models counts once.

    Args:
        models: built Keras models or layers; typically an encoder and a decoder.

    Returns:
        int.

    Raises:
        ValueError: no model, something that is not a Keras layer, or one with layers that are not built.
    """
    return _count(models, lambda weight: True)


def trainable_parameters(*models):
    """Number of trainable parameters (BatchNorm: 2 per channel instead of 4); arguments as `parameters`."""
    return _count(models, lambda weight: weight.trainable)


def countable_weights(layer):
    """Weights of a layer and its sub-layers, without the `vector_u` of spectral normalisation."""
    return [weight for weight in layer.weights if weight.name != "vector_u"]


def size(shape):
    """Number of elements of a shape; 1 for a scalar."""
    total = 1
    for side in shape:
        total *= int(side)
    return total


def _count(models, wanted):
    if not models:
        raise ValueError("parameters are counted of at least one model. Received: none")
    unique = {id(weight): weight for model in models for weight in countable_weights(_built(model))}
    return sum(size(weight.shape) for weight in unique.values() if wanted(weight))


def _built(model):
    """The model itself, or an error where a layer in it does not have its weights yet."""
    if not isinstance(model, keras.Layer):
        raise ValueError(f"give a Keras model or layer, whose parameters are counted. Received: {model!r}")
    # A subclassed model that was never called says built=False, although all its networks may be there.
    leaves = [layer for layer in layers_inside(model) if not layers_inside(layer, itself=False)]
    waiting = [layer.name for layer in leaves if not layer.built]
    if waiting and not model.built:
        raise ValueError(
            f"the model is not built: call it once, or give it an Input. Received: {model.name!r}, {waiting}"
        )
    return model
