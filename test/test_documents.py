# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What README.md and docs/ point at is there, and every page can be found."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from spark_ros.cli.service_arguments import service_parser

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted((ROOT / 'docs').glob('*.md'))
DOCUMENTS = [*sorted(ROOT.glob('*.md')), *PAGES]
FENCED = re.compile(r'^( *)(`{3,}).*?^\1\2 *$', re.MULTILINE | re.DOTALL)
CODE = re.compile(r'(`+)(?!`).+?(?<!`)\1(?!`)')
LINK = re.compile(r'(!?)\[[^\]]*\]\(([^)\s]+)\)')
HEADING = re.compile(r'^#+ +(.+?) *$', re.MULTILINE)
ELSEWHERE = re.compile(r'[a-z][a-z0-9+.-]*:')
LARGEST_PICTURE = 200_000
PICTURES = {'.jpg', '.png', '.svg'}


def links(text: str) -> Iterator[tuple[bool, str]]:
    """Give each link that is not in code: whether it shows a picture, and where it leads."""
    for mark, target in LINK.findall(CODE.sub('', FENCED.sub('', text))):
        yield bool(mark), target


def anchors(text: str) -> set[str]:
    """Return the headings' names in links, as GitHub and the site make them."""
    names = set()
    for heading in HEADING.findall(FENCED.sub('', text)):
        plain = re.sub(r'\[([^\]]*)\]\([^)]*\)', r'\1', heading).lower()
        names.add(re.sub(r'[^\w\- ]', '', plain).replace(' ', '-'))
    return names


def broken(document: Path, text: str) -> list[str]:
    """Return the relative links that lead nowhere."""
    wrong = []
    for picture, target in links(text):
        path, _, anchor = unquote(target).partition('#')
        file = document.parent / path if path else document
        if ELSEWHERE.match(target):
            continue
        if (
            not file.exists()
            or (picture and file.suffix not in PICTURES)
            or (anchor and anchor not in anchors(file.read_text('utf-8')))
        ):
            wrong.append(target)
    return wrong


@pytest.mark.parametrize('document', DOCUMENTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    assert broken(document, document.read_text('utf-8')) == []


@pytest.mark.parametrize(
    'link',
    ['[a](nowhere.md)', '[a](index.md#nowhere)', '![a](images/nowhere.png)', '![a](index.md)',
     '[`a`](nowhere.md)', '[a](#nowhere)'],
)  # fmt: skip
def test_a_broken_link_is_found(link: str) -> None:
    """The test above can fail."""
    assert broken(ROOT / 'docs' / 'index.md', f'Text, {link} and more.')


def test_links_in_code_are_none() -> None:
    text = '```sh\n[a](b)\n```\n\n`[a](b)` and ``[a](b)``'
    assert broken(ROOT / 'docs' / 'index.md', text) == []


def test_no_picture_comes_from_elsewhere_and_none_is_large() -> None:
    for document in DOCUMENTS:
        for picture, target in links(document.read_text('utf-8')):
            if picture:
                assert not ELSEWHERE.match(target), (document.name, target)
                assert (document.parent / target).stat().st_size < LARGEST_PICTURE, target


def test_every_picture_is_shown() -> None:
    shown = {
        (document.parent / target).resolve()
        for document in DOCUMENTS
        for picture, target in links(document.read_text('utf-8')) if picture
    }
    assert set((ROOT / 'docs' / 'images').iterdir()) <= shown


def test_every_page_can_be_found_from_the_first() -> None:
    """On GitHub too, where nothing shows the site's menu."""
    first = ROOT / 'docs' / 'index.md'
    found = {(first.parent / target.partition('#')[0]).resolve()
             for _, target in links(first.read_text('utf-8'))}
    assert [page.name for page in PAGES if page not in {*found, first}] == []


def test_every_option_of_the_service_is_described() -> None:
    """In running-the-service.md, as the parser has them."""
    page = (ROOT / 'docs' / 'running-the-service.md').read_text('utf-8')
    (commands,) = (
        action for action in service_parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    offered = {name for action in commands.choices['serve']._actions
               for name in action.option_strings if name.startswith('--')} - {'--help'}
    assert offered == set(re.findall(r'(?<=[`(])--[a-z-]+', re.search(
        r'^\| option of `serve`.*?\n\n', page, re.MULTILINE | re.DOTALL)[0]))
    for name in commands.choices:
        assert re.search(rf'`(spark-service )?{name}\b|^spark-service {name}\b', page, re.M), name


def test_the_readme_stays_one_page() -> None:
    assert len((ROOT / 'README.md').read_text('utf-8').splitlines()) <= 125
