"""Where joules come from: NVML (GPUs), RAPL (processors and memory), codecarbon (a model of the machine).

A source has a `detail`, `start()`, and `stop()` that gives the joules since then by part, {"gpu": 12.5}; and `use`, as
`Counter` has it. The functions here open one, or raise `Unavailable` with the reason why there is none.
"""

import contextlib
import importlib.metadata
import logging
import os
from pathlib import Path

from green_vae.cost.counters import Counter, Integral, Unavailable

RAPL_ROOT = Path("/sys/class/powercap")
RAPL_WATTS = 1000.0  # no processor package draws more: bounds the time in which its counter wraps around
UNREADABLE = (OSError, ValueError)  # what a counter of the kernel raises that is not there, shut or empty
POWER_SECONDS = 0.1  # between two samples of a GPU that shows its power, but no energy


def open_rapl(root=RAPL_ROOT):
    """Processor packages and memory by Linux's power capping interface (Intel and AMD), counted in microjoules.

    A package contains its cores and its uncore, which are therefore left out; memory ("dram") stands beside it. The
    counters of "intel-rapl-mmio" and "psys" show the same joules once more. Memory whose counter cannot be read, now or
    later, is left out, which `detail` says; a package is not: its joules are the most of all.
    """
    domains, missing = {}, []
    for zone in sorted(Path(root).glob("intel-rapl:*")):
        with contextlib.suppress(OSError):  # a zone that went away has no name
            name = (zone / "name").read_text().strip()
            if name == "dram" or name.startswith("package"):
                domains["dram" if name == "dram" else "cpu package", zone.name] = zone
    if not any(part == "cpu package" for part, _ in domains):
        raise Unavailable("RAPL: no processor package in the kernel's powercap folder")

    def read():
        joules = {}
        for key, zone in domains.items():
            with contextlib.suppress(*UNREADABLE if key[0] == "dram" else ()):
                joules[key] = _joules(zone / "energy_uj")
        return joules

    ranges = {}
    try:
        for key, zone in list(domains.items()):
            try:
                _joules(zone / "energy_uj")
                ranges[key] = _joules(zone / "max_energy_range_uj")
            except UNREADABLE as error:
                if key[0] != "dram":
                    raise
                missing.append(f"; without {zone.name} (dram), which cannot be read ({type(error).__name__})")
                del domains[key]
    except PermissionError as error:
        zone = Path(error.filename).parent.name
        reason = f"RAPL: no permission to read {zone}/energy_uj, since Linux 5.10 root's alone (CVE-2020-8694)"
        raise Unavailable(reason) from error
    except (OSError, ValueError) as error:
        raise Unavailable(f"RAPL: a counter cannot be read ({type(error).__name__})") from error
    if not all(ranges.values()):
        raise Unavailable("RAPL: a counter does not say where it wraps around")
    every = min(30.0, min(ranges.values()) / RAPL_WATTS / 2)
    return Counter(read, ranges, every, f"RAPL: {', '.join(name for _, name in domains)}{''.join(missing)}")


def _joules(path):
    return int(path.read_text()) * 1e-6


def open_nvml(nvml=None):
    """GPUs by NVIDIA's library: the board's energy counter, or its power integrated where it has none.

    Those of CUDA_VISIBLE_DEVICES count if that is set; its numbers are NVML's only with CUDA_DEVICE_ORDER=PCI_BUS_ID.

    Args:
        nvml: instead of the module `pynvml` (package nvidia-ml-py).
    """
    if nvml is None:
        try:
            import pynvml as nvml
        except ImportError as error:
            raise Unavailable("NVML: nvidia-ml-py is not installed (pip install 'green_vae[energy]')") from error
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:
        raise Unavailable(f"NVML: {error}") from error
    try:
        return _gpu_counter(nvml, _visible(nvml))
    except (nvml.NVMLError, Unavailable) as error:
        nvml.nvmlShutdown()
        raise Unavailable(f"NVML: {error}") from error


