# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Keys, tenants, signatures, limits and idempotency: what the service must never get wrong."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from openapi_check import expect_as_described
from PIL import Image
from service_harness import Caller, InProcess, picture, question

from spark_ros.service.storage import keys
from spark_ros.wire.heat import TYPES

pytestmark = pytest.mark.sqlite('about addresses, not about what is stored')

DAY_S = 86_400


def is_error(answer: Any, status: int) -> bool:
    body = answer.json()
    return (
        answer.status_code == status
        and set(body) == {'statusCode', 'message'}
        and body['statusCode'] == status
        and bool(body['message'])
    )


@pytest.mark.parametrize(
    'credentials',
    [None, '', 'Bearer', 'Bearer ', 'Bearer wrong', 'Basic a2V5Og==', 'wrong', 'Bearer \xff'],
)
@pytest.mark.parametrize(
    ('method', 'path'),
    [
        ('POST', '/v1/engagement'), ('GET', '/v1/engagement'), ('GET', '/v1/engagement/x'),
        ('GET', '/v1/job/x'), ('POST', '/v1/image'), ('POST', '/v1/video'),
    ],
)  # fmt: skip
def test_without_a_key_401(
    service: InProcess, method: str, path: str, credentials: str | None
) -> None:
    headers = {} if credentials is None else {'Authorization': credentials.encode('latin-1')}
    answer = service.send(method, path, headers=headers)
    assert is_error(answer, 401)
    assert answer.headers['www-authenticate'] == 'Bearer'


def test_the_scheme_is_case_insensitive_and_revoking_works_at_once(service: InProcess) -> None:
    key = service.key('r')
    headers = {'Authorization': f'bearer {key}'}
    assert service.send('GET', '/v1/engagement', headers=headers).status_code == 200
    service.context.store.write_now(lambda transaction: keys.revoke(transaction, 'r', 1.0))
    assert is_error(service.send('GET', '/v1/engagement', headers=headers), 401)
    new = service.context.store.write_now(lambda transaction: keys.rotate(transaction, 'r'))
    assert is_error(service.send('GET', '/v1/engagement', headers=headers), 401)
    headers = {'Authorization': f'Bearer {new}'}
    assert service.send('GET', '/v1/engagement', headers=headers).status_code == 200


def test_a_key_is_nowhere_in_the_data(service: InProcess) -> None:
    key = service.key('r')
    service.context.store.write_now(lambda transaction: keys.create(transaction, 's', 1.0))
    for file in service.settings.data.rglob('*'):
        assert not file.is_file() or key.encode() not in file.read_bytes()


def test_the_data_is_private(service: InProcess) -> None:
    service.tenant().upload()
    assert service.settings.data.stat().st_mode & 0o777 == 0o700
    for file in service.settings.data.rglob('*'):
        assert file.is_dir() or file.stat().st_mode & 0o077 == 0, file


def test_tenants_do_not_see_each_other(service: InProcess) -> None:
    one, two = service.tenant('one'), service.tenant('two')
    token, image = one.ask(), one.upload()['url']
    assert is_error(two.get(f'/v1/engagement/{token}'), 404)
    assert is_error(two.get(f'/v1/job/{token}'), 404)
    assert two.get('/v1/engagement').json() == []
    assert two.get('/v1/engagement?count=true').json() == {'count': 0}
    assert is_error(two.get(image), 404)
    assert one.get(image).content == picture()
    said = {'Idempotency-Key': 'same'}
    tokens = {
        caller.post('/v1/engagement', json=question(), headers=said).json()['token']
        for caller in (one, two)
    }
    assert len(tokens) == 2


@pytest.mark.parametrize(
    ('method', 'path'),
    [
        ('GET', '/nowhere'), ('GET', '/v1/nowhere'), ('DELETE', '/v1/engagement'),
        ('PUT', '/v1/image'), ('GET', '/v1/engagement/'), ('POST', '/v1/engagement/x'),
        ('GET', '/console/nowhere.js'), ('GET', '/console/../service.db'), ('GET', '/docs/x'),
        ('GET', '/console/%2e%2e/store.py'), ('GET', '/v1/image/programs/..%2fx.jpg'),
    ],
)  # fmt: skip
def test_what_is_not_there_is_404(service: InProcess, method: str, path: str) -> None:
    assert is_error(service.tenant().send(method, path), 404)


