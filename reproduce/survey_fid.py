"""How much does an FID depend on its protocol? Resizing, input size, rounding, layer of features, number of images.

    python reproduce/survey_fid.py                        # 40,000 images through Inception: 40 minutes of one core
    python reproduce/survey_fid.py --rows "1280 features" --columns fid_real shift_real

A protocol is all that decides an FID but the images. Every protocol sees the same 1,000 images of a set and the same
1,000 test images of CIFAR-10. "minus default" is its distance minus that of the survey's protocol. Features are kept in
cache/ beside the report, so that a run that was stopped goes on, and further rows cost nothing.

Expected: the resize changes a distance by more than its noise, above all that of generated images. Rounding to whole
pixel values changes little. The fewer images, the larger the distance.
"""

from green_vae.experiments import Reference, Row, Table, main
from green_vae.experiments.papers.fid_protocols import COLUMNS, conclusions
from green_vae.experiments.papers.survey import SOURCE

REAL, SVAE, RESNET = (
    tuple(f"{quantity}_{name}" for quantity in ("fid", "shift")) for name in ("real", "svae", "resnet")
)
PROTOCOLS = {
    "default": {},
    "nearest pixel": {"resize": "nearest"},
    "bicubic": {"resize": "bicubic"},
    "bilinear of TensorFlow 1": {"resize": "bilinear-tf1"},
    "input of 150 x 150": {"resize": "bilinear@150"},
    "input of 75 x 75": {"resize": "bilinear@75"},
    "rounded to 8 bit": {"rounded": True},
}
WIDTHS = {"1280": "mixed8", "2048": "avg_pool"}


def rows():
    for width, layer in WIDTHS.items():
        for words, options in PROTOCOLS.items():
            measured = (*(REAL if words != "rounded to 8 bit" else ()), *SVAE, *RESNET)
            names = [name for name in measured if words != "default" or name.startswith("fid")]
            yield Row(f"{width} features, {words}", dict.fromkeys(names), options={"layer": layer, **options})
        for n in (2_000, 5_000, 10_000):
            names = ["fid_real"] + ["fid_svae", "fid_resnet"] * (n == 2_000)
            yield Row(f"{width} features, {n:,} images", dict.fromkeys(names), options={"layer": layer, "n": n})
        options = {"layer": layer, "n": 5_000, "extrapolated": True}
        yield Row(f"{width} features, n to infinity", {"fid_real": None}, options=options)


TABLE = Table(
    name="survey_fid",
    title="The Frechet Inception distance under other protocols",
    source=f"{SOURCE}, whose protocol is the default here; nothing of this is printed",
    columns=COLUMNS,
    rows=tuple(rows()),
    reference=Reference("cifar10"),
    notes=(
        "There are 10,000 training images of CIFAR-10, 1,000 of each class in random order. There are 2,000 samples "
        "of svae/cifar10 and 2,000 of survey/resnet-s4-b48-l128, both by the mixture that ships with the model. A row "
        "takes the first 1,000 images of each side, unless its name says otherwise. So few images make all distances "
        "too large.",
        "± is the standard error under other images. It comes from the standard deviation over random halves of both "
        "sides (delete-half jackknife; Shao and Wu, 1989). For a difference, both protocols take the same halves.",
        "The default is bilinear resizing with half-pixel centres and no antialiasing, to 299 x 299, of images in [0, "
        "1] that are not rounded. Images of 32 x 32 pixels grow, so antialiasing changes nothing (a test compares "
        "both). Real images are whole pixel values already, so rounding leaves them as they are.",
        "Distances of 5,000 images and more are those of training images alone, because 10,000 samples of a model "
        "take Inception about ten minutes of one core. `survey_table2.py` has 10,000 samples of the Resnet by the same "
        "mixture (FID GMM).",
        "n to infinity: a line in 1 / n is fitted to the distances of 5,000 and 2,500 images a side, and also of "
        "1,666 for the 1280 features. Its value at 1 / n = 0 is the result (Chong and Forsyth, 2020, who keep "
        "the reference images fixed). None of these distances has fewer images than features. The halves behind its "
        "standard error have fewer.",
        "Rules, fixed before the first run. A protocol moves a distance if the difference exceeds the noise of a "
        "distance of 10,000 images. This noise is the standard error of the default row times the root of 1,000 / "
        "10,000. A protocol turns the order if the model that is nearer by default is not nearer under it.",
    ),
    conclusions=conclusions,
)

if __name__ == "__main__":
    main(TABLE)
