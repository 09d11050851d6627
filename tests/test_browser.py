"""The book in a browser: silent, complete, without a network, and for everyone.

`browsing` opens every page once; the tests read what it found. The last tests give it faulty
pages, to see that it finds the faults.
"""

import asyncio
import os

import pytest

from .test_book import PAGES, WIDGETS

pytest.importorskip("playwright", reason="needs playwright: pip install bhm-utils[dev]")

from playwright.async_api import Error

from tools.browser import MISSING, chromium, find_chromium, served

from . import browsing

KILOBYTE, MEGABYTE = 1e3, 1e6
NAMES = [f"book/{page}.html" for page in PAGES]
NAMES += ["genindex.html", "py-modindex.html", "search.html"]


@pytest.fixture(scope="session", autouse=True)
def browser_there():
    """Without a browser there is nothing to test, except where CI should have installed one."""
    if find_chromium() is None:
        assert not os.environ.get("CI"), MISSING
        pytest.skip(MISSING)


@pytest.fixture(scope="session")
def site(html):
    with served(html) as base:
        yield base


@pytest.fixture(scope="session")
def visits(site):
    return browsing.visit_all(site, NAMES)


@pytest.fixture(scope="session")
def file_visits(html):
    return browsing.visit_all(html.as_uri() + "/", NAMES, thorough=False)


def test_every_page_is_visited(html):
    """All but the front door, which only leads on to the introduction."""
    built = [path.relative_to(html) for path in html.rglob("*.html")]
    pages = sorted(path.as_posix() for path in built if path.parts[0] != "_static")
    assert pages == sorted([*NAMES, "index.html"])
    assert 'url=book/intro.html"' in (html / "index.html").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_a_page_asks_no_other_host_and_does_not_complain(name, visits, file_visits):
    for visit in (visits[name], file_visits[name]):
        assert visit.external == []
        assert visit.complaints == []


@pytest.mark.parametrize("name", NAMES)
def test_the_maths_is_set(name, visits, file_visits):
    assert visits[name].maths == file_visits[name].maths == []


@pytest.mark.parametrize("name", NAMES)
def test_a_page_fits_a_phone(name, visits):
    assert visits[name].scroll_width <= browsing.PHONE["width"]


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_light(name, visits):
    assert 1 * KILOBYTE < visits[name].weight < 1.5 * MEGABYTE


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_for_everyone(name, visits):
    """WCAG 2.2 AA as far as axe-core can tell, and every control within reach of the keyboard."""
    assert len(visits[name].violations) == 4
    for where, found in visits[name].violations.items():
        assert not found, "\n".join([where, *found])
    assert visits[name].unreachable == []


def test_every_link_leads_somewhere(visits, site, html):
    assert sum(link.startswith(site) for visit in visits.values() for link in visit.links) > 1000
    assert browsing.broken_links(visits, site, html) == []


def test_the_book_is_light(html):
    size = sum(path.stat().st_size for path in html.rglob("*") if path.is_file())
    assert 1 * MEGABYTE < size < 40 * MEGABYTE


def test_search_finds_what_is_there_and_nothing_else(html, site):
    async def search(base, words):
        async with chromium() as browser:
            page = await browser.new_page()
            await page.goto(f"{base}book/intro.html")
            await page.keyboard.press("Control+k")
            await page.keyboard.type(words)
            await page.keyboard.press("Enter")
            await page.wait_for_selector("#search-results p.search-summary")
            await page.wait_for_function(
                "/finished|did not match/.test(document.querySelector('.search-summary').innerText)"
            )
            return await page.locator("#search-results li a").evaluate_all(
                "found => found.map(link => link.href)"
            )

    for base in (site, html.as_uri() + "/"):
        assert any(
            "04_hierarchical_models" in link for link in asyncio.run(search(base, "shrinkage"))
        )
    assert asyncio.run(search(site, "xylophonist")) == []


# What a widget shows: the shapes of its marks, and the words and numbers in it.
SHOWN = """node => [...node.querySelectorAll("svg path, svg text, svg line, svg rect")]
  .map(mark => mark.outerHTML + mark.textContent).join()"""


async def unmoved(page):
    """Controls of a page that are turned by keyboard, after which its widget shows the same."""
    widget = page.locator(".widget")
    await widget.locator("svg").wait_for()
    still = []
    for control in await widget.locator(".vega-bind :is(input, select)").all():
        before, value = await widget.evaluate(SHOWN), await control.input_value()
        await control.focus()
        for key in ["ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp"]:
            await page.keyboard.press(key)
            if await control.input_value() != value:
                break
        try:
            await page.wait_for_function(
                f"([node, before]) => ({SHOWN})(node) !== before",
                arg=[await widget.element_handle(), before],
                timeout=2000,
            )
        except Error:
            still.append(await control.get_attribute("name"))
    return still


def test_every_control_of_a_widget_works_by_keyboard(site, html):
    async def turn(base):
        async with chromium() as browser:
            page = await browser.new_page(viewport=browsing.PHONE)
            for name in WIDGETS:
                await page.goto(f"{base}book/{name}.html")
                assert await unmoved(page) == [], name
            # A copy of a control turns, but nothing listens to it.
            await page.evaluate(
                "control => control.replaceWith(control.cloneNode(true))",
                await page.query_selector(".vega-bind :is(input, select)"),
            )
            return await unmoved(page)

    assert asyncio.run(turn(site)) != []
    assert asyncio.run(turn(html.as_uri() + "/")) != []


FAULTS = {
    "external": "<img src='https://example.org/picture.png' alt='A picture from elsewhere'>",
    "complaints": "<img src='missing.png' alt='A picture that is not there'>",
    "maths": r"<p>Raw maths: $$x = \sigma$$</p>",
    "unreachable": "<button tabindex='-1'>Press</button>",
    "violations": "<p style='color: #bbb; background: #fff'>Pale text</p>",
    "scroll_width": "<div style='width: 800px'>A wide block</div>",
    "weight": f"<!-- {'x' * 1_600_000} -->",
    "links": "<a href='good.html#nowhere'>A link</a>",
}
GOOD = """<!doctype html><html lang="en"><head><title>A page</title><link rel="icon" href="data:,">
<meta name="viewport" content="width=device-width"></head>
<body><main><h1>A page</h1>%s</main></body></html>"""


def found(visit, base, folder):
    """Names of the fields of a visit in which there is a fault."""
    pages = {visit.page: visit, "good.html": browsing.Visit("good.html")}
    faults = {
        name for name in ("external", "complaints", "maths", "unreachable") if getattr(visit, name)
    }
    faults |= {"violations"} & {"violations" for rules in visit.violations.values() if rules}
    faults |= {"scroll_width"} if visit.scroll_width > browsing.PHONE["width"] else set()
    faults |= {"weight"} if visit.weight > 1.5 * MEGABYTE else set()
    return faults | ({"links"} if browsing.broken_links(pages, base, folder) else set())


def test_a_fault_of_each_kind_is_found(tmp_path):
    for name, fault in {"good": "<p>Text</p>", **FAULTS}.items():
        (tmp_path / f"{name}.html").write_text(GOOD % fault)
    with served(tmp_path) as base:
        visits = browsing.visit_all(base, [f"{name}.html" for name in ["good", *FAULTS]])
        assert found(visits["good.html"], base, tmp_path) == set()
        for name in FAULTS:
            assert name in found(visits[f"{name}.html"], base, tmp_path)
