"""The command line of every script in `reproduce/`: what tables and galleries share, and that of a table."""

import argparse
import sys
import textwrap
from pathlib import Path

from green_vae.experiments.spec import Settings
from green_vae.utils.arguments import positive
from green_vae.utils.quiet import quiet_loggers

OUT, RECORDED, SMOKE = Path("runs/tables"), Path("results"), Path("runs/smoke")
FORMATS = ("table", "long", "md", "csv", "json", "latex", "html")
EPILOG = """examples:
  {command}                       counts live; measured cells from trained or recorded results
  {command} --smoke               everything tiny, in a minute: does it run here?
  {command} --train --rows {row}  train one row by the paper's recipe, then measure it
  {command} --train --rows {row} --epochs 2 --limit-train 5000 --limit-eval 2000 --layer mixed8
"""
SHARED_EPILOG = """
data and weights:
  --data-dir, else $GREEN_VAE_DATA, else the user's cache, is searched for cifar-10-batches-py/, celeba/, ...
  and inception/ (TF-Slim inception_v3.ckpt, or Keras's .h5). Nothing is downloaded without --download.

A run that was stopped goes on where it stopped when the same command is given again.
exit codes: 0 done, 1 an error that the last line explains, 2 a wrong command line, 130 interrupted.
"""


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Names of rows stay whole: no line breaks after their hyphens."""

    def _split_lines(self, text, width):
        return textwrap.wrap(" ".join(text.split()), width, break_on_hyphens=False)


def parser_for(table):
    """The argument parser of a table's script."""
    row = table.rows[0].name
    description = f"{table.title}: published numbers beside our own. Source: {table.source}."
    parser = new_parser(table, description, EPILOG.format(command=table.command, row=f'"{row}"' if " " in row else row))
    rows = ", ".join(row.name for row in table.rows)
    columns = ", ".join(column.name + " (only if named)" * bool(column.optional) for column in table.columns)
    add = parser.add_argument
    add("--rows", nargs="+", default=[], metavar="NAME", help=f"rows, by name or beginning of a name: {rows}")
    add("--columns", nargs="+", default=[], metavar="NAME", help=f"columns: {columns}")
    add(
        "--layer", metavar="L", help="Inception layer of the FID: 64, 192, mixed7 (768), mixed8 (1280), avg_pool (2048)"
    )
    said = "of Inception's products: float32 (default), or bfloat16, whose distances have another name"
    add("--fid-precision", choices=("float32", "bfloat16"), default="float32", help=said)
    add("--fresh", action="store_true", help="measure again what is recorded, features included")
    add("--format", choices=FORMATS, default="table", help="what is printed; table: one line for a row (default)")
    add("--long", dest="format", action="store_const", const="long", help="four lines for a row, and every remark")
    add_shared(parser, table.seeds)
    return parser


def script_text(name):
    """What the script of that name says of itself, its docstring; "" if another program runs."""
    main = sys.modules["__main__"]
    runs = Path(getattr(main, "__file__", None) or "").stem == name
    return (main.__doc__ or "").strip() if runs else ""


def new_parser(subject, description, examples):
    """A parser for the script of a table or a gallery, without options yet; `examples` begin its epilog."""
    return argparse.ArgumentParser(
        prog=f"reproduce/{subject.name}.py",
        description="\n\n".join(filter(None, [description, script_text(subject.name)])),
        epilog=examples + SHARED_EPILOG,
        formatter_class=_Formatter,
    )


def add_shared(parser, seeds=()):
    """The options that every script has: those of `Settings`; of a table with `seeds` they are these by default."""
    add = parser.add_argument
    add("--train", action="store_true", help="train what has no weights (going on from a checkpoint, if there is one)")
    length = parser.add_mutually_exclusive_group().add_argument
    length("--epochs", type=positive, metavar="N", help="epochs instead of the recipe's")
    length("--budget", metavar="TIME", help="9m, 90s, 1h30m for a model: as many epochs as fit, schedule scaled")
    add("--save-every", type=positive, metavar="N", help="epochs between checkpoints (default: those of a minute)")
    add("--limit-train", type=positive, metavar="N", help="train on the first N images only")
    add("--limit-eval", type=positive, metavar="N", help="measure on N images instead of the protocol's")
    if seeds:
        said = f"of weights, order and samples, one training each (default: {' '.join(map(str, seeds))})"
        add("--seeds", type=int, nargs="+", default=seeds, metavar="S", help=said)
        add("--runs", type=Path, metavar="DIR", help="folder of trainings: DIR/ANY/model is taken by preset and seed")
    else:
        add("--seed", type=int, default=0, metavar="S", help="of weights, order and samples (default: 0)")
    add("--smoke", action="store_true", help="tiny networks on embedded digits: checks the way, measures nothing")
    add("--download", action="store_true", help="fetch data sets and Inception weights that are missing")
    add("--data-dir", type=Path, metavar="DIR", help="folder with the data sets (default: $GREEN_VAE_DATA)")
    add("--inception", type=Path, metavar="FILE", help="Inception weights (default: $GREEN_VAE_INCEPTION)")
    place = parser.add_mutually_exclusive_group().add_argument
    place(
        "--out",
        type=Path,
        metavar="DIR",
        help=f"folder of the report, of recorded numbers and of trainings (default: {OUT}, with numbers recorded in "
        f"{RECORDED}, too)",
    )
    place("--update", action="store_true", help=f"rewrite the report in {RECORDED}, which is under version control")


