"""The parts of `benchmarks/peers.py`: the protocol of its workers, their work, and the table."""
