"""Measure the tables named on the command line, or all of them."""

import os

# Before NumPy is imported: one BLAS thread for all.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("BHM_UTILS_PROGRESS", "0")

import argparse

from . import convergence, exact, growth, ladder, metropolis, reading
from .measure import machine, write

TABLES = {
    "gcse": exact.gcse,
    "ladder": ladder.ladder,
    "growth": growth.growth,
    "metropolis": metropolis.metropolis,
    "convergence": convergence.convergence,
    "reading": reading.reading,
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("tables", nargs="*", metavar="table", help=f"of {', '.join(TABLES)}")
    names = parser.parse_args().tables or list(TABLES)
    if unknown := sorted(set(names) - set(TABLES)):
        parser.error(f"no table {unknown}; there are {list(TABLES)}")
    write("machine", machine())
    for name in names:
        rows = TABLES[name]()
        write(name, rows)
        for line in rows:
            print(name, *(f"{key}: {value}" for key, value in line.items()), sep=" | ")
