# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What questions name on other hosts is fetched by the service, for operators and nobody else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from file_host import FileHost, Said
from heat_harness import ask, asker
from service_harness import (
    DEADLINE_S,
    Caller,
    InProcess,
    picture,
)
from sqlalchemy import Connection, func, select

from spark_ros.service.heat.staging import media
from spark_ros.service.spark import programs
from spark_ros.service.storage.schema import fetches

LOOPBACK = ('127.0.0.0/8',)
FILES = {
    '/a.jpg': Said(picture(shade=1)),
    '/b.png': Said(picture(form='PNG')),
    '/a.mp4': Said(media('video')),
    '/a.wav': Said(media('audio')),
    '/page': Said(b'<!doctype html><script>alert(1)</script>', 200, {'Content-Type': 'image/png'}),
    '/basic': Said(b'', 401, {'WWW-Authenticate': 'Basic realm="x"'}),
    '/moved': Said(b'', 302, {'Location': '/a.jpg'}),
    '/cookie.jpg': Said(picture(shade=2), 200, {'Set-Cookie': 'spark_session=stolen; Path=/'}),
    '/large': Said(bytes(60_000)),
    '/zip': Said(picture(), 200, {'Content-Encoding': 'gzip'}),
    '/broken.jpg': Said(picture()[:200]),
    '/away': Said(b'', 503),
    '/hang': Said(None),
}


@pytest.fixture
def host() -> Iterator[FileHost]:
    with FileHost(FILES) as made:
        yield made


@pytest.fixture
def service(make_service: Callable[..., InProcess]) -> InProcess:
    return make_service(fetch_nets=LOOPBACK, image_limit=50_000)


def first(operator: Caller) -> Any:
    """Return the picture of the oldest question, once there is news of its fetch."""
    return settled(operator, lambda: operator.get('/console/api/queue').json()['questions'][0])[
        'image'
    ]


def settled(
    operator: Caller, look: Callable[[], dict[str, Any]], state: str = 'waiting'
) -> dict[str, Any]:
    """Look until nothing is in a state any more, woken by the service."""

    async def wait() -> dict[str, Any]:
        with operator.service.context.bus.subscribe() as changes:
            while f'"state": "{state}"' in json.dumps(seen := await asyncio.to_thread(look)):
                await asyncio.wait_for(changes.next(), DEADLINE_S)
            return seen

    return operator.service.do(wait())


def test_a_picture_elsewhere_is_shown_from_here(service: InProcess, host: FileHost) -> None:
    robot, operator = service.tenant(), service.operator()
    url = host.url('/a.jpg?of=today#top')
    host.answers['/a.jpg?of=today'] = FILES['/a.jpg']
    token = robot.ask(content_location=url)
    seen = first(operator)
    assert seen.pop('url').startswith('/v1/image/')
    assert seen == {'source': url, 'state': 'done', 'error': None}
    shown = operator.get(first(operator)['url'])
    assert (shown.content, shown.headers['content-type']) == (picture(shade=1), 'image/jpeg')
    [got] = host.received
    assert (got.method, got.path) == ('GET', '/a.jpg?of=today')
    assert not {'authorization', 'cookie', 'referer'} & set(got.headers)
    assert robot.engagement(token)['image_location'] == url


def test_all_that_a_question_shows_is_fetched(service: InProcess, host: FileHost) -> None:
    robot, operator = asker(service), service.operator()
    own = robot.upload(picture(shade=9))['url']
    ask(
        robot, 'annotations-with-multiple-choice', attachments_type='video',
        attachments=[host.url('/a.mp4'), 'https://www.youtube.com/embed/R0'],
        per_annotation={
            'instruction': 'Which?', 'choices_type': 'image',
            'choices': [host.url('/a.jpg'), host.url('/b.png'), own],
        },
    )  # fmt: skip
    ask(robot, 'multiple-choice', attachments_type='website', attachments=[host.url('/page')],
        choices_type='audio', choices=[host.url('/a.wav')])
    [one, two] = [
        settled(operator, lambda id=id: operator.get(f'/console/api/questions/{id}').json())
        for id in (1, 2)
    ]
    states = [each['state'] for each in one['attachments'] + one['per_annotation']['choices']]
    assert states == ['done', 'link', 'done', 'done', 'own']
    assert operator.get(one['attachments'][0]['url']).content == media('video')
    assert one['attachments'][1]['url'] is None
    assert one['per_annotation']['choices'][0]['value'] == host.url('/a.jpg')
    [site], [sound] = two['attachments'], two['prompt']['choices']
    assert (site['state'], site['source'], site['url']) == ('link', host.url('/page'), None)
    assert operator.get(sound['url']).headers['content-type'] == 'audio/wav'
    assert sorted(got.path for got in host.received) == ['/a.jpg', '/a.mp4', '/a.wav', '/b.png']


