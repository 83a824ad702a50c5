"""What needs TensorFlow, which is imported when called: two independent counts, and the graph of a training step.

The profiler and keras-flops give 2 x multiply-accumulates exactly as the rule "macs" does, for dense, convolution,
depthwise and 'same' transposed convolution layers, and add 1 per output element for a bias; BatchNorm costs 2 per
element and 6 per channel, pools and sums a little. Known fault: transposed convolutions with 'valid' padding are
over-counted.
"""

import keras

from green_vae.cost.graph import graph_of
from green_vae.keras_internals import pack_inputs


def profiler_flops(model):
    """FLOPs of one example by the TensorFlow profiler.

    Args:
        model: a functional or built Sequential model with known shapes, under the TensorFlow backend.

    Raises:
        ValueError: not such a model, or another backend.
        ImportError: no TensorFlow.
    """
    shapes = _input_shapes(model)
    import tensorflow as tf

    specs = [tf.TensorSpec([1, *shape], tf.float32) for shape in shapes]
    concrete = tf.function(lambda *inputs: _forward(model, inputs)).get_concrete_function(*specs)
    options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    options["output"] = "none"
    return tf.compat.v1.profiler.profile(graph=concrete.graph, cmd="scope", options=options).total_float_ops


def keras_flops_count(model):
    """FLOPs of one example by keras-flops 0.1.2, of the frozen graph; arguments and errors as `profiler_flops`.

    That release neither imports beside a current TensorFlow (it registers a statistic twice) nor accepts a Keras 3
    model (it adds a list to a shape): the import is made tolerant, and the model put behind an adapter.
    It prints its own report, and cannot count a model that draws random numbers (TensorFlow cannot freeze it).
    """
    shapes = _input_shapes(model)
    return _import_get_flops()(_adapter(model, shapes), batch_size=1)


def training_step_flops(step, shapes):
    """FLOPs of a function's graph by the statistics of TensorFlow's profiler, counting only what it has to compute.

    The gradient of a convolution always has two parts, and that with respect to the images stands in the graph though
    nobody asks for it: TensorFlow prunes it before it runs, and so it is left out. Inside branches (the power
    iteration of spectral normalisation) nothing is counted.

    Args:
        step: function of float32 tensors that returns tensors.
        shapes: of its arguments, with the batch.
    """
    import tensorflow as tf
    from tensorflow.python.framework import ops
    from tensorflow.python.profiler.internal import flops_registry  # noqa: F401, registers the statistics

    specs = [tf.TensorSpec(shape, tf.float32) for shape in shapes]
    graph = tf.function(step, autograph=False).get_concrete_function(*specs).graph
    waiting, needed = [tensor.op for tensor in graph.outputs] + list(graph.control_outputs), {}
    while waiting:
        operation = waiting.pop()
        if operation.name not in needed:
            needed[operation.name] = operation
            waiting += [tensor.op for tensor in operation.inputs] + list(operation.control_inputs)
    counts = (ops.get_stats_for_node_def(graph, one.node_def, "flops").value for one in needed.values())
    return int(sum(count or 0 for count in counts))


def tensorflow_gradients(loss, weights):
    """Gradients of `loss()` with respect to weights; of weights without influence there is none."""
    import tensorflow as tf

    with tf.GradientTape() as tape:
        value = loss()
    return [gradient for gradient in tape.gradient(value, weights) if gradient is not None]


def tensorflow_accelerator():
    """Name of the first GPU that TensorFlow sees, None without one."""
    import tensorflow as tf

    devices = tf.config.list_physical_devices("GPU")
    return tf.config.experimental.get_device_details(devices[0]).get("device_name", "GPU") if devices else None


def _input_shapes(model):
    """Input shapes without the batch, after checking that the count can be made here."""
    shapes = [tuple(tensor.shape[1:]) for tensor in graph_of(model).inputs]
    if keras.backend.backend() != "tensorflow":
        raise ValueError(f"this count needs the tensorflow backend. Received: {keras.backend.backend()!r}")
    if any(None in shape for shape in shapes):
        raise ValueError(f"FLOPs need fully known shapes. Received: {shapes}")
    return shapes


def _forward(model, inputs):
    """Call a model on its inputs in the order of `model.inputs`; it may itself expect a dict or a list of them."""
    return model(pack_inputs(model, inputs), training=False)


def _import_get_flops():
    """`keras_flops.get_flops`, imported while a second registration of a statistic is not an error."""
    from tensorflow.python.framework import ops

    original = ops.RegisterStatistics.__call__

    def tolerant(self, function):
        try:
            return original(self, function)
        except KeyError:
            return function

    ops.RegisterStatistics.__call__ = tolerant
    try:
        from keras_flops import get_flops
    finally:
        ops.RegisterStatistics.__call__ = original
    return get_flops


def _adapter(model, shapes):
    """A model whose `inputs` are what keras-flops expects: it computes `[batch] + input.shape[1:]`."""
    import tensorflow as tf

    class Adapter(keras.Model):
        @property
        def inputs(self):
            return [tf.TensorSpec([None, *shape], tf.float32) for shape in shapes]

        def call(self, inputs):
            return _forward(model, inputs if isinstance(inputs, (list, tuple)) else [inputs])

    return Adapter()
