"""Which layers of a model are quantised, and how: part of its configuration, so that it is saved and loaded so."""

import keras

MODES = ("int8", "int4", "float8")  # that need no data; Keras's others are calibrated


def check_mode(mode, config):
    """Raises ValueError for a mode that is calibrated, which Keras finds out after it has changed layers."""
    mode = mode or getattr(config, "mode", None)
    if mode not in MODES:
        raise ValueError(f"a model is quantised to one of {', '.join(MODES)}. Received: mode={mode!r}")


def quantised(model):
    """Position among the model's layers -> [mode, serialised configuration] of each that is quantised, for JSON."""
    layers = ((str(index), layer) for index, layer in enumerate(model._flatten_layers(include_self=False)))
    return {
        index: [layer.quantization_mode, keras.saving.serialize_keras_object(layer.quantization_config)]
        for index, layer in layers
        if getattr(layer, "quantization_mode", None)
    }


def quantise_as(model, found):
    """Quantise the layers of a fresh model as `quantised` found them; their numbers are then to be loaded."""
    layers = model._flatten_layers(include_self=False)
    for index, (mode, config) in found.items():
        layers[int(index)].quantize(mode, config=keras.saving.deserialize_keras_object(config))
