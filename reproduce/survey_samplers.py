"""Survey, two-stage models: second stages with three losses, and mixtures of 1 to 100 Gaussians, on the same codes.

    python reproduce/survey_samplers.py --limit-train 10000                   # half an hour on one core
    python reproduce/survey_samplers.py --limit-train 10000 --rows "mini CNN, second"

A second stage is a VAE on the codes of the first VAE. The survey says that the cosine of codes works far better there
than their squared error, and publishes no number. Split-VAE raises the number of components of its mixtures to 100 and
does not say what that brings.

Expected, if the survey is right: the KID is lower with the cosine. More components fit the codes better, until there
are too few codes for each. A mixture on posterior means has too little variance where units are not used, which does
not matter to images. The notes fix the rule that decides.
"""

from green_vae.experiments import Reference, Table, main
from green_vae.experiments.papers import survey_samplers
from green_vae.experiments.papers.survey import SOURCE

TABLE = Table(
    name="survey_samplers",
    title="Second stages with three losses, and mixtures of 1 to 100 Gaussians, on CIFAR-10",
    source=f"{SOURCE}, sections on mismatch and on two-stage models; Split-VAE on mixtures",
    columns=survey_samplers.COLUMNS,
    rows=(
        *(
            survey_samplers.stage_row(network, loss)
            for network in survey_samplers.NETWORKS
            for loss in survey_samplers.LOSSES
        ),
        *(
            survey_samplers.mixture_row(network, count, of)
            for network in survey_samplers.NETWORKS
            for of in survey_samplers.CODES
            for count in survey_samplers.COMPONENTS
        ),
    ),
    reference=Reference("cifar10", n=250),
    layer="mixed8",
    notes=(
        "Weights are those that ship. Samplers are fitted on the codes of as many training images as are named beside "
        "the numbers; those of a second stage are the network's own kind, draws for the CNN and means for the Resnet.",
        "Second stages: two hidden layers of 512 units, Adam from 1e-3, halved after 11 and 16 of 20 epochs, batches "
        "of 100, for all three losses. Cosine and squared error: beta 0.005 and codes rescaled to the length of those "
        "that it was fitted on, as the survey's earlier code does; the squared error has the factor 1/(2 d), with "
        "which both losses are the same where both vectors have the length sqrt(d). Gaussian: its variance is "
        "trained, beta 1, and codes are drawn with that variance (Dai and Wipf 2019). a ± b: mean and standard "
        "deviation over three seeds of weights, order and noise; all draw with one seed.",
        "Mixtures: full covariances, at most 100 steps, one k-means start of seed 0.",
        "Processor seconds, all threads, on a machine that others used; those of a second stage contain its "
        "compilation, those of its seed 0 that of TensorFlow's first one in the process.",
        "log p of test codes: the mean over the codes of the first 250 test images, means for a mixture of means "
        "and draws for one of draws. These are two scales: units that are not used have hardly any variance in the "
        "means.",
        "KID: 250 images against the same test images. Its standard error is that of the delete-half jackknife.",
        "All sets of images of one network share their draws and reference, so intervals over seeds are those of "
        "fitting alone. The Resnet's rows have 5,000 training images, the CNN's 10,000.",
        "Rule, fixed before any of these numbers was known: the cosine is better if its KID, less that of the squared "
        "error with the same seed, is below 0 by more than its 95 % interval (Student's t of three pairs) in both "
        "networks; it is not if that is above 0 in one; else the claim is open. The numbers of components are told "
        "and not judged: they have one seed.",
    ),
    conclusions=survey_samplers.conclusions,
)

if __name__ == "__main__":
    main(TABLE)
