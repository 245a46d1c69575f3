"""Measurements against peers, as ratios: `make bench`, or `python -m benchmarks [NAME ...]`.

Each module listed in `__main__.py` has `rows(rounds)`; absolute times are shown, but only ratios of runs made in turn
on one machine mean anything.
"""
