"""Settings of every test run, the notebooks' kernels included."""

import os
import sys

# Kernels started by nbval inherit the environment: no progress bars, no windows.
os.environ["BHM_UTILS_PROGRESS"] = "0"
os.environ.setdefault("MPLBACKEND", "agg")

# The one chapter that runs Stan. On 3.12 PyStan is there, or the chapter fails; it is not skipped.
STAN_CHAPTER = "book/05_stan_to_pymc.ipynb"
collect_ignore = [STAN_CHAPTER] if sys.version_info >= (3, 13) else []


def pytest_report_header():
    """Say which chapters are left out, and why."""
    return [f"not run: {name} (PyStan does not load on Python 3.13)" for name in collect_ignore]
