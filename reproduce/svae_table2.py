"""Split-VAE, Table 2: the classes of CIFAR-10 against its test set. Needs no model.

    python reproduce/svae_table2.py        # 120,000 images through Inception: about an hour on 2 cores
    python reproduce/svae_table2.py --rows random --columns fid_1280

Expected: a random mix of 10,000 training images has an FID of about 5.3, the one value in the paper's text. A single
class, doubled by mirroring, has many times that. So the FID asks for variety, and not only for quality.
"""

import numpy as np

from green_vae.experiments import Reference, Row, Table, columns, main

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def random_mix(bench):
    """10,000 training images drawn without replacement."""
    train = bench.data("cifar10", "train")
    n = min(10_000, len(train))
    return train.images[np.sort(np.random.default_rng(bench.settings.seed).choice(len(train), n, replace=False))]


def mirrored_class(label):
    """All training images of a class, and then their mirror images: 10,000."""

    def images(bench):
        train = bench.data("cifar10", "train")
        one = train.images[train.labels == label]
        return np.concatenate([one, one[:, :, ::-1]])

    return images


TABLE = Table(
    name="svae_table2",
    title="Split-VAE, Table 2: categories of CIFAR-10 against the test set",
    source="Asperti, Bugo, Filippini 2022, Enhancing variational generation through self-decomposition, Table 2",
    columns=(
        columns.fid("fid", "row", "FID", layer="avg_pool", format="{:,.2f}"),
        columns.fid("fid_1280", "row", "FID@1280", layer="mixed8", format="{:,.3f}"),
        columns.fid("fid_768", "row", "FID@768", layer="mixed7", format="{:,.4f}"),
    ),
    rows=(
        Row("random mix", {"fid": 5.3}, images=random_mix),
        *(Row(name, images=mirrored_class(label)) for label, name in enumerate(CLASSES)),
    ),
    reference=Reference("cifar10"),
    notes=(
        "A class has its 5,000 training images and their mirror images. The random mix has 10,000 training images.",
        "The standard error of a class counts an image and its mirror image as two. They have nearly the same "
        "features, so it is too small. By random halves that keep both together it is 1.5 times as large (700 images "
        "of the deer, FID@768).",
        "Of the paper's values we have only that of the random mix, 5.3, which stands in its text. We do not have "
        "those of the classes.",
    ),
)

if __name__ == "__main__":
    main(TABLE)
