"""The offline edition: everything is in it, and it needs nothing else."""

import os
import re
import zipfile
from urllib.parse import urlsplit

import pytest
from bs4 import BeautifulSoup
from pypdfium2 import PdfDocument

pytest.importorskip("playwright", reason="needs playwright: pip install bhm-utils[dev]")

from tools import offline
from tools.browser import MISSING, find_chromium

from .test_book import PAGES

PAGES_IN_ORDER = [name.removeprefix("book/") for name in offline.pages()]
# A command of TeX; code in the book has none but the end of a line.
RAW_MATHS = re.compile(r"\$\$|\\(?:(?!n\b)[a-zA-Z]+|[(\[])")


@pytest.fixture(scope="module")
def edition(html, tmp_path_factory):
    if find_chromium() is None:
        assert not os.environ.get("CI"), MISSING
        pytest.skip(MISSING)
    return offline.main(html, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def texts(edition):
    """The text of each page of the PDF."""
    document = PdfDocument(edition[0])
    return [page.get_textpage().get_text_bounded() for page in document]


@pytest.fixture(scope="module")
def bookmarks(edition):
    document = PdfDocument(edition[0])
    return [(mark.get_title(), mark.get_dest().get_index()) for mark in document.get_toc()]


def headings(html, page):
    soup = BeautifulSoup((html / "book" / f"{page}.html").read_text(), "html.parser")
    for link in soup.select("article .headerlink"):
        link.decompose()
    return [" ".join(node.get_text().split()) for node in soup.select("article :is(h1, h2, h3)")]


def letters(text):
    return re.sub(r"\W", "", text)


def test_every_heading_has_a_bookmark_to_its_page(html, texts, bookmarks):
    expected = [heading for name in PAGES_IN_ORDER for heading in headings(html, name)]
    plain = [heading for heading in expected if "\\" not in heading]  # no maths in it
    assert len(plain) > 100
    assert set(map(letters, plain)) <= {letters(title) for title, _ in bookmarks}
    for title, page in bookmarks:
        assert letters(title) in letters(texts[page]), title


def test_the_pdf_holds_every_chapter(html, texts):
    assert sorted(PAGES_IN_ORDER) == sorted(PAGES)
    assert 150 < len(texts) < 700
    whole = letters("".join(texts))
    for name in PAGES:
        soup = BeautifulSoup((html / "book" / f"{name}.html").read_text(), "html.parser")
        plain = [p for p in soup.select("article p") if not p.select(".math, img, details, a")]
        for paragraph in [p for p in plain if len(p.get_text()) > 60][:20]:
            # Its first words: the rest may stand on the next page.
            assert letters(paragraph.get_text())[:40] in whole, (name, paragraph.get_text())


def test_the_pdf_shows_no_raw_maths(texts):
    found = {page: RAW_MATHS.findall(text) for page, text in enumerate(texts, 1)}
    assert {page: raw for page, raw in found.items() if raw} == {}
    assert RAW_MATHS.findall(r"so \frac{1}{2}, $$x$$ and \(y\)") == ["\\frac", "$$", "$$", "\\("]


def test_the_pdf_links_to_no_file(edition):
    pdf = edition[0].read_bytes()
    assert pdf.startswith(b"%PDF") and len(pdf) < 60e6
    assert b"file:" not in pdf and b"127.0.0.1" not in pdf


def test_equations_that_fail_stop_the_edition(html, tmp_path, monkeypatch, edition):
    whole = offline.joined(html)
    wrong = whole.replace("</main>", r'<p class="math">\(\undefined{x}\)</p></main>')
    monkeypatch.setattr(offline, "joined", lambda _: wrong)
    with pytest.raises(ValueError, match="1 equations could not be set"):
        offline.main(html, tmp_path)
    assert not list((html / "book").glob("_whole*"))


def external(page):
    """What a page would fetch from elsewhere: not the links that a reader may follow."""
    soup = BeautifulSoup(page, "html.parser")
    fetched = [node.get("src") for node in soup.select("[src]")]
    fetched += [node.get("href") for node in soup.select("link[href]")]
    return [link for link in fetched if urlsplit(link).netloc]


def test_the_zip_is_the_whole_book(html, edition):
    with zipfile.ZipFile(edition[1]) as archive:
        assert archive.testzip() is None
        names = {name for name in archive.namelist() if not name.endswith("/")}
        assert names == {p.relative_to(html).as_posix() for p in html.rglob("*") if p.is_file()}
        pages = [name for name in names if name.endswith(".html") and "_static" not in name]
        assert {f"book/{page}.html" for page in PAGES} < set(pages)
        for name in pages:
            assert external(archive.read(name)) == [], name
    assert external('<img src="//example.org/x.png"><link href="https://a.org/b.css">') != []
