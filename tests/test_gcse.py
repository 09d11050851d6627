import subprocess
import sys

import pandas as pd
import pytest

from bhm_utils import files, load_gcse
from bhm_utils import gcse as module


def test_all_students(students):
    assert students.shape == (1905, 6)
    assert students["school"].cat.categories.size == 73
    assert students[["written", "course"]].isna().sum().tolist() == [202, 180]
    assert students.columns.tolist() == [
        "school",
        "student",
        "gender",
        "female",
        "written",
        "course",
    ]
    assert (students["female"] == (students["gender"] == "F")).all()


def test_students_with_a_score():
    course, written = load_gcse(outcome="course"), load_gcse(outcome="written")
    assert (len(course), len(written)) == (1725, 1703)
    assert course["course"].notna().all() and written["written"].notna().all()
    assert course.index.tolist() == list(range(1725))
    assert course["school"].value_counts()["84707"] == 1


def test_unknown_outcome_is_named():
    with pytest.raises(ValueError, match=r"outcome must be one of .* got 'maths'"):
        load_gcse(outcome="maths")


@pytest.fixture
def copy(tmp_path, root, monkeypatch):
    """A copy of the file in the place where `load_gcse` looks."""
    path = tmp_path / "data" / "gcsemv.csv"
    path.parent.mkdir()
    path.write_bytes((root / "data" / "gcsemv.csv").read_bytes())
    monkeypatch.setattr(files, "ROOTS", [tmp_path])
    return path


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda p: p.write_text(p.read_text()[:20000]), "it has .* rows, not 1905"),
        (lambda p: p.write_text(""), "not a readable CSV file"),
        (lambda p: p.write_bytes(b"\xff\xfe\x00"), "not a readable CSV file"),
        (lambda p: edit(p, "written", "paper"), "its columns are"),
        (lambda p: edit(p, "71.2", "71.3"), "its SHA-256 checksum is"),
        (lambda p: edit(p, "71.2", "171.2"), "'course' has scores outside 0 to 100: .171.2"),
        (lambda p: edit(p, "71.2", "-inf"), "'course' has scores outside 0 to 100"),
        (lambda p: edit(p, "71.2", "A+"), "'course' is not numeric"),
        (lambda p: edit(p, "20920,16,M", "20920,16,X"), "'gender' has values"),
        (lambda p: edit(p, "20920,16,", "20920,sixteen,"), "'student' is not all whole numbers"),
        (lambda p: edit(p, "20920,16,", "20920,25,"), "student 25 of school 20920 is listed twice"),
        (lambda p: edit(p, "20920,16,", "99999,16,"), "it has 74 schools, not 73"),
    ],
)
def test_a_damaged_file_is_refused_with_the_reason(copy, damage, message):
    damage(copy)
    with pytest.raises(ValueError, match=message) as caught:
        load_gcse()
    assert str(copy) in str(caught.value)


def test_a_missing_file_says_where_it_was_looked_for(copy):
    copy.unlink()
    with pytest.raises(FileNotFoundError, match="looked for it at") as caught:
        load_gcse()
    assert str(copy) in str(caught.value)


def test_the_script_reproduces_the_file_byte_for_byte(root, tmp_path):
    made = tmp_path / "made.csv"
    subprocess.run([sys.executable, root / "tools" / "make_gcsemv.py", made], check=True)
    assert made.read_bytes() == (root / "data" / "gcsemv.csv").read_bytes()


def test_the_data_page_records_the_checksum(root):
    assert module.SHA256 in (root / "data" / "README.md").read_text()


def test_the_data_files_and_the_stan_program_travel_with_a_wheel(root, tmp_path, clean_env):
    python = [sys.executable, "-m"]
    subprocess.run(
        [*python, "build", "--wheel", "--no-isolation", "--outdir", tmp_path, root],
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    target = tmp_path / "installed"
    subprocess.run(
        [*python, "pip", "install", "--quiet", "--no-deps", "--target", target, wheel],
        check=True,
        capture_output=True,
    )
    code = (
        "from bhm_utils import gcse, load_gcse; from bhm_utils.engines.stan import program_code;"
        "from bhm_utils import load_study;"
        "print(gcse.__file__, len(load_gcse()), 'gamma_0' in program_code(), len(load_study()))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=clean_env | {"PYTHONPATH": str(target)},
    )
    file, *found = ran.stdout.split()
    assert file.startswith(str(target)) and found == ["1905", "True", "9"]


def test_scores_are_plain_floats(students):
    assert students.dtypes[["written", "course"]].tolist() == [float, float]
    assert isinstance(students["school"].dtype, pd.CategoricalDtype)
