"""Energy of a block of code, with where the figure comes from and what it includes.

Tried in this order: NVML for GPUs and RAPL for processors and memory, which are measured together where both are
there; else codecarbon, an estimate. Nothing but these parts is included: no mains adapter, disk or fan. All count the
whole device, whoever uses it, hence the idle baseline. It is subtracted only if nobody else used the GPU while it was
measured: the work of others is not idleness. Who comes later is told from the number of processes that NVML lists at
both ends of a block, and only from that, since a GPU is always busy then. Where NVML lists none, as in some containers,
or where they come and go within a block, their joules are among ours and nothing says so. Of processors and memory
nobody can be asked. Sources: NVIDIA's NVML API reference; the Linux kernel's
documentation of power capping; codecarbon.io.
"""

import dataclasses
import time
from collections import Counter
from dataclasses import dataclass, field

from green_vae.cost.counters import Unavailable
from green_vae.cost.sources import RAPL_ROOT, open_codecarbon, open_nvml, open_rapl

SOURCES = ("measured", "estimated", "unavailable")
LOOKS = 5  # at how the GPU is used, while its idle power is measured
BOUND = "the joules are those of the whole GPU, an upper bound"


@dataclass(frozen=True)
class Energy:
    """What a block of code used.

    Attributes:
        gross_joules: all joules in scope while it ran; None if unavailable, never 0.
        seconds: how long it ran.
        source: "measured", "estimated" or "unavailable".
        scope: the parts that are included, "gpu + cpu package + dram".
        detail: the counters behind it, why others are missing, and whether other processes used the GPU; the reason if
            unavailable.
        idle_watts: what the same parts draw when nothing runs, subtracted in `joules`; None if not subtracted.
        parts: gross joules of each part.

    Raises:
        ValueError: another source, or joules that do not fit it.
    """

    gross_joules: float | None
    seconds: float
    source: str
    scope: str = ""
    detail: str = ""
    idle_watts: float | None = None
    parts: dict = field(default_factory=dict)

    def __post_init__(self):
        if self.source not in SOURCES:
            raise ValueError(f"the source is one of {', '.join(SOURCES)}. Received: {self.source!r}")
        known = self.gross_joules is not None
        if known == (self.source == "unavailable") or (known and not self.gross_joules > 0):
            received = f"{self.gross_joules} joules, {self.source}"
            raise ValueError(f"joules are positive, or None if and only if unavailable. Received: {received}")

    @property
    def joules(self):
        """Net joules, gross - idle_watts * seconds; None if unavailable.

        Below 0 where the block drew no more than the baseline: then it is lost in the noise of either.
        """
        return None if self.gross_joules is None else self.gross_joules - (self.idle_watts or 0.0) * self.seconds

    @property
    def kwh(self):
        """Net kilowatt-hours; None if unavailable."""
        return None if self.joules is None else self.joules / 3.6e6

    @property
    def watts(self):
        """Mean net power; None if unavailable."""
        return None if self.joules is None else self.joules / self.seconds

    def as_json(self):
        """All of it, as a dict that JSON can hold."""
        return {"joules": self.joules, "kwh": self.kwh, **dataclasses.asdict(self)}


class EnergyMeter:
    """Measures a block: `with EnergyMeter() as meter: ...`, then `meter.energy`, an `Energy`.

    A source that fails inside the block makes the figure unavailable, with the reason; it never stops the block.
    Counters move a few times per second or slower: what takes less than a second cannot be measured well.

    Args:
        idle_watts: baseline to subtract, of `idle_baseline` with the same sources; None for none.
        remark: for the detail, why there is no baseline; "" for nothing.
        nvml: instead of the module `pynvml`.
        rapl_root: instead of /sys/class/powercap.
        estimate: whether codecarbon may be asked where nothing can be measured.
    """

    def __init__(self, idle_watts=None, remark="", *, nvml=None, rapl_root=RAPL_ROOT, estimate=True):
        self.idle_watts, self.nvml, self.rapl_root, self.estimate = idle_watts, nvml, rapl_root, estimate
        self.remark, self.energy = remark, None

    def __enter__(self):
        self.counters, self.reasons, self.source = [], [], "measured"
        self._try(lambda: open_nvml(self.nvml))
        self._try(lambda: open_rapl(self.rapl_root))
        if not self.counters and self.estimate:
            self.source = "estimated"
            self._try(open_codecarbon)
        self.shared = self._is_shared()
        self.start = time.perf_counter()
        return self

    def __exit__(self, *error):
        seconds, parts, details, failures = time.perf_counter() - self.start, {}, [], []
        shared = self.shared or self._is_shared()
        for counter in self.counters:
            try:
                parts.update(counter.stop())
                details.append(counter.detail)
            except Exception as problem:  # the estimator's own errors, too
                failures.append(str(problem))
        if not failures and not sum(parts.values()) > 0:
            failures += self.reasons or [f"the counters did not move within {seconds:.3g} s: {', '.join(details)}"]
        if failures:
            self.energy = Energy(None, seconds, "unavailable", detail="; ".join(failures))
        else:
            remark = self.remark or (f"other processes were on the GPU, so {BOUND}" if shared else "")
            detail = "; ".join([*details, *self.reasons, *([remark] if remark else [])])
            scope = " + ".join(parts)
            self.energy = Energy(sum(parts.values()), seconds, self.source, scope, detail, self.idle_watts, parts)

    def uses(self):
        """What each source that can be asked tells of how its device is used, see `Counter`."""
        return [counter.use() for counter in self.counters if counter.use]

    def _is_shared(self):
        return any((processes or 0) > 1 for _, processes in self.uses())

    def _try(self, opened):
        try:
            counter = opened()
            counter.start()
            self.counters.append(counter)
        except Unavailable as reason:
            self.reasons.append(str(reason))
        except Exception as error:  # a driver's or the estimator's own: measuring must not stop what is measured
            self.reasons.append(f"{type(error).__name__}: {error}")


