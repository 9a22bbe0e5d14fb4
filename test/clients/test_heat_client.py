# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What the Heat client sends, and what it makes of answers (the API's page); on real sockets."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from spark_ros.clients import (
    HeatClient,
    NotFoundError,
    ProtocolError,
    RefusedError,
    RetryPolicy,
)
from spark_ros.wire.heat import (
    TYPES,
    Choices,
    HeatObject,
    HeatRequest,
    Prompt,
    Scale,
    parse_heat_request,
)
from spark_ros.wire.values import WireError

PAGE = (Path(__file__).parents[1] / 'wire' / 'data' / 'heat_page.txt').read_text()
ID = '44647b6f-b033-4788-9ee2-9d7aa5cb0158'
PENDING = {'id': ID, 'status': 'pending'}
COMPLETE = {'id': ID, 'status': 'complete', 'response': '42'}
URL = 'http://images.example/frame.jpg'
IMAGE = {'attachments_type': 'image', 'attachments': [URL]}
Call = Callable[[HeatClient], Awaitable[Any]]


def ask(server: Any, call: Call, **options: Any) -> Any:
    """Make one call against a server, without repetitions; return its result or raise."""

    async def run() -> Any:
        options.setdefault('retry', RetryPolicy.none())
        async with server, HeatClient(server.url, 'test_key', **options) as client:
            return await asyncio.wait_for(call(client), 30)

    return asyncio.run(run())


def convenience(type: str) -> str:
    """The method of a type."""
    return type.replace('-', '_')


def page_requests() -> list[tuple[str, Any]]:
    """The page's example requests."""
    found = re.finditer(r'^POST /v1/requests/(.*)\n\n', PAGE, re.MULTILINE)
    return [(m[1], json.JSONDecoder().raw_decode(PAGE, m.end())[0]) for m in found]


@pytest.mark.parametrize(('type', 'example'), page_requests())
def test_the_pages_examples(fault_server: Any, type: str, example: Any) -> None:
    """Asked with the type's method they arrive as the page has them, defaults written out."""
    inner = dict(example.get('per_annotation', {}))
    arguments = dict(example)
    if inner:
        arguments |= {'per_annotation': inner.pop('instruction'), **inner}
    server = fault_server(fault_server.answer(COMPLETE))
    found = ask(server, lambda client: getattr(client, convenience(type))(**arguments))
    assert found == HeatObject(ID, 'complete', response='42')
    received = server.received[0]
    assert (received.method, received.target) == ('POST', f'/v1/requests/{type}')
    sent = parse_heat_request(type, json.loads(received.body))
    assert replace(sent, raw=example) == parse_heat_request(type, example)


COMMON = {'hook_url': 'http://hook.example/', 'exclude_crunchers': ['c-1', 'c-2']}
MARKS = {**IMAGE, 'annotations_type': 'rectangle', 'min_annotations': 0, 'max_annotations': 5}
CHOICE = {'choices_type': 'image', 'choices': [URL, URL + '?2'], 'min_answers': 0,
          'max_answers': 2}  # fmt: skip
RATING = {'rating_min': -1, 'rating_max': 1, 'rating_step': 0.1, 'label_min': 'a',
          'label_max': 'b'}  # fmt: skip
EVERYTHING: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ('multiple-choice', IMAGE | CHOICE, {}),
    ('free-text', {**IMAGE, 'validation': 'url'}, {}),
    ('rating', IMAGE | RATING, {}),
    ('image', IMAGE, {}),
    ('video', IMAGE, {}),
    ('audio', IMAGE, {}),
    ('annotations', MARKS, {}),
    ('annotations-with-multiple-choice', MARKS, CHOICE),
    ('annotations-with-free-text', MARKS, {'validation': 'number'}),
    ('annotations-with-rating', MARKS, RATING),
]


@pytest.mark.parametrize(('type', 'fields', 'inner'), EVERYTHING)
def test_every_parameter(
    fault_server: Any, type: str, fields: dict[str, Any], inner: dict[str, Any]
) -> None:
    """Nothing is lost on the way, and the method takes what this test gives and no more."""
    call = {'instruction': 'Schau. ✓', **fields, **COMMON}
    wanted = dict(call)
    if type.startswith('annotations-with'):
        call |= {'per_annotation': 'And this?', **inner}
        wanted['per_annotation'] = {'instruction': 'And this?', **inner}
    server = fault_server(fault_server.answer(PENDING))
    method = convenience(type)
    beside = {'block_s': 30, 'idempotency_key': 'k-1', 'deadline_s': 2.5, 'priority': 255}
    ask(
        server,
        lambda client: getattr(client, method)(**call, **beside),
    )
    received = server.received[0]
    assert json.loads(received.body) == wanted
    assert received.target == f'/v1/requests/{type}?block=30'
    assert received.headers['idempotency-key'] == 'k-1'
    assert received.headers['spark-deadline'] == '2.500'
    assert received.headers['spark-priority'] == '255'
    parameters = inspect.signature(getattr(HeatClient, method)).parameters
    assert set(parameters) == {'self', *call, *beside}
    assert {p.kind for n, p in parameters.items() if n != 'self'} == {
        inspect.Parameter.KEYWORD_ONLY
    }


