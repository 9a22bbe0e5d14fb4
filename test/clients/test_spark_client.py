# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What the SparkAI client sends, and what it makes of answers (the API's page)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from email.parser import BytesParser
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from spark_ros.clients import (
    NotFoundError,
    ProtocolError,
    RetryPolicy,
    SparkClient,
    UnsupportedError,
    UploadedImage,
)
from spark_ros.geometry import Box, GeometryError, Vertex
from spark_ros.model import Annotation, AnnotationType, box_annotation

URL = 'http://images.example/frame.jpg'


class Service:
    """Answers in process as it is told, by method and path, and keeps the requests."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.get(f'{request.method} {request.url.path}')
        if callable(answer):
            answer = answer(request)
        if isinstance(answer, httpx.Response):
            return answer
        if answer is None:
            return httpx.Response(404, json={'statusCode': 404, 'message': 'not here'})
        return httpx.Response(200, json=answer)

    def ask(self, call: Callable[[SparkClient], Awaitable[Any]], url: str = 'http://h') -> Any:
        """Make one call against it."""

        async def run() -> Any:
            transport = httpx.MockTransport(self)
            retry = RetryPolicy.none()
            async with SparkClient(url, 'sesame', transport=transport, retry=retry) as client:
                return await call(client)

        return asyncio.run(run())

    @property
    def body(self) -> Any:
        """The JSON of the last request."""
        return json.loads(self.requests[-1].content)


def creating() -> Service:
    """A service that takes every question."""
    return Service({'POST /v1/engagement': {'token': 't-1', 'new': 'field'}})


@pytest.mark.parametrize(
    ('base', 'path'),
    [
        ('http://h', '/v1/engagement'),
        ('http://h/', '/v1/engagement'),
        (' http://h:8080// ', '/v1/engagement'),
        ('http://h/some/prefix', '/some/prefix/v1/engagement'),
        ('http://h/some/prefix/', '/some/prefix/v1/engagement'),
    ],
)
def test_base_urls(base: str, path: str) -> None:
    """With or without a trailing slash or a path before /v1."""
    service = Service({f'GET {path}': []})
    assert service.ask(lambda client: client.list_engagements(), base) == []


@pytest.mark.parametrize(
    'base',
    [
        '', 'h', 'ftp://h', 'http://', 'https:///v1', 'http://h:0', 'http://h:99999', 'http://[',
        'http://h?x=1', 'http://h#x', 'http://h h',
    ],
)  # fmt: skip
def test_base_urls_that_are_none(base: str) -> None:
    """Refused before anything is sent."""
    with pytest.raises(ValueError, match='base URL'):
        SparkClient(base, 'sesame')


def test_a_whole_question() -> None:
    """Locations as an array, vertices as decimal strings, and nothing that was not given."""
    service = creating()
    priors = [
        box_annotation('crate', Box(0.125, 1e-7, 1.0, 1.0), id='d1', score=0.4),
        Annotation('', AnnotationType.DOT, (Vertex(0.5, 2.0),), image_index=0),
    ]
    token = service.ask(
        lambda client: client.create_engagement(
            URL,
            program_name='patrol',
            instructions='Is the path frei? ✓',
            webhook_url='http://robot/hook',
            metadata={'robot': 7},
            label_options=['crate', 'pallet'],
            annotations=priors,
        )
    )
    assert token == 't-1'
    below_one = '0.9999999999999999'
    assert service.body == {
        'content_location': [URL],
        'program_name': 'patrol',
        'instructions': 'Is the path frei? ✓',
        'webhook_url': 'http://robot/hook',
        'metadata': {'robot': 7},
        'priors': {
            'label_options': ['crate', 'pallet'],
            'annotations': [
                {
                    'label': 'crate',
                    'type': 'bounding_box',
                    'vertices': [
                        {'x': '0.125', 'y': '0.0000001'},
                        {'x': below_one, 'y': '0.0000001'},
                        {'x': below_one, 'y': below_one},
                        {'x': '0.125', 'y': below_one},
                    ],
                    'metadata': {'id': 'd1', 'score': 0.4},
                },
                {
                    'label': '',
                    'type': 'dot',
                    'vertices': [{'x': '0.5', 'y': below_one}],
                    'image_idx': 0,
                },
            ],
        },
    }
    headers = service.requests[-1].headers
    assert headers['authorization'] == 'Bearer sesame'
    assert headers['content-type'] == 'application/json'


def test_a_small_question() -> None:
    """Several images, and only the instructions."""
    service = creating()
    service.ask(lambda client: client.create_engagement([URL, URL + '?2'], instructions='?'))
    assert service.body == {'content_location': [URL, URL + '?2'], 'instructions': '?'}


@pytest.mark.parametrize(
    'arguments',
    [
        {'content_location': []},
        {'content_location': 'frame.jpg'},
        {'content_location': [URL, 'ftp://h/x']},
        {'content_location': URL, 'metadata': {'x': float('nan')}},
        {'content_location': URL, 'instructions': 'half a pair: \ud800'},
        {'content_location': URL, 'idempotency_key': ''},
        {'content_location': URL, 'idempotency_key': 'a b'},
        {'content_location': URL, 'idempotency_key': 'x\r\nEvil: 1'},
        {'content_location': URL, 'idempotency_key': 'x' * 256},
    ],
)
def test_a_wrong_question_is_not_sent(arguments: dict[str, Any]) -> None:
    """A ValueError means that nothing has left."""
    service = creating()
    with pytest.raises(ValueError):
        service.ask(lambda client: client.create_engagement(**arguments))
    assert not service.requests


def test_a_vertex_that_is_no_number_is_not_sent() -> None:
    """NaN has no place in JSON, nor in an image."""
    service = creating()
    dot = Annotation('x', AnnotationType.DOT, (Vertex(float('nan'), 0.5),))
    with pytest.raises(GeometryError):
        service.ask(lambda client: client.create_engagement(URL, annotations=[dot]))
    assert not service.requests


def form_of(request: httpx.Request) -> dict[str, tuple[str | None, str, bytes]]:
    """The parts of a multipart body by name: file name, content type, content."""
    head = f'Content-Type: {request.headers["content-type"]}\r\n\r\n'.encode()
    parts: Any = BytesParser().parsebytes(head + request.content).get_payload()
    return {
        str(part.get_param('name', header='content-disposition')): (
            part.get_filename(),
            part.get_content_type(),
            part.get_payload(decode=True),
        )
        for part in parts
    }


def test_uploading(tmp_path: Path) -> None:
    """Bytes or a file, with or without a tag; the part is called image_file."""
    service = Service({'POST /v1/image': {'url': URL, 'signedUrl': URL + '?sig=1', 'expires': 60}})
    uploaded = service.ask(lambda client: client.upload_image(b'\x89PNG\r\n--', tag='front ä'))
    assert uploaded == UploadedImage(URL, URL + '?sig=1', {'expires': 60})
    assert uploaded.location == URL + '?sig=1'
    assert form_of(service.requests[-1]) == {
        'tag': (None, 'text/plain', 'front ä'.encode()),
        'image_file': ('frame.jpg', 'image/jpeg', b'\x89PNG\r\n--'),
    }
    file = tmp_path / 'left.png'
    file.write_bytes(b'pixels')
    for path in (file, str(file)):
        service.ask(partial(SparkClient.upload_image, image=path))
        form = form_of(service.requests[-1])
        assert form == {'image_file': ('left.png', 'image/png', b'pixels')}
    service.ask(lambda client: client.upload_image(file, filename='a"b\r\n.jpg'))
    assert b'\r\n.jpg' not in service.requests[-1].content


def test_an_upload_repeated_by_another_process_is_the_same() -> None:
    """The same key goes with the same bytes, or a service that compares them refuses."""
    services = [Service({'POST /v1/image': {'url': URL}}) for _ in range(2)]
    for service in services:
        service.ask(lambda client: client.upload_image(b'pixels', idempotency_key='k'))
    first, second = (service.requests[-1] for service in services)
    assert first.content == second.content
    assert first.headers['content-type'] == second.headers['content-type']


@pytest.mark.parametrize(
    ('answer', 'location'),
    [
        ({'url': URL}, URL),
        ({'signedUrl': URL + '?s'}, URL + '?s'),
        ({'url': URL, 'signedUrl': None}, URL),
    ],
)
def test_an_upload_without_one_of_the_urls(answer: dict[str, Any], location: str) -> None:
    """The page requires neither."""
    service = Service({'POST /v1/image': answer})
    assert service.ask(lambda client: client.upload_image(b'x')).location == location


@pytest.mark.parametrize('answer', [{}, [], {'url': 5}, {'url': 'file:///etc/passwd'}])
def test_an_upload_without_any_url(answer: Any) -> None:
    """Then there is nothing to ask about."""
    with pytest.raises(ProtocolError):
        Service({'POST /v1/image': answer}).ask(lambda client: client.upload_image(b'x'))


def test_what_cannot_be_uploaded(tmp_path: Path) -> None:
    """An empty image, or no file."""
    service = Service({})
    with pytest.raises(ValueError, match='empty'):
        service.ask(lambda client: client.upload_image(b''))
    with pytest.raises(FileNotFoundError):
        service.ask(lambda client: client.upload_image(tmp_path / 'none.jpg'))
    assert not service.requests


def query(request: httpx.Request) -> dict[str, list[str]]:
    """The query of a request."""
    return parse_qs(urlsplit(str(request.url)).query)


def test_listing() -> None:
    """Unknown fields are kept, missing ones tolerated, and each element keeps its place."""
    page = [{'token': 'a', 'state': 'closed', 'mood': 'good'}, 7, {}]
    service = Service({'GET /v1/engagement': page})
    found = service.ask(lambda c: c.list_engagements(limit=3, cursor=120, state='closed'))
    assert query(service.requests[-1]) == {
        'limit': ['3'],
        'cursor': ['120'],
        'state': ['closed'],
    }
    assert (found[0].token, found[0].extra) == ('a', {'mood': 'good'})
    assert found[1].problems and not found[2].problems


@pytest.mark.parametrize(
    'arguments', [{'limit': 0}, {'limit': 51}, {'cursor': -1}, {'state': 'broken'}]
)
def test_a_wrong_page_is_not_asked_for(arguments: dict[str, Any]) -> None:
    """The page's own bounds."""
    service = Service({'GET /v1/engagement': []})
    with pytest.raises(ValueError):
        service.ask(lambda client: client.list_engagements(**arguments))
    assert not service.requests


