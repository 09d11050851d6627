"""What every stored notebook owes its readers."""

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "book").glob("*.ipynb"))
IGNORED = "nbval-ignore-output"
WIDGET = "application/vnd.vegalite.v5+json"


def code_cells(notebook):
    return [c for c in notebook.cells if c.cell_type == "code" and c.source.strip()]


def faults(notebook):
    """Everything that is wrong with a notebook, in words."""
    cells = code_cells(notebook)
    if [cell.execution_count for cell in cells] != list(range(1, len(cells) + 1)):
        yield "was not executed from a clean kernel, in order"
    if set(notebook.metadata) != {"kernelspec"}:
        yield f"has metadata {sorted(notebook.metadata)}"
    for number, cell in enumerate(cells, 1):
        tags = cell.metadata.get("tags", [])
        if not set(cell.metadata) <= {"tags", "mystnb"}:
            yield f"cell {number} has metadata {sorted(cell.metadata)}"
        if {"nbval-skip", "raises-exception"} & set(tags):
            yield f"cell {number} is not compared"
        following = cells[number].source if number < len(cells) else ""
        if IGNORED in tags and "assert" not in following:
            # Two such cells may follow each other: a fit, then its figure.
            chained = number < len(cells) and IGNORED in cells[number].metadata.get("tags", [])
            if not chained:
                yield f"cell {number} ignores its output and the next asserts nothing"
        for output in cell.outputs:
            if output.output_type == "error":
                yield f"cell {number} failed"
            if output.get("name") == "stderr":
                yield f"cell {number} writes to stderr"
            data = output.get("data", {})
            text = json.dumps(data.get("text/html", "")) + str(output.get("text", ""))
            if "progress" in text.lower() or "Sampling" in text:
                yield f"cell {number} holds what is left of a progress bar"
            if "image/png" in data:
                figure = cell.metadata.get("mystnb", {})
                alt = figure.get("image", {}).get("alt", "")
                if WIDGET in data:  # brings its alt text along, and is what the cell returns
                    alt = data[WIDGET].get("description", "")
                if len(alt) < 60:
                    yield f"cell {number} has a figure without alt text"
                if not figure.get("figure", {}).get("caption"):
                    yield f"cell {number} has a figure without a caption"
                if WIDGET not in data and not cell.source.rstrip().endswith(";"):
                    yield f"cell {number} prints the figure object"


def read(path):
    return nbformat.read(path, as_version=4)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_whole(path):
    assert list(faults(read(path))) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_exercises_have_solutions(path):
    text = "\n".join(c.source for c in read(path).cells if c.cell_type == "markdown")
    exercises = text.count("{exercise}")
    assert exercises >= 3
    assert text.count("{solution-start}") == text.count("{solution-end}") == exercises


def drop_count(notebook):
    code_cells(notebook)[3].execution_count = None


def drop_assertions(notebook):
    for cell in code_cells(notebook):
        cell.source = cell.source.replace("assert", "print")
    code_cells(notebook)[3].metadata["tags"] = [IGNORED]


def drop_alt(notebook):
    for cell in code_cells(notebook):
        cell.metadata.get("mystnb", {}).pop("image", None)


def add_stderr(notebook):
    code_cells(notebook)[3].outputs.append(
        nbformat.v4.new_output("stream", name="stderr", text="careful")
    )


def add_metadata(notebook):
    notebook.metadata["language_info"] = {"version": "3.12.1"}


@pytest.mark.parametrize(
    "damage", [drop_count, drop_assertions, drop_alt, add_stderr, add_metadata]
)
def test_the_check_sees_each_fault(damage):
    notebook = read(ROOT / "book" / "09_gcse_data.ipynb")
    damage(notebook)
    assert list(faults(notebook))


def test_the_check_sees_a_widget_without_words():
    notebook = read(ROOT / "book" / "01_bayes_theorem.ipynb")
    outputs = [o.get("data", {}) for c in code_cells(notebook) for o in c.outputs]
    charts = [data[WIDGET] for data in outputs if WIDGET in data]
    assert charts
    del charts[0]["description"]
    assert [fault.split(" ", 2)[2] for fault in faults(notebook)] == [
        "has a figure without alt text"
    ]


def test_nbval_sees_a_digit_changed_in_a_stored_output(tmp_path):
    notebook = read(ROOT / "book" / "09_gcse_data.ipynb")
    output = next(
        o for c in code_cells(notebook) for o in c.outputs if "1725" in str(o.get("data"))
    )
    output.data["text/plain"] = output.data["text/plain"].replace("1725", "172")
    path = tmp_path / "changed.ipynb"
    nbformat.write(notebook, path)
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval", "-p", "no:cacheprovider", "-q", path.name],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1
    assert "1 failed" in run.stdout
