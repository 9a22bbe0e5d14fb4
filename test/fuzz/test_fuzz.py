# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Each parser of what strangers send, fed with bytes that lead through its code."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip('atheris', reason='it needs Python 3.11 to 3.13')

HERE = Path(__file__).parent
CORPUS = HERE / 'corpus'
SECONDS = 3


@pytest.mark.slow('it runs for some seconds')
@pytest.mark.parametrize('target', sorted(path.name for path in CORPUS.iterdir()))
def test_a_parser_raises_what_it_documents_and_nothing_else(target: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable, HERE / 'run.py', target, f'-max_total_time={SECONDS}', '-timeout=5',
            '-rss_limit_mb=1024',
        ],
        cwd=tmp_path, capture_output=True, text=True, errors='replace', check=False,
    )  # fmt: skip
    found = {path.name: path.read_bytes()[:500] for path in tmp_path.glob('*-*')}
    assert done.returncode == 0 and not found, f'{found}\n{(done.stdout + done.stderr)[-4000:]}'
    runs = re.findall(r'Done (\d+) runs', done.stderr)
    assert runs and int(runs[0]) > 100, done.stderr[-1000:]
    print(f'{target}: {runs[0]} runs')