def paging(total: int, at_most: int = 50, links: bool = False) -> Service:
    """A service with so many engagements that gives so many at a time."""

    def page(request: httpx.Request) -> httpx.Response:
        given = query(request)
        start = int(given['cursor'][0])
        end = min(start + min(int(given['limit'][0]), at_most), total)
        headers = (
            {'Link': f'<http://h/?cursor={end}>; rel="next"'} if links and end < total else {}
        )
        return httpx.Response(
            200, json=[{'token': str(n)} for n in range(start, end)], headers=headers
        )

    return Service({'GET /v1/engagement': page})


async def tokens_of(client: SparkClient, **options: Any) -> list[str]:
    """All tokens, through the iterator."""
    return [engagement.token async for engagement in client.iter_engagements(**options)]


@pytest.mark.parametrize('links', [True, False])
@pytest.mark.parametrize('at_most', [50, 10, 7])
@pytest.mark.parametrize('total', [0, 1, 50, 100, 120])
def test_all_pages(total: int, at_most: int, links: bool) -> None:
    """Each engagement once, however many a service gives at a time."""
    service = paging(total, at_most, links)
    assert service.ask(tokens_of) == [str(n) for n in range(total)]


def test_where_links_tell_the_end() -> None:
    """120 in pages of 50 are three requests."""
    service = paging(120, links=True)
    assert len(service.ask(lambda client: tokens_of(client, cursor=5))) == 115
    assert len(service.requests) == 3


