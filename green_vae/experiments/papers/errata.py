"""Slips of the five papers: what is published, what is right, and the test that shows it."""

from green_vae.experiments.evidence import OURS, PUBLISHED, Erratum

LOSSES, OBJECTIVES, LAGGING = (f"tests/models/test_{name}.py" for name in ("losses", "objectives", "lagging"))
HIERARCHY, REVIEW_SLIDES, IAF, LADDER = (
    f"tests/models/test_{name}.py" for name in ("hierarchy", "review_slides", "iaf", "ladder")
)
SPLIT, NETWORKS, PRESETS = (
    "tests/models/test_split.py",
    "tests/networks/test_networks.py",
    "tests/presets/test_presets.py",
)
BOON, CLAIMS = "tests/experiments/papers/test_boon.py", "tests/experiments/papers/test_claims.py"
RAE = "tests/models/test_rae.py"
KL = "`1/2 sum(mu^2 + s^2 - 1 - log s^2)`"


def count(table, row, column="params", side=PUBLISHED):
    """A text with one count of a report."""

    def text(reports):
        number = reports.number(table, row, column, side)
        return "(not counted)" if number is None else f"{number:,.0f}"

    return text


def joined(*parts):
    """A text of strings and of texts that reports give."""
    return lambda reports: "".join(part if isinstance(part, str) else part(reports) for part in parts)


