# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What `make` offers does what it says, as it stands in the README; demos are in test/demo."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from checkout import ROOT, linked_checkout, make_environment
from chromium import log_in
from network import outside
from playwright.sync_api import Page
from running import answer, running

WRITTEN_BY_DOCS = ('docs/parameters.md', 'docs/command-line.md', 'docs/interfaces.md')


def test_service(page: Page, tmp_path: Path) -> None:
    """A question by the printed curl line, answered in the console behind the printed link."""
    assert shutil.which('curl'), 'curl is missing (apt-get install curl)'
    checkout = linked_checkout(tmp_path / 'checkout')
    with running(['make', 'service'], checkout, make_environment()) as service:
        link = service.until(r'console \(opens once\): (\S+)$')[1]
        curl = service.until(r'^  (sed .*\| curl .*)$')[1]
        key = (checkout / 'spark-data' / 'try.key').read_text('ascii').strip()
        assert key not in service.said
        asked = subprocess.run(
            ['sh', '-c', curl], cwd=tmp_path, text=True, capture_output=True, check=True
        )
        token = json.loads(asked.stdout)['token']
        log_in(page, link)
        answer(page, 'It is free.')
        export = service.until(r'^  (export SPARK_URL=.*)$')[1]
        shown = subprocess.run(
            ['sh', '-c', f'{export}; .venv/bin/spark show {token}'], cwd=checkout, text=True,
            capture_output=True, check=True,
        )
        assert 'It is free.' in shown.stdout
        service.interrupt()
    # The second start keeps the key that somebody has exported.
    with running(['make', 'service'], checkout, make_environment()) as service:
        service.until(r'^the key is in ')
        service.interrupt()
    assert (checkout / 'spark-data' / 'try.key').read_text('ascii').strip() == key


@pytest.mark.slow('all of the benchmark, if shortly')
@pytest.mark.timeout(600)
def test_bench(tmp_path: Path) -> None:
    checkout = linked_checkout(tmp_path / 'checkout')
    done = make('bench', 'QUICK=1', folder=checkout)
    # So short a look says nothing about the promises; it comes to its end and has its tables.
    assert done.returncode in (0, 2) and 'all numbers: ' in done.stdout, done.stderr
    assert not re.search('Traceback', done.stdout + done.stderr)


@pytest.mark.slow('looks at everything')
@pytest.mark.timeout(300)
def test_lint(tmp_path: Path) -> None:
    done = make('lint', folder=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow('makes the whole site')
@pytest.mark.timeout(300)
def test_docs_and_they_are_up_to_date(tmp_path: Path) -> None:
    before = {name: (ROOT / name).read_bytes() for name in WRITTEN_BY_DOCS}
    done = make('docs', folder=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (ROOT / 'build' / 'docs' / 'html' / 'index.html').is_file()
    assert {name: (ROOT / name).read_bytes() for name in WRITTEN_BY_DOCS} == before


@pytest.mark.parametrize('target', ['env', 'env-tests'])
def test_an_environment_that_is_up_to_date_costs_nothing(target: str) -> None:
    done = make(target, folder=ROOT)
    assert (done.returncode, done.stdout, done.stderr) == (0, '', '')


def make(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run make, which may install from the package index, to its end."""
    return subprocess.run(
        outside(['make', *words]), cwd=folder, env=make_environment(), text=True,
        capture_output=True, timeout=590, check=False,
    )