def _gpu_counter(nvml, devices):
    if not devices:
        raise Unavailable("no GPU is visible")
    names = ", ".join(_text(nvml.nvmlDeviceGetName(device)) for device in devices.values())

    def energy():
        return {key: nvml.nvmlDeviceGetTotalEnergyConsumption(device) * 1e-3 for key, device in devices.items()}

    def watts():
        return {key: nvml.nvmlDeviceGetPowerUsage(device) * 1e-3 for key, device in devices.items()}

    asked = {"close": nvml.nvmlShutdown, "use": lambda: _use(nvml, devices.values())}
    try:
        energy()
        return Counter(energy, detail=f"NVML energy counter: {names}", **asked)
    except nvml.NVMLError:  # older than Volta
        watts()
        detail = f"NVML power every {POWER_SECONDS} s: {names}"
        return Counter(Integral(watts), every=POWER_SECONDS, detail=detail, **asked)


def _use(nvml, devices):
    """(percent of the last moments in which a GPU computed, processes on it), each the largest of all GPUs.

    None for what NVML does not tell: it knows no percentage of a part of a GPU (MIG), for instance.
    """

    def largest(asked):
        try:
            return max(map(asked, devices))
        except Exception:  # a driver's own: to ask must not stop what is measured
            return None

    busy = largest(lambda device: nvml.nvmlDeviceGetUtilizationRates(device).gpu)
    return busy, largest(lambda device: len(nvml.nvmlDeviceGetComputeRunningProcesses(device)))


def _visible(nvml):
    """Handles of the GPUs that this process may use: a dict of ("gpu", name) -> handle."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is None:
        return {("gpu", index): nvml.nvmlDeviceGetHandleByIndex(index) for index in range(nvml.nvmlDeviceGetCount())}
    found = {}
    for name in (part.strip() for part in chosen.split(",")):
        if name.isdecimal() and int(name) < nvml.nvmlDeviceGetCount():
            found["gpu", name] = nvml.nvmlDeviceGetHandleByIndex(int(name))
        elif name.startswith(("GPU-", "MIG-")):
            found["gpu", name] = nvml.nvmlDeviceGetHandleByUUID(name)
        else:
            break  # as CUDA does: a wrong name hides those after it
    return found


def _text(name):
    return name.decode() if isinstance(name, bytes) else name


class CodeCarbon:
    """codecarbon's model of this process: the nominal power of the processor by the processor time that it takes, and a
    power of memory. The model of the whole machine would count what others do there.
    """

    use = None

    def __init__(self, tracker, version):
        self.tracker, self.detail = tracker, f"codecarbon {version}, model of this process"

    def start(self):
        self.tracker.start()

    def stop(self):
        self.tracker.stop()
        data = getattr(self.tracker, "final_emissions_data", None)
        if data is None:  # it logs why, and goes on
            raise Unavailable(f"{self.detail}, started no measurement: a package that it needs may be missing")
        kwh = {"gpu": data.gpu_energy, "cpu": data.cpu_energy, "ram": data.ram_energy}
        return {part: value * 3.6e6 for part, value in kwh.items() if value}


def open_codecarbon():
    """An estimate, offline: codecarbon would otherwise ask the network where it is."""
    try:
        from codecarbon import OfflineEmissionsTracker
    except ImportError as error:
        raise Unavailable("codecarbon is not installed (pip install 'green_vae[energy]')") from error
    logging.getLogger("codecarbon").setLevel(logging.CRITICAL)  # it speaks before it reads `log_level`
    options = {"output_methods": [], "log_level": "critical", "allow_multiple_runs": True, "measure_power_secs": 5}
    options["tracking_mode"] = "process"
    # it wants a country for the CO2, which is not used here
    tracker = OfflineEmissionsTracker(country_iso_code="USA", **options)
    return CodeCarbon(tracker, importlib.metadata.version("codecarbon"))
