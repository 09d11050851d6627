"""The book builds without a warning, and its pages hold what they should."""

import json
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml

PAGES = [
    "intro",
    "01_bayes_theorem",
    "02_sampling",
    "03_metropolis_hastings",
    "04_hierarchical_models",
    "05_stan_to_pymc",
    "06_convergence",
    "07_exact_posterior",
    "08_prior_study",
    "09_gcse_data",
    "10_ml_and_bayes",
    "11_comparing_schools",
    "claims",
    "12_beyond_the_slides",
    "api",
    "benchmarks",
    "notation",
    "glossary",
    "bibliography",
]


class Page(HTMLParser):
    """Links, anchors and images of one page."""

    def __init__(self, path):
        super().__init__()
        self.links, self.anchors, self.images = [], set(), []
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if "id" in found:
            self.anchors.add(found["id"])
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if tag == "img":
            self.images.append(found)


def test_the_pages_are_those_of_the_table_of_contents(html, root):
    toc = yaml.safe_load((root / "_toc.yml").read_text())
    files = [toc["root"]] + [c["file"] for part in toc["parts"] for c in part["chapters"]]
    assert sorted(files) == sorted(f"book/{page}" for page in PAGES)
    for file in files:
        assert (html / f"{file}.html").is_file()


def test_no_internal_link_is_broken(html):
    pages = {path: Page(path) for path in html.rglob("*.html")}
    checked = 0
    for path, page in pages.items():
        for link in page.links:
            target, _, anchor = unquote(link).partition("#")
            if re.match(r"[a-z]+:", target) or "?" in target:
                continue
            file = (path.parent / target).resolve() if target else path
            assert file.is_file(), f"{path.name} links to {link}"
            if anchor and file in pages:
                assert anchor in pages[file].anchors | {""}, f"{path.name} links to {link}"
            checked += 1
    assert checked > 100


def test_every_image_has_alt_text(html):
    figures = 0
    for page in PAGES:
        for image in Page(html / "book" / f"{page}.html").images:
            if "_images" in image["src"]:
                assert len(image.get("alt", "")) >= 60, (page, image)
                figures += 1
    assert figures >= 8


WIDGETS = {
    "01_bayes_theorem": ["mu_0", "sigma_0", "n", "sigma"],
    "03_metropolis_hastings": ["stride", "now"],
    "04_hierarchical_models": ["step", "school"],
    "08_prior_study": ["process", "size", "prior"],
    "10_ml_and_bayes": ["sd"],
    "11_comparing_schools": ["first", "second"],
}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_with_a_widget_loads_its_library_and_no_other_does(html, page):
    text = (html / "book" / f"{page}.html").read_text()
    specs = re.findall(
        r'<div class="widget"><script type="application/json">(.*?)</script><noscript>(.*?)'
        r"</noscript></div>",
        text,
        flags=re.S,
    )
    controls = []
    for spec, picture in specs:
        chart = json.loads(spec)
        controls += [p["name"] for p in chart["params"] if "bind" in p]
        (image,) = re.findall(r'<img[^>]*src="\.\./(_images/[^"]*)"', picture)
        assert (html / image).is_file()
        assert chart["description"][:40] in picture
    assert controls == WIDGETS.get(page, [])
    assert text.count("_static/vega.js") == bool(controls)


def test_the_library_draws_without_the_network(html):
    """The only addresses in it are names of formats and of documentation."""
    library = (html / "_static" / "vega.js").read_text()
    assert ".widget > script" in library and len(library) < 1_000_000
    hosts = set(re.findall(r"https?://([\w.-]+)", library))
    assert hosts <= {"www.w3.org", "vega.github.io", "github.com", "d3js.org"}, hosts


@pytest.mark.parametrize("page", PAGES)
def test_no_page_shows_a_remnant(html, page):
    text = re.sub(
        r"<script.*?</script>|<[^>]+>",
        " ",
        (html / "book" / f"{page}.html").read_text(),
        flags=re.S,
    )
    for remnant in [
        "Traceback",
        "Sampling chain",
        "it/s",
        "Warning:",
        "&lt;Figure",
        "glue:",
        "{term}",
        "np.float64",
    ]:
        assert remnant not in text, remnant


@pytest.mark.parametrize("page", PAGES)
def test_no_equation_is_an_error_message(html, page):
    r"""Sphinx wraps a dollar equation with line breaks in split, where MathJax refuses a \tag."""
    text = (html / "book" / f"{page}.html").read_text()
    assert not re.search(r"\\begin\{split\}(?:(?!\\end\{split\}).)*\\tag", text, flags=re.S)


def test_numbers_in_the_text_are_filled_in(html):
    """A glued number stands where the source has a key."""
    text = (html / "book" / "09_gcse_data.html").read_text()
    assert re.search(r"Girls are ahead in\s*<span[^>]*>59</span>", text)


def test_only_the_configuration_knows_where_the_repository_lives(root):
    url = yaml.safe_load((root / "_config.yml").read_text())["repository"]["url"]
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    holders = [
        name for name in filter(None, tracked) if url.encode() in Path(root, name).read_bytes()
    ]
    assert holders == ["_config.yml"]