def test_a_service_that_ignores_the_cursor() -> None:
    """Noticed, instead of going round for ever."""
    few = [{'token': str(n)} for n in range(3)]
    assert Service({'GET /v1/engagement': few}).ask(tokens_of) == ['0', '1', '2']
    many = [{'token': str(n)} for n in range(50)]
    with pytest.raises(ProtocolError, match='cursor'):
        Service({'GET /v1/engagement': many}).ask(tokens_of)


def test_counting() -> None:
    """Where a service counts; where it lists instead, that is said."""
    service = Service({'GET /v1/engagement': {'count': 120}})
    assert service.ask(lambda client: client.count_engagements(state='open')) == 120
    assert query(service.requests[-1])['count'] == ['true']
    with pytest.raises(UnsupportedError):
        Service({'GET /v1/engagement': []}).ask(lambda client: client.count_engagements())
    with pytest.raises(ProtocolError):
        Service({'GET /v1/engagement': {}}).ask(lambda client: client.count_engagements())


def test_a_job() -> None:
    """An array as the page says, or the object alone."""
    job = {'token': 't', 'state': 'open', 'engagements': [{'state': 'open', 'flags': ['x']}]}
    for answer in ([job], job, [{'token': 'other'}, job]):
        service = Service({'GET /v1/job/t': answer})
        found = service.ask(lambda client: client.get_job('t', limit=5, cursor=0, state='open'))
        assert (found.token, found.engagements[0].flags) == ('t', ('x',))
    for wrong in ([], [{'token': 'other'}], 5):
        with pytest.raises(ProtocolError):
            Service({'GET /v1/job/t': wrong}).ask(lambda client: client.get_job('t'))
    filtered = Service({'GET /v1/job/t': []}).ask(lambda client: client.get_job('t', state='open'))
    assert filtered.engagements == ()


def test_an_engagement_by_token() -> None:
    """Where a service has the call: known, unknown; and a service that does not have it."""
    job = [{'token': 't', 'engagements': []}]
    service = Service({'GET /v1/engagement/t': [{'token': 't'}], 'GET /v1/job/t': job})
    assert [e.token for e in service.ask(lambda client: client.get_engagement('t'))] == ['t']
    assert len(service.requests) == 1
    with pytest.raises(NotFoundError, match='not here'):
        service.ask(lambda client: client.get_engagement('other'))
    with pytest.raises(UnsupportedError):
        Service({'GET /v1/job/t': job}).ask(lambda client: client.get_engagement('t'))
    refusing = Service({'GET /v1/engagement/t': httpx.Response(405)})
    with pytest.raises(UnsupportedError):
        refusing.ask(lambda client: client.get_engagement('t'))


def test_a_strange_token_stays_in_its_place() -> None:
    """A token is one part of the path, whatever it holds."""
    service = Service({})
    with pytest.raises(NotFoundError):
        service.ask(lambda client: client.get_job('../image?x=1#y'))
    assert service.requests[-1].url.raw_path == b'/v1/job/..%2Fimage%3Fx%3D1%23y'
    for token in ('', '.', '..'):
        with pytest.raises(ValueError):
            service.ask(partial(SparkClient.get_job, token=token))
    assert len(service.requests) == 1
