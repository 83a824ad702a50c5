"""Split-VAE, on Table 2: single classes of CIFAR-10, and how the FID falls as classes are added. Needs no model.

    python reproduce/svae_classes.py        # 10,000 images through Inception: ten minutes of one core

`svae_table2.py` has 10,000 images of each class, doubled by mirroring as in the paper. Here all ten classes, and all
numbers of classes between one and ten, come from one pass over 5,000 training images. Every distance is that of 450
images to the first 5,000 test images. So these distances compare with each other, and not with Table 2. The script
shares its features with `survey_fid.py`.

Expected: single classes lie far from the test set, and the distance falls with every class that is added. If only the
mean of the features mattered, half of the classes would leave a ninth of the excess of one class over all ten.
"""

from green_vae.experiments import Reference, Row, Table, main
from green_vae.experiments.papers.svae import SOURCE
from green_vae.experiments.papers.svae_classes import CLASSES, COLUMNS, POOL, conclusions, row_name

NAMES = tuple(column.name for column in COLUMNS)
TABLE = Table(
    name="svae_classes",
    title="Split-VAE, on Table 2: one class of CIFAR-10, some, and all, 450 images each",
    source=SOURCE + ", Table 2 and its text; none of these numbers is printed",
    columns=COLUMNS,
    rows=(
        *(Row(row_name(k), dict.fromkeys(NAMES), options={"k": k}) for k in range(1, len(CLASSES) + 1)),
        *(Row(name, dict.fromkeys(NAMES), options={"label": i}) for i, name in enumerate(CLASSES)),
    ),
    reference=Reference("cifar10", n=POOL),
    notes=(
        "5,000 training images are drawn at random. A row of one class has 450 of its images. A row of k classes has "
        "450 images of these classes, equally many of each. ± is the standard deviation over ten choices of k classes "
        "(for ten classes: over ten choices of images). In the rows of single classes, which are at the end, ± is the "
        "standard error if other images of the class had been taken. It comes from random halves of the 450 images "
        "(delete-half jackknife).",
        "450 images make the FID too large in every row. The KID has no such bias.",
        "If only the means of the features differed between classes, the excess over ten classes would be "
        "proportional to 1 / k - 1 / 10. Then 2 classes would leave 44 % of the excess of one class, 3 classes 26 %, "
        "5 classes 11 %, and 7 classes 5 %.",
        "The paper says that the FID falls very slowly as classes are added. Our rule for this claim was fixed before "
        "the first run: half of the classes leave at least half of the excess of one class over all ten, by both FIDs.",
    ),
    conclusions=conclusions,
)

if __name__ == "__main__":
    main(TABLE)