def test_an_unforeseen_error_is_500_and_tells_nothing(
    service: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: Any) -> None:
        raise RuntimeError('secret details')

    monkeypatch.setattr('spark_ros.service.storage.jobs.create', broken)
    answer = service.tenant().post('/v1/engagement', json=question())
    assert is_error(answer, 500)
    assert 'secret' not in answer.text
    assert answer.headers['x-content-type-options'] == 'nosniff'


def test_a_signed_url_is_for_everybody_until_it_expires(service: InProcess) -> None:
    robot = service.tenant()
    urls = robot.upload()
    signed = urls['signedUrl']
    assert signed.startswith(urls['url'] + '?expires=')
    assert service.send('GET', signed).content == picture()
    assert service.send('HEAD', signed).status_code == 200
    assert is_error(service.send('GET', urls['url']), 401)
    for tampered in (
        signed[:-1] + ('0' if signed[-1] != '0' else '1'),
        re.sub(r'expires=(\d+)', lambda found: f'expires={int(found[1]) + 1}', signed),
        re.sub(r'expires=\d+', 'expires=', signed),
        re.sub(r'expires=\d+', 'expires=abc', signed),
        *(
            re.sub(r'expires=(\d+)', rf'expires={before}\g<1>{after}', signed)
            for before, after in (
                ('0', ''), ('%2B', ''), ('', '.0'), ('%20', ''), ('', '%20'), ('', '_'), ('-', ''),
            )
        ),
        signed.split('&')[0] + '&signature=',
        signed.split('&')[0] + '&signature=%C3%A9',
        signed.replace('.jpg', '.png'),
    ):
        assert is_error(service.send('GET', tampered), 403), tampered
    service.clock.now += service.settings.url_ttl_s + 1
    assert is_error(service.send('GET', signed), 403)
    assert robot.get(signed).content == picture()
    assert robot.get(urls['url']).content == picture()
    assert is_error(service.tenant('other').get(urls['url']), 404)


@pytest.mark.parametrize('api', ['spark', 'heat'])
def test_signed_urls_end_with_their_key(service: InProcess, api: str) -> None:
    key = service.key('robot', api=api)
    header = {'Authorization': f'Bearer {key}'} if api == 'spark' else {'X-Heat-API-Key': key}
    urls = Caller(service, header).upload()
    other = service.tenant('other').upload()['signedUrl']
    assert service.send('GET', urls['signedUrl']).status_code == 200
    renew = service.context.store.write_now(lambda transaction: keys.rotate(transaction, 'robot'))
    assert is_error(service.send('GET', urls['signedUrl']), 403)
    name = 'Authorization' if api == 'spark' else 'X-Heat-API-Key'
    renewed = Caller(service, {name: f'Bearer {renew}' if api == 'spark' else renew})
    assert renewed.get(urls['url']).status_code == 200
    signed = renewed.upload()['signedUrl']
    assert service.send('GET', signed).status_code == 200
    service.context.store.write_now(lambda transaction: keys.revoke(transaction, 'robot', 1.0))
    assert is_error(service.send('GET', signed), 403)
    assert service.send('GET', other).status_code == 200


def test_a_signature_is_for_one_key(service: InProcess) -> None:
    one, two = service.tenant('one').upload(), service.tenant('two').upload()
    query = two['signedUrl'].partition('?')[2]
    assert is_error(service.send('GET', f'{one["url"]}?{query}'), 403)


def test_operators_need_no_signature(service: InProcess) -> None:
    url, operator = service.tenant().upload()['url'], service.operator()
    assert operator.get(url).content == picture()
    assert operator.post('/logout').status_code == 200
    assert is_error(operator.get(url), 401)


def test_images_can_do_nothing_in_a_browser(service: InProcess) -> None:
    robot = service.tenant()
    headers = robot.get(robot.upload()['url']).headers
    assert headers['content-type'] == 'image/jpeg'
    assert headers['content-security-policy'] == "default-src 'none'; sandbox"
    assert headers['x-content-type-options'] == 'nosniff'


async def endless(part: str = 'x') -> AsyncIterator[bytes]:
    yield (
        f'--b\r\nContent-Disposition: form-data; name="{part}"; filename="a"\r\n\r\n'
    ).encode()
    for _ in range(1000):
        yield b'x' * 10_000


