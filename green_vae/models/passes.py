"""Passes of the networks inside a model, compiled once for as long as a network stays what it is."""

import keras


class Passes:
    """What a model runs its networks by. No Keras object, so that no weight of theirs is saved twice.

    Keras keeps the compiled function of a network whatever becomes of its layers: after `enable_lora` or `quantize` it
    would go on with the weights of before. Here a function is dropped when the network has other variables, or others
    of them are trainable, than when it was made; and all are when the model is compiled, as Keras has it for a model's
    own functions.
    """

    def __init__(self):
        self.made_of, self.views = {}, {}  # network -> its variables; encoder -> the same with fewer outputs

    def of(self, network):
        """`network`, to be asked for `predict_on_batch`."""
        variables = [(variable, variable.trainable) for variable in network.variables]
        if not _same(variables, self.made_of.get(network)):
            network.predict_function = None
            self.made_of[network] = variables
        return network

    def heads(self, encoder, names):
        """`encoder` with these outputs alone: what else it gives is not fetched from a device."""
        if set(encoder.output) == set(names):
            return self.of(encoder)
        if encoder not in self.views:
            self.views[encoder] = keras.Model(encoder.input, {name: encoder.output[name] for name in names})
        return self.of(self.views[encoder])

    def forget(self):
        """Make every function anew when it is next needed."""
        self.made_of.clear()


def _same(variables, before):
    """Whether these are the same objects, not equal numbers."""
    if before is None or len(before) != len(variables):
        return False
    return all(a is b and one == other for (a, one), (b, other) in zip(variables, before, strict=True))
