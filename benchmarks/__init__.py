"""Quality and speed beside peers, from one command: ``python -m benchmarks --data DIR``."""
