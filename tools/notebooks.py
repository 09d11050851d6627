"""Re-execute every chapter in place: in the order of _toc.yml, each from a clean kernel.

    python tools/notebooks.py [NOTEBOOK ...]

A chapter is written back only if every cell ran and none wrote to stderr.
"""

import os
import sys
import time
from pathlib import Path

import nbformat
import yaml
from nbclient import NotebookClient
from nbstripout import strip_output

ROOT = Path(__file__).parents[1]
# What differs between machines or runs, and says nothing to a reader.
NOISE = [
    "metadata.jupytext",
    "metadata.language_info",
    "metadata.widgets",
    "cell.metadata.execution",
]


def chapters() -> list[Path]:
    """List the notebooks of the table of contents, in its order."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    files = [chapter["file"] for part in toc["parts"] for chapter in part["chapters"]]
    return [path for path in (ROOT / f"{file}.ipynb" for file in files) if path.exists()]


def execute(path: Path) -> None:
    """Run one notebook and write it back, under a temporary name first."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, timeout=None, record_timing=False, extra_arguments=["--IPKernelApp.log_level=40"]
    )
    client.execute(cwd=str(path.parent))
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                raise SystemExit(f"{path}: a cell writes to stderr:\n{output['text']}")
    strip_output(notebook, keep_output=True, keep_count=True, keep_id=True, extra_keys=NOISE)
    draft = path.with_suffix(".tmp")
    nbformat.write(notebook, draft)
    draft.replace(path)


def main(paths: list[Path]) -> None:
    """Execute the notebooks, or all chapters."""
    os.environ["BHM_UTILS_PROGRESS"] = "0"  # no progress bar in a stored output
    for path in paths or chapters():
        start = time.perf_counter()
        execute(path)
        print(f"{path.name}: {time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]])
