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
        "Weights are those that ship. The number of training images whose codes a sampler is fitted on stands beside "
        "the numbers. A second stage is fitted on the kind of codes that the network's recipe takes: draws for the "
        "CNN and means for the Resnet.",
        "Second stages have two hidden layers of 512 units. Adam starts at 1e-3, which is halved after 11 and 16 of "
        "20 epochs, with batches of 100, for all three losses. Cosine and squared error have beta 0.005, and drawn "
        "codes are rescaled to the length of the codes that were fitted, as in the survey's earlier code. The squared "
        "error has the factor 1/(2 d). With it both losses are the same where both vectors have the length sqrt(d). "
        "The Gaussian has a trained variance and beta 1, and codes are drawn with that variance (Dai and Wipf 2019). "
        "a ± b gives the mean and the standard deviation over three seeds of weights, order and noise. All draw with "
        "one seed.",
        "Mixtures have full covariances, and are fitted in at most 100 steps from one k-means start with seed 0.",
        "Processor seconds are those of all threads, on a machine that other processes used. Those of a second stage "
        "contain its compilation. Those of its seed 0 also contain the first compilation of TensorFlow in the process.",
        "log p of test codes is the mean over the codes of the first 250 test images. For a mixture of means these "
        "are means, and for one of draws they are draws. These are two scales, because units that are not used have "
        "hardly any variance in the means.",
        "KID compares 250 images with the same test images. Its standard error is that of the delete-half jackknife.",
        "All sets of images of one network share their draws and reference, so intervals over seeds are those of "
        "fitting alone. The Resnet's rows have 5,000 training images, and the CNN's 10,000.",
        "Rule, fixed before any of these numbers was known: the KID of the cosine, less that of the squared error "
        "with the same seed, decides, with its 95 % interval (Student's t of three pairs). The cosine is better if "
        "the interval lies below 0 in both networks. It is not if the interval lies above 0 in one. Else the claim is "
        "open. Numbers of components are shown and not judged, because they have one seed.",
    ),
    conclusions=survey_samplers.conclusions,
)

if __name__ == "__main__":
    main(TABLE)
