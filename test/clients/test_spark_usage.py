# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What `spark` refuses before it sends anything, and where its token comes from."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from test_spark_cli import ASK, TOKEN, photo, spark

from spark_ros.cli.spark import main
from spark_ros.clients import RetryPolicy, SparkClient

__all__ = ['photo']


def in_process(
    monkeypatch: pytest.MonkeyPatch, *arguments: str, url: str = 'http://127.0.0.1:9'
) -> int:
    """Run what sends nothing inside this process."""
    monkeypatch.setenv('SPARK_URL', url)
    try:
        return main(arguments)
    except SystemExit as exit:
        return int(str(exit.code))


def test_nobody_there(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """Exit 4."""
    monkeypatch.setenv('SPARK_TOKEN', TOKEN)
    once = partial(SparkClient, retry=RetryPolicy.none())
    monkeypatch.setattr('spark_ros.cli.spark_services.SparkClient', once)
    assert in_process(monkeypatch, 'show', 't-1') == 4
    assert '127.0.0.1:9' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ((), 'COMMAND'),
        (('ask',), 'IMAGE'),
        (('ask', 'http://h/i.jpg'), '--instructions'),
        (('ask', 'none.jpg', '--instructions', '?'), 'none.jpg'),
        ((*ASK, '--box', '1,2,3,4,x'), 'size'),
        ((*ASK, '--box', '2:1,2,3,4,x'), 'image 2'),
        ((*ASK, '--box', '0:1,2,3,4,x'), 'counted from 1'),
        ((*ASK, '--box', '1,2,3,x'), 'X,Y,W,H,LABEL'),
        ((*ASK, '--timeout', 'nan'), 'seconds'),
        ((*ASK, '--deadline', '0'), 'above 0'),
        ((*ASK, '--deadline', '2592001'), '30 days'),
        ((*ASK, '--priority', '256'), '0 to 255'),
        (('withdraw',), 'TOKEN'),
        (('withdraw', '..'), 'token'),
        ((*ASK, '--choices', 'a,b'), '--api heat'),
        ((*ASK, '--text'), '--api heat'),
        ((*ASK, '--rating', '0,10'), '--api heat'),
        ((*ASK, '--rating', '10,0'), 'MIN,MAX'),
        ((*ASK, '--rating', '0,1,0'), 'MIN,MAX'),
        ((*ASK, '--text', '--number'), 'not allowed with'),
        ((*ASK, '--several'), '--choices'),
        ((*ASK, '--labels', ' , '), 'empty'),
        ((*ASK, '--api', 'heat', '--program', 'p'), '--program'),
        ((*ASK, '--api', 'heat', '--text', '--labels', 'a'), '--labels'),
        (('ask', '--api', 'heat', '--instructions', '?'), 'IMAGE'),
        (('ask', 'http://h/i.jpg', '--api', 'heat'), '--instructions'),
        (('list', '--state', 'pending'), 'spark: open, assigned, closed'),
        (('list', '--api', 'heat', '--state', 'open'), 'pending'),
        (('list', '--state', 'broken'), 'broken'),
        (('list', '--token', 'x'), 'unrecognized arguments: --token'),
        (('list', '--url', 'h'), 'base URL'),
        (('list', '--ca-file', 'none.pem'), 'none.pem'),
        (('show',), 'TOKEN'),
        (('show', '..'), 'token'),
    ],
)
def test_wrong_usage(
    monkeypatch: pytest.MonkeyPatch, capsys: Any, arguments: Sequence[str], message: str
) -> None:
    """Exit 2, and nothing is sent."""
    monkeypatch.setenv('SPARK_TOKEN', TOKEN)
    assert in_process(monkeypatch, *arguments) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ('box', 'reason'),
    [('300,10,50,50,x', 'outside'), ('10,10,0,50,x', 'no area'), ('nan,1,2,3,x', 'finite')],
)
def test_a_box_that_is_none(
    monkeypatch: pytest.MonkeyPatch, capsys: Any, photo: Path, box: str, reason: str
) -> None:
    """Refused with geometry's reason before anything is uploaded."""
    monkeypatch.setenv('SPARK_TOKEN', TOKEN)
    assert in_process(monkeypatch, 'ask', str(photo), '--program', 'p', '--box', box) == 2
    assert reason in capsys.readouterr().err


def test_no_picture(monkeypatch: pytest.MonkeyPatch, capsys: Any, tmp_path: Path) -> None:
    """A box needs the image's size."""
    monkeypatch.setenv('SPARK_TOKEN', TOKEN)
    for content in (b'', b'not a picture'):
        file = tmp_path / 'x.jpg'
        file.write_bytes(content)
        box = ('--program', 'p', '--box', '1,2,3,4,x')
        assert in_process(monkeypatch, 'ask', str(file), *box) == 2
        assert 'not an image' in capsys.readouterr().err


def test_where_the_token_comes_from(
    monkeypatch: pytest.MonkeyPatch, capsys: Any, tmp_path: Path
) -> None:
    """Neither there, or a file that others can read: exit 2, and the token is not repeated."""
    monkeypatch.delenv('SPARK_TOKEN', raising=False)
    assert in_process(monkeypatch, 'list') == 2
    assert 'SPARK_TOKEN' in capsys.readouterr().err
    file = tmp_path / 'token'
    file.write_text(TOKEN)
    file.chmod(0o644)
    assert in_process(monkeypatch, 'list', '--token-file', str(file)) == 2
    err = capsys.readouterr().err
    assert 'chmod 600' in err and TOKEN not in err


def test_a_token_file_is_used(fault_server: Any, tmp_path: Path) -> None:
    """It wins over the environment."""
    file = tmp_path / 'token'
    file.write_text(TOKEN + '\n')
    file.chmod(0o600)
    server = fault_server(fault_server.answer([]))
    done = spark(server, 'list', '--token-file', str(file), environment={'SPARK_TOKEN': 'other'})
    assert done.code == 0
    assert server.received[0].headers['authorization'] == f'Bearer {TOKEN}'


def test_an_api_that_is_none(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """In the environment; exit 2."""
    monkeypatch.setenv('SPARK_TOKEN', TOKEN)
    monkeypatch.setenv('SPARK_API', 'bolt')
    assert in_process(monkeypatch, 'list') == 2
    assert "SPARK_API is 'bolt'" in capsys.readouterr().err
