"""The library as a whole: its order of modules, and that its reference page lists all of it."""

import ast
import re

import pytest

import bhm_utils
from bhm_utils import plots


@pytest.fixture(scope="module")
def order(root):
    """The modules of CONTRIBUTING.md, from the ground up."""
    text = (root / "CONTRIBUTING.md").read_text()
    listed = re.search(r"A module imports only modules above it: (.*?)\.\n", text, re.DOTALL)
    return re.findall(r"`(\w+)`", listed[1])


def imported(path, package):
    """Names of the modules of the library that the file imports, wherever it does."""
    inside = path.relative_to(package).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            names = [node.module] if node.module else [alias.name for alias in node.names]
            for name in names:
                yield [*inside[: len(inside) + 1 - node.level], *name.split(".")][0]


def out_of_order(package, order):
    """Imports of a module from below."""
    found = []
    for path in package.rglob("*.py"):
        own = path.relative_to(package).parts[0].removesuffix(".py")
        if own != "__init__":
            above = order[: order.index(own) + 1]
            found += [(own, name) for name in imported(path, package) if name not in above]
    return found


def test_a_module_imports_only_modules_above_it(root, order):
    assert out_of_order(root / "bhm_utils", order) == []
    swapped = [*order[:-1], order[0]]
    swapped[0] = order[-1]
    assert ("gcse", "files") in out_of_order(root / "bhm_utils", swapped)


def test_the_reference_lists_all_that_is_public(root):
    modules = set(re.findall(r"automodule:: (\S+)", (root / "book" / "api.md").read_text()))
    public = [getattr(bhm_utils, name) for name in bhm_utils.__all__]
    public += [getattr(plots, name) for name in plots.__all__]
    homes = {thing.__module__ for thing in public if hasattr(thing, "__module__")}
    assert len(homes) > 20
    assert homes - modules == set()
