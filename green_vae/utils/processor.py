"""What the operating system tells of the processor."""

import re
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")


def flags(cpuinfo=None):
    """Names of the processor's extensions as Linux gives them, such as "amx_bf16"; None where it does not tell.

    Args:
        cpuinfo: file to read instead of /proc/cpuinfo.
    """
    try:
        text = Path(cpuinfo or CPUINFO).read_text()
    except OSError:
        return None
    found = re.search(r"^(?:flags|Features)\s*:(.*)$", text, re.M)
    return None if found is None else set(found[1].split())