def chosen(entries, names, kind):
    """The entries whose name is, or begins with, one of `names`, ignoring case; all of them for no names.

    Raises:
        ValueError: a name that fits nothing.
    """
    wanted = [part for name in names for part in _listed(name, entries)]
    known = ", ".join(entry.name for entry in entries)
    for name in wanted:
        if not any(entry.name.lower().startswith(name) for entry in entries):
            raise ValueError(f"no {kind} begins with that; there are {known}. Received: {name!r}")
    return [e for e in entries if not wanted or any(_fits(e.name.lower(), name, entries) for name in wanted)]


def _listed(text, entries):
    """The names in a text with commas between them; one name if an entry has that comma itself."""
    whole = text.strip().lower()
    if any(entry.name.lower().startswith(whole) for entry in entries):
        return [whole] if whole else []
    return [part.strip() for part in whole.split(",") if part.strip()]


def _fits(own, name, entries):
    """An exact name means that entry alone, also where others begin with it."""
    exact = any(entry.name.lower() == name for entry in entries)
    return own == name if exact else own.startswith(name)


def main(table, arguments=None):
    """Run the script of a table: parse, plan, measure, report.

    Args:
        table: a `Table`. arguments: instead of `sys.argv[1:]`; with them the exit code is returned, not raised.
    """
    return run_script(
        parser_for(table), arguments, lambda options: _asked(table, options), lambda *asked: _measure(table, *asked)
    )


def run_script(parser, arguments, choose, work):
    """What the main of every script does: parse, choose, work, and end with an exit code and one line for an error.

    Args:
        parser: with the options of `add_shared`.
        arguments: as for `main`.
        choose: `choose(options)` takes what is no field of `Settings` out of the dict of options and returns what is
            meant by it; a ValueError is a wrong command line.
        work: `work(settings, *chosen)`, the rest.
    """
    code = _run(parser, sys.argv[1:] if arguments is None else arguments, choose, work)
    if arguments is not None:
        return code
    sys.stdout.flush()
    sys.exit(code)


def _run(parser, arguments, choose, work):
    options = vars(parser.parse_args(arguments))
    try:
        asked = choose(options)
    except ValueError as error:
        parser.error(str(error))  # exits with 2
    if options["smoke"] and options["update"]:
        parser.error("a smoke test measures nothing, so it updates no report: give --smoke or --update")
    if options.pop("update"):
        options["out"] = RECORDED
    elif options["out"] is None:
        options["out"] = SMOKE if options["smoke"] else OUT
        options["recorded"] = None if options["smoke"] else RECORDED
    quiet_loggers()
    try:
        work(Settings(**options, arguments=tuple(arguments)), *asked)
        return 0
    except KeyboardInterrupt:
        print("\ninterrupted; the same command goes on from here", file=sys.stderr)
        return 130
    except (ValueError, OSError, ImportError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _asked(table, options):
    """(rows, columns, format) of the command line."""
    rows = chosen(table.rows, options.pop("rows"), "row")
    names = options.pop("columns")
    columns = chosen(table.columns, names, "column")
    if not names and not options["smoke"]:
        columns = [column for column in columns if not column.optional]
    if options["layer"]:
        options["layer"] = _layer(options["layer"])
    if table.seeds:
        options["seeds"] = tuple(dict.fromkeys(options["seeds"]))
        if options["runs"] and not options["runs"].is_dir():
            raise ValueError(f"--runs is a folder of trainings. Received: {options['runs']}")
    return rows, columns, options.pop("format")


def _layer(name):
    from green_vae.metrics.protocol import canonical_layer

    return canonical_layer(name)


def _measure(table, settings, rows, columns, form):
    from green_vae.experiments import html_report, report, runner, terminal

    runner.announce(table, settings, rows, columns)
    result = runner.run_table(table, settings, rows, columns)
    path = report.write_markdown(table, result, settings.out)
    report.draw(table, result, settings.out)
    page = html_report.write(table, result, settings)
    names = [row.name for row in rows]
    if form == "html":
        print(html_report.document(table, result, html_report.folders(settings), names, columns))
    else:
        terminal.show(table, result, names, [column.name for column in columns], form)
    print(f"written: {path} and {path.with_suffix('.json')}{page}", file=sys.stderr)