@pytest.mark.parametrize(
    ('path', 'why'),
    [
        ('/page', 'is not a JPEG'),
        ('/a.mp4', 'is not a JPEG'),
        ('/broken.jpg', 'does not decode'),
        ('/basic', 'answered 401'),
        ('/moved', 'answered 302; redirects are not followed'),
        ('/nowhere', 'answered 404'),
        ('/large', 'more than the 50000 bytes'),
        ('/zip', None),
    ],
)
def test_what_cannot_be_shown_is_said_to_operators_and_to_nobody_else(
    service: InProcess, host: FileHost, path: str, why: str | None
) -> None:
    robot, operator = service.tenant(), service.operator()
    token = robot.ask(content_location=host.url(path))
    seen = first(operator)
    if why is None:
        # Whatever a header says, the bytes are a picture.
        assert seen['state'] == 'done'
        return
    assert (seen['state'], seen['url'], seen['source']) == ('failed', None, host.url(path))
    assert why in seen['error']
    for told in (f'/v1/engagement/{token}', '/v1/engagement', f'/v1/job/{token}', '/v1/changes'):
        answer = robot.get(told)
        assert answer.status_code == 200
        for secret in ('answered', 'fetch', 'bytes', 'JPEG', 'decode', 'failed'):
            assert secret not in answer.text.replace(path, '')


def test_callers_see_no_difference_between_what_came_and_what_did_not(
    service: InProcess, host: FileHost
) -> None:
    robot, operator = service.tenant(), service.operator()
    tokens = [
        robot.ask(content_location=url)
        for url in (host.url('/a.jpg'), host.url('/nowhere'), 'http://10.0.0.1/x.jpg')
    ]
    settled(operator, lambda: operator.get('/console/api/queue').json())
    told = [robot.engagement(token) for token in tokens]
    for each in told:
        for own in ('token', 'image_location', 'content_location', 'date_created'):
            each.pop(own, None)
    assert told[0] == told[1] == told[2]


@pytest.mark.parametrize(
    ('url', 'why'),
    [
        ('http://127.0.0.1:{port}/a.jpg', '127.0.0.1 is loopback; --allow-fetch-net'),
        ('http://10.0.0.7/a.jpg', '10.0.0.7 is private; --allow-fetch-net'),
        ('http://169.254.169.254/latest/meta-data/', 'metadata service of a cloud'),
        ('http://[::1]:{port}/a.jpg', '::1 is loopback'),
        ('http://8.8.8.8:22/a.jpg', 'port 22 is not one'),
        ('http://8.8.8.8:5432/a.jpg', 'port 5432 is not one'),
    ],
)
def test_nothing_is_fetched_from_where_the_service_may_not_go(
    make_service: Callable[..., InProcess], host: FileHost, url: str, why: str
) -> None:
    # What webhooks may reach is another question.
    service = make_service(allow_nets=LOOPBACK)
    robot, operator = service.tenant(), service.operator()
    robot.ask(content_location=url.format(port=host.port))
    seen = first(operator)
    assert seen['state'] == 'failed'
    assert why in seen['error']
    assert host.received == []


def test_neither_cookies_nor_passwords_are_sent(service: InProcess, host: FileHost) -> None:
    robot, operator = service.tenant(), service.operator()
    host.answers['/2.jpg'] = FILES['/a.jpg']
    for path in ('/cookie.jpg', '/2.jpg'):
        robot.ask(content_location=f'http://user:secret@127.0.0.1:{host.port}{path}')
        settled(operator, lambda: operator.get('/console/api/queue').json())
    assert [got.path for got in host.received] == ['/cookie.jpg', '/2.jpg']
    for got in host.received:
        assert not {'authorization', 'cookie'} & set(got.headers)


def test_a_url_is_fetched_once_while_it_is_fresh_and_shows_what_it_was(
    service: InProcess, host: FileHost
) -> None:
    robot, operator = service.tenant(), service.operator()

    def shown() -> list[bytes]:
        lines = settled(operator, lambda: operator.get('/console/api/queue').json())['questions']
        return [operator.get(line['image']['url']).content for line in lines]

    for _ in range(3):
        robot.ask(content_location=host.url('/a.jpg'))
        shown()
    service.tenant('other').ask(content_location=host.url('/a.jpg'))
    shown()
    assert len(host.received) == 2
    service.clock.now += service.settings.fetch_fresh_s
    host.answers['/a.jpg'] = Said(picture(shade=200))
    robot.ask(content_location=host.url('/a.jpg'))
    before, after = picture(shade=1), picture(shade=200)
    assert shown() == [before, before, before, before, after]
    assert len(host.received) == 3