def test_there_is_a_method_for_every_type() -> None:
    """So that none is left out above."""
    assert {type for type, _, _ in EVERYTHING} == set(TYPES)


def test_what_every_post_carries(fault_server: Any) -> None:
    """The key in the page's header alone, JSON, and an idempotency key of its own."""
    server = fault_server(fault_server.answer(PENDING))

    async def calls(client: HeatClient) -> None:
        await client.image(instruction='A picture of a birthday cake')
        await client.image(instruction='A picture of a birthday cake')

    ask(server, calls)
    for received in server.received:
        assert received.headers['x-heat-api-key'] == 'test_key'
        assert 'authorization' not in received.headers
        assert received.headers['content-type'] == 'application/json'
        assert received.target == '/v1/requests/image'
        assert received.body == b'{"instruction":"A picture of a birthday cake"}'
    assert len({received.headers['idempotency-key'] for received in server.received}) == 2


@pytest.mark.parametrize('status', ['pending', 'complete', 'flagged', 'aborted'])
def test_every_status_is_typed(fault_server: Any, status: str) -> None:
    """And what is not on the page is kept."""
    body = {
        'id': ID, 'status': status, 'type': 'free-text', 'cruncher_feedback': 'too dark',
        'crunchers': ['c-1'], 'instruction': 'Look.', 'new': {'field': 1},
    }  # fmt: skip
    found = ask(
        fault_server(fault_server.answer(body)), lambda client: client.get_request(ID)
    )
    assert found == HeatObject(
        ID, status, 'free-text', None, 'too dark', ('c-1',),
        {'instruction': 'Look.', 'new': {'field': 1}},
    )  # fmt: skip
    assert found.pending == (status == 'pending')


@pytest.mark.parametrize(
    ('block_s', 'query'),
    [(0, ''), (1, '?block=1'), (30.0, '?block=30'), (0.5, '?block=0.5'), (60, '?block=60')],
)
def test_block(fault_server: Any, block_s: float, query: str) -> None:
    """In seconds, and left out where nothing is to be waited for."""
    server = fault_server(fault_server.answer(PENDING))

    async def calls(client: HeatClient) -> None:
        await client.get_request(ID, block_s=block_s)
        await client.free_text(instruction='Look.', block_s=block_s)

    ask(server, calls)
    assert [received.target for received in server.received] == [
        f'/v1/requests/{ID}{query}', f'/v1/requests/free-text{query}',
    ]  # fmt: skip
    assert 'idempotency-key' not in server.received[0].headers


REQUEST = HeatRequest('rating', Prompt('rating', 'How many?', scale=Scale(0, 10)))
CHOOSE = Prompt('multiple-choice', 'Which?', choices=Choices(('a', 'b')))


