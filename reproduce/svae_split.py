"""Split-VAE beside its twin without the split head: five seeds of a narrow network on MNIST, and how it divides images.

    python reproduce/svae_split.py                                       # recorded cells, and counts
    python reproduce/svae_split.py --train --limit-train 20000           # 10 trainings: half an hour of one core
    python reproduce/svae_split.py --train --limit-train 20000 --seeds 0 --columns map_high map_high_ratio map_edges

The paper says that a decoder which draws an image as a mixture of two keeps more latent units alive, and that it draws
better images. It shows two looks of the map that mixes: a syntactic one, of lines, and a semantic one, of regions.
Which one comes out differs from run to run. Here a number tells them apart.

Expected, if the paper is right: more active units, a lower error and better samples than the twin's, by differences
seed by seed and their 95 % interval; and maps of both looks among five seeds.
"""

from green_vae.experiments import Reference, Row, Table, columns, main
from green_vae.experiments.papers import split_maps
from green_vae.experiments.papers.split_maps import PARTS, SPLIT, TWIN, division
from green_vae.experiments.papers.survey import ERRORS
from green_vae.experiments.papers.svae import SOURCE
from green_vae.experiments.seeds import over_seeds
from green_vae.experiments.spec import pca

MEASURED = (
    columns.mse("train"),
    columns.mse("test"),
    columns.latent("active_means", "active units of 32, by the means", format="{:,.1f}"),
    *(columns.kid(f"kid_{part}", f"prior{end}", f"KID x 1000 of {part}") for part, end in PARTS.items()),
    division("map_spread", "deviation of the map within an image"),
    division("parts_apart", "distance of x1 and x2"),
    division("map_high", "map: share of high frequencies"),
    division("map_high_ratio", "map: that share over the images'", format="{:,.2f}"),
    division("map_edges", "correlation of the edges of map and image", format="{:,.2f}"),
)
COLUMNS = (columns.trainable_parameters(), *map(over_seeds, MEASURED))

TABLE = Table(
    name="svae_split",
    title="Split-VAE and its twin without the split head",
    source=f"{SOURCE}, sections 3 and 4",
    columns=COLUMNS,
    rows=(
        Row(SPLIT, dict.fromkeys(column.name for column in COLUMNS), preset="svae/mnist-tiny"),
        Row(TWIN, dict.fromkeys(column.name for column in COLUMNS), preset="svae/mnist-tiny-plain"),
        pca(32, ERRORS),
    ),
    reference=Reference("mnist32", n=500),
    layer="mixed7",
    seeds=(0, 1, 2, 3, 4),
    notes=(
        "a ± b: mean and standard deviation (n - 1) over the seeds, each of which is a training with an order, weights "
        "and noise of its own.",
        "Both rows: the paper's network at an eighth of its width, 32 latent units, computed gamma, beta of 8, "
        "6 epochs with batches of 100. The twin has one output instead of the head of two images and a map.",
        "KID@768: 500 images of codes from N(0, I) against the first 500 test images. x1 and x2 are the two images "
        "that the head mixes; mix takes half of either.",
        "High frequencies: 0.25 cycles a pixel and more. White noise has a share of 0.80, a smooth map one near 0. The "
        "paper names two looks and gives no number for them. Here a map is called syntactic if its share is more than "
        "twice that of the images themselves, and semantic if it is less than theirs.",
        "Distance of x1 and x2: mean of their absolute difference over pixels.",
        "Edges: lengths of gradients. A correlation near 1 says that the map changes where the image does.",
        "Verdicts: a claim holds where the whole 95 % interval of the mean difference lies on its side of 0, does not "
        "hold where all of it lies on the other side, and is open else. Rules fixed before the runs. They are of one "
        "narrow network, one data set and a short training.",
    ),
    conclusions=split_maps.conclusions,
)

if __name__ == "__main__":
    main(TABLE)
