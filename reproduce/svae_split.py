"""Split-VAE beside its twin without the split head: five seeds of a narrow network on MNIST, and how it divides images.

    python reproduce/svae_split.py                                       # recorded cells, and counts
    python reproduce/svae_split.py --train --limit-train 20000           # 10 trainings: half an hour of one core
    python reproduce/svae_split.py --train --limit-train 20000 --seeds 0 --columns map_high map_high_ratio map_edges

The decoder of a Split-VAE draws an image as a mixture of two. The paper says that this keeps more latent units in use,
and that it gives better images. It shows two looks of the map that mixes: a syntactic one, which follows lines, and a
semantic one, which follows regions. Which one comes out differs from run to run. Here a number tells them apart.

Expected, if the paper is right: more active units, a lower error and better samples than the twin's, by differences
seed by seed and their 95 % interval; and maps of both looks among five seeds.
"""

from green_vae.experiments import main
from green_vae.experiments.papers import split_maps

TABLE = split_maps.table(
    "svae_split",
    "svae/mnist-tiny",
    "the paper's network at an eighth of its width, 32 latent units, computed gamma, beta of 8, 6 epochs with batches "
    "of 100.",
)

if __name__ == "__main__":
    main(TABLE)