@pytest.mark.parametrize(
    ('call', 'words'),
    [
        (lambda c: c.get_request(ID, block_s=-1), 'block_s is -1'),
        (lambda c: c.get_request(ID, block_s=61), '0 to 60'),
        (lambda c: c.get_request(ID, block_s=float('nan')), 'block_s'),
        (lambda c: c.request(REQUEST, block_s=60.1), 'block_s'),
        (lambda c: c.request(REQUEST, idempotency_key='a b'), 'idempotency key'),
        (lambda c: c.request(REQUEST, idempotency_key=''), 'idempotency key'),
        (lambda c: c.abort(ID, idempotency_key='x' * 256), 'idempotency key'),
        (lambda c: c.get_request(''), 'not a valid request id'),
        (lambda c: c.get_request('..'), 'not a valid request id'),
        (lambda c: c.abort('.'), 'not a valid request id'),
        (lambda c: c.wait(ID, block_s=61), 'block_s'),
        (lambda c: c.wait(ID, timeout_s=-1), 'timeout_s'),
        (lambda c: c.wait(ID, timeout_s=float('nan')), 'timeout_s'),
        (lambda c: c.wait(ID, first_delay_s=0), 'first_delay_s'),
        (lambda c: c.wait(ID, max_delay_s=0), 'max_delay_s'),
        (lambda c: c.free_text(instruction=' '), 'instruction is empty'),
        (lambda c: c.multiple_choice(instruction='?', choices=[]), 'choices is missing'),
        (lambda c: c.multiple_choice(instruction='?', choices=['a', 'a']), 'twice'),
        (lambda c: c.rating(instruction='?', rating_step=float('nan')), 'finite'),
        (lambda c: c.annotations(instruction='?', attachments=[]), 'attachments is missing'),
        (lambda c: c.free_text(instruction='?', hook_url='h'), 'hook_url'),
        (lambda c: c.free_text(instruction='?', attachments=['a\ud800']), 'not text'),
        (lambda c: c.request(replace(REQUEST, type='stars')), 'request type'),
        (lambda c: c.request(replace(REQUEST, type='free-text')), 'has no rating_max, rating_m'),
        (lambda c: c.request(replace(REQUEST, type='image')), 'has no rating_max'),
        (lambda c: c.request(replace(REQUEST, per_annotation=CHOOSE)), 'has no per_annotation'),
        (lambda c: c.request(HeatRequest('rating', Prompt('free-text', '?'))), 'asks'),
        (
            lambda c: c.request(
                HeatRequest(
                    'annotations-with-rating', Prompt('annotations', '?'), 'image', (URL,),
                    per_annotation=CHOOSE,
                )
            ),
            'asks',
        ),
        (
            lambda c: c.request(
                HeatRequest('annotations', Prompt('annotations', '?', CHOOSE.choices), 'image',
                            (URL,))
            ),
            'has no choices',
        ),
    ],
)  # fmt: skip
def test_what_is_refused_before_it_is_sent(fault_server: Any, call: Call, words: str) -> None:
    """As a ValueError that says what was wrong."""
    server = fault_server(fault_server.answer(PENDING))
    with pytest.raises(ValueError, match=words):
        ask(server, call)
    assert not server.received


def test_a_request_that_breaks_the_pages_rules_is_a_wire_error(fault_server: Any) -> None:
    """The same that a service makes of it."""
    with pytest.raises(WireError):
        ask(fault_server(fault_server.close), lambda c: c.rating(instruction='?', rating_max=0))


def test_a_request_is_sent_without_what_it_once_was(fault_server: Any) -> None:
    """`raw` stays at home, and so does the white space around the instruction."""
    server = fault_server(fault_server.answer(PENDING))
    prompt = replace(REQUEST.prompt, instruction=' How many? ')
    ask(server, lambda c: c.request(replace(REQUEST, prompt=prompt, raw={'instruction': 'old'})))
    assert json.loads(server.received[0].body) == {
        'instruction': 'How many?', 'rating_min': 0, 'rating_max': 10, 'rating_step': 1,
    }  # fmt: skip


def test_an_id_stays_one_part_of_the_path(fault_server: Any) -> None:
    """Whatever is in it."""
    odd = 'a/../b?c=d#e f'
    server = fault_server(fault_server.answer({'id': odd, 'status': 'pending'}))
    assert ask(server, lambda client: client.get_request(odd)).id == odd
    assert server.received[0].target == '/v1/requests/a%2F..%2Fb%3Fc%3Dd%23e%20f'


def test_the_answer_to_another_request(fault_server: Any) -> None:
    """Is none."""
    server = fault_server(fault_server.answer(COMPLETE))
    with pytest.raises(ProtocolError, match='instead of'):
        ask(server, lambda client: client.get_request('another'))


def test_no_such_request(fault_server: Any) -> None:
    """404, with the service's words."""
    act = fault_server.answer({'statusCode': 404, 'message': 'no such request'}, 404)
    with pytest.raises(NotFoundError, match='no such request'):
        ask(fault_server(act), lambda client: client.get_request(ID))


def test_the_pages_status_for_pending(fault_server: Any) -> None:
    """449: what a service by the page's list of errors may answer instead of 200."""
    act = fault_server.answer({'statusCode': 449, 'message': 'try again later'}, 449)
    found = ask(fault_server(act), lambda client: client.get_request(ID))
    assert found == HeatObject(ID, 'pending')


@pytest.mark.parametrize('success', [True, False])
def test_abort(fault_server: Any, success: bool) -> None:
    """A POST without a body, with an idempotency key."""
    server = fault_server(fault_server.answer({'success': success}))
    assert ask(server, lambda client: client.abort(ID)) is success
    received = server.received[0]
    assert (received.method, received.target) == ('POST', f'/v1/tasks/abort/{ID}')
    assert received.body == b'' and received.headers['idempotency-key']


def test_too_late_to_abort(fault_server: Any) -> None:
    """Refused, in the service's words."""
    act = fault_server.answer({'statusCode': 400, 'message': 'it is complete'}, 400)
    with pytest.raises(RefusedError, match='it is complete'):
        ask(fault_server(act), lambda client: client.abort(ID))
