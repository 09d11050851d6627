"""The ground: the pins, the environments they make, and what is said when something is missing."""

import os
import re
import shutil
import subprocess
import sys
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement


@pytest.fixture(scope="module")
def pins(root):
    """Name to pin of requirements.txt."""
    lines = (root / "requirements.txt").read_text().splitlines()
    found = [Requirement(line) for line in lines if line and line[0] not in " #"]
    return {pin.name: pin for pin in found}


def test_every_requirement_is_pinned_within_its_range(root, pins):
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    wanted = [project["dependencies"], *project["optional-dependencies"].values()]
    for requirement in (Requirement(line) for lines in wanted for line in lines):
        (pin,) = pins[requirement.name].specifier
        assert pin.operator == "==", requirement
        assert requirement.specifier.contains(pin.version), requirement


def test_one_python_for_clone_and_binder(root):
    version = (root / ".python-version").read_text().strip()
    environment = yaml.safe_load((root / "environment.yml").read_text())
    assert f"python={version}" in environment["dependencies"]
    assert environment["dependencies"][-1] == {"pip": ["-r requirements.txt", "-e ."]}


def test_binder_installs_our_pins_on_our_python(root, tmp_path, clean_env):
    """repo2docker prints the Dockerfile that Binder would build."""
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", root, clone], check=True)
    run = subprocess.run(
        [sys.executable, "-m", "repo2docker", "--no-build", "--debug", "."],
        cwd=clone,
        capture_output=True,
        text=True,
        env=clean_env,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    dockerfile = run.stdout + run.stderr
    assert "environment-2epy-2d3-2e12-2dlinux" in dockerfile  # the base for our Python
    assert re.search(r'env update -p \$\{NB_PYTHON_PREFIX\} --file "environment\.yml"', dockerfile)
    # The pins are read from the repository, so it must be there before the environment is made.
    copied = re.search(r"COPY --chown=\d+:\d+ src/ \$\{REPO_DIR\}", dockerfile)
    assert copied and copied.start() < dockerfile.index('--file "environment.yml"')


@pytest.fixture
def bare(root, tmp_path):
    """The setup script in an empty folder, and a PATH with the barest tools only."""
    for name in ["requirements.txt", "pyproject.toml"]:
        shutil.copy(root / name, tmp_path)
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ["sh", "grep", "tail", "cat", "touch"]:
        (tools / name).symlink_to(shutil.which(name))
    return tmp_path, tools


def give(tools, name, script):
    tool = tools / name
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)


def set_up(root, bare, **extra):
    folder, tools = bare
    env = {"PATH": str(tools), "HOME": str(folder)} | extra
    return subprocess.run(
        ["/bin/sh", root / "tools" / "venv.sh"], cwd=folder, env=env, capture_output=True, text=True
    )


def one_line(run):
    assert run.returncode == 1
    (line,) = run.stderr.splitlines()
    assert line.startswith("bhm: ")
    return line


def real_python(tools):
    give(tools, "python3.12", f'exec "{os.path.realpath(sys.executable)}" "$@"')


def test_no_python(root, bare):
    assert "needs Python 3.12 or 3.13, found no Python" in one_line(set_up(root, bare))


def test_old_python(root, bare):
    give(bare[1], "python3", 'if [ "$1" = --version ]; then echo Python 3.9.2; else exit 1; fi')
    line = one_line(set_up(root, bare))
    assert "needs Python 3.12 or 3.13, found Python 3.9.2" in line
    assert "make PYTHON=" in line


def test_no_compiler(root, bare):
    real_python(bare[1])
    assert "needs a C compiler" in one_line(set_up(root, bare))


def test_no_venv_module(root, bare):
    give(bare[1], "cc", "exit 0")
    give(bare[1], "python3.12", 'if [ "$2" = venv ]; then exit 1; else echo Python 3.12.1; fi')
    assert "install its venv module" in one_line(set_up(root, bare))


def test_no_network(root, bare):
    give(bare[1], "cc", "exit 0")
    real_python(bare[1])
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_CONFIG_FILE": os.devnull}
    line = one_line(set_up(root, bare, PIP_NO_CACHE_DIR="1", **nowhere))
    assert "no network: the package index cannot be reached" in line


def test_nothing_is_tracked_that_must_not_be(root):
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=root, capture_output=True, text=True, check=True
    ).stdout.split()
    assert not [name for name in tracked if name.endswith((".pkl", ".pickle", ".html", ".tmp"))]
    forbidden = re.compile(rb"(--|\b)(extra-)?index-url\b|/(work|root|tmp/bash_jobs)/")
    for name in tracked:
        if not name.startswith("tests/"):
            assert not forbidden.search((root / name).read_bytes()), name


def test_the_pictures_are_what_their_script_draws(root, tmp_path):
    from tools.pictures import PICTURES, main

    main(tmp_path)
    for name in PICTURES:
        stored = (root / "book" / "pictures" / f"{name}.svg").read_text()
        assert (tmp_path / f"{name}.svg").read_text() == stored, name
