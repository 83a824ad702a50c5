"""Split-VAE beside its twin without the split head, on CIFAR-10: five seeds of a narrow network.

    python reproduce/svae_split_cifar10.py                                  # recorded cells, and counts
    python reproduce/svae_split_cifar10.py --train --limit-train 20000      # 10 trainings: an hour of one core

The paper's main results are of colour images. This table asks the questions of `svae_split` of CIFAR-10. Does a decoder
that draws an image as a mixture of two keep more latent units in use? Does it draw better images? Does its map follow
lines or regions, and does that differ from run to run?

Expected, if the paper is right: more active units, a lower error and better samples than the twin's, by differences
seed by seed and their 95 % interval; and maps of both looks among five seeds.
"""

from green_vae.experiments import main
from green_vae.experiments.papers import split_maps

TABLE = split_maps.table(
    "svae_split_cifar10",
    "svae/cifar10-tiny",
    "the paper's network at an eighth of its width, 200 latent units, computed gamma, beta of 3, 6 epochs with batches "
    "of 100.",
)

if __name__ == "__main__":
    main(TABLE)
