# SPDX-License-Identifier: GPL-3.0-or-later
"""Links between files of the checkout; Sphinx looks at those between pages, too."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "doc").glob("*.md")]
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)\s]+)\)")
CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.M | re.S)
# Pages that are made with the site.
MADE = "gallery/"


def links(text):
    """Targets of the links of a page that are files: list of str."""
    found = LINK.findall(CODE.sub("", text))
    return [target.partition("#")[0] for target in found]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_files_that_are_linked_are_there(page):
    targets = [name for name in links(page.read_text()) if not name.startswith(MADE)]
    assert [name for name in targets if not (page.parent / name).exists()] == []


def test_links_are_found_but_not_in_code():
    text = (
        "[a](b.md#c) and ![d](e.png), [f](https://g.h) `[i](j.md)`\n\n"
        "```text\n[k](l.md)\n```\n[m](#n)\n"
    )
    assert links(text) == ["b.md", "e.png"]


def test_every_page_is_on_the_site():
    names = {path.stem for path in (ROOT / "doc").glob("*.md")} - {"index"}
    listed = set()
    for path in (ROOT / "doc").glob("*.md"):
        for tree in re.findall(r"```{toctree}\n(.*?)```", path.read_text(), re.S):
            listed |= set(re.findall(r"^(?:.*<)?([\w/]+)>?$", tree, re.M))
    assert names - listed == set()
