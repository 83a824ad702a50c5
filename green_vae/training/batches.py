"""Which examples a step of training sees: an order that depends on the seed and the epoch alone."""

import keras
import numpy as np


def check_enough(x, batch_size):
    """Raises ValueError if there are fewer examples than one batch has."""
    if len(x) < batch_size:
        raise ValueError(f"fewer examples than one batch of {batch_size}; lower the batch size. Received: {len(x)}")


class Batches(keras.utils.PyDataset):
    """Minibatches in an order that depends on (seed, epoch) alone: a resumed run sees what it would have seen."""

    checked = True  # by whoever made it

    def __init__(self, x, batch_size, seed=0):
        super().__init__()
        check_enough(x, batch_size)
        self.x, self.batch_size, self.seed = x, batch_size, seed
        self.epoch = 0

    @property
    def epoch(self):
        """Of the order of the examples, from 0 on."""
        return self._epoch

    @epoch.setter
    def epoch(self, epoch):
        self._epoch, self.order = epoch, np.random.default_rng((self.seed, epoch)).permutation(len(self.x))

    def __len__(self):
        return len(self.x) // self.batch_size

    def __getitem__(self, index):
        return (self.x[self.places(index)],)

    def steps_in(self, index):
        """Steps of an epoch up to the one with this item."""
        return index + 1

    def places(self, index):
        """Where in x the examples of a batch stand, (batch_size,)."""
        return np.sort(self.order[index * self.batch_size : (index + 1) * self.batch_size])


class EpochOfPlaces(keras.utils.PyDataset):
    """The same batches, of which one item is an epoch, and holds no examples but their places: (examples,) int32.

    For a program that has the examples already. `epoch` is that of the batches. `reached` is what the program sets: the
    steps up to the first whose logs are not finite, or all.
    """

    checked = True

    def __init__(self, batches):
        super().__init__()
        self.batches, self.reached = batches, 0

    @property
    def epoch(self):
        return self.batches.epoch

    @epoch.setter
    def epoch(self, epoch):
        self.batches.epoch = epoch

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return (np.concatenate([self.batches.places(step) for step in range(len(self.batches))]).astype("int32"),)

    def steps_in(self, index):
        return self.reached


class AllPlaces(keras.utils.PyDataset):
    """One item with the places of n examples in their own order, (n,) int32."""

    checked = True

    def __init__(self, n):
        super().__init__()
        self.places = np.arange(n, dtype="int32")

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return (self.places,)
