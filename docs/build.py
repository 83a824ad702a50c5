"""The reference of the Python API, and the notebooks, as pages of HTML that need no network.

    pip install -e ".[tensorflow,docs]"
    python docs/build.py                  # into runs/docs: open runs/docs/index.html
    python docs/build.py --execute        # runs all cells of the notebooks first, and keeps what they print

The pages of the API come from the docstrings, by pdoc. A warning of it ends the command with exit code 1.
"""

import argparse
import importlib
import sys
import tempfile
import warnings
from pathlib import Path

HERE = Path(__file__).parent
NOTEBOOKS = sorted((HERE / "notebooks").glob("*.ipynb"))


def api(out):
    """Write a page for each public module of green_vae, and index.html."""
    import pdoc

    package = importlib.import_module("green_vae")
    for name in package.__all__:
        setattr(package, name, getattr(package, name))  # pdoc does not ask a package for what it imports lazily
    pdoc.render.configure(docformat="google")
    pdoc.pdoc("green_vae", "green_vae.sklearn", output_directory=out)


def execute(content):
    """Run the cells of a notebook in an empty folder; raises nbclient.exceptions.CellExecutionError where one fails."""
    from nbclient import NotebookClient

    with tempfile.TemporaryDirectory() as folder:
        NotebookClient(content, timeout=900, resources={"metadata": {"path": folder}}).execute()
    for cell in content.cells:
        cell.metadata.pop("execution", None)  # when it ran: another time in each run
        if cell.cell_type != "code":
            continue
        cell.outputs = [output for output in cell.outputs if not noise(output)]
        for output in cell.outputs:
            if "image/png" in output.get("data", {}):
                output["data"].pop("image/jpeg", None)  # the same picture once more


def noise(output):
    """Whether an output of a cell is progress, or what TensorFlow says of itself."""
    return output.get("name") == "stderr" or str(output.get("text", "")).startswith("WARNING:tensorflow")


def page(content):
    """A notebook as HTML without anything from elsewhere."""
    from nbconvert import HTMLExporter

    return HTMLExporter(embed_images=True, mathjax_url="", require_js_url="").from_notebook_node(content)[0]


def main():
    import nbformat

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=HERE.parent / "runs" / "docs", help="default: %(default)s")
    parser.add_argument("--execute", action="store_true", help="run the notebooks, which takes ten minutes")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for path in NOTEBOOKS:
        content = nbformat.read(path, as_version=4)
        if options.execute:
            print(path.stem, file=sys.stderr)
            execute(content)
            nbformat.write(content, path)
        (options.out / f"{path.stem}.html").write_text(page(content), encoding="utf-8")
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always", UserWarning)
        api(options.out)
    for warning in found:
        print(warning.message, file=sys.stderr)
    print(options.out / "index.html")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