@pytest.mark.parametrize(
    ('path', 'part'),
    [('/v1/engagement', ''), ('/v1/image', 'image_file'), ('/v1/video', 'video_file')],
)
def test_too_much_is_413_whatever_the_header_says(
    make_service: Callable[..., InProcess], path: str, part: str
) -> None:
    service = make_service(image_limit=50_000, json_limit=50_000, video_limit=50_000)
    robot = service.tenant()
    form = {'Content-Type': 'multipart/form-data; boundary=b'}
    assert is_error(robot.post(path, content=b'x' * 200_000, headers=form), 413)
    assert is_error(robot.post(path, content=endless(part), headers=form), 413)
    lying = {**form, 'Content-Length': '10'}
    assert is_error(robot.post(path, content=endless(part), headers=lying), 413)
    assert [file for file in (service.settings.data / 'images').rglob('*') if file.is_file()] == []


def test_limits_are_sharp(make_service: Callable[..., InProcess]) -> None:
    image = picture()
    service = make_service(image_limit=len(image), max_pixels=64 * 48)
    robot = service.tenant()
    robot.upload(image)
    too_long = {'image_file': ('a.jpg', image + b'x')}
    assert is_error(robot.post('/v1/image', files=too_long), 413)


@pytest.mark.slow('decodes for seconds')
def test_a_decompression_bomb_is_413(make_service: Callable[..., InProcess]) -> None:
    service = make_service(max_pixels=1_000_000)
    bomb = io.BytesIO()
    Image.new('1', (20_000, 20_000)).save(bomb, 'PNG')
    assert len(bomb.getvalue()) < 100_000
    robot = service.tenant()
    files = {'image_file': ('a.png', bomb.getvalue())}
    assert is_error(robot.post('/v1/image', files=files), 413)


def test_too_many_open_questions_are_429(make_service: Callable[..., InProcess]) -> None:
    service = make_service(open_limit=3)
    robot, operator = service.tenant(), service.operator()
    robot.ask(content_location=['http://a.test/1', 'http://a.test/2'])
    two = question(content_location=['http://a.test/1', 'http://a.test/2'])
    answer = robot.post('/v1/engagement', json=two)
    assert is_error(answer, 429)
    assert int(answer.headers['retry-after']) > 0
    claimed = operator.claim_first()
    empty = [{'id': image['id'], 'shapes': []} for image in claimed['images']]
    assert operator.act(claimed, 'answer-images', images=empty).status_code == 200
    assert robot.post('/v1/engagement', json=two).status_code == 200
    assert service.tenant('another').post('/v1/engagement', json=two).status_code == 200


def test_the_same_idempotency_key_asks_once(service: InProcess) -> None:
    robot = service.tenant()
    said = {'Idempotency-Key': 'frame 7'}
    first = robot.post('/v1/engagement', json=question(), headers=said)
    spaced = b'{ "instructions": "What is there?",\n"content_location":["http://192.0.2.1/1.jpg"]}'
    assert robot.post('/v1/engagement', content=spaced, headers=said).json() == first.json()
    other = robot.post('/v1/engagement', json=question(instructions='x'), headers=said)
    assert is_error(other, 409)
    assert robot.get('/v1/engagement?count=true').json() == {'count': 1}
    service.clock.now += 7 * DAY_S - 1
    assert robot.post('/v1/engagement', json=question(), headers=said).json() == first.json()
    service.clock.now += 2
    assert robot.post('/v1/engagement', json=question(), headers=said).json() != first.json()


@pytest.mark.parametrize('name', ['', 'x' * 256, 'é', 'tab\there'])
def test_an_idempotency_key_must_be_one(service: InProcess, name: str) -> None:
    headers = {b'Idempotency-Key': name.encode('latin-1')}
    answer = service.tenant().post('/v1/engagement', json=question(), headers=headers)
    assert is_error(answer, 400)


def test_a_refused_request_does_not_use_up_its_key(service: InProcess) -> None:
    robot, said = service.tenant(), {'Idempotency-Key': 'k'}
    refused = robot.post('/v1/engagement', json=question(instructions=None), headers=said)
    assert is_error(refused, 400)
    accepted = robot.post('/v1/engagement', json=question(), headers=said)
    assert accepted.status_code == 200


