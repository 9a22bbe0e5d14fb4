# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The spark command as a shell sees it: output, exit codes, and what is never printed."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from serving import call

from spark_ros.cli.spark import main, parser
from spark_ros.cli.spark_progress import Progress
from spark_ros.cli.spark_watch import Timeout, wait
from spark_ros.clients import RetryPolicy, SparkClient
from spark_ros.clients.change_feed import ChangeFeedListener

TOKEN = 'open-sesame-4711'
ASK = ('ask', 'http://h/i.jpg', '--instructions', '?')
ENGAGEMENT = {
    'token': 't-1',
    'state': 'closed',
    'date_created': '2024-05-01T10:00:00.000Z',
    'date_closed': '2024-05-01T10:00:07.000Z',
    'response': 'one crate,\x1b[2J\n not two',
    'flags': ['interesting'],
    'annotations': [
        {
            'label': 'crate',
            'vertices': [{'x': 0.25, 'y': 0.5}, {'x': 0.75, 'y': 1}],
            'original_annotation': {
                'label': 'pallet',
                'vertices': [{'x': 0.2, 'y': 0.5}, {'x': 0.7, 'y': 0.9}],
            },
        },
        {'label': 'cat', 'vertices': [{'x': 0.1, 'y': 0.1}, {'x': 0.2, 'y': 0.2}]},
        {'label': 'nowhere', 'vertices': []},
    ],
    'removed_annotations': [
        {'label': 'ghost', 'vertices': [{'x': 0.1, 'y': 0.1}, {'x': 0.2, 'y': 0.2}]}
    ],
}


@dataclass(frozen=True)
class Run:
    """What one run of the command did."""

    code: int
    out: str
    err: str


def spark(server: Any, *arguments: str, environment: dict[str, str] | None = None) -> Run:
    """Call the command against a server."""

    async def run() -> Run:
        async with server:
            clean = {
                name: value
                for name, value in os.environ.items()
                if not name.startswith('SPARK_') and 'proxy' not in name.lower()
            }
            around = clean | {'SPARK_URL': server.url, 'SPARK_TOKEN': TOKEN}
            done = await asyncio.to_thread(
                call, main, *arguments, environment=around | (environment or {})
            )
            return Run(done.returncode, done.stdout, done.stderr)

    result = asyncio.run(run())
    assert TOKEN not in result.out + result.err
    assert 'Traceback' not in result.err
    return result


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A picture of 200 x 100 pixels."""
    file = tmp_path / 'photo.png'
    assert cv2.imwrite(str(file), np.zeros((100, 200, 3), np.uint8))
    return file


def test_asking_and_waiting(fault_server: Any, photo: Path) -> None:
    """Upload, ask with boxes in pixels, wait, and show what was changed."""
    answer = fault_server.answer
    server = fault_server(
        answer({'url': 'http://h/i.png', 'signedUrl': 'http://h/i.png?s'}),
        answer({'token': 't-1'}),
        answer([ENGAGEMENT]),
    )
    done = spark(
        server, 'ask', str(photo), '--instructions', 'How many?', '--labels', 'crate, pallet',
        '--box', '50,25,100,75,crate, big', '--box', '1:150,50,100,100,pallet', '--wait',
    )  # fmt: skip
    # However long the machine took.
    assert done.code == 0 and re.fullmatch(r'asked: t-1\n\d+:\d\d  closed\n', done.err)
    upload, create, _ = server.received
    assert photo.read_bytes() in upload.body
    assert create.headers['authorization'] == f'Bearer {TOKEN}'
    body = json.loads(create.body)
    assert body['content_location'] == ['http://h/i.png?s']
    assert body['instructions'] == 'How many?'
    assert body['priors']['label_options'] == ['crate', 'pallet']
    first, second = body['priors']['annotations']
    assert (first['label'], second['label']) == ('crate, big', 'pallet')
    assert first['vertices'][0] == {'x': '0.25', 'y': '0.25'}
    assert first['vertices'][2] == {'x': '0.75', 'y': '0.9999999999999999'}
    assert second['vertices'][0] == {'x': '0.75', 'y': '0.5'}
    assert 'image_idx' not in first
    told = [line.split(maxsplit=1) for line in done.out.splitlines()]
    assert told[:2] == [['token', 't-1'], ['state', 'closed']]
    assert told[3][1].endswith(', after 7.0 s')
    assert told[4:7] == [
        ['answer', 'one crate,[2J not two'],
        ['flags', 'interesting'],
        ['shapes', '1 modified, 1 added, 1 removed'],
    ]
    assert done.out.splitlines()[7].split(None, 1)[1] == (
        'crate  x 0.250 to 0.750, y 0.500 to 1.000, was pallet  x 0.200 to 0.700, y 0.500 to 0.900'
    )
    assert told[10][0] == 'unreadable' and told[10][1].startswith('annotations[2].vertices')


def test_asking_about_two(fault_server: Any, photo: Path) -> None:
    """A URL goes as it is; a box says which image it is on; without --wait the token alone."""
    answer = fault_server.answer
    server = fault_server(answer({'url': 'http://h/i.png'}), answer({'token': 't-1'}))
    done = spark(
        server, 'ask', 'http://h/other.jpg', str(photo), '--program', 'p',
        '--box', '2:50,25,50,25,crate',
    )  # fmt: skip
    assert (done.code, done.out) == (0, 't-1\n')
    body = json.loads(server.received[1].body)
    assert body['content_location'] == ['http://h/other.jpg', 'http://h/i.png']
    assert body['priors']['annotations'][0]['image_idx'] == 1


def test_listing_as_json(fault_server: Any) -> None:
    """For programs: everything, one array."""
    server = fault_server(fault_server.answer([ENGAGEMENT]), fault_server.answer([]))
    done = spark(server, 'list', '--state', 'closed', '--json')
    (listed,) = json.loads(done.out)
    assert (done.code, listed['token'], listed['date_closed']) == (0, 't-1', 1714557607.0)
    assert listed['annotations'][0]['corrected']['type'] == 'bounding_box'
    assert 'state=closed' in server.received[0].target


def test_showing_where_only_jobs_are_shown(fault_server: Any) -> None:
    """The page itself has no engagement by token."""
    job = [{'token': 't-1', 'engagements': [{'state': 'open'}]}]
    server = fault_server(fault_server.answer(b'', 404), fault_server.answer(job))
    done = spark(server, 'show', 't-1')
    assert done.code == 0 and 'open' in done.out


@pytest.mark.parametrize(
    ('act', 'code'),
    [('401', 3), ('403', 3), ('404', 1), ('400', 1), ('301', 1)],
)
def test_exit_codes_of_refusals(fault_server: Any, act: str, code: int) -> None:
    """As --help says, with the service's words."""
    body = {'statusCode': int(act), 'message': f'because of {TOKEN}'}
    done = spark(fault_server(fault_server.answer(body, int(act))), 'show', 't-1')
    assert done.code == code and done.out == ''
    assert done.err.startswith('spark: ') and done.err.count('\n') == 1


