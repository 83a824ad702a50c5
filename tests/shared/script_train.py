"""Train a tiny model: python script_train.py FOLDER EPOCHS [PAUSE seconds per epoch]; its weights go to FOLDER.npz."""

import sys
import time

import keras
import numpy as np
from core_models import blobs, build

from green_vae import training
from green_vae.training import checkpoint

folder, epochs, pause = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]) if len(sys.argv) > 3 else 0
write = checkpoint.write_json


def slow(path, value):
    time.sleep(pause)  # between weights and history: where a kill is worst
    write(path, value)


checkpoint.write_json = slow
keras.utils.set_random_seed(time.monotonic_ns() % 2**31)  # what is not saved must not matter
model = build("vae")
keras.utils.set_random_seed(time.monotonic_ns() % 2**31)
recipe = training.Recipe(1e-3, (3,), batch_size=8, epochs=epochs)
training.train(model, blobs(36), recipe, folder, seed=5)
np.savez(folder + ".npz", *model.get_weights())