def idle_baseline(seconds=10.0, **sources):
    """Watts that the parts in scope draw while this process sleeps, and why they are not known: the first two arguments
    of an `EnergyMeter`.

    While others use the GPU, or where NVML does not tell, there are no watts: what others draw is not idle power. They
    use it if it computes while this process sleeps, or if more than one process is on it. The second half of the time
    is looked at: before, it may still be seen what this process did last.

    Args:
        seconds: how long it takes.
        sources: keyword arguments of the `EnergyMeter` that it is meant for.

    Returns:
        (watts, ""); (None, reason) where the GPU is in use; (None, "") where nothing can be measured.

    Raises:
        ValueError: no time to look.
    """
    if not seconds > 0:
        raise ValueError(f"the baseline takes a positive number of seconds. Received: {seconds}")
    uses = []
    with EnergyMeter(**sources) as meter:
        for look in range(2 * LOOKS if meter.counters else 0):
            time.sleep(seconds / (2 * LOOKS))
            uses += meter.uses() if look >= LOOKS else []
    reason = _in_use(uses)
    return (None, f"no idle power is subtracted: {reason}, so {BOUND}") if reason else (meter.energy.watts, "")


def _in_use(uses):
    """Why a GPU was not seen at rest; "" if it was, or if there is none."""
    if any((busy or 0) > 0 or (processes or 0) > 1 for busy, processes in uses):
        return "other processes used the GPU while it was to be measured"
    return "NVML does not tell whether others used the GPU" if any(busy is None for busy, _ in uses) else ""


def total(energies):
    """The `Energy` of several blocks with one baseline, say of the epochs of a training; unavailable if one of them is.

    Counters come and go: a part that only some blocks could measure is summed over these, and the scope says so. The
    sum is "estimated" as soon as one block is.

    Raises:
        ValueError: none at all, or blocks with different baselines.
    """
    energies = list(energies)
    idle = {energy.idle_watts for energy in energies}
    if len(idle) > 1 or not energies:
        raise ValueError(f"a sum takes blocks with one baseline. Received: {len(energies)} blocks, baselines {idle}")
    seconds = sum(energy.seconds for energy in energies)
    for energy in energies:
        if energy.gross_joules is None:
            return dataclasses.replace(energy, seconds=seconds)
    blocks = Counter(part for energy in energies for part in energy.parts)
    parts = {part: sum(energy.parts.get(part, 0.0) for energy in energies) for part in blocks}
    scope = (part if n == len(energies) else f"{part} ({n} of {len(energies)} blocks)" for part, n in blocks.items())
    return dataclasses.replace(
        energies[0],
        gross_joules=sum(energy.gross_joules for energy in energies),
        seconds=seconds,
        source=max((energy.source for energy in energies), key=SOURCES.index),
        scope=" + ".join(scope) or energies[0].scope,
        detail=" | ".join(dict.fromkeys(energy.detail for energy in energies)),
        parts=parts,
    )


def co2_kg(kwh, country):
    """Kilograms of CO2 equivalent for electricity of a country's yearly mix, by codecarbon's tables.

    Args:
        kwh: kilowatt-hours, say `Energy.kwh`; None gives None.
        country: three letters of ISO 3166, "ITA".

    Raises:
        ImportError: no codecarbon.
        ValueError: a country that its tables do not hold.
    """
    from codecarbon.core.emissions import Emissions
    from codecarbon.core.units import Energy as Kilowatthours
    from codecarbon.external.geography import GeoMetadata
    from codecarbon.input import DataSource

    tables = DataSource()
    if country not in tables.get_global_energy_mix_data():
        raise ValueError(f"the country is one of codecarbon's, three letters such as 'ITA'. Received: {country!r}")
    if kwh is None:
        return None
    place = GeoMetadata(country_iso_code=country, country_name=country)
    return kwh * Emissions(tables).get_country_emissions(Kilowatthours.from_energy(1.0), place)
