"""`green-vae doctor`: what of this machine decides how the package runs."""

from pathlib import Path

from green_vae.cli.common import add_command
from green_vae.utils.quiet import quiet_start


def add_doctor(commands):
    command = add_command(
        commands,
        "doctor",
        _doctor,
        help="what of this machine decides how the package runs",
        description="Versions, backend, devices, cores, matrix instructions, data sets and trained weights found here.",
    )
    command.add_argument("--data-dir", type=Path, metavar="DIR", help="folder with the data sets")


def _doctor(options):
    with quiet_start():
        from green_vae.doctor import findings

        here = findings(options.data_dir)
    for subject, found in here.items():
        print(f"{subject:<10}{found}")
