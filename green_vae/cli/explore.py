"""`green-vae explore`: a page in the browser for a trained model."""

import contextlib
import importlib.util
import signal
import sys
import time

from green_vae.cli.common import add_command, add_files, add_model, check_model, loaded

IMAGES = 1000  # on the map, unless -n says otherwise
EPILOG = """The page has sliders for the most active latent units, a map of codes (click a point to see its image),
interpolation between two pictures of yours, new images by every sampler that came with the model, and for a split
model the map and the parts x1 and x2. In a hierarchy the sliders move the innermost code; the other groups stay at the
means of their priors.

Without FILE the map shows the first 1,000 test images of the data set that the model was trained on. Where that data
set is not on this machine, images that the model generates take their place.

The page is served at 127.0.0.1 alone: no other machine can open it, nothing is sent or fetched, and what you upload is
deleted when you stop the command with Ctrl-C. It needs Gradio: pip install 'green_vae[explore]'

examples:
  %(prog)s svae/mnist-mini
  %(prog)s boon/beta-mnist --port 8000 -n 3000
  %(prog)s runs/mine/model my/pictures           codes of your own pictures on the map
"""


def add_explore(commands):
    command = add_command(
        commands,
        "explore",
        _explore,
        help="a page in the browser: sliders, a map of codes, samplers",
        description="Explore a trained model in the browser, on this machine alone.",
        epilog=EPILOG,
    )
    add_model(command)
    add_files(command, nargs="*")
    command.add_argument("--port", type=port, metavar="P", help="of the page (default: a free one from 7860 on)")


def port(text):
    """A number of a port; ValueError for others, which argparse reports with the name of this function."""
    if not 0 < int(text) < 2**16:
        raise ValueError
    return int(text)


def _explore(options):
    check_model(options.model)
    if importlib.util.find_spec("gradio") is None:
        raise ImportError("explore needs Gradio: pip install 'green_vae[explore]'")
    model = loaded(options.model)
    from green_vae.explore import View, running

    images, labels, names, words = _images(model, options)
    print(f"{words} They are encoded, and samplers are read ...", file=sys.stderr)
    on_interrupt = signal.getsignal(signal.SIGINT)
    try:
        with running(View(model, images, labels), options.model, words, names, options.port) as address:
            print(f"Open {address} in a browser. Ctrl-C ends the command.", flush=True)
            with contextlib.suppress(KeyboardInterrupt):
                while True:
                    time.sleep(60)
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second one would leave uploaded pictures behind
    finally:
        signal.signal(signal.SIGINT, on_interrupt)


def _images(model, options):
    """The images of the map: (uint8 or float (n, h, w, c), labels or None, their names or None, a sentence)."""
    from green_vae.cli.sources import images_for
    from green_vae.data import DATASETS, DataNotFoundError, load

    n = options.n or IMAGES
    if options.files:
        images = images_for(model.image_shape, options.files, n, options.data_dir)[1]
        return images, None, None, f"The map shows {len(images):,} images of {' '.join(options.files)}."
    name = _data_of(options.model)
    if name in DATASETS or name.startswith("folder:"):  # others are arrays, which have no name
        with contextlib.suppress(DataNotFoundError):
            found = load(name, "test", options.data_dir)[:n]
            return found.images, found.labels, found.class_names, f"The map shows {len(found):,} test images of {name}."
    made = f"Test images of {name} are not on this machine. The map shows {n:,} images that the model generates."
    return model.generate(n, seed=0), None, None, made


def _data_of(name):
    """Name of the data set that a model was trained on."""
    from green_vae.presets import PRESETS
    from green_vae.presets.store import fetched, metadata_of

    if name in PRESETS:
        return PRESETS[name].dataset
    return str(metadata_of(fetched(name)).get("data")).rpartition(", ")[0]  # "mnist, 60,000 images"
