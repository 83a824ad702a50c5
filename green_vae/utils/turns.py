"""The order in which callbacks look at an epoch, whatever order they are given in: their attribute `turn`."""

FIRST = 0  # what stops a training, or times and meters it without the measurements below
EARLY = 1  # what adds to an epoch's logs
LATER = 2  # all others, which may read them


def in_turn(callbacks):
    """The callbacks sorted by `turn`; those of one turn stay in their order."""
    return sorted(callbacks, key=lambda callback: getattr(callback, "turn", LATER))
