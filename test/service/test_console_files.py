# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The console's files are served, also where the package is installed as links into a checkout."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urljoin

import pytest
from service_harness import InProcess

from spark_ros.service.operators import pages

pytestmark = pytest.mark.sqlite('about files, not about what is stored')

NAMED = re.compile(r'(?:href|src)="(/console/[^"]+)"|(?:from|import) \'(\./[^\']+|\.\./[^\']+)\'')


@pytest.fixture
def service(
    make_service: Callable[..., InProcess], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> InProcess:
    """A service whose console is a folder of links, as `colcon --symlink-install` makes it."""
    linked = tmp_path / 'installed' / 'console'
    for file in pages.CONSOLE.rglob('*.*'):
        link = linked / file.relative_to(pages.CONSOLE)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(file)
    (tmp_path / 'installed' / 'secret.txt').write_text('secret')
    (tmp_path / 'installed' / 'console2').mkdir()
    (tmp_path / 'installed' / 'console2' / 'secret.txt').write_text('secret')
    monkeypatch.setattr(pages, 'CONSOLE', linked)
    return make_service()


def test_all_that_the_console_loads_is_served(service: InProcess) -> None:
    operator = service.operator()
    # The page of who is not logged in has some, too.
    seen = {name for name, _ in NAMED.findall(service.send('GET', '/').text)}
    assert seen
    waiting = ['/', *seen]
    while waiting:
        path = waiting.pop()
        answer = operator.get(path)
        assert answer.status_code == 200, path
        for absolute, relative in NAMED.findall(answer.text):
            named = absolute or urljoin(path, relative)
            if named not in seen:
                seen.add(named)
                waiting.append(named)
    kept = {f'/console/{file.relative_to(pages.CONSOLE)}' for file in pages.CONSOLE.rglob('*.*')}
    shown = {'/console/index.html', '/console/statistics.html', '/console/answers.html'}
    assert seen - {'/console/statistics', '/console/answers'} == kept - shown


@pytest.mark.parametrize('path', [
    '../secret.txt', '%2e%2e/secret.txt', '..%2fsecret.txt', 'forms/%2e%2e/%2e%2e/secret.txt',
    '%2e%2e/console2/secret.txt', '..%5csecret.txt', '{}/secret.txt', '%2f{}/secret.txt', 'forms',
    'a%00b',
])  # fmt: skip
def test_nothing_else_is(service: InProcess, tmp_path: Path, path: str) -> None:
    place = str(tmp_path / 'installed')
    answer = service.send('GET', f'/console/{path.format(place)}')
    assert answer.status_code == 404
    assert answer.json()['statusCode'] == 404
