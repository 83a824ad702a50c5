"""How many operations one call of one layer costs, under each of the counting rules."""

import keras

from green_vae.cost.parameters import size

RULES = ("survey", "macs")

_L = keras.layers
_CONVOLUTIONS = (_L.Conv1D, _L.Conv2D, _L.Conv3D)
_TRANSPOSED = (_L.Conv1DTranspose, _L.Conv2DTranspose, _L.Conv3DTranspose)
_DEPTHWISE = (_L.DepthwiseConv1D, _L.DepthwiseConv2D)
_SEPARABLE = (_L.SeparableConv1D, _L.SeparableConv2D)
_MATRIX_LAYERS = (_L.Dense, *_CONVOLUTIONS, *_TRANSPOSED, *_DEPTHWISE, *_SEPARABLE)
# Layers whose weights are arrays, but which multiply no matrix.
_FREE_LAYERS = (_L.Embedding, _L.PReLU, _L.LayerNormalization, _L.BatchNormalization, _L.Normalization)
# Layers of Keras without a kernel that multiply: what they cost is inside.
_OPENED = (_L.Attention, _L.AdditiveAttention, _L.Dot, _L.Lambda, _L.MelSpectrogram)
_OPAQUE = ("FlaxLayer", "JaxLayer", "TFSMLayer", "TorchModuleWrapper")  # code of others, with no graph of Keras inside
_UNKNOWN_OPERATIONS = (
    *("Einsum", "Tensordot", "Dot", "Vdot", "Inner", "Correlate", "Corrcoef", "CDist", "DotProductAttention"),
    *("DepthwiseConv", "SeparableConv", "FFT", "FFT2", "IFFT2", "RFFT", "IRFFT", "STFT", "ISTFT"),
    *("Cholesky", "CholeskyInverse", "Det", "Logdet", "Slogdet", "Eig", "Eigh", "SVD", "MatrixRank", "Inv", "Pinv"),
    *("LuFactor", "Qr", "Lstsq", "Solve", "SolveTriangular"),
)


def unwrap(layer):
    """The layer inside wrappers such as SpectralNormalization."""
    while isinstance(layer, keras.layers.Wrapper):
        layer = layer.layer
    return layer


def is_opened(layer):
    """Whether a layer is counted by what it is made of, instead of by a formula.

    True for models, for layers that are not Keras's, but for subclasses of those with a kernel, and for those of Keras
    that multiply without one, such as Attention.
    """
    if isinstance(layer, _MATRIX_LAYERS) or not isinstance(layer, keras.Layer):
        return False
    return isinstance(layer, (keras.Model, *_OPENED)) or not type(layer).__module__.startswith("keras.")


def call_flops(operation, node, rule):
    """Operations of one call, for one example; `rule` is one of `RULES`.

    Args:
        operation: the (unwrapped) layer or keras operation.
        node: the record of the call in the functional graph, for the shapes.
        rule: "survey" or "macs".

    Raises:
        ValueError: a layer with weight matrices, or an operation that multiplies, for which there is no rule.
    """
    inputs, outputs = _elements(node.input_tensors[0]), _elements(node.output_tensors[0])
    dense, depthwise = _layer_macs(operation, inputs, outputs)
    dense += _operation_macs(operation, node, inputs, outputs)
    if rule == "macs":
        return 2 * (dense + depthwise)
    per_element = isinstance(operation, keras.layers.BatchNormalization) + _ends_in_relu(operation)
    return 2 * dense + per_element * outputs


def _layer_macs(layer, inputs, outputs):
    """(multiply-accumulates of dense and full convolutions, of depthwise ones) of a layer."""
    if isinstance(layer, (_L.Dense, *_CONVOLUTIONS)):
        return outputs * size(layer.kernel.shape[:-1]), 0  # kernel (k, k, in / groups, out)
    if isinstance(layer, _TRANSPOSED):
        return inputs * size(layer.kernel.shape[:-1]), 0  # kernel (k, k, out, in), placed once per INPUT pixel
    if isinstance(layer, _DEPTHWISE):
        return 0, outputs * size(layer.kernel.shape[:-2])  # kernel (k, k, in, multiplier)
    if isinstance(layer, _SEPARABLE):
        positions = outputs // layer.filters
        return positions * size(layer.pointwise_kernel.shape), positions * size(layer.depthwise_kernel.shape)
    _refuse_unknown(layer)
    return 0, 0


def _operation_macs(operation, node, inputs, outputs):
    """Multiply-accumulates of a bare `keras.ops` call, as found inside custom layers."""
    name = type(operation).__name__
    if isinstance(operation, keras.Layer) or name not in ("Matmul", "Conv", "ConvTranspose", *_UNKNOWN_OPERATIONS):
        return 0
    if name in _UNKNOWN_OPERATIONS:
        raise ValueError(f"there is no rule for the FLOPs of keras.ops.{name.lower()}. Received: {operation.name!r}")
    arguments = [*node.arguments.args, *node.arguments.kwargs.values()]  # (input, kernel)
    if name == "Matmul":
        return outputs * int(arguments[0].shape[-1])
    return (outputs if name == "Conv" else inputs) * size(arguments[1].shape[:-1])


def _refuse_unknown(layer):
    """An error beats a silent zero: recurrent layers, attention and the like have no rule here."""
    if not isinstance(layer, keras.Layer) or isinstance(layer, _FREE_LAYERS):
        return
    if type(layer).__name__ in _OPAQUE or any(len(weight.shape) > 1 for weight in layer.weights):
        raise ValueError(
            f"there is no rule for the FLOPs of this layer. Received: {type(layer).__name__} {layer.name!r}"
        )


def _ends_in_relu(operation):
    """ReLU as a layer, as `Activation("relu")`, as the `activation=` of a layer, or as a bare operation."""
    for candidate in (operation, getattr(operation, "activation", None)):
        if candidate is keras.activations.relu or isinstance(candidate, keras.layers.ReLU):
            return True
    return type(operation).__name__ in ("Relu", "ReLU")


def _elements(tensor):
    """Elements per example of a symbolic tensor of shape (batch, ...)."""
    shape = tensor.shape[1:]
    if None in shape:
        raise ValueError(f"FLOPs need fully known shapes; build the model for one image size. Received: {tensor.shape}")
    return size(shape)
