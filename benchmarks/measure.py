"""Timing, and tables on disk."""

import contextlib
import csv
import io
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from bhm_utils.files import write_whole

RESULTS = Path(__file__).parent / "results"
VERSIONS = ["numpy", "scipy", "statsmodels", "bambi", "pymc", "nutpie", "pystan", "emcee", "arviz"]


def median_seconds(call: Callable[[], Any], repeats: int, warm_up: int = 1) -> float:
    """Median wall time of some calls, after others that do not count."""
    for _ in range(warm_up):
        call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Wall time of one call, and its result."""
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


@contextlib.contextmanager
def one_core() -> Iterator[None]:
    """Keep this process and what it starts to one core, where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def write(name: str, rows: Sequence[dict[str, Any]]) -> None:
    """Write a table as CSV, whole or not at all."""
    RESULTS.mkdir(exist_ok=True)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    write_whole(RESULTS / f"{name}.csv", text.getvalue().encode())


def rounded(value: float) -> str:
    """Three significant digits, without an exponent."""
    if value >= 100:
        digits = len(str(int(value)))
        return f"{round(value, 3 - digits):,.0f}"
    return f"{value:.3g}" if value >= 1e-4 else f"{value:.1e}"


def machine() -> list[dict[str, str]]:
    """Describe what the tables were measured on."""
    rows = [
        {"what": "Python", "which": platform.python_version()},
        {"what": "processor", "which": f"{processor()}, {os.cpu_count()} cores"},
        {"what": "BLAS threads", "which": os.environ.get("OMP_NUM_THREADS", "not set")},
    ]
    for name in VERSIONS:
        try:
            rows.append({"what": name, "which": version(name)})
        except PackageNotFoundError:
            rows.append({"what": name, "which": "not installed"})
    return rows


def processor() -> str:
    """Name of the processor, where the system tells."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
