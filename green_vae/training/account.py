"""What runs cost: every training and every table run appends one line to `<out>/ledger.jsonl`."""

import dataclasses
import functools
import math
import warnings

import keras

from green_vae import cost
from green_vae.training.budget import wait_for
from green_vae.utils import ledger
from green_vae.utils.turns import FIRST

IDLE_SECONDS = 3.0  # of doing nothing, once per process, to know what the machine draws anyway


class EnergyLog(keras.callbacks.Callback):
    """Logs what each epoch cost, up to its validation, which is left out.

    Log entries: "seconds"; "images" that were trained on; "kwh" net of the meter's idle baseline, if it has one, and
    only if a figure could be had: an unavailable one is no 0; "flops", if those of an image are given. The whole
    figures, with source and scope, stand in `energies`.

    Args:
        meter_factory: () -> a fresh `green_vae.cost.EnergyMeter`, say one with an idle baseline.
        flops_per_image: of training, `green_vae.cost.training_flops(model).per_image`.
        flops_source: where these are from, its `source`.
    """

    turn = FIRST  # it leaves out what callbacks measure

    def __init__(self, meter_factory=cost.EnergyMeter, flops_per_image=None, flops_source=None):
        super().__init__()
        self.meter_factory, self.flops_per_image, self.flops_source = meter_factory, flops_per_image, flops_source
        self.energies, self.meter = [], None

    def on_epoch_begin(self, epoch, logs=None):
        self.meter = self.meter_factory()
        self.meter.__enter__()

    def on_test_begin(self, logs=None):
        if self.meter is not None:  # and nobody evaluates alone
            wait_for(self.model)
        self._stop()  # validation follows, and starts the counts of the model's metrics again

    def on_epoch_end(self, epoch, logs=None):
        self._stop()
        if logs is not None:
            logs.update(self.measured)

    def _stop(self):
        if self.meter is None:
            return
        self.meter.__exit__(None, None, None)
        energy, self.meter = self.meter.energy, None
        self.energies.append(energy)
        self.measured = {"seconds": energy.seconds}
        if energy.kwh is not None:
            self.measured["kwh"] = energy.kwh
        # Keras weights the loss of a batch by its examples, and so knows how many there were
        images = next((int(metric.count) for metric in self.model.metrics if metric.name == "loss"), None)
        if images:
            self.measured["images"] = images
            if self.flops_per_image:
                self.measured["flops"] = images * self.flops_per_image


@functools.cache
def idle():
    """(watts, why there are none), once per process: the first two arguments of an `EnergyMeter`."""
    return cost.idle_baseline(IDLE_SECONDS)


def energy_log(model, batch_size, estimate=False):
    """The callback that logs seconds, images, FLOPs and energy of every epoch of a training.

    Args:
        model: to be trained. batch_size: of a step.
        estimate: whether FLOPs are 3 x the forward pass instead of counted on the graph, which takes seconds. Of a
            model that no rule can count there are none, and a warning says so.
    """
    meter = lambda: cost.EnergyMeter(*idle())  # noqa: E731
    try:
        counted = cost.training_flops(model, batch_size, estimate)
    except ValueError as error:
        warnings.warn(f"the FLOPs of this training are not known: {error}", stacklevel=2)
        return EnergyLog(meter)
    return EnergyLog(meter, counted.per_image, counted.source)


def enter_training(path, name, data, log, history):
    """Append the line of a training: the epochs of this process alone, so that the lines of resumed runs add up.

    Args:
        path: of the ledger. name: of the preset. data: the images, in words.
        log: its `EnergyLog`; nothing is written if it saw no whole epoch.
        history: of all epochs, a list of dicts.
    """
    if not log.energies or not history:
        return
    spent, epochs = cost.total(log.energies), history[-len(log.energies) :]
    ledger.append(
        path,
        kind="train",
        preset=name,
        data=data,
        device=cost.device_name(),
        seconds=round(spent.seconds, 3),
        flops=sum(epoch.get("flops", 0) for epoch in epochs) or None,
        energy=spent.as_json(),
        quality={"epochs": len(history), **{key: value for key, value in history[-1].items() if math.isfinite(value)}},
    )


def enter_table(table, settings, cells, energy):
    """Append the line of a table run, if it measured anything: row -> column -> value of the new cells.

    Args:
        table: a `Table`. settings: a `Settings`. cells: row -> column -> `Cell`.
        energy: an `Energy` of the whole run, without baseline: that is measured now, only if there is a line to write.
    """
    quality = {row: _measured(row_cells) for row, row_cells in cells.items()}
    quality = {row: values for row, values in quality.items() if values}
    if not quality or settings.smoke:
        return
    watts, remark = idle()
    detail = "; ".join(filter(None, [energy.detail, remark]))
    ledger.append(
        settings.out / "ledger.jsonl",
        kind="table",
        preset=table.name,
        data=f"{table.reference.dataset}, {table.reference.split}",
        device=cost.device_name(),
        seconds=round(energy.seconds, 3),
        energy=dataclasses.replace(energy, idle_watts=watts, detail=detail).as_json(),
        quality=quality,
    )


def _measured(cells):
    return {name: cell.value for name, cell in cells.items() if cell.identity and not cell.recorded}
