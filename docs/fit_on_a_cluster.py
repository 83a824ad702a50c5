"""One model, trained by several processes that share every batch: on one machine, or on many. JAX alone does this.

    export KERAS_BACKEND=jax
    python docs/fit_on_a_cluster.py --out runs/one                      # one process: what the others must agree with
    python docs/fit_on_a_cluster.py --out runs/two --address 127.0.0.1:9911 --processes 2 --process 0 &
    python docs/fit_on_a_cluster.py --out runs/two --address 127.0.0.1:9911 --processes 2 --process 1
    srun --ntasks 4 python docs/fit_on_a_cluster.py --out runs/four --found      # SLURM tells JAX of the others

Put your own model and data where this file has a small VAE of scikit-learn's digits. Every process loads all images,
and gives the model its own share of each batch. The address is that of process 0, at any free port. Only process 0
writes.
"""

import argparse
import json
from pathlib import Path

import keras
import numpy as np

BATCH, EPOCHS = 40, 3  # images of all processes together; passes


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="for the trained model and its losses")
    parser.add_argument("--address", metavar="HOST:PORT", help="of process 0")
    parser.add_argument("--processes", type=int, default=1, metavar="N", help="how many (default: %(default)s)")
    parser.add_argument("--process", type=int, default=0, metavar="I", help="this one, from 0 (default: %(default)s)")
    parser.add_argument("--found", action="store_true", help="JAX finds the others: SLURM, Open MPI, Kubernetes")
    options = parser.parse_args()
    if keras.backend.backend() != "jax":
        backend = keras.backend.backend()
        parser.error(f"several processes need the environment variable KERAS_BACKEND=jax. Received: {backend}")
    if options.found:  # before anything is computed
        keras.distribution.initialize()
    elif options.processes > 1:
        keras.distribution.initialize(options.address, options.processes, options.process)

    import jax

    import green_vae as gv

    process, processes = jax.process_index(), jax.process_count()
    keras.distribution.set_distribution(keras.distribution.DataParallel(auto_shard_dataset=False))
    keras.utils.set_random_seed(0)  # the same first weights everywhere
    images = gv.data.load("digits", "train").images.astype("float32") / 255
    model = gv.models.VAE(image_shape=images.shape[1:], latent_dim=4, network="mlp")
    model.compile(optimizer=keras.optimizers.Adam(1e-3))
    mine = share_of(images, process, processes)
    history = model.fit(mine, batch_size=BATCH // processes, epochs=EPOCHS, shuffle=False, verbose=0).history

    weights = model.get_weights()
    keras.distribution.set_distribution(None)  # what follows is computed by one process, which must not wait for others
    if process == 0:
        alone = type(model).from_config(model.get_config())
        alone.set_weights(weights)
        alone.save_to_preset(options.out)
        (options.out / "losses.json").write_text(json.dumps(history["loss"]))
        print(f"{processes} processes, {jax.device_count()} devices, losses {history['loss']}")


def share_of(images, process, processes):
    """The rows of each batch of BATCH images that belong to one process, in their order; what is left over goes."""
    if BATCH % processes:
        raise ValueError(f"a batch of {BATCH} images has no equal shares. Received: {processes} processes")
    batches = images[: len(images) // BATCH * BATCH].reshape(-1, processes, BATCH // processes, *images.shape[1:])
    return np.concatenate(batches[:, process])


if __name__ == "__main__":
    main()
