"""Pictures of what a model makes while it trains."""

from pathlib import Path

import keras
import numpy as np

from green_vae.plots.images import image_grid, reconstruction_grid, save_png


class Pictures(keras.callbacks.Callback):
    """Draws what the model makes while it trains: `generated-<epoch>.png` (of models with a prior) and
    `reconstructed-<epoch>.png`.

    Args:
        folder: of the pictures.
        x: images to reconstruct, the first 16 are taken.
        every: epochs between pictures.
        n: images to generate, from the prior and always of the same codes.
        board: whether to write them and the logs for TensorBoard too, which needs TensorFlow and tensorboard.
    """

    def __init__(self, folder, x, every=1, n=64, board=False):
        super().__init__()
        if every < 1:
            raise ValueError(f"every how many epochs to draw must be positive. Received: {every}")
        self.folder, self.x, self.every, self.n = Path(folder), x[:16], every, n
        self.board = _summary_writer(self.folder / "tensorboard") if board else None

    def on_epoch_end(self, epoch, logs=None):
        epoch += 1
        if epoch == 1 or epoch % self.every == 0:
            self._draw(epoch)
        if self.board:
            self.board(epoch, {name: float(value) for name, value in (logs or {}).items()}, {})

    def _draw(self, epoch):
        made = {"reconstructed": reconstruction_grid(self.x, _like(self.model.reconstruct(self.x), self.x))}
        if self.model.variational:  # without a prior there is nothing to generate from
            made["generated"] = image_grid(self.model.generate(self.n, seed=0))
        for name, picture in made.items():
            save_png(self.folder / f"{name}-{epoch:04}.png", picture)
        if self.board:
            self.board(epoch, {}, made)


def _like(made, x):
    """Reconstructions in the range of the images they stand beside."""
    return np.round(made * 255).astype("uint8") if x.dtype == np.uint8 else made


def _summary_writer(folder):
    """write(step, numbers, pictures) for TensorBoard."""
    import tensorflow as tf

    writer = tf.summary.create_file_writer(str(folder))

    def write(step, numbers, pictures):
        with writer.as_default(step=step):
            for name, value in numbers.items():
                tf.summary.scalar(name, value)
            for name, picture in pictures.items():
                tf.summary.image(name, picture[None])
        writer.flush()

    return write
