"""`green-vae export`: a trained model for other programs."""

import importlib.util
from pathlib import Path

from green_vae.cli.common import WrongCommand, add_command, add_model, loaded
from green_vae.utils.quiet import quiet_start

EPILOG = """formats:
  keras       one file; read with `import green_vae`, then keras.saving.load_model(FILE)
  savedmodel  a folder; read with tensorflow.saved_model.load(FOLDER).serve(images), without green_vae and Keras
  onnx        a file for the encoder and one for the decoder, unless --part chooses one; read with
              onnxruntime.InferenceSession(FILE), without TensorFlow. ONNX cannot draw what stands between the two
Images are float32 (n, h, w, c) in [0, 1], codes float32 (n, latent numbers).

examples:
  %(prog)s boon/beta-mnist --to keras --out beta.keras
  %(prog)s boon/beta-mnist --to savedmodel --out beta
  %(prog)s boon/beta-mnist --to onnx --out beta.onnx          beta-encoder.onnx and beta-decoder.onnx
"""
PARTS = ("model", "encoder", "decoder")
NEEDED = {"tensorflow": ("tf2onnx", "onnx"), "jax": ("jax2onnx", "onnx")}  # packages that Keras writes ONNX by


def add_export(commands):
    command = add_command(
        commands,
        "export",
        _export,
        help="a trained model for Keras, TensorFlow Serving or ONNX",
        description="Write a trained model in a format that other programs read.",
        epilog=EPILOG,
    )
    add_model(command)
    add = command.add_argument
    add("--to", choices=("keras", "savedmodel", "onnx"), required=True, help="see below")
    add("--part", choices=PARTS, help="what of it (default: model; for onnx encoder and decoder)")
    add("-o", "--out", type=Path, required=True, metavar="PATH", help="file, or folder of a savedmodel")


def _export(options):
    ending = {"keras": ".keras", "onnx": ".onnx", "savedmodel": ""}[options.to]
    if options.out.suffix != ending and options.to != "savedmodel":
        raise WrongCommand(f"a file of this format ends in {ending}. Received: {options.out}")
    if options.to == "savedmodel":
        _check_folder(options.out)
    model = loaded(options.model)
    if options.to == "onnx":
        _check_onnx(model, options.part)
    parts = [options.part] if options.part else ["encoder", "decoder"] if options.to == "onnx" else ["model"]
    for part in parts:
        out = options.out.with_stem(f"{options.out.stem}-{part}") if len(parts) > 1 else options.out
        _write(model if part == "model" else getattr(model, part), options.to, out)
        print(f"written: {out}")


def _check_folder(out):
    """Raises ValueError for a place that holds something else than a savedmodel, OSError for one that takes none."""
    if out.exists() and not (out / "saved_model.pb").is_file() and not (out.is_dir() and not any(out.iterdir())):
        raise ValueError(f"no savedmodel lies there that could be replaced; choose another --out. Received: {out}")
    from green_vae.utils.files import write_aside

    with write_aside(out / ".probe"):  # TensorFlow's own error would be no OSError
        pass
    (out / ".probe").unlink()


def _check_onnx(model, part):
    """Raises ImportError where a package is missing, and ValueError for what ONNX cannot hold."""
    import keras

    needed = NEEDED.get(keras.backend.backend(), ())
    if missing := [name for name in needed if importlib.util.find_spec(name) is None]:
        raise ImportError(f"--to onnx needs {' and '.join(missing)}: pip install {' '.join(needed)}")
    if part == "model" and model.variational:
        kind = type(model).__name__
        raise ValueError(f"a whole {kind} draws noise, which ONNX has not; take --part encoder or decoder")


def _write(network, kind, out):
    import keras

    from green_vae.utils.files import write_aside

    out.parent.mkdir(parents=True, exist_ok=True)
    with quiet_start():  # converters print as they go
        if kind == "savedmodel":
            network.export(out, format="tf_saved_model", verbose=False)
            return
        with write_aside(out) as aside:
            if kind == "keras":
                network.save(aside, overwrite=True)
                return
            # Keras takes a network's inputs from its first call
            network(keras.tree.map_structure(lambda one: keras.ops.zeros((1, *one.shape[1:])), _inputs(network)))
            network.export(aside, format="onnx", verbose=False)


def _inputs(network):
    """What a network takes: symbolic tensors, alone or by name; a whole model takes what its encoder does."""
    return getattr(network, "encoder", network).input
