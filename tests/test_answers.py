import pytest

from bhm_utils import check
from bhm_utils.answers import ANSWERS, answer


@pytest.fixture
def pi():
    @answer("ex-pi", hint="Think of circles.")
    def truth():
        return 3.14159

    yield
    del ANSWERS["ex-pi"]


def test_a_right_number_is_told_to_be_right(pi):
    assert check("ex-pi", 3.14)
    assert repr(check("ex-pi", 3.14)) == "Right."


@pytest.mark.parametrize(
    ("value", "message"), [(3.13, "Not yet. Think of circles."), (None, "No number yet.")]
)
def test_a_wrong_number_gets_a_hint_and_not_the_truth(pi, value, message):
    assert not check("ex-pi", value)
    assert repr(check("ex-pi", value)) == message


def test_bad_input_is_named(pi):
    with pytest.raises(ValueError, match=r"exercise must be one of .*'ex-pi'.*, got 'ex-pie'"):
        check("ex-pie", 3.14)
    with pytest.raises(ValueError, match="value must be finite, got nan"):
        check("ex-pi", float("nan"))
    with pytest.raises(ValueError, match="'ex-pi' has an answer already"):
        answer("ex-pi", hint="Twice.")
    with pytest.raises(ValueError, match="tolerance must be positive, got 0"):
        answer("ex-e", hint="Grow.", tolerance=0)


@pytest.mark.parametrize("exercise", ANSWERS)
def test_every_answer_is_computed_and_kept_from_the_hint(exercise):
    truth = ANSWERS[exercise].truth()
    assert check(exercise, truth)
    assert not check(exercise, truth + 2 * ANSWERS[exercise].tolerance)
    assert f"{truth:.2g}" not in ANSWERS[exercise].hint


def test_every_answer_belongs_to_an_exercise_of_the_book(root):
    book = "".join(path.read_text() for path in (root / "book").glob("*.ipynb"))
    for exercise in ANSWERS:
        assert f":label: {exercise}" in book, exercise
