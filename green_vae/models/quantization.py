"""Which layers of a model are quantised, and how: part of its configuration, so that it is saved and loaded so."""

import keras

from green_vae.keras_internals import layers_inside

MODES = ("int8", "int4", "float8")  # that need no data; Keras's others are calibrated


def check_mode(mode, config):
    """Raises ValueError for a mode that is calibrated, which Keras finds out after it has changed layers."""
    mode = mode or getattr(config, "mode", None)
    if mode not in MODES:
        raise ValueError(f"a model is quantised to one of {', '.join(MODES)}. Received: mode={mode!r}")


def with_config(config):
    """The arguments that hand a configuration to Keras, none for None: versions before 3.13 have no such argument."""
    return {} if config is None else {"config": config}


def quantised(model):
    """Position among the model's layers -> [mode, serialised configuration] of each that is quantised, for JSON."""
    layers = ((str(index), layer) for index, layer in enumerate(layers_inside(model, itself=False)))
    return {
        index: [
            layer.quantization_mode,
            keras.saving.serialize_keras_object(getattr(layer, "quantization_config", None)),
        ]
        for index, layer in layers
        if getattr(layer, "quantization_mode", None)
    }


def quantise_as(model, found):
    """Quantise the layers of a fresh model as `quantised` found them; their numbers are then to be loaded."""
    layers = layers_inside(model, itself=False)
    for index, (mode, config) in found.items():
        layers[int(index)].quantize(mode, **with_config(keras.saving.deserialize_keras_object(config)))
