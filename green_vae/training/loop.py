"""Training by a recipe: shuffled the same way every time, saved as it goes, resumed by default."""

import math
import numbers
import sys
import time
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np

from green_vae.training import epoch_program
from green_vae.training.batches import Batches
from green_vae.training.checkpoint import (
    best_path,
    drop_bests,
    drop_older,
    epoch_path,
    load_checkpoint,
    load_weights,
    newest,
    write_history,
    write_weights,
)
from green_vae.utils.arguments import check_positive
from green_vae.utils.progress import clock, progress
from green_vae.utils.turns import FIRST

SAVE_SECONDS = 60  # at most so much of a training, and the epoch it is in, is lost with a process that is killed


@dataclass(frozen=True)
class Recipe:
    """How a row of a table was trained.

    Attributes:
        learning_rate: of Adam, at the start.
        halve_at: epochs at which it is halved.
        batch_size: images; the last incomplete batch of an epoch is dropped.
        epochs: passes over the training set.
        note: where the numbers come from, and what the source leaves open.
        validation: split that every epoch is evaluated on, in its own order; "" for none. With one, the weights of
            the epoch with the least validation loss are kept and are those that training ends with.
        plateau: epochs in a row without a better validation loss after which the rate is halved; 0 for never.
        stop_below: training ends before an epoch whose rate would be lower.
        clip_norm: largest norm of the gradient of all weights together; None for any.

    Raises:
        ValueError: a learning rate that is no positive number, such as a schedule of Keras.
    """

    learning_rate: float = 1e-4
    halve_at: tuple = (80, 120, 150)
    batch_size: int = 100
    epochs: int = 150
    note: str = ""
    validation: str = ""
    plateau: int = 0
    stop_below: float = 0.0
    clip_norm: float | None = None

    def __post_init__(self):
        rate = self.learning_rate
        if not isinstance(rate, numbers.Real) or not rate > 0:
            advice = "a recipe starts with a positive number and halves it itself, see halve_at and plateau"
            raise ValueError(f"{advice}. Received: learning_rate={rate!r}")

    def rate(self, epoch, losses=()):
        """Learning rate in epoch 0, 1, ..., after the validation `losses` of the epochs before it."""
        halvings = sum(epoch >= step for step in self.halve_at)
        best, waited = float("inf"), 0
        for loss in losses[:epoch] if self.plateau else ():
            best, waited = (loss, 0) if loss < best else (best, waited + 1)
            if waited == self.plateau:
                halvings, waited = halvings + 1, 0
        return self.learning_rate * 0.5**halvings

    def stopped(self, history):
        """Whether a training with this history, a list of dicts, is at its end because of its rate."""
        return self.rate(len(history), validation_losses(history)) < self.stop_below


def check_callbacks(callbacks):
    """Refuse callbacks that would set the learning rate, which the recipe sets before every epoch.

    Raises:
        ValueError: one of Keras's `LearningRateScheduler` and `ReduceLROnPlateau`.
    """
    for callback in callbacks:
        if isinstance(callback, (keras.callbacks.LearningRateScheduler, keras.callbacks.ReduceLROnPlateau)):
            advice = "the recipe sets the learning rate before every epoch, so that a stopped run goes on as before"
            instead = "give it halve_at, or plateau with a validation split, or train by model.fit"
            raise ValueError(f"{advice}; {instead}. Received: {type(callback).__name__}")


class _Finite(keras.callbacks.Callback):
    """Stops a training whose loss, or any other logged term, is no finite number, before others look at the model.

    The error names the newest checkpoint in the folder `out`, which may be older than the epoch before.
    """

    async_safe = True  # else every step would wait for its numbers, on an accelerator too
    turn = FIRST

    def __init__(self, batches, out):
        super().__init__()
        self.out = out
        self.batches = batches  # and not the model, which on JAX waits for its state when a callback asks for it

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        self._check(logs or {}, self.epoch, f" at step {self.batches.steps_in(batch)}")

    def on_epoch_end(self, epoch, logs=None):
        self._check(logs, epoch)

    def _check(self, logs, epoch, where=""):
        """The means of an epoch so far tell which terms were the first to leave: the others come with the next step."""
        if broken := {name: value for name, value in logs.items() if not math.isfinite(value)}:
            advice = f"training diverged in epoch {epoch + 1}{where}, which is not kept; lower the learning rate"
            rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
            found = ", ".join(f"{name} {value}" for name, value in broken.items())
            saved, path = newest(self.out)
            left = f"the run folder holds epoch {saved}; load_weights reads {path}" if saved else "no epoch is saved"
            raise ValueError(f"{advice}; {left}. Received: {found} at a learning rate of {rate:g}")


