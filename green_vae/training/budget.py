"""Training in a given time: how many epochs fit, and the recipe's schedule scaled to them."""

import dataclasses
import re
import time

import keras

from green_vae.utils.turns import FIRST

PLANNED = 0.95  # of the time that is left: the rest is for what epochs differ by
FEW = 10  # epochs, each as one batch: with fewer, measuring a second one would take too much of the time
FORMAT = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?")


def seconds_of(budget):
    """A number of seconds, or a text such as "9m", "90s", "1h30m" or "540", as seconds.

    Raises:
        ValueError: it is none of these, or not positive.
    """
    match = FORMAT.fullmatch(str(budget).strip())
    hours, minutes, seconds = (float(part or 0) for part in match.groups()) if match else (0, 0, 0)
    if not (total := 3600 * hours + 60 * minutes + seconds) > 0:
        raise ValueError(f"a budget is a positive time such as 9m, 90s, 1h30m or 540 (seconds). Received: {budget!r}")
    return total


def scaled_to(recipe, epochs):
    """The recipe with so many epochs; its halvings come after the same share of them as before."""
    halve_at = tuple(max(1, round(epoch * epochs / recipe.epochs)) for epoch in recipe.halve_at)
    return dataclasses.replace(recipe, epochs=epochs, halve_at=halve_at)


class Budget(keras.callbacks.Callback):
    """Knows after the first epoch how many fit into the time that is left. The first of the callbacks.

    What happens once only is left out of the estimate of an epoch: the first batch, with which the step of training
    is compiled, counts as much as the mean of the others, and so does the first batch of validation. What other
    callbacks do between epochs is compiled then, too, and is not foreseen; 5 % of the time is kept back for it. All
    that has passed since this object was made is spent, compilation included. With one batch in an epoch nothing can
    be told apart, and the whole first epoch counts. Where `FEW` or more such epochs fit, the second one decides, all of
    it, with what other callbacks do: an epoch that is one program may take no longer than they.

    A recipe that fits as a whole stays as it is. Else its `halve_at` is scaled. What follows from the losses, such as a
    `plateau`, is not: such a training stops by itself, or is cut at the number of epochs that fit.

    Args:
        seconds: from now to the end of the last epoch; statistics of batch norm and samplers come after that.
        recipe: a `Recipe`, as long as it would be without a budget.
        decided: `decided(recipe)` is called once, with the recipe that training then follows.
        clock: () -> seconds.
    """

    turn = FIRST

    def __init__(self, seconds, recipe, decided, clock=time.monotonic):
        super().__init__()
        self.seconds, self.recipe, self.decided, self.clock = seconds, recipe, decided, clock
        self.start, self.training, self.testing, self.waits = clock(), None, None, False

    def on_epoch_begin(self, epoch, logs=None):
        self.training, self.testing = Pace(self.clock), None

    def on_train_batch_end(self, batch, logs=None):
        self.training.step()

    def on_test_begin(self, logs=None):
        wait_for(self.model)
        self.training.end()
        self.testing = Pace(self.clock)

    def on_test_batch_end(self, batch, logs=None):
        self.testing.step()

    def on_epoch_end(self, epoch, logs=None):
        (self.testing or self.training).end()

    def due(self, done):
        """Whether to plan now, after so many epochs of this process."""
        if done == 1 and self.training.steps == 1:
            self.waits = self._left(self.clock()) >= FEW * self._measured()
        return done == (2 if self.waits else 1)

    def plan(self, done, writing=0.0, epochs=1, seconds=None):
        """The recipe to follow from now on, with `epochs` that fit; told to `decided`.

        Args:
            done: epochs.
            writing: seconds that a checkpoint takes.
            epochs: that lie between two checkpoints; or, if `seconds` are given, whatever ends so long after the last.
        """
        now = self.clock()
        epoch = now - self.training.begin - writing if self.waits else self._measured()
        epoch += writing * (min(1.0, epoch / seconds) if seconds else 1 / epochs)
        fit = done + max(0, int(self._left(now) / epoch))
        planned = self.recipe if fit >= self.recipe.epochs else scaled_to(self.recipe, fit)
        self.decided(planned)
        return planned

    def _measured(self):
        return sum(pace.seconds for pace in (self.training, self.testing) if pace)

    def _left(self, now):
        return PLANNED * (self.seconds - (now - self.start))


def wait_for(model):
    """Wait for the training steps that a device has not done yet: JAX only takes note of a step, and goes on."""
    keras.ops.convert_to_numpy(model.optimizer.iterations)


class Pace:
    """Seconds of a row of steps, as if the first one had taken no longer than the others."""

    def __init__(self, clock):
        self.clock, self.begin, self.first, self.steps, self.seconds = clock, clock(), None, 0, None

    def step(self):
        self.steps += 1
        if self.first is None:
            self.first = self.clock()

    def end(self):
        now = self.clock()
        later = self.steps - 1
        self.seconds = (now - self.first) * self.steps / later if later > 0 else now - self.begin
