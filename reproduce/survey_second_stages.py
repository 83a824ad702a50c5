"""Survey, two-stage models: why are the codes of a second stage far from those of images? Its beta and its epochs.

    python reproduce/survey_second_stages.py              # an hour on one core
    python reproduce/survey_second_stages.py --rows "the survey's"

A second stage is a VAE on the codes of the first VAE. It draws codes, and a good one draws codes like those of images.
The survey weighs its KL by beta, and reports better samples by the second stage of a Resnet than by a mixture. Ours are
worse (`survey_table2`). In theory, beta times the number of latent units is a noise variance. A second stage leaves out
that part of every variance, and draws no noise in its place.

Expected: the longer a second stage trains, the nearer it comes to this theory, and the farther its codes lie from those
of images. A smaller beta keeps the small variances, and so does noise that is drawn.
"""

from green_vae.experiments import Reference, Table, columns, main
from green_vae.experiments.papers import survey_second_stages as stages
from green_vae.experiments.papers.paired import ALONE
from green_vae.experiments.papers.survey import SOURCE

TABLE = Table(
    name="survey_second_stages",
    title="What the weight of the KL and the number of epochs do to a second stage",
    source=f"{SOURCE}, sections on the aggregate posterior and on two-stage models",
    columns=(
        *stages.COLUMNS,
        columns.fid("fid", "0", "FID", optional="--columns fid measures it: ten minutes for a row"),
    ),
    rows=(
        *(stages.recipe_row(name, noise) for name in stages.RECIPES for noise in (False, True)),
        *(stages.narrow_row(stages.BETA, epochs) for epochs in stages.EPOCHS),
        stages.narrow_row(stages.BETA, stages.LONGEST, noise=True),
        *(stages.narrow_row(beta, stages.LONGEST) for beta in stages.BETAS),
    ),
    reference=Reference("cifar10"),
    notes=(
        "The first network is the full-width Resnet that ships. All second stages are fitted on the posterior means of "
        "its 50,000 training images, as in the survey's code for Resnets, and draw 10,000 codes, which are rescaled to "
        "the length of the fitted ones.",
        "The last code has two hidden layers of 1,536 units, trains for 150 epochs on the cosine, and has beta 0.005. "
        "The earlier code, which the survey has for Resnets alone, trains for 30 epochs at a tenth of the rate, with "
        "beta 0.0075, and adds a small squared error. The other rows are like the last code, with layers of 512 units "
        "and other epochs or another beta. The rate is first halved after 80 epochs, so they never see it halved.",
        "The distance is that of `survey_codes`: the Frechet distance between Gaussians with the mean and covariance "
        "of two sets of codes, divided by the number of latent units. Codes of training images lie at 0.0066, codes "
        "from N(0, I) at 0.0716, and those of a mixture of ten at 0.0071.",
        "Largest and smallest tenth: the variance of drawn codes along the 12 directions in which codes of test images "
        "vary most, and least, divided by that of the test images' codes, in the mean over the 12. 1 is right.",
        "Linear theory: a linear second stage with the squared error is probabilistic PCA. Its noise variance is the "
        "number of latent units times beta: 0.64 for beta 0.005, where the codes have variances from 0.41 to 4.9. Of "
        "each variance it keeps what is above that, and rescaling then makes the large ones too large.",
        "With noise: what is decoded is shortened, and N(0, noise) is added to every number. Its variance is what the "
        "loss implies (`SecondStage.with_noise`). For the cosine that is beta times the mean squared length of a code. "
        "Nothing is fitted again.",
        "a ± b gives the mean and the standard deviation over three seeds of weights, order and noise, for the narrow "
        "rows. All draw with one seed. The two codes of the survey have seed 0.",
        "Rule: two rows differ in distance if the 95 % interval of the difference, seed by seed (Student's t of three "
        "pairs), does not contain 0. It was set after a first look with seed 0, at few epochs and other widths, and "
        "before seeds 1, 2 and 3. Rows with noise were added when the first rows by epochs had been measured. "
        f"{ALONE}",
        "In `survey_table2` samples of this network have an FID~ of 117.5 by N(0, I), 113.1 by the second stage of the "
        "last code, which is the one here, and 101.1 by a mixture of ten.",
    ),
    conclusions=stages.conclusions,
)

if __name__ == "__main__":
    main(TABLE)