def test_what_fails_for_the_moment_is_tried_again_and_then_no_more(
    make_service: Callable[..., InProcess], host: FileHost
) -> None:
    service = make_service(
        fetch_nets=LOOPBACK, fetch_pauses_s=(5.0, 30.0), fetch_timeout_s=DEADLINE_S
    )
    robot, operator = service.tenant(), service.operator()
    host.answers['/comes.jpg'] = Said(b'', 503)
    for path in ('/away', '/comes.jpg'):
        robot.ask(content_location=host.url(path))

    def pause(seconds: float) -> None:
        service.clock.now += seconds
        service.context.bus.read_again()

    wait_for_attempts(service, 2)
    pause(5.0)
    wait_for_attempts(service, 4)
    host.answers['/comes.jpg'] = FILES['/a.jpg']
    pause(30.0)
    lines = settled(operator, lambda: operator.get('/console/api/queue').json())['questions']
    assert [line['image']['state'] for line in lines] == ['failed', 'done']
    assert lines[0]['image']['error'] == 'answered 503'
    assert len(host.received) == 6


def wait_for_attempts(service: InProcess, count: int) -> None:
    """Wait until what became of so many attempts is stored."""

    def made(connection: Connection) -> int:
        return connection.execute(select(func.sum(fetches.c.attempts))).scalar() or 0

    async def wait() -> None:
        with service.context.bus.subscribe() as changes:
            while await service.context.store.read(made) < count:
                await asyncio.wait_for(changes.next(), DEADLINE_S)

    service.do(wait())


def test_a_host_that_stalls_is_left_and_holds_up_no_other_tenant(
    make_service: Callable[..., InProcess], host: FileHost
) -> None:
    service = make_service(fetch_nets=LOOPBACK, fetch_timeout_s=3600.0)
    one, two, operator = service.tenant('one'), service.tenant('two'), service.operator()
    for number in range(2, 22):
        # A host of its own each.
        for path in ('/hang', '/hang?2'):
            host.answers[path] = Said(None)
            one.ask(content_location=f'http://127.0.0.{number}:{host.port}{path}')
    with FileHost(FILES) as other:
        two.ask(content_location=other.url('/a.jpg'))

        def look() -> dict[str, Any]:
            lines = operator.get('/console/api/queue').json()['questions']
            last: dict[str, Any] = max(lines, key=lambda line: line['id'])
            return last

        assert settled(operator, look)['image']['state'] == 'done'


def test_an_attempt_has_a_deadline(
    make_service: Callable[..., InProcess], host: FileHost
) -> None:
    service = make_service(fetch_nets=LOOPBACK, fetch_timeout_s=0.3, fetch_pauses_s=())
    robot, operator = service.tenant(), service.operator()
    robot.ask(content_location=host.url('/hang'))
    assert first(operator)['error'] == 'not finished within 0.3 s'


def test_a_key_has_a_quota_of_bytes_a_day(
    make_service: Callable[..., InProcess], host: FileHost
) -> None:
    size = len(picture())
    service = make_service(fetch_nets=LOOPBACK, fetch_quota=int(2.5 * size))
    robot, other, operator = service.tenant(), service.tenant('other'), service.operator()
    for number in range(5):
        host.answers[f'/{number}'] = Said(picture())

    def states() -> list[tuple[str, str | None]]:
        lines = settled(operator, lambda: operator.get('/console/api/queue').json())['questions']
        lines.sort(key=lambda line: line['id'])
        return [(line['image']['state'], line['image']['error']) for line in lines]

    for number in range(3):
        robot.ask(content_location=host.url(f'/{number}'))
        states()
    *came, (state, error) = states()
    assert came == [('done', None)] * 2
    assert state == 'failed' and error is not None and 'bytes that may be fetched' in error
    other.ask(content_location=host.url('/3'))
    assert states()[-1] == ('done', None)
    service.clock.now += 86_401
    robot.ask(content_location=host.url('/4'))
    assert states()[-1] == ('done', None)


def test_pictures_of_a_program_are_fetched_when_it_is_set(
    service: InProcess, host: FileHost
) -> None:
    robot, operator = service.tenant(), service.operator()
    program = programs.Program('Look', (), (host.url('/a.jpg'), host.url('/nowhere')))
    service.context.store.write_now(
        lambda transaction: programs.put(transaction, 'crates', program, service.clock())
    )
    robot.ask(program_name='crates', content_location=robot.upload()['url'])
    seen = settled(operator, lambda: operator.get('/console/api/questions/1').json())
    assert [each['state'] for each in seen['reference_images']] == ['done', 'failed']
    assert operator.get(seen['reference_images'][0]['url']).content == picture(shade=1)
