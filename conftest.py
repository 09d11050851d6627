"""Settings of every test run, the notebooks' kernels included."""

import os

# Kernels started by nbval inherit the environment: no progress bars, no windows.
os.environ["BHM_UTILS_PROGRESS"] = "0"
os.environ.setdefault("MPLBACKEND", "agg")
