"""Two replicas on two logical CPUs against one: python script_replicas.py. Prints one JSON object."""

import json

import keras
import numpy as np
import tensorflow as tf
from core_models import blobs, build, feed

from green_vae.models import Autoencoder, ComputedGammaVAE

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
# one object for all models: a second MirroredStrategy in a process would reuse the keys of the first one's collectives
STRATEGIES = {"one": tf.distribute.get_strategy(), "two": tf.distribute.MirroredStrategy(["/cpu:0", "/cpu:1"])}


def dense_networks(heads):
    """No batch norm: its statistics are those of a replica's share of the batch."""
    image, z = keras.Input((32, 32, 1)), keras.Input((4,))
    flat = keras.layers.Dense(8, "tanh")(keras.layers.Flatten()(image))
    outputs = {head: keras.layers.Dense(4, kernel_regularizer=keras.regularizers.L2(0.1))(flat) for head in heads}
    pixels = keras.layers.Dense(32 * 32, "sigmoid")(keras.layers.Dense(8, "tanh")(z))
    return keras.Model(image, outputs), keras.Model(z, keras.layers.Reshape((32, 32, 1))(pixels))


class DenseAutoencoder(Autoencoder):
    def build_networks(self):
        return dense_networks(self.heads)


class DenseGammaVAE(ComputedGammaVAE):
    def build_networks(self):
        return dense_networks(self.heads)


def make(name):
    keras.utils.set_random_seed(7)
    if name == "autoencoder":
        return DenseAutoencoder(image_shape=(32, 32, 1), latent_dim=4)
    if name == "gamma":
        return feed(DenseGammaVAE(image_shape=(32, 32, 1), latent_dim=4, beta=1.0), 0.0)  # without noise
    return build("vae")


def run(name, strategy):
    """Losses of epochs of two steps, evaluation, and what the model holds in the end."""
    with STRATEGIES[strategy].scope():
        model = make(name)
        model.compile(optimizer=keras.optimizers.SGD(1e-3))
    x = blobs(16)
    history = model.fit(x, batch_size=8, epochs=2, shuffle=False, verbose=0).history
    logs = model.evaluate(x, batch_size=8, verbose=0, return_dict=True)
    weights = np.concatenate([weight.ravel() for weight in model.get_weights()]).tolist()
    state = [float(w.numpy()) for w in model.weights if w.name in ("gamma", "mse") and w.shape == ()]
    return {"history": history, "evaluation": logs, "weights": weights if name != "vae" else [], "state": state}


if __name__ == "__main__":
    print(json.dumps({name: {s: run(name, s) for s in STRATEGIES} for name in ("autoencoder", "gamma", "vae")}))
