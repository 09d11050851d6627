"""Make the offline edition from the built book: a zip of the pages, and one PDF.

    python tools/offline.py [BUILT_HTML [FOLDER]]

For the PDF all pages are joined into one, so that links between chapters lead from page to page.
"""

import asyncio
import logging
import shutil
import sys
from pathlib import Path
from urllib.parse import urldefrag, urlsplit

import yaml
from bs4 import BeautifulSoup
from pypdf import PdfWriter
from pypdf.generic import NameObject, TextStringObject

try:
    from tools.browser import FAILED_MATHS, MISSING, chromium, find_chromium, typeset
except ModuleNotFoundError:  # run as a script
    from browser import FAILED_MATHS, MISSING, chromium, find_chromium, typeset

ROOT = Path(__file__).parents[1]
NAME = "bayesian-hierarchical-models"
# What only works on a screen, and code that only draws: the web page has it folded away.
SCREEN_ONLY = "script, .headerlink, .copybtn, details.above-input"
STYLE = """
  @page { size: A4; margin: 18mm 16mm 20mm; }
  html { font-size: 10.5pt; scroll-padding: 0; }
  body { padding: 0; background: #fff; }
  article.bd-article { padding: 0 !important; break-before: page; }
  article.bd-article h1 { margin-top: 0; font-size: 2rem; }
  h1, h2, h3 { break-after: avoid; break-inside: avoid; }
  figure, img, pre, .highlight, .cell_input, table.dataframe, mjx-container { break-inside: avoid; }
  img { max-height: 20cm; width: auto !important; }
  div.cell, div.cell_input { display: block !important; overflow: visible !important; }
  pre { white-space: pre-wrap !important; overflow-wrap: anywhere; font-size: 0.85em; }
  div.output, .pst-scrollable-table-container, mjx-container { overflow: visible !important; }
  .cover { text-align: center; padding-top: 55mm; }
  .cover strong { font-size: 2.2rem; font-weight: normal; }
  .cover img { width: 45mm !important; margin-bottom: 15mm; }
"""
FOOTER = """<div style="width: 100%; text-align: center; font: 8pt sans-serif">
<span class="pageNumber"></span></div>"""


def pages() -> list[str]:
    """Names of the pages, in the order of the table of contents."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    return [toc["root"], *(page["file"] for part in toc["parts"] for page in part["chapters"])]


def address(link: str, page: str, names: set[str]) -> str | None:
    """Where a link of `page` leads in the joined book; None if to something that is not in it."""
    if urlsplit(link).scheme:
        return link
    target, anchor = urldefrag(link)
    name = Path(target).stem if target else page
    if name not in names or "/_sources/" in target:
        return None
    return f"#{name}--{anchor}" if anchor else f"#{name}"


def article(html: Path, page: str, names: set[str]) -> BeautifulSoup:
    """Cut the text out of a page; its anchors and links get the page's name."""
    soup = BeautifulSoup((html / "book" / f"{page}.html").read_text(), "html.parser")
    text = soup.find("article")
    for node in text.select(SCREEN_ONLY):
        node.decompose()
    for node in text.select("noscript"):  # the static picture of an interactive figure
        node.unwrap()
    for node in text.select("details"):
        node["open"] = ""
    for node in text.select("[id]"):
        node["id"] = f"{page}--{node['id']}"
    for link in text.select("a[href]"):
        there = address(link["href"], page, names)
        if there is None:
            link.unwrap()
        else:
            link["href"] = there
    text["id"] = page
    return text


def joined(html: Path) -> str:
    """Join all pages into one, with a cover, ready to be printed."""
    names = [Path(name).name for name in pages()]
    front = BeautifulSoup((html / "book" / f"{names[0]}.html").read_text(), "html.parser")
    title = front.select_one("h1").get_text().removesuffix("#")
    mathjax = [str(node) for node in front.select("head script") if "athjax" in str(node).lower()]
    styles = [str(node) for node in front.select('link[rel="stylesheet"]')]
    articles = [str(article(html, name, set(names))) for name in names]
    return f"""<!doctype html><html lang="en" data-theme="light" data-mode="light"><head>
<meta charset="utf-8"><title>{title}</title>{"".join(styles)}{"".join(mathjax)}
<style>{STYLE}</style></head><body><main class="bd-content">
<section class="cover"><img src="../_static/logo.svg" alt=""><p><strong>{title}</strong></p>
<p>The whole course on paper. The web edition has the code that draws, and figures that move.</p>
</section>{"".join(articles)}</main></body></html>"""


def name_bookmarks(pdf: Path, titles: list[str]) -> None:
    """Write the headings into the bookmarks: Chromium repeats the words of some of them.

    Raises
    ------
    ValueError
        If there is not one bookmark for each heading.
    """
    logging.getLogger("pypdf").setLevel(logging.ERROR)  # Chromium counts its objects short
    writer = PdfWriter(clone_from=pdf)

    def walk(item):
        for child in iter_children(item):
            yield child
            yield from walk(child)

    marks = list(walk(writer.root_object["/Outlines"]))
    if len(marks) != len(titles):
        raise ValueError(f"{len(marks)} bookmarks for {len(titles)} headings")
    for mark, title in zip(marks, titles, strict=True):
        mark[NameObject("/Title")] = TextStringObject(title)
    writer.write(pdf)


def iter_children(item):
    """Bookmarks below one, in order."""
    child = item.get("/First")
    while child is not None:
        yield (child := child.get_object())
        child = child.get("/Next")


async def write_pdf(html: Path, out: Path) -> None:
    """Print the joined book.

    Raises
    ------
    ValueError
        If an equation could not be set.
    """
    whole = html / "book" / "_whole.html"  # beside the pages, where their pictures are found
    whole.write_text(joined(html))
    try:
        async with chromium() as browser:
            page = await browser.new_page()
            await page.goto(whole.as_uri(), timeout=120_000)
            await typeset(page)
            if wrong := await page.locator(FAILED_MATHS).all_text_contents():
                raise ValueError(f"{len(wrong)} equations could not be set, such as {wrong[0]!r}")
            await page.pdf(
                path=out,
                prefer_css_page_size=True,
                print_background=True,
                display_header_footer=True,
                header_template="<span></span>",
                footer_template=FOOTER,
                outline=True,
                tagged=True,
            )
            headings = await page.locator("h1, h2, h3, h4, h5, h6").all_inner_texts()
        name_bookmarks(out, [" ".join(heading.split()) for heading in headings])
    finally:
        whole.unlink()


def main(html: Path, folder: Path) -> tuple[Path, Path]:
    """Write both editions, and give their paths."""
    if find_chromium() is None:
        raise SystemExit(f"bhm: {MISSING}")
    folder.mkdir(parents=True, exist_ok=True)
    pdf = folder / f"{NAME}.pdf"
    asyncio.run(write_pdf(html, pdf))
    archive = shutil.make_archive(str(folder / f"{NAME}-html"), "zip", html)
    return pdf, Path(archive)


if __name__ == "__main__":
    given = [Path(argument).resolve() for argument in sys.argv[1:]]
    html = given[0] if given else ROOT / "_build" / "html"
    for path in main(html, given[1] if len(given) > 1 else ROOT / "dist"):
        print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")
