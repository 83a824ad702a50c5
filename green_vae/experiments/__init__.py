"""Tables as data: what is measured, on what, beside what was published. `main(TABLE)` makes a script of a table."""

from green_vae.experiments.cli import main
from green_vae.experiments.spec import Cell, Column, NotRun, Reference, Row, Sampling, Table
from green_vae.utils.quiet import quiet_start

with quiet_start():  # what follows loads Keras and its backend
    from green_vae.experiments import columns

__all__ = ["Cell", "Column", "NotRun", "Reference", "Row", "Sampling", "Table", "columns", "main"]
