# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A command that needs what is there says so where nothing is, and makes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from spark_ros.cli.service import main

NEED_DATA = [
    ['key', 'list'], ['key', 'secret', 'robot'], ['key', 'rotate', 'robot'],
    ['key', 'rate', 'robot', '1'], ['forget', '--key', 'robot'],
    ['key', 'revoke', 'robot'], ['program', 'list'], ['program', 'show', 'crates'],
    ['login-link'], ['database', 'version'], ['database', 'upgrade'], ['backup', 'backup'],
]  # fmt: skip


@pytest.mark.parametrize('command', NEED_DATA, ids=' '.join)
@pytest.mark.parametrize('there', [False, True])
def test_no_data_is_one_line(
    command: list[str], there: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    if there:
        (tmp_path / 'typo').mkdir()
        (tmp_path / 'typo').chmod(0o755)
    assert main([*command, '--data', 'typo']) == 1
    said = capsys.readouterr()
    assert (said.out, said.err) == ('', 'spark-service: there is no service data in typo\n')
    assert [str(path) for path in tmp_path.rglob('*')] == (
        [str(tmp_path / 'typo')] if there else []
    )
    assert not there or (tmp_path / 'typo').stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize('command', NEED_DATA[:-1], ids=' '.join)
def test_no_data_in_a_database_elsewhere(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    url = 'sqlite:///a/b.db'
    assert main([*command, '--data', 'data', '--database', url]) == 1
    assert capsys.readouterr().err == f'spark-service: there is no service data in {url}\n'
    assert list(tmp_path.iterdir()) == []
    (tmp_path / 'a').mkdir()
    (tmp_path / 'a' / 'b.db').touch()
    assert main([*command, '--data', 'data', '--database', url]) == 1
    assert capsys.readouterr().err == f'spark-service: there is no service data in {url}\n'
    assert (tmp_path / 'a' / 'b.db').read_bytes() == b''


def test_reading_needs_no_directory_beside_the_database(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The database may be reached from another machine than the service's."""
    where = ['--database', f'sqlite:///{tmp_path}/a.db', '--data']
    assert main(['key', 'create', 'robot', *where, str(tmp_path / 'data')]) == 0
    assert main(['key', 'list', *where, str(tmp_path / 'not-here')]) == 0
    assert 'robot' in capsys.readouterr().out
    assert not (tmp_path / 'not-here').exists()


def test_what_makes_something_makes_the_directory(tmp_path: Path) -> None:
    assert main(['key', 'create', 'robot', '--data', str(tmp_path / 'a')]) == 0
    program = tmp_path / 'program.yaml'
    program.write_text('instructions: Find every crate\n')
    place = ['--data', str(tmp_path / 'b')]
    assert main(['program', 'set', 'p', '--file', str(program), *place]) == 0