def test_not_answered_in_time(fault_server: Any) -> None:
    """The question stays; how to look later is said."""
    answer = fault_server.answer
    server = fault_server(answer({'token': 't-1'}), answer([{'token': 't-1', 'state': 'open'}]))
    done = spark(
        server, 'ask', 'http://h/i.jpg', '--instructions', '?', '--wait', '--timeout', '0.1'
    )
    assert done.code == 5 and 'spark show t-1' in done.err


def test_a_service_without_deadlines_and_withdrawal(fault_server: Any) -> None:
    """It is asked all the same, and nothing is sent to it that it does not have."""
    answer = fault_server.answer
    server = fault_server(answer({'token': 't-1'}))
    done = spark(
        server, 'ask', 'http://h/i.jpg', '--instructions', '?', '--deadline', '5',
        '--priority', '3',
    )  # fmt: skip
    assert (done.code, done.out) == (0, 't-1\n')
    told = done.err.splitlines()
    assert len(told) == 2 and 'no --deadline' in told[0] and 'no --priority' in told[1]
    headers = server.received[0].headers
    assert (headers['spark-deadline'], headers['spark-priority']) == ('5.000', '3')
    server = fault_server(answer([{'token': 't-1', 'state': 'open'}]))
    done = spark(server, 'withdraw', 't-1')
    assert done.code == 1 and 'no call to withdraw' in done.err
    assert {each.method for each in server.received} == {'GET'}
    ended = {'token': 't-1', 'state': 'closed', 'flags': ['flagged', 'expired']}
    done = spark(fault_server(answer([ended])), 'show', 't-1')
    told = [line.split(None, 1) for line in done.out.splitlines()]
    assert told[:2] == [['token', 't-1'], ['state', 'flagged']]
    assert ['flags', 'expired'] in told
    said = {'id': 'r', 'status': 'flagged', 'cruncher_feedback': 'nobody answered in time'}
    done = spark(fault_server(answer(said)), 'show', 'r', '--api', 'heat')
    assert done.out.splitlines()[1].split() == ['state', 'flagged']


def test_a_service_that_only_has_the_pages_calls(fault_server: Any, photo: Path) -> None:
    """Heat's page has neither a list nor a place for images: one line says what to do instead."""
    refused = fault_server.answer({'statusCode': 404, 'message': 'no such page'}, 404)
    done = spark(fault_server(refused), 'list', '--api', 'heat')
    assert done.code == 1 and 'name a TOKEN' in done.err and done.err.count('\n') == 1
    done = spark(
        fault_server(refused), 'ask', str(photo), '--api', 'heat', '--instructions', '?'
    )
    assert done.code == 1 and 'give the URL of the image' in done.err
    assert done.err.count('\n') == 1


