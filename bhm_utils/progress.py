"""The switch of all progress bars, and the bar of our own loops."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def watched() -> bool:
    """Whether anyone wants progress bars: the variable BHM_UTILS_PROGRESS is not 0."""
    return os.environ.get("BHM_UTILS_PROGRESS", "1") != "0"


def steps(total: int, label: str, patience: float = 2.0) -> Iterator[int]:
    """Count from 0 to `total` - 1; a bar appears once that has taken `patience` seconds."""
    if not watched():
        yield from range(total)
        return
    from rich.progress import Progress

    with_bar = None
    next_look = time.perf_counter() + patience
    try:
        for step in range(total):
            yield step
            if time.perf_counter() > next_look:
                if with_bar is None:
                    with_bar = Progress(transient=True)
                    task = with_bar.add_task(label, total=total)
                    with_bar.start()
                with_bar.update(task, completed=step + 1)
                next_look = time.perf_counter() + 0.1
    finally:
        if with_bar is not None:
            with_bar.stop()
