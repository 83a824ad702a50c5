"""From a table and settings to finished cells, written down after every row."""

import dataclasses
import functools
import math
import numbers
import sys
import time
import warnings

import keras

from green_vae import presets
from green_vae.cost import EnergyMeter
from green_vae.data import DataNotFoundError
from green_vae.experiments import provenance, spec
from green_vae.experiments.bench import Bench
from green_vae.experiments.option_rows import OptionsRun
from green_vae.experiments.pca import PcaRun
from green_vae.experiments.plan import plan
from green_vae.experiments.real_images import ImagesRun
from green_vae.experiments.run import Run, identity
from green_vae.experiments.seeds import SeedsRun
from green_vae.experiments.spec import Cell, NotRun
from green_vae.experiments.trained import NO_WEIGHTS
from green_vae.metrics import WeightsNotFoundError
from green_vae.training.account import enter_table
from green_vae.utils.files import write_json
from green_vae.utils.reading import read_json

OTHER_OPTIONS = (
    "warning: what the options ask for cannot be measured here, so numbers stay that were recorded with other ones: "
    'the page\'s section "How these numbers were measured" has them'
)
UNAVAILABLE = (NotRun, DataNotFoundError, WeightsNotFoundError)


def run_table(table, settings, rows, columns):
    """Measure the chosen cells; keep what an earlier run recorded of the others.

    Args:
        table: a `Table`. settings: a `Settings`. rows, columns: the chosen entries of the table.

    Returns:
        the report as JSON: see `to_json`. It is on disk as `<out>/<table>.json`, rewritten after every row, so
        an interrupted run loses one row at most.
    """
    path = settings.out / f"{table.name}.json"
    recorded = known_cells(table, settings)
    layers = [layer or table.layer for column in columns for layer in column.layers(settings)]
    bench = Bench(table, settings, layers)
    cells = {}
    with EnergyMeter() as metered:
        for number, row in enumerate(rows, 1):
            begin = time.perf_counter()
            run = run_of(bench, row)
            old = recorded.get(row.name, {})
            cells[row.name] = {c.name: finished(run, c, old.get(c.name)) for c in columns}
            report = to_json(table, settings, merge(table, recorded, cells))
            write_json(path, report)
            if row.preset:
                keras.backend.clear_session(free_memory=True)  # its networks; takes half a second
            print(f"{number}/{len(rows)}  {row.name}  {time.perf_counter() - begin:.1f} s", file=sys.stderr, flush=True)
    enter_table(table, settings, cells, metered.energy)
    return report


def run_of(bench, row):
    """The run of a row, of its kind."""
    if row.options:
        return OptionsRun(bench, row)
    kind = ImagesRun if row.images else PcaRun if row.pca else SeedsRun if bench.table.seeds else Run
    return kind(bench, row)


def finished(run, column, old=None):
    """The cell of a run: measured, taken over from `old`, or not run with the reason."""
    published, row, fresh = run.row.published.get(column.name), run.row, run.settings.fresh
    if row.missing:
        return Cell(published=published, reason=row.missing)
    if column.name not in row.published and not row.images:
        return Cell(published=None, reason=run.unprinted)
    try:
        column.possible(run)
        if column.identity and column.trained:
            run.require_images()
            run.prepare()
        # with the printed number, so that a verdict is never that of another one
        own = identity([column.identity(run), published]) if column.identity else ""
        if old and own and old.identity == own and not fresh:
            return dataclasses.replace(old, recorded=True)
        return measured(run, column, published, own)
    except UNAVAILABLE as reason:
        if old and old.value is not None and old.identity:
            if not _as_asked(run, old):
                _tell(f"{OTHER_OPTIONS}; what is missing: {why_not(reason)}")
            return dataclasses.replace(old, recorded=True)
        return Cell(published=published, reason=why_not(reason))


def _as_asked(run, cell):
    """Whether a recorded cell fits what the command line asks for, as far as the cell's details tell.

    Without data there is no identity to compare. An option that was left out asks for nothing: a table may have been
    recorded with another one.
    """
    told, asked = cell.details, run.settings
    if asked.seeds != run.table.seeds and told.get("seeds", [*asked.seeds]) != [*asked.seeds]:
        return False
    if asked.seed != spec.Settings.seed and told.get("seed", asked.seed) != asked.seed:
        return False
    limits = {"images": asked.limit_eval, "train_images": asked.limit_train, "epochs": asked.epochs}
    return all(limit is None or _largest(told.get(name)) <= limit for name, limit in limits.items())


def _largest(told):
    """The largest of a count, or of the counts of several trainings; 0 for None."""
    return max(told, default=0) if isinstance(told, list) else told or 0


def why_not(error):
    """The reason for a report, which names no folder of this machine; those are told on stderr, once."""
    brief = getattr(error, "brief", "")
    if brief:
        _tell(str(error))
    return brief or str(error)


@functools.cache
def _tell(text):
    print(text, file=sys.stderr)


def measured(run, column, published, own):
    """Measure one cell now; `own` is its identity."""
    start = time.perf_counter()
    with warnings.catch_warnings():
        # the number of images stands in the report
        warnings.filterwarnings("ignore", message="a Frechet distance of only")
        measurement = column.measure(run)
    if not math.isfinite(measurement.value):
        raise NotRun(f"the value is not finite: the model has diverged. Received: {measurement.value}")
    seconds = time.perf_counter() - start
    cell = Cell(float(measurement.value), published, label=measurement.label, remark=measurement.remark, identity=own)
    note = run.row.notes.get(column.name, "")
    shortened = run.shortened() if own and column.trained else ""
    cell.verdict = verdict(run, column, cell, measurement, shortened)
    cell.reason = "; ".join(part for part in (measurement.incomparable, shortened, note) if part)
    if own:
        cell.details = provenance.of_cell(run, column, measurement, seconds)
    return cell


