"""FLOPs of a training step: forward and backward, with what a gradient penalty really costs."""

import warnings
from typing import NamedTuple

import keras
from keras import ops

from green_vae.cost.crosscheck import tensorflow_gradients, training_step_flops
from green_vae.cost.flops import flops
from green_vae.cost.graph import networks_of


class TrainingFlops(NamedTuple):
    """`flops` are those of one step on `batch_size` examples; `source` as in `training_flops`."""

    flops: int
    batch_size: int
    source: str

    @property
    def per_image(self):
        """FLOPs per training example."""
        return self.flops / self.batch_size


def training_flops(model, batch_size=100, estimate=False):
    """FLOPs of loss and gradients for one batch; the optimizer's few operations per weight are left out.

    The source of the figure is one of

    * "tensorflow graph": the profiler's statistics over the traced step. Transposed convolutions cost their kernel
      once per input pixel; element-wise operations and sums count as well, the inside of branches does not;
    * "jax graph": XLA's cost analysis of the lowered step. It leaves out the products of a kernel with the padding,
      and so lies some per cent below, most for large kernels on small images;
    * "estimated": 3 x the forward pass by the rule "macs", since each product has two gradients. Wrong for whatever
      differentiates twice (gradient penalty), and a little high for the first layer, whose input needs no gradient.
      This is what backends other than these two get, and with a warning that says why, whatever a graph could not be
      counted for: XLA has no cost analysis of programs for CUDA, so it is asked as if for a CPU.

    Args:
        model: a model of the package, whose own loss is counted; or a functional one, for which the sum of its
            squared outputs and its penalties on weights stand for a loss.
        batch_size: examples of the step.
        estimate: whether to take the estimate on any backend.

    Returns:
        `TrainingFlops`.

    Raises:
        ValueError: a model of neither kind, unknown shapes, or a batch size below 1.
    """
    if batch_size < 1:
        raise ValueError(f"a batch holds at least one example. Received: batch_size={batch_size}")
    networks = networks_of(model)
    forward = sum(flops(network, "macs") for network in networks.values())  # also refuses unknown shapes
    shapes = [(batch_size, *tensor.shape[1:]) for tensor in next(iter(networks.values())).inputs]
    backend = keras.backend.backend()
    if estimate or backend not in ("tensorflow", "jax"):
        return TrainingFlops(3 * batch_size * forward, batch_size, "estimated")
    count = _tensorflow_flops if backend == "tensorflow" else _jax_flops
    try:
        return TrainingFlops(count(model, shapes, plain="" in networks), batch_size, f"{backend} graph")
    except Exception as error:  # a compiler's own, of many kinds: a count must not stop what is counted
        reason = f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')}"
        warnings.warn(f"FLOPs of training are estimated as 3 x the forward pass ({reason})", stacklevel=2)
        return TrainingFlops(3 * batch_size * forward, batch_size, "estimated")


def _loss(model, inputs, outputs, plain):
    """The model's own loss; for a plain network one with a gradient at every output."""
    if not plain:
        return model.compute_loss(x=inputs, y_pred=outputs, training=True)
    squares = [ops.sum(ops.square(output)) for output in keras.tree.flatten(outputs)]
    return sum(squares) + sum(map(ops.sum, model.losses))


def _tensorflow_flops(model, shapes, plain):
    def step(*inputs):
        inputs = inputs[0] if len(inputs) == 1 else list(inputs)
        return tensorflow_gradients(
            lambda: _loss(model, inputs, model(inputs, training=True), plain), model.trainable_weights
        )

    return training_step_flops(step, shapes)


def _jax_flops(model, shapes, plain):
    import jax

    def loss(trainable, others, *inputs):
        inputs = inputs[0] if len(inputs) == 1 else list(inputs)
        pairs = [*zip(model.trainable_variables, trainable, strict=True)]
        pairs += zip([*model.non_trainable_variables, *model.metrics_variables], others, strict=True)
        with keras.StatelessScope(state_mapping=pairs):
            return _loss(model, inputs, model(inputs, training=True), plain)

    def specs(variables):  # shapes alone, so that weights on another device do not matter
        return [jax.ShapeDtypeStruct(variable.shape, variable.dtype) for variable in variables]

    others = [*model.non_trainable_variables, *model.metrics_variables]
    images = [jax.ShapeDtypeStruct(shape, "float32") for shape in shapes]
    with jax.default_device(jax.local_devices(backend="cpu")[0]):
        lowered = jax.jit(jax.grad(loss)).lower(specs(model.trainable_variables), specs(others), *images)
    if not (analysis := lowered.cost_analysis()):
        raise ValueError(f"XLA analyses no costs here. Received: {analysis}")
    return int(analysis["flops"])
