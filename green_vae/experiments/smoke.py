"""Everything small: the same code on embedded digits with tiny networks, in seconds."""

import dataclasses

SIDE, LATENT, BASE, IMAGES, BATCH = 32, 4, 4, 96, 8
RATE = 1e-4  # at 1e-3 so tiny a network gives codes of 100, at which a second stage overflows


def shrink(preset):
    """The preset with a tiny network for 32x32 gray images, one short epoch, on scikit-learn's digits."""
    config = {**preset.config, "image_shape": (SIDE, SIDE, 1)}
    if "latent_dims" in config:  # a ladder
        levels = len(config["latent_dims"])
        config |= {"latent_dims": (LATENT,) * levels, "widths": (BASE,) * levels}
        return _on_digits(preset, config)
    options = config.get("network_options", {})
    small = {"widths": (BASE,) * len(options["widths"])} if "widths" in options else {"base": BASE}
    if preset.model == "hierarchical_vae":  # whose latents follow from its network
        small |= {"group_dim": 1, **({"groups": (1,) * len(options["groups"])} if "groups" in options else {})}
    else:
        config["latent_dim"] = min(LATENT, config.get("latent_dim", LATENT))
    config["network_options"] = {**options, **small}
    if "posterior_options" in config:
        config["posterior_options"] = {**config["posterior_options"], "widths": (BASE,)}
    if config.get("network") == "boon":  # whose networks are of fixed sizes; another stands in
        config |= {"network": "cnn", "network_options": {"base": BASE}}
    return _on_digits(preset, config)


def _on_digits(preset, config):
    watched = "test" if preset.recipe.validation else ""
    recipe = dataclasses.replace(preset.recipe, epochs=1, batch_size=BATCH, learning_rate=RATE, validation=watched)
    return dataclasses.replace(preset, config=config, recipe=recipe, dataset="digits")