SURVEY = (
    Erratum(
        "survey",
        "(10) and (17)",
        "a sign is the wrong way round (the formulas are not quoted here)",
        "the signs of the objectives that are built and compared with NumPy",
        f"{OBJECTIVES}::test_loss_against_numpy",
    ),
    Erratum(
        "survey",
        "(16)",
        "a factor 1/2 is wrong (the formula is not quoted here)",
        "1/2 ||mu||^2 beside 1/2 of the squared error: the KL of a posterior of constant variance, less a constant",
        f"{RAE}::test_the_kl_of_a_constant_variance_is_half_the_squared_mean_and_a_constant",
    ),
    Erratum(
        "survey",
        "balancing",
        "the computed gamma is used in all models",
        "in its code in the residual networks alone: the CNN has a fixed weight of the KL, 0.024",
        f"{PRESETS}::test_balance_of_the_convolutional_rows",
    ),
    Erratum(
        "survey",
        "RAE, L2",
        "the penalty is on all weights of the decoder",
        "in its code on the kernels of the transposed convolutions of stride 2 alone",
        f"{NETWORKS}::test_l2_sits_on_the_stride_2_transposed_convolutions_alone",
    ),
    Erratum(
        "survey",
        "RAE, gradient penalty",
        "the norm of the decoder's Jacobian",
        "in its code the gradient of the sum over pixels of the squared output, one number for a latent unit",
        f"{OBJECTIVES}::test_the_gradient_of_the_decoder_against_finite_differences",
    ),
    Erratum(
        "survey",
        "two-stage, code",
        "the cosine of codes is added to the loss, so that training would turn them away from each other",
        "it is subtracted",
        f"{OBJECTIVES}::test_training_turns_the_vectors_towards_each_other",
    ),
    Erratum(
        "survey",
        "NVAE, text",
        "five groups",
        "four: l4 in the row's name and in its code, whose counts are the published ones, except for one batch norm",
        f"{HIERARCHY}::test_parameters_and_flops_of_the_surveys_nvae",
    ),
    Erratum(
        "survey",
        "NVAE, code",
        "the running sum of KLs is halved in every group, so that groups weigh 1/8, 1/4, 1/2 and 1",
        "every group weighs the same, or as balanced; the halvings are kept for this row alone",
        f"{PRESETS}::test_losses_of_the_hierarchical_rows",
    ),
    Erratum(
        "survey",
        "Resnet, text",
        "the decoder starts from 4x4 maps of the base width",
        "from 2x2 in the s4 rows, 4x4 in the s3 row, of the largest width",
        f"{CLAIMS}::test_seeds_of_the_residual_decoders",
    ),
    Erratum(
        "survey",
        "CNN and RAE, text",
        "no batch norm is mentioned",
        "one behind every convolution but the last: its parameters are in the published counts",
        f"{PRESETS}::test_parameters_and_flops_as_printed",
    ),
    Erratum(
        "survey",
        "Table 2, HFVAE rows",
        joined(
            count("survey_table2", "HFVAE-s4-z4-l48"),
            " and ",
            count("survey_table2", "HFVAE-s4-z12-l64"),
            " parameters",
        ),
        joined(
            count("survey_table2", "HFVAE-s4-z4-l48", side=OURS),
            " and ",
            count("survey_table2", "HFVAE-s4-z12-l64", side=OURS),
            " in its code",
        ),
        f"{HIERARCHY}::test_parameters_of_the_authors_hfvae",
    ),
    Erratum(
        "survey",
        "Table 3, CNN row",
        joined(
            count("survey_table3", "CNN-b128-l64"),
            " parameters, ",
            count("survey_table3", "CNN-b128-l64", "flops_m"),
            " MFLOPs",
        ),
        joined(
            "two decoders: the parameters need ",
            count("survey_table3", "CNN-b128-l64", "flops_m", OURS),
            " MFLOPs, the FLOPs ",
            count("survey_table3", "CNN-b128-l64 (seed 8x8)", side=OURS),
            " parameters",
        ),
        f"{PRESETS}::test_parameters_and_flops_as_printed",
    ),
    Erratum(
        "survey",
        "Tables 2 and 3, Resnet rows",
        "transposed convolutions; FLOPs that count an up-step at its output size",
        "a transposed convolution costs a quarter of that; repetition and a convolution costs what is published",
        f"{NETWORKS}::test_two_ways_up_have_the_same_parameters_and_different_costs",
    ),
    Erratum(
        "survey",
        "FID",
        "images are scaled sample by sample",
        "in its code by one fixed map, `2x - 1`",
        "tests/metrics/test_stream.py::test_not_stretched_unless_asked",
    ),
    Erratum(
        "survey",
        "Table 4",
        "Resnet-s3-b64-l64",
        "Resnet-s4-b64-l64: Table 5 gives it the same seconds, and it alone is for CIFAR-10",
        f"{CLAIMS}::test_the_label_of_table_4",
    ),
)
SVAE = (
    Erratum(
        "svae",
        "Table 1, 2S-VAE",
        "16 latent numbers, or 64",
        joined("64: only this gives the published ", count("svae_table1", "2S-VAE (Dai, Wipf)"), " parameters"),
        f"{CLAIMS}::test_latent_numbers_of_the_two_stage_vae",
    ),
    Erratum(
        "svae",
        "Table 1, SVAE",
        joined(count("svae_table1", "SVAE", "params_trainable"), " parameters"),
        joined(
            count("svae_table1", "SVAE", side=OURS),
            ": the published ones are the trainable ones alone, and in other rows all",
        ),
        f"{SPLIT}::test_counts_of_the_paper",
    ),
    Erratum(
        "svae",
        "Table 3, RAE and 2S-VAE",
        joined(
            count("svae_table3", "RAE-L2"),
            " and ",
            count("svae_table3", "2S-VAE (Asperti, Trentin)"),
            " parameters, beside FIDs of Ghosh et al. and of Asperti and Trentin",
        ),
        joined(
            "those are of the survey's networks; the released code of these authors has ",
            count("svae_table3", "RAE-L2, as released", side=OURS),
            " and ",
            count("svae_table3", "2S-VAE (Asperti, Trentin), as released", side=OURS),
        ),
        "tests/presets/test_baselines.py::test_counts_of_the_network_with_three_scales",
    ),
    Erratum(
        "svae",
        "Table 4, RAE and 2S-VAE",
        joined(count("svae_table4", "RAE-GP"), " and ", count("svae_table4", "2S-VAE (Dai, Wipf)"), ", as in Table 3"),
        joined(
            count("svae_table4", "RAE-GP", side=OURS),
            " and ",
            count("svae_table4", "2S-VAE (Dai, Wipf)", side=OURS),
            ": those are of the CIFAR-10 networks",
        ),
        f"{SPLIT}::test_counts_of_what_the_paper_compares_with",
    ),
    Erratum(
        "svae",
        "Table 4, SVAE",
        joined(
            "an FID of a mixture, ",
            lambda reports: f"{reports.number('svae_table4', 'SVAE', 'fid_gmm_test_mix', PUBLISHED)}",
        ),
        "in its code half of the images are x1 and half x2, and the mixture is fitted on the test images that are the "
        "reference, too",
        "tests/experiments/papers/test_svae_tables.py::test_mixtures_are_fitted_on_the_codes_they_say",
    ),
)
RESLAG = (
    Erratum(
        "boon",
        "KL",
        "`sum[log s + (mu^2 + s^2 - 1)/2]`",
        KL,
        f"{LOSSES}::test_kl_to_the_standard_normal_in_closed_form",
    ),
    Erratum(
        "boon",
        "unit variance loss",
        "`1/2 SSE`",
        "`SSE`: the published Rec and totals have no half",
        f"{BOON}::test_published_totals_are_the_formulas_of_the_columns",
    ),
    Erratum(
        "boon",
        "Table 1, Lat",
        "one latent loss for all models",
        "averaged over latent units for beta-VAE and InfoVAE, summed for the sigma models",
        f"{BOON}::test_the_latent_loss_is_averaged_for_two_models",
    ),
    Erratum(
        "boon",
        "optimal sigma",
        "the sigma of Rybkin et al.: `sigma^2` is the mean squared error",
        "`sigma^2` is the variance of the pixels: the published totals follow only from that",
        f"{BOON}::test_the_published_totals_of_the_digits_follow_from_the_variance_of_the_pixels",
    ),
    Erratum(
        "boon",
        "likelihood",
        "`D/2 log(2 pi)` is a part of it",
        "the published totals leave it out",
        f"{BOON}::test_published_totals_are_the_formulas_of_the_columns",
    ),
    Erratum(
        "boon",
        "moving average of sigma",
        "a moving average",
        "a plain mean over the batches of an epoch",
        f"{REVIEW_SLIDES}::test_the_variance_is_averaged_over_training_batches",
    ),
    Erratum(
        "boon",
        "validation loop, code",
        "the mean over all batches",
        "the last batch is left out and counted: (B - 1)/B of the mean over all others",
        f"{BOON}::test_both_readings_of_a_mean",
    ),
    Erratum(
        "boon",
        "Figure 5",
        "variances of batches of CIFAR-10",
        lambda reports: f"of CIFAR-100, by their mean. CIFAR-10 has: {reports.sentence('boon_figures', 'figure05b')}",
        f"{CLAIMS}::test_figure_5_of_the_reslag_study_is_not_of_cifar10",
    ),
)
REVIEW = (
    Erratum(
        "review",
        "KL in the code",
        "`sum(s^2 + mu^2 - log s - 1/2)`, least at a variance of 1/2",
        KL,
        f"{REVIEW_SLIDES}::test_the_published_kl_is_least_at_half_the_priors_variance",
    ),
    Erratum(
        "review",
        "closed form of the bound",
        "other squares, and denominators",
        "`1/2 sum(1 + log s^2 - mu^2 - s^2)`",
        f"{LOSSES}::test_kl_to_the_standard_normal_in_closed_form",
    ),
    Erratum(
        "review",
        "reparameterisation",
        "`z = mu + s^2 eps`, later `I` for `eps`",
        "`z = mu + s eps`",
        "tests/models/test_layers.py::test_log_var_scales_the_same_noise_by_its_half",
    ),
    Erratum(
        "review",
        "beta-VAE",
        "`E log p - beta (KL - eps)` is trained",
        "`E log p - beta KL`: `beta eps` is a constant",
        f"{OBJECTIVES}::test_loss_against_numpy",
    ),
    Erratum(
        "review",
        "model",
        "a CNN",
        "an MLP: so are its table and its code",
        f"{REVIEW_SLIDES}::test_the_mlp_is_a_mirror",
    ),
    Erratum(
        "review",
        "data",
        "50,016 rows, 9 labels",
        "50,000 images in 1,563 batches of 32, the last of 16; 10 labels",
        f"{CLAIMS}::test_batches_of_the_review",
    ),
    Erratum(
        "review",
        "Figure 16",
        "the SSIM of floats in [0, 1] with the library's default range, 2",
        "with a range of 1",
        "tests/training/test_callbacks.py::test_both_readings_of_the_ssim",
    ),
)
SLIDES = (
    Erratum(
        "slides",
        "variational bound, appendix (10), (11), (13)",
        "`KL[p(z) || q(z|x)]`, `KL[p(z|x) || q]`",
        "`KL[q(z|x) || p(z)]`, `KL[q(z|x) || p(z|x)]`",
        "tests/models/test_likelihood.py::test_one_draw_is_the_evidence_lower_bound_in_closed_form",
    ),
    Erratum(
        "slides",
        "encoder, reparameterisation",
        "sigma is called the variance; `N(mu, sigma)`",
        "`z = mu + s eps`, s the standard deviation",
        "tests/models/test_layers.py::test_log_var_scales_the_same_noise_by_its_half",
    ),
    Erratum(
        "slides", "Bayesian VAE", "`(mu^(i))^2`", "`(mu_j^(i))^2`: summed over units j", f"{LOSSES}::test_kl_by_hand"
    ),
    Erratum(
        "slides",
        "Gaussian VAE (4)",
        "`- prod log N`",
        "`- sum log N`",
        f"{LOSSES}::test_gaussian_nll_against_scipy_and_tensorflow_probability",
    ),
    Erratum(
        "slides",
        "Gaussian VAE (7)",
        "`1/2 MSE`; MSE is a sum there, a mean later",
        "`1/2 SSE`",
        f"{LOSSES}::test_pixels_are_summed_and_not_averaged",
    ),
    Erratum(
        "slides",
        "cross entropy",
        "`y log x + (1 - y) log(1 - x)`, y the reconstruction",
        "`-[x log y + (1 - x) log(1 - y)]`",
        f"{LOSSES}::test_bernoulli_nll_by_hand",
    ),
    Erratum(
        "slides",
        "Gaussian and beta-VAE loss",
        "`Rec - KL`, `Rec - beta KL`",
        "`Rec + KL`, `Rec + beta KL`",
        f"{OBJECTIVES}::test_loss_against_numpy",
    ),
    Erratum(
        "slides",
        "sigma-VAE likelihood",
        "`D/(2 s^2) MSE + D log(s 2 pi)`",
        "`D/(2 s^2) MSE + D log s + D/2 log(2 pi)`",
        f"{LOSSES}::test_gaussian_nll_against_scipy_and_tensorflow_probability",
    ),
    Erratum(
        "slides",
        "optimal sigma",
        "`sigma* = log sqrt(mean MSE)`",
        "that is `log sigma*`; `sigma*^2` is the mean squared error",
        f"{REVIEW_SLIDES}::test_no_sigma_is_better_than_the_optimum",
    ),
    Erratum(
        "slides",
        "sigma-VAE loss",
        "`D/2 MSE / exp(sigma*^2) + D sigma* - KL`",
        "`D/2 MSE / exp(2 log sigma*) + D log sigma* + KL`",
        f"{REVIEW_SLIDES}::test_the_likelihood_against_tensorflow_probability",
    ),
    Erratum(
        "slides",
        "appendix, KL",
        "`1/2 sum(1 + log s^2 + mu^2 + s^2) + C`",
        "`-KL = 1/2 sum(1 + log s^2 - mu^2 - s^2)`, without a constant",
        f"{LOSSES}::test_kl_to_the_standard_normal_in_closed_form",
    ),
    Erratum(
        "slides",
        "IAF, free bits",
        "`max(lambda, KL(z_j))` over the steps j of the flow, of one image",
        "the sum over groups of units of `max(lambda, mean of KL_j over the batch)`",
        f"{IAF}::test_the_maximum_is_taken_after_the_batch_mean",
    ),
    Erratum(
        "slides",
        "2-D latent space, caption",
        "two corners are called top right",
        "the first one, (-1, 1), is top left",
        "tests/experiments/papers/test_review_slides_scripts.py::test_the_plane_has_y_upwards",
    ),
    Erratum("slides", "IAF, stable form", "the network sees `z_t`", "it sees `z_(t-1)`", f"{IAF}::test_a_step_by_hand"),
    Erratum(
        "slides",
        "IAF, toy picture",
        "four classes",
        "four data points, a cluster for each",
        "tests/experiments/papers/test_slides_toys.py::test_four_points_of_one_model",
    ),
    Erratum(
        "slides",
        "Ladder VAE, merge",
        "`sigma_q = 1/(a + b)`",
        "`sigma_q^2 = 1/(a + b)` of the precisions a and b; the slip is in the ladder's paper, too",
        f"{LADDER}::test_the_merge_is_the_product_of_the_densities",
    ),
    Erratum(
        "slides",
        "Ladder VAE, divergence",
        "`q(z_i|z_(i+1))`, `KL[p || q]`",
        "`q(z_i|z_(i+1), x)`, `KL[q || p]`; the top level is not merged",
        f"{LADDER}::test_the_divergence_of_every_level_against_tensorflow_probability",
    ),
    Erratum(
        "slides",
        "Ladder VAE, sampling",
        "samples go back through the encoder",
        "through the generative part",
        f"{LADDER}::test_draws_of_the_prior_follow_the_priors",
    ),
)
ERRATA = (*SURVEY, *SVAE, *RESLAG, *REVIEW, *SLIDES)
