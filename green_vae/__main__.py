"""python -m green_vae: see `green_vae.cli`."""

import sys

from green_vae.cli import main

if __name__ == "__main__":
    sys.exit(main())