class _Epochs(keras.callbacks.Callback):
    """Sets order and learning rate before each epoch; saves, logs and tells the time left after it."""

    async_safe = True  # a step only moves the bar

    def __init__(self, batches, recipe, out, history, validation=None, save_every=None, budget=None):
        super().__init__()
        self.validation, self.save_every, self.budget = validation, save_every, budget
        self.batches, self.recipe, self.out, self.history_ = batches, recipe, out, history
        self.bar, self.first = progress(), len(history)

    def on_train_begin(self, logs=None):
        self.start, self.saved = time.monotonic(), -math.inf  # the first epoch is saved: a full disk is found then
        self.bar.start()
        self.task = self.bar.add_task(f"training {self.out.name}", total=self._ahead)

    @property
    def _ahead(self):
        return (self.recipe.epochs - self.first) * len(self.batches)

    def on_epoch_begin(self, epoch, logs=None):
        self.batches.epoch = epoch
        self.rate = self.recipe.rate(epoch, validation_losses(self.history_))
        self.model.optimizer.learning_rate = self.rate
        self.model.begin_epoch()

    def on_train_batch_end(self, batch, logs=None):
        self.bar.advance(self.task)

    def on_epoch_end(self, epoch, logs=None):
        logs.update(self.model.end_epoch(self.validation), learning_rate=self.rate)
        # NaN stands for what was not measured in this epoch, but for a loss of validation
        known = {name: float(value) for name, value in logs.items() if value == value or name.startswith("val_")}
        self.history_.append(known)
        self._save()
        spent = time.monotonic() - self.start
        left = spent / (epoch + 1 - self.first) * (self.recipe.epochs - epoch - 1)
        values = "  ".join(f"{name} {value:.5g}" for name, value in known.items())
        line = f"{self.out.name}: epoch {epoch + 1}/{self.recipe.epochs}  {values}  left {clock(left)}"
        print(line, file=sys.stderr, flush=True)

    def _save(self):
        """Weights first, then the history that makes them count, then what is no longer needed."""
        done, best, begin = len(self.history_), best_epoch(self.history_), time.monotonic()
        due = done % self.save_every == 0 if self.save_every else begin - self.saved >= SAVE_SECONDS
        if best == done:
            write_weights(self.model, best_path(self.out, done))
        last = done == self.recipe.epochs or self.recipe.stopped(self.history_) or self.model.stop_training
        planning = self.budget is not None and self.budget.due(done - self.first)
        if saved := last or planning or due:
            write_weights(self.model, epoch_path(self.out, done))
            self.saved = time.monotonic()
        if planning:
            every = {"epochs": self.save_every} if self.save_every else {"seconds": SAVE_SECONDS}
            self.recipe = self.budget.plan(done, self.saved - begin, **every)
            self.bar.update(self.task, total=self._ahead)
        write_history(self.out, self.history_)
        if saved:
            drop_older(self.out, done, best)
        elif best == done:
            drop_bests(self.out, newest(self.out)[0], best)
        self.model.stop_training = last or done == self.recipe.epochs

    def on_train_end(self, logs=None):
        self.bar.stop()


def validation_losses(history):
    """What is to become less, of every epoch with validation: minus the bound where all log it, else the loss.

    The loss of a model with computed gamma grows while the model becomes better, see `ComputedGammaVAE`.
    """
    epochs = [epoch for epoch in history if "val_loss" in epoch]
    if epochs and all("val_elbo" in epoch for epoch in epochs):
        return [-epoch["val_elbo"] for epoch in epochs]
    return [epoch["val_loss"] for epoch in epochs]


def best_epoch(history):
    """The number, from 1 on, of the first epoch with the least validation loss, a number; None where there is none."""
    losses = [loss if math.isfinite(loss) else math.inf for loss in validation_losses(history)]
    return 1 + int(np.argmin(losses)) if min(losses, default=math.inf) < math.inf else None


