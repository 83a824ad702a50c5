"""How long the page of `green-vae explore` waits for the picture of a code, by model, without server and browser.

    python benchmarks/explore.py                        # every model that ships
    python benchmarks/explore.py svae/cifar10 --times 100

A picture is a new value of one slider, the code, all parts of its image and the HTML that shows them. A page must have
it within 200 ms. The first one is not counted: it compiles, and so does the page before it opens.
"""

import argparse
import statistics
import time

import green_vae as gv
from green_vae.explore import View, pictures
from green_vae.utils.arguments import positive

IMAGES = 100  # generated ones, whose codes choose the units
HEADER = f"{'preset':40}{'median ms':>10}{'largest ms':>12}"


def waits(view, times):
    """Milliseconds for each of so many pictures."""
    found = []
    for number in range(times):
        values = view.values(view.centre)
        values[number % len(values)] += 0.5
        start = time.perf_counter()
        pictures.of_code(view.pictures(view.moved(view.centre, values)))
        found.append(1000 * (time.perf_counter() - start))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("presets", nargs="*", help="default: all that ship")
    parser.add_argument("--times", type=positive, default=50, help="pictures of a model (default: 50)")
    options = parser.parse_args()
    print(HEADER)
    for name in options.presets or gv.list_presets(trained=True):
        model = gv.load(name)
        found = waits(View(model, model.generate(IMAGES, seed=0)), options.times)
        print(f"{name:40}{statistics.median(found):10.1f}{max(found):12.1f}", flush=True)


if __name__ == "__main__":
    main()