@pytest.mark.parametrize('api', ['spark', 'heat'])
@pytest.mark.parametrize(
    'body', [b'<html>busy</html>', b'[' * 100_000, b'5'], ids=['html', 'nested', 'number']
)
@pytest.mark.slow('waits for retries')
def test_garbage(fault_server: Any, api: str, body: bytes) -> None:
    """One line and exit 1."""
    done = spark(fault_server(fault_server.answer(body)), 'show', 't-1', '--api', api)
    assert done.code == 1 and done.out == '' and done.err.count('\n') == 1


def test_nothing_to_show(fault_server: Any) -> None:
    """A token without engagements is no success."""
    done = spark(fault_server(fault_server.answer([])), 'show', 't-1')
    assert done.code == 1 and done.out == '' and done.err.count('\n') == 1


def test_nested_deeply(fault_server: Any) -> None:
    """What can be read but not shown is one line too, or is shown."""
    deep = json.loads('[' * 600 + ']' * 600)
    server = fault_server(fault_server.answer([{**ENGAGEMENT, 'more': deep}]))
    done = spark(server, 'show', 't-1', '--json')
    assert done.code in (0, 1) and done.err.count('\n') <= 1


def test_numbers_that_json_has_not(fault_server: Any) -> None:
    """They become null: the output is JSON for every reader."""
    body = b'{"id": "r-1", "status": "complete", "type": "rating", "response": NaN, "a": [1e999]}'
    done = spark(fault_server(fault_server.answer(body)), 'show', 'r-1', '--api', 'heat', '--json')

    def refuse(name: str) -> None:
        raise AssertionError(name)

    (shown,) = json.loads(done.out, parse_constant=refuse)
    assert (shown['response'], shown['extra']) == (None, {'a': [None]})


def test_marks_of_any_kind(fault_server: Any) -> None:
    """What is no place on a picture is named, and nothing of it steers the terminal."""
    marks = [
        {'x': 1, 'y': 2, 'x2': 30, 'y2': 40, 'response': ['cr\x1b[2Jate']},
        {'x': 5, 'y': 6, 'response': 7, 'attachment_index': 1},
        {'start': 0, 'end': 3},
        {'x': 'NaN', 'y': 1},
        '\x1b]0;title\x07',
    ]
    body = {'id': 'r-1', 'status': 'complete', 'response': marks}
    done = spark(fault_server(fault_server.answer(body)), 'show', 'r-1', '--api', 'heat')
    assert 'marked     cr[2Jate  x 1 to 30, y 2 to 40 px' in done.out
    assert 'image 2: marked     7  x 5, y 6 px' in done.out
    assert done.out.count('unreadable') == 3
    assert not {char for char in done.out if ord(char) < 32} - {'\n'}


def test_the_help_documents_the_exit_codes() -> None:
    """And no option takes the token itself."""
    text = parser().format_help()
    for code in (*range(6), 130):
        assert f'\n  {code}  ' in text
    assert '--token ' not in text


def test_watching_fetches_again_what_could_not_be_fetched(
    fault_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waited for a change that had come already."""
    once = partial(SparkClient, retry=RetryPolicy.none())
    monkeypatch.setattr('spark_ros.cli.spark_services.SparkClient', once)
    answer = fault_server.answer
    feed = answer({'cursor': '1', 'changes': [], 'more': False})
    acts = (feed, answer(b'down', 503), feed, answer([ENGAGEMENT]), answer({}, 404))
    done = spark(fault_server(*acts), 'watch', 't-1')
    assert (done.code, done.out.count('closed')) == (0, 1)
    assert done.err.splitlines()[1:] == ['spark: the service is back']


def test_waiting_fetches_while_the_feed_is_interrupted(
    fault_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer is there, whatever becomes of the feed."""
    once = partial(SparkClient, retry=RetryPolicy.none())
    monkeypatch.setattr('spark_ros.cli.spark_services.SparkClient', once)
    answer = fault_server.answer
    asked, waits = answer({'token': 't-1'}), answer([{'token': 't-1', 'state': 'open'}])
    acts = (asked, waits, answer(b'down', 503), answer([ENGAGEMENT]), answer({}, 404))
    done = spark(fault_server(*acts), 'ask', *ASK[1:], '--wait')
    assert done.code == 0 and 'closed' in done.out and done.err.count('trying again') == 1


class LosesACancellation:
    """A service whose calls lose a cancellation, as `asyncio.wait_for` does up to Python 3.11."""

    async def fetch(self, token: str) -> list[Any]:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return []

    def change_feed(self, robot_id: str | None) -> ChangeFeedListener[Any]:
        async def changes(cursor: str | None) -> Any:
            await asyncio.Event().wait()

        return ChangeFeedListener(changes)


def test_the_wait_ends_in_time_whatever_becomes_of_a_cancellation() -> None:
    """It did not, once in many runs: an answer came in the very moment of the timeout."""
    service: Any = LosesACancellation()
    progress = Progress(io.StringIO())

    async def waits() -> None:
        await asyncio.wait_for(asyncio.shield(wait(service, 't-1', 0.05, progress)), 10.0)

    with pytest.raises(Timeout, match='spark show t-1'):
        asyncio.run(waits())