def compile_by(recipe, model):
    """Compile a model with the optimizer that its recipe asks for, so that the next step is a training step by it."""
    settings = {"global_clipnorm": recipe.clip_norm} if recipe.clip_norm else {}
    optimizer = model.make_optimizer(learning_rate=recipe.learning_rate, **settings)
    # XLA slows convolutions down on a CPU under TensorFlow; "auto" knows
    model.compile(optimizer=optimizer, jit_compile="auto")
    model.optimizer.build(model.trainable_variables)  # else they appear inside the first trace, and it takes two


def train(
    model,
    x,
    recipe,
    out,
    epochs=None,
    seed=0,
    callbacks=(),
    validation=None,
    save_every=None,
    budget=None,
    whole_epochs=None,
):
    """Train `model` on x by `recipe`, going on from the last epoch saved in `out`, if any.

    Weights, optimizer and history are saved whole or not at all; a run that was stopped, even by `kill -9`, and is
    started again ends with the same weights as one that was not: to the bit on the same machine with the same number
    of threads, whose number decides the order of sums.

    Args:
        model: a model of the package; compiled here with Adam.
        x: training examples (n, ...), or a `data.Dataset`.
        recipe: a `Recipe`.
        out: folder of the checkpoints, one per run, of one process at a time: `run_folder.alone` keeps others out.
        epochs: instead of the recipe's.
        seed: of the order of the examples.
        callbacks: further Keras callbacks; what they add to an epoch's logs stands in the history. None that sets the
            learning rate: the recipe does.
        validation: the images of the recipe's validation split, on which every epoch is evaluated, all of them. The
            model ends with the weights of the best epoch then, as they lie in `out`.
        save_every: epochs between checkpoints. None for the first epoch of a process, and then every one that ends a
            minute (`SAVE_SECONDS`) or more after the last checkpoint: on an accelerator an epoch takes seconds, and so
            does a checkpoint of a large network. The last epoch always has one. What was trained since is done again
            after a stop.
        budget: a `Budget`, which decides the number of epochs when the first ones are done; None for none.
        whole_epochs: whether an epoch is one compiled program, on JAX alone (`training.epoch_program`); None where the
            device is no CPU. Its sums round differently than those of plain steps, and callbacks see one batch in an
            epoch. Where it cannot be, a warning says why, and the training goes step by step.

    Returns:
        list of dicts, the means that each epoch logged, from epoch 0 on.

    Raises:
        ValueError: a number that is not positive, fewer examples than one batch, input that the model cannot take, no
            validation images for a recipe that needs them, a callback that sets the learning rate, fewer epochs than
            `out` holds, whole epochs on another backend than JAX, or a loss or another term that is no longer a finite
            number: that epoch is not kept, and the message names the newest one that is.
    """
    check_positive(epochs=epochs, save_every=save_every)
    check_callbacks(callbacks)
    whole_epochs = epoch_program.wanted(whole_epochs)
    out, recipe = Path(out), recipe if epochs is None else replace(recipe, epochs=epochs)
    x = model.check(x)
    if recipe.validation and validation is None:
        raise ValueError(f"this recipe needs the images of its split {recipe.validation!r}. Received: validation=None")
    epoch_program.keep_programs()
    batches = Batches(x, recipe.batch_size, seed)
    compile_by(recipe, model)
    history = load_checkpoint(model, out)
    if len(history) > recipe.epochs:
        raise ValueError(f"{too_few(len(history), recipe.epochs)}, another --out keeps both. Received: {out}")
    if len(history) < recipe.epochs and not recipe.stopped(history):
        write_history(out, history)  # a folder that cannot be written is found before the first step
        plain = nullcontext((batches, validation))
        prepared = epoch_program.programs(model, batches, validation) if whole_epochs else plain
        with prepared as (given, watched):
            callback = _Epochs(given, recipe, out, history, validation, save_every, budget)
            callbacks = [_Finite(given, out), *([budget] if budget else []), *callbacks, callback]
            # Batches shuffles; Keras's own shuffling of batches follows Python's global generator, never the same twice
            options = {"initial_epoch": len(history), "epochs": recipe.epochs, "shuffle": False}
            if watched is not None:
                options |= {"validation_data": watched, "validation_batch_size": recipe.batch_size}
            try:
                model.fit(given, **options, callbacks=callbacks, verbose=0)
            finally:
                callback.bar.stop()
    if best := best_epoch(history):
        load_weights(model, best_path(out, best))
    return history


def too_few(held, epochs):
    """Why a training cannot go back to fewer epochs, in words."""
    return f"the folder holds {held} epochs already, more than the {epochs} asked for; --epochs {held} takes them"
