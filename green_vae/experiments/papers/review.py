"""A model's layers as `torchsummary` lists them: outputs, parameters, sizes in MB of 2^20 bytes."""

import math
from dataclasses import dataclass

from green_vae.cost import parameters, trainable_parameters
from green_vae.experiments.spec import Column, Measurement

BYTES, MB = 4, 2**20  # of a float32; in a "MB"
TORCH_NAMES = {"Dense": "Linear"}


@dataclass(frozen=True)
class Line:
    """A layer, or one of the two networks.

    Attributes:
        name: as printed, "Linear-1".
        shape: of the output for one image, (features,) or (h, w, c).
        parameters: its own; a network has none but those of its layers.
    """

    name: str
    shape: tuple
    parameters: int

    @property
    def outputs(self):
        return math.prod(self.shape)


def lines(model):
    """The layers with weights, in the order of a forward pass, and each network after its layers."""
    found = []
    for title, network in (("Encoder", model.encoder), ("Decoder", model.decoder)):
        for layer in network.layers:
            if layer.weights:
                kind = TORCH_NAMES.get(type(layer).__name__, type(layer).__name__)
                found.append(Line(f"{kind}-{len(found) + 1}", layer.output.shape[1:], parameters(layer)))
        shape = (model.latent_dim,) if network is model.encoder else network.output_shape[1:]
        found.append(Line(f"{title}-{len(found) + 1}", shape, 0))
    return found


def counts(model):
    """Printed name -> number of parameters."""
    whole, trainable = (count(model.encoder, model.decoder) for count in (parameters, trainable_parameters))
    return {"Total params": whole, "Trainable params": trainable, "Non-trainable params": whole - trainable}


def sizes(model):
    """Printed name -> MB; every output is held twice, for the backward pass as well."""
    found = {
        "Input size (MB)": math.prod(model.image_shape) * BYTES / MB,
        "Forward/backward pass size (MB)": 2 * sum(line.outputs for line in lines(model)) * BYTES / MB,
        "Params size (MB)": parameters(model.encoder, model.decoder) * BYTES / MB,
    }
    return {**found, "Estimated Total Size (MB)": sum(found.values())}


def as_printed(model):
    """The whole table as one text, in the format of the paper; shapes with the channels first, as there."""
    rule, double = "-" * 64, "=" * 64
    text = [rule, f"{'Layer (type)':>20}{'Output Shape':>26}{'Param #':>16}", double]
    for line in lines(model):
        shape = [-1, line.shape[-1], *line.shape[:-1]]
        text.append(f"{line.name:>20}{shape!s:>26}{line.parameters:>16,}")
    text += [double, *(f"{name}: {number:,}" for name, number in counts(model).items())]
    return "\n".join([*text, rule, *(f"{name}: {size:.2f}" for name, size in sizes(model).items()), rule])


# columns; a row's name says which line it is


def _line(run):
    return next(line for line in lines(run.blueprint) if line.name == run.row.name)


def outputs():
    """Numbers that a layer puts out for one image."""
    return Column("outputs", "outputs", lambda run: Measurement(_line(run).outputs), format="{:,.0f}")


def params():
    """Parameters of a layer or of the model; must be equal to the digit."""

    def measure(run):
        known = counts(run.blueprint)
        return Measurement(known[run.row.name] if run.row.name in known else _line(run).parameters)

    return Column("params", "parameters", measure, format="{:,.0f}")


def megabytes():
    """An estimated size, rounded to the printed two digits, which must be equal."""
    return Column("mb", "MB", lambda run: Measurement(round(sizes(run.blueprint)[run.row.name], 2)), format="{:,.2f}")
