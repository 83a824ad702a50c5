"""Where the time of a training step on a GPU must go at least: FLOPs and bytes by kind of operation, without a GPU.

    KERAS_BACKEND=jax python benchmarks/epoch.py survey/resnet-s4-b48-l128
    KERAS_BACKEND=jax python benchmarks/epoch.py survey/hfvae-s4-z4-l48 --bandwidth 4.8e12     # an H200

The epoch of a preset is compiled as training on an accelerator does it, but for the CPU of this machine. Every
operation that is left in a step reads what it is given and writes its result, which are its bytes: what XLA has fused
stays in registers. A GPU fuses otherwise, and has caches, so take bytes and the number of operations as estimates.
FLOPs are those of the products, as `cost.training_flops` counts them; all others are few. A kind of operation takes at
least as long as its FLOPs at the rate or its bytes at the bandwidth, and kinds follow one another. What it takes to
start an operation, some microseconds, is left out; with hundreds of small ones it may be most of a step.

Rates are the vendor's for an H100 SXM, dense: 989e12 FLOP/s in bfloat16, 494e12 in TF32, which by its documentation
JAX multiplies float32 numbers in, and 3.35e12 bytes/s. In bfloat16 all numbers but the optimizer's have half of the
bytes. Nothing of this is measured; `benchmarks/training.py` and the history of a training tell what is reached.
"""

import argparse
import re

import keras
import numpy as np

import green_vae as gv
from green_vae.cost import training_flops
from green_vae.training import Batches, epoch_program
from green_vae.training.batches import EpochOfPlaces
from green_vae.training.loop import compile_by

SIZES = {"pred": 1, "s8": 1, "u8": 1, "bf16": 2, "f16": 2, "s32": 4, "u32": 4, "f32": 4, "s64": 8, "u64": 8, "f64": 8}
# kind -> what its operations are called; the first that fits
KINDS = {
    "optimizer": r"/(adam|lagging_adam)/",
    "products": r"conv_general_dilated|dot_general",
    "batch norm": r"batch_norm",
    "the rest": r"",
}
FREE = ("parameter", "constant", "tuple", "get-tuple-element", "bitcast")  # move nothing
LINE = re.compile(r"^ +(?:ROOT )?(%[\w.-]+) = (.+?) ([\w-]+)\((.*)$")


def bytes_of(shape):
    """Of a shape as XLA writes it: "f32[100,32]{1,0}" or a tuple of such."""
    arrays = re.findall(r"(\w+)\[([\d,]*)\]", shape)
    return sum(SIZES[kind] * int(np.prod([int(n) for n in dims.split(",") if n])) for kind, dims in arrays)


def step_of(program):
    """The lines of one step in the text of a compiled epoch: the body of the loop that carries most."""
    loops = re.findall(r" = (\(.*\)) while\(.*body=(%[\w.-]+)", program)
    if not loops:
        raise ValueError("there is no loop over steps in this program: give it two batches or more")
    _, body = max(loops, key=lambda loop: bytes_of(loop[0]))
    return re.search(rf"^{re.escape(body)} .*?^}}", program, re.M | re.S)[0].splitlines()[1:-1]


def moved(lines):
    """Kind -> (operations of one step, bytes that they read and write)."""
    shapes, found = {}, dict.fromkeys(KINDS, (0, 0))
    for name, shape, operation, rest in (match.groups() for line in lines if (match := LINE.match(line))):
        shapes[name] = bytes_of(shape)
        if operation not in FREE:
            read = re.findall(r"%[\w.-]+", rest.split(")")[0])
            called = (re.findall(r'op_name="([^"]*)"', rest) or [""])[0]
            kind = next(kind for kind, pattern in KINDS.items() if re.search(pattern, called))
            count, total = found[kind]
            found[kind] = count + 1, total + shapes[name] + sum(shapes.get(one, 0) for one in read)
    return found


def compiled_epoch(model, recipe, batch):
    """The text of the program of an epoch of two batches."""
    compile_by(recipe, model)
    batches = Batches(np.zeros((2 * batch, *model.image_shape), "uint8"), batch)
    epoch_program.build_for(model, batches[0])
    state = epoch_program.state_of(model)
    return epoch_program.Program(model.train_step, state, batches.x, EpochOfPlaces(batches), batch).compiled.as_text()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("preset", help="as `green-vae list` shows them")
    parser.add_argument("--batch", type=int, metavar="N", help="images in a batch (default: the recipe's)")
    parser.add_argument("--bfloat16", type=float, default=989e12, metavar="R", help="FLOP/s (default: %(default).3g)")
    parser.add_argument("--tf32", type=float, default=494e12, metavar="R", help="FLOP/s (default: %(default).3g)")
    parser.add_argument(
        "--bandwidth", type=float, default=3.35e12, metavar="B", help="(default: %(default).3g bytes/s)"
    )
    options = parser.parse_args()
    if keras.backend.backend() != "jax":
        parser.error(f"an epoch is one program on JAX alone: set KERAS_BACKEND=jax. It is {keras.backend.backend()}")
    recipe = gv.PRESETS[options.preset].recipe
    batch = options.batch or recipe.batch_size
    model = gv.load(options.preset, weights=None, seed=0)
    flops, kinds = training_flops(model, batch).flops, moved(step_of(compiled_epoch(model, recipe, batch)))
    print(f"{options.preset}, a step of {batch} images: {flops / 1e9:,.0f} GFLOPs in products")
    for name, rate, share in (("TF32", options.tf32, 1.0), ("bfloat16", options.bfloat16, 0.5)):
        total = 0.0
        for kind, (count, size) in kinds.items():
            size *= 1.0 if kind == "optimizer" else share
            seconds, by = size / options.bandwidth, "bytes"
            if kind == "products" and flops / rate > seconds:
                seconds, by = flops / rate, "FLOPs"
            total += seconds
            what = f"{name:<9} {kind:<11} {count:4} operations {size / 1e9:7.2f} GB"
            print(f"  {what}, at least {1e3 * seconds:7.3f} ms, by {by}")
        print(f"  {name:<9} at most {batch / total:,.0f} images/s, {flops / total / 1e12:,.0f} TFLOP/s")


if __name__ == "__main__":
    main()