def verdict(run, column, cell, measurement, shortened):
    """One word. Tolerances stand in the column, and nothing shortened is ever called reproduced."""
    if run.settings.smoke:
        return spec.SMOKE
    if cell.published is None:
        return spec.MEASURED
    if measurement.incomparable or not spec.comparable(cell.label):
        return spec.INCOMPARABLE
    if column.tolerance is None:
        return spec.EXACT if cell.value == cell.published else spec.DIFFERS
    close = abs(cell.difference) <= column.tolerance * abs(cell.published)
    return spec.REPRODUCED if close and not shortened else spec.DIFFERS


def merge(table, recorded, cells):
    """Row name -> column name -> Cell for the whole table: rows and columns never vanish."""

    def cell(row, column):
        if column.name in cells.get(row.name, {}):
            return cells[row.name][column.name]
        old = recorded.get(row.name, {}).get(column.name)
        if old and not _outdated(row, old):
            return dataclasses.replace(old, recorded=True)
        return Cell(published=row.published.get(column.name), reason=column.optional or "not asked for in this run")

    return {row.name: {column.name: cell(row, column) for column in table.columns} for row in table.rows}


def _outdated(row, cell):
    """Whether a cell lacks weights that are there by now."""
    return cell.reason.startswith(NO_WEIGHTS) and bool(row.preset) and presets.pretrained_path(row.preset).exists()


def to_json(table, settings, cells):
    """The report: what is true of all its cells, and every cell with its own provenance."""
    return {
        "table": table.name,
        "title": table.title,
        "source": table.source,
        "reference": dataclasses.asdict(table.reference),
        "smoke": settings.smoke,
        "rows": {
            row: {
                column: {**dataclasses.asdict(cell), "difference": cell.difference}
                for column, cell in row_cells.items()
            }
            for row, row_cells in cells.items()
        },
    }


def known_cells(table, settings):
    """Row -> column -> `Cell` of what earlier runs recorded, the newest where two folders have one.

    Raises:
        ValueError: as for `read_cells`.
    """
    found = read_cells(settings.recorded / f"{table.name}.json") if settings.recorded else {}
    for row, cells in read_cells(settings.out / f"{table.name}.json", settings.smoke).items():
        there = found.setdefault(row, {})
        there.update({column: cell for column, cell in cells.items() if not _older(cell, there.get(column))})
    return found


def _older(cell, other):
    """Whether a cell was measured before another one, by their dates, or not at all."""
    dates = ["" if c is None or c.value is None else c.details.get("date", "") for c in (cell, other)]
    return dates[0] < dates[1]


def read_cells(path, smoke=False):
    """The cells of an earlier report, {} if there is none.

    Raises:
        ValueError: the file is damaged, or one of a smoke test and of a measurement would be mixed with the other.
    """
    names = [field.name for field in dataclasses.fields(Cell)]

    def cells(report):
        return {
            row: {
                column: _checked(Cell(**{name: cell[name] for name in names if name in cell}))
                for column, cell in cells.items()
            }
            for row, cells in report["rows"].items()
        }

    return read_report(path, smoke, "a measurement", cells)


def _checked(cell):
    """The cell itself; raises ValueError unless its numbers are numbers, and its texts are texts."""
    for number in (cell.value, cell.published):
        if number is not None and not (isinstance(number, numbers.Real) and math.isfinite(number)):
            raise ValueError(f"a cell holds finite numbers. Received: {number!r}")
    texts = (cell.verdict, cell.label, cell.reason, cell.remark, cell.identity)
    if not all(isinstance(text, str) for text in texts) or not isinstance(cell.details, dict):
        raise ValueError(f"texts of a cell are strings, and its details a dict. Received: {cell}")
    return cell


def read_report(path, smoke, real, parse):
    """`parse(report)` of an earlier report, {} if there is none.

    Args:
        path: of the JSON. smoke: whether this is a smoke test. real: what a report is that is none, in words.
        parse: dict -> dict.

    Raises:
        ValueError: the file is damaged, or one of a smoke test and a real one would be mixed with the other.
    """
    if not path.exists():
        return {}
    try:
        report = read_json(path)
        mixed = report["smoke"] != smoke
        found = parse(report)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        message = f"the earlier report is damaged; delete it, or choose another --out. Received: {path}"
        raise ValueError(f"{message} ({type(error).__name__}: {error})") from error
    if mixed:
        kinds = (real, "a smoke test")
        raise ValueError(f"the report there is of {kinds[not smoke]}; choose another --out. Received: {path}")
    return found


def announce(table, settings, rows, columns):
    """Print the plan to stderr if something long is ahead: training, or features of many images."""
    if settings.smoke:
        return
    bench = Bench(table, settings)
    trained = [run_of(bench, row) for row in rows if settings.train and row.preset and not row.missing]
    runs = [part for run in trained for part in run.parts if part.trains]
    runs += [run_of(bench, row) for row in rows if row.images]
    try:
        lines = plan(runs, columns)
    except UNAVAILABLE:
        return  # the cells say why
    for line in lines:
        print(line, file=sys.stderr)