def test_concurrent_duplicates_become_one_engagement(service: InProcess) -> None:
    robot = service.tenant()
    headers = {**robot.headers, 'Idempotency-Key': 'k'}

    async def all_at_once() -> set[str]:
        async with service.client() as http:
            answers = await asyncio.gather(*(
                http.post('/v1/engagement', json=question(), headers=headers) for _ in range(30)
            ))
        return {answer.json()['token'] for answer in answers}

    assert len(service.do(all_at_once())) == 1
    assert robot.get('/v1/engagement?count=true').json() == {'count': 1}


def test_an_image_is_stored_once_per_idempotency_key(service: InProcess) -> None:
    robot = service.tenant()
    headers = {**robot.headers, 'Idempotency-Key': 'k'}

    async def all_at_once() -> set[str]:
        async with service.client() as http:
            answers = await asyncio.gather(*(
                http.post('/v1/image', files={'image_file': ('a', picture())}, headers=headers)
                for _ in range(8)
            ))
        return {answer.text for answer in answers}

    assert len(service.do(all_at_once())) == 1
    files = [file for file in (service.settings.data / 'images').rglob('*') if file.is_file()]
    assert len(files) == 1
    other = {'image_file': ('a', picture(shade=10))}
    assert is_error(robot.post('/v1/image', files=other, headers={'Idempotency-Key': 'k'}), 409)


def test_an_upload_with_an_invalid_idempotency_key_leaves_no_file(service: InProcess) -> None:
    files = {'image_file': ('a', picture())}
    headers = {'Idempotency-Key': ''}
    assert is_error(service.tenant().post('/v1/image', files=files, headers=headers), 400)
    assert not [file for file in (service.settings.data / 'images').rglob('*') if file.is_file()]


def test_urls_start_with_the_public_url(make_service: Callable[..., InProcess]) -> None:
    robot = make_service(public_url='https://ask.example/').tenant()
    assert robot.upload()['signedUrl'].startswith('https://ask.example/v1/image/')
    for _ in range(2):
        robot.ask()
    link = robot.get('/v1/engagement?limit=1').headers['link']
    assert link == '<https://ask.example/v1/engagement?limit=1&cursor=1>; rel="next"'


def test_the_description_has_every_endpoint(service: InProcess) -> None:
    api = service.send('GET', '/openapi.json').json()
    said = {(path, method) for path, methods in api['paths'].items() for method in methods}
    assert said == {
        ('/v1/engagement', 'post'), ('/v1/engagement', 'get'), ('/v1/engagement/{token}', 'get'),
        ('/v1/engagement/{token}', 'delete'),
        ('/v1/job/{token}', 'get'), ('/v1/image', 'post'), ('/v1/video', 'post'),
        ('/v1/requests', 'get'), ('/v1/requests/{id}', 'get'), ('/v1/requests/{id}', 'delete'),
        ('/v1/tasks/abort/{id}', 'post'), ('/v1/changes', 'get'), ('/healthz', 'get'),
        *((f'/v1/requests/{kind}', 'post') for kind in TYPES),
    }  # fmt: skip
    health = api['paths'].pop('/healthz')['get']
    assert health['security'] == []
    assert set(health['responses']) == {'200', '5XX'}
    spark, heat = {'bearerAuth'}, {'X-Heat-API-Key', 'X-Crunch-API-Key', 'basicAuth'}
    for path, methods in api['paths'].items():
        hosting = path in ('/v1/image', '/v1/video', '/v1/changes')
        asking = heat if path.startswith(('/v1/requests', '/v1/tasks')) else spark
        for operation in methods.values():
            schemes = {name for each in operation['security'] for name in each}
            assert schemes == (spark | heat if hosting else asking)
            assert set(operation['responses']) == {'200', '4XX', '5XX'}
    page = service.send('GET', '/docs')
    assert page.status_code == 200
    for reference in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        assert reference.startswith('/')
        assert service.send('GET', reference).status_code == 200


def test_an_answer_that_is_not_as_described_is_noticed(service: InProcess) -> None:
    """The check that every answer of these tests goes through can fail."""
    robot = service.tenant()
    answer = robot.get(f'/v1/engagement/{robot.ask()}')
    wrong = httpx.Response(
        200, json=[{**answer.json()[0], 'state': 'unheard of'}], request=answer.request
    )
    with pytest.raises(AssertionError, match='unheard of'):
        asyncio.run(expect_as_described(wrong))
