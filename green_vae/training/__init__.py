"""From a compiled model and a recipe to weights: the loop, its checkpoints, callbacks, and what it cost."""

from green_vae.training.batches import Batches
from green_vae.training.budget import Budget
from green_vae.training.loop import Recipe, best_epoch, train, validation_losses
from green_vae.training.statistics import recalibrate_batch_norm

__all__ = ["Batches", "Budget", "Recipe", "best_epoch", "recalibrate_batch_norm", "train", "validation_losses"]
