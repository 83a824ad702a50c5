"""Outside a checkout, with the package as a wheel installs it: what is there, what is fetched, and what is refused.

python script_wheel.py FOLDER_OF_THE_INSTALLED_PACKAGES CHECKOUT

The checkout's `pretrained/` is served on the loopback interface. What must be in order is asserted.
"""

import os
import re
import sys
from pathlib import Path

from loopback import serving

import green_vae as gv

site, checkout = Path(sys.argv[1]), Path(sys.argv[2])
NAME = "svae/mnist-mini"


def refused(kind, *words):
    try:
        gv.load(NAME)
    except kind as error:
        assert all(word in str(error) for word in words), error
    else:
        raise AssertionError(f"{NAME} was loaded")


assert Path(gv.__file__).is_relative_to(site) and "GREEN_VAE_PRETRAINED_URL" not in os.environ
cache = gv.presets.pretrained.cached()

# the README's first lines, with what the wheel carries
readme = (checkout / "README.md").read_text(encoding="utf-8")
lines = re.search(r"^    import green_vae as gv\n\n((?:    .+\n)+)", readme, re.M)[1]
assert all(word in lines for word in ("gv.load(", "sampler=", "save_grid"))
exec(re.sub(r"^    ", "", lines, flags=re.M))
assert images.shape == (64, 28, 28, 1) and Path("digits.png").stat().st_size > 1000 and not cache.exists()  # noqa: F821

# what it does not carry: refused without an address
refused(FileNotFoundError, f"into {cache / NAME};", "model.weights.h5 (4,", "Set GREEN_VAE_PRETRAINED_URL")

with serving(checkout / "pretrained") as (address, asked, faults):
    os.environ["GREEN_VAE_PRETRAINED_URL"] = address
    faults["model.weights.h5"] = "half"
    refused(ConnectionError, "could not fetch a file", f"{address}/{NAME}/model.weights.h5")
    faults["model.weights.h5"] = "other"
    refused(ValueError, "another file than the one that shipped", "nothing was kept")
    assert {path.name for path in (cache / NAME).iterdir()} == {"config.json", "history.json"}
    faults.clear()
    model = gv.load(NAME)
    assert model.generate(4, gv.load_sampler(NAME, "gmm")).shape == (4, 32, 32, 1)
    weights = cache / NAME / "model.weights.h5"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    asked.clear()
    gv.load(NAME)
    assert weights.read_bytes() == whole and asked == [f"{NAME}/model.weights.h5"]

# from the cache alone: a damaged file is refused
del os.environ["GREEN_VAE_PRETRAINED_URL"]
assert gv.load(NAME).count_params() == model.count_params()
weights.write_bytes(whole[::-1])
refused(FileNotFoundError, "model.weights.h5 (4,", "nothing is downloaded unasked")
print("all in order")
