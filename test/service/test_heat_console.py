# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Heat on the console's API: what an operator sees, may say, uploads, and must not answer."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from typing import Any

import pytest
from heat_harness import ANSWERS, CHOICES, IMAGE, ask, asker, body, is_error, seen
from PIL import Image
from service_harness import DEADLINE_S, URL, Caller, InProcess, picture
from sqlalchemy import Connection, func, select

from spark_ros.service.heat.staging import media
from spark_ros.service.storage.schema import fetches
from spark_ros.wire.heat import TYPES

OTHER = IMAGE.rpartition('/')[0]
NO_PROMPT = {
    'choices_type': 'text', 'choices': [], 'min_answers': 0, 'max_answers': 0,
    'rating_min': None, 'rating_max': None, 'rating_step': None, 'label_min': '', 'label_max': '',
    'validation': '',
}  # fmt: skip


def refused(url: str) -> dict[str, Any]:
    """Return what a console is told of a picture that the service may not fetch."""
    why = 'refused: 192.0.2.1 is documentation; --allow-fetch-net permits a network'
    return {'url': None, 'source': url, 'state': 'failed', 'error': why}


def settled(service: InProcess, count: int) -> None:
    """Wait until so many pictures could not be fetched."""

    def failed(connection: Connection) -> int:
        query = select(func.count()).select_from(fetches).where(fetches.c.state == 'failed')
        return connection.execute(query).scalar_one()

    async def wait() -> None:
        with service.context.bus.subscribe() as changes:
            while await service.context.store.read(failed) < count:
                await asyncio.wait_for(changes.next(), DEADLINE_S)

    service.do(wait())


def test_the_queue_and_the_question(service: InProcess) -> None:
    robot, operator = asker(service), service.operator()
    made = ask(
        robot, 'annotations-with-multiple-choice', annotations_type='rectangle',
        min_annotations=0, max_annotations=9, attachments=[IMAGE, f'{OTHER}/b.jpg'],
        hook_url='http://robot.test/hook', exclude_crunchers=['x'],
    )  # fmt: skip
    settled(service, 2)
    service.clock.now += 2
    [line] = operator.get('/console/api/queue').json()['questions']
    assert line == {
        'id': 1, 'api': 'heat', 'kind': 'annotations-with-multiple-choice', 'state': 'open',
        'program': None, 'instructions': 'Look at it', 'image': refused(IMAGE), 'tenant': 'robot',
        'age_s': 2.0, 'created': made['date_created'], 'mine': False, 'priors': 0,
        'thumbnail': None, 'excluded': False, 'priority': 0, 'left_s': None, 'skipped': False,
        'robot': 'robot', 'camera': '', 'holder': None, 'image_count': 1,
    }  # fmt: skip
    del line['skipped']
    shown = operator.get('/console/api/questions/1').json()
    choices = [{'value': value} for value in CHOICES]
    assert shown == {
        **line, 'token': made['id'], 'lease_s': None, 'attachments_type': 'image',
        'attachments': [refused(IMAGE), refused(f'{OTHER}/b.jpg')],
        'prompt': {'kind': 'annotations', 'instruction': 'Look at it', **NO_PROMPT},
        'annotations_type': 'rectangle', 'min_annotations': 0, 'max_annotations': 9,
        'per_annotation': {
            **NO_PROMPT, 'kind': 'multiple-choice', 'instruction': 'And this one?',
            'choices': choices, 'min_answers': 1,
        },
        'hook_url': 'http://robot.test/hook', 'exclude_crunchers': ['x'], 'dial': [],
        'flag_reasons': [], 'skips': [],
    }  # fmt: skip
    assert 29 < operator.claim_first()['lease_s'] <= 30


def test_prompts_of_every_kind(service: InProcess) -> None:
    robot, operator = asker(service), service.operator()

    def shown(kind: str, **more: Any) -> dict[str, Any]:
        ask(robot, kind, **more)
        last = operator.get('/console/api/queue').json()['questions'][-1]['id']
        found: dict[str, Any] = operator.get(f'/console/api/questions/{last}').json()
        return found

    rating = shown('rating', label_min='bad', label_max='good', rating_step=2.5)
    assert rating['prompt'] == {
        **NO_PROMPT, 'kind': 'rating', 'instruction': 'Look at it', 'rating_min': 0.0,
        'rating_max': 10.0, 'rating_step': 2.5, 'label_min': 'bad', 'label_max': 'good',
    }  # fmt: skip
    assert shown('free-text', validation='url')['prompt']['validation'] == 'url'
    calling = shown('free-text', attachments=['dial:+1212@ww1234', 'PIN: 1234'])
    assert calling['attachments'] == [{'text': 'dial:+1212@ww1234'}, {'text': 'PIN: 1234'}]
    assert calling['dial'] == ['dial:+1212@ww1234']
    assert calling['image'] is None
    assert shown('image')['prompt']['kind'] == 'image'
    video = shown(
        'annotations', attachments_type='video', attachments=['https://www.youtube.com/embed/R0'],
    )
    player = 'https://www.youtube.com/embed/R0'
    assert video['attachments'] == [
        {'url': None, 'source': player, 'state': 'link', 'error': None}
    ]
    assert video['image'] is None


def test_own_images_are_shown_by_their_paths_and_those_of_others_are_not(
    service: InProcess,
) -> None:
    robot, other, operator = asker(service), asker(service, 'other'), service.operator()
    urls = [each.upload(picture(shade=shade))['url'] for each, shade in ((robot, 1), (other, 2))]
    ask(robot, 'multiple-choice', attachments_type='image', attachments=urls,
        choices_type='image', choices=urls)
    shown = operator.get('/console/api/questions/1').json()
    own, foreign = shown['attachments']
    assert (URL + own['url'], own['source'], own['state']) == (urls[0], urls[0], 'own')
    assert operator.get(own['url']).content == picture(shade=1)
    assert (foreign['url'], foreign['source']) == (None, urls[1])
    assert shown['prompt']['choices'] == [
        {'value': urls[0], **own}, {'value': urls[1], **foreign},
    ]  # fmt: skip
    assert shown['image'] == own


RECTANGLE = {'annotations_type': 'rectangle', 'min_annotations': 0}


@pytest.mark.parametrize(
    ('kind', 'asked', 'response', 'status'),
    [
        *((kind, {}, ANSWERS[kind], 200) for kind in TYPES),
        *((kind, {}, None, 400) for kind in TYPES),
        ('multiple-choice', {}, [], 400),
        ('multiple-choice', {}, 'maybe', 400),
        ('multiple-choice', {}, ['never'], 400),
        ('multiple-choice', {}, ['no', 'no'], 400),
        ('multiple-choice', {'max_answers': 1}, ['no', 'yes'], 400),
        ('multiple-choice', {'min_answers': 0}, [], 200),
        ('free-text', {}, ' ', 400),
        ('free-text', {'validation': 'number'}, '12', 200),
        ('free-text', {'validation': 'number'}, 12, 400),
        ('free-text', {'validation': 'number'}, 'a dozen', 400),
        ('free-text', {'validation': 'url'}, 'http://a.test/b', 200),
        ('free-text', {'validation': 'url'}, 'javascript:alert(1)', 400),
        ('rating', {}, 7, 400),
        ('rating', {}, 15, 400),
        ('rating', {}, '5', 400),
        ('image', {}, 'javascript:alert(1)', 400),
        ('annotations', {}, [], 400),
        ('annotations', {'min_annotations': 0}, [], 200),
        ('annotations', {'max_annotations': 1}, [{'x': 1, 'y': 1}, {'x': 2, 'y': 2}], 400),
        ('annotations', {}, [{'x': -1, 'y': 1}], 400),
        ('annotations', RECTANGLE, [{'x': 1, 'y': 1, 'x2': 5, 'y2': 1}], 200),
        ('annotations', RECTANGLE, [{'x': 6, 'y': 1, 'x2': 5, 'y2': 1}], 400),
        ('annotations', RECTANGLE, [{'x': 6, 'y': 1}], 400),
        ('annotations', {'attachments': [IMAGE, IMAGE]}, [{'x': 1, 'y': 1}], 400),
        ('annotations-with-rating', {}, [{'x': 1, 'y': 1, 'response': 3}], 400),
        ('annotations-with-rating', {}, [{'x': 1, 'y': 1}], 400),
    ],
)
def test_an_answer_is_checked(
    service: InProcess, kind: str, asked: dict[str, Any], response: Any, status: int
) -> None:
    robot, operator = asker(service), service.operator()
    id = ask(robot, kind, **asked)['id']
    answer = operator.act(operator.claim_first(), 'answer', response=response)
    assert answer.status_code == status, answer.text
    if status == 400:
        assert 'response' in answer.json()['message']
        assert seen(robot, id)['status'] == 'pending'
    else:
        assert seen(robot, id)['response'] == response


def turned() -> bytes:
    """A JPEG of 64 x 48 pixels that its EXIF orientation turns upright: 48 x 64."""
    image, data = Image.new('RGB', (64, 48)), io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(data, 'JPEG', exif=exif)
    return data.getvalue()


@pytest.mark.parametrize(
    ('content', 'place', 'status'),
    [
        (picture((64, 48)), {'x': 64, 'y': 48}, 200),
        (picture((64, 48)), {'x': 48, 'y': 64}, 400),
        (turned(), {'x': 48, 'y': 64}, 200),
        (turned(), {'x': 64, 'y': 48}, 400),
    ],
)
def test_annotations_lie_in_the_upright_image(
    service: InProcess, content: bytes, place: dict[str, int], status: int
) -> None:
    robot, operator = asker(service), service.operator()
    ask(robot, 'annotations', attachments=[robot.upload(content)['signedUrl']])
    answer = operator.act(operator.claim_first(), 'answer', response=[place])
    assert answer.status_code == status, answer.text


OGG = b'OggS' + bytes(60)
MP3 = b'\xff\xfb\x90\x00' + bytes(60)
UPLOADS = [
    ('image', picture(form='PNG'), 'image/png'),
    ('image', picture(form='WEBP'), 'image/webp'),
    ('image', b'<svg xmlns="http://www.w3.org/2000/svg"/>', None),
    ('image', media('audio'), None),
    ('video', media('video'), 'video/mp4'),
    ('video', picture(), None),
    ('audio', media('audio'), 'audio/wav'),
    ('audio', MP3, 'audio/mpeg'),
    ('audio', b'ID3\x04' + bytes(60), 'audio/mpeg'),
    ('audio', OGG, 'audio/ogg'),
    ('audio', media('video'), None),
    ('audio', b'RIFF\x00\x00\x00\x00WEBP', None),
]


@pytest.mark.parametrize(('kind', 'content', 'content_type'), UPLOADS)
def test_a_file_is_uploaded_and_is_the_answer(
    service: InProcess, kind: str, content: bytes, content_type: str | None
) -> None:
    robot, operator = asker(service), service.operator()
    id = ask(robot, kind)['id']
    shown = operator.claim_first()
    uploaded = upload(operator, shown, content)
    if content_type is None:
        assert is_error(uploaded, 415)
        assert 'file' in uploaded.json()['message']
        return
    assert uploaded.status_code == 200, uploaded.text
    url = uploaded.json()['url']
    assert operator.get(url).content == content
    assert operator.act(shown, 'answer', response=url).status_code == 200
    response = seen(robot, id)['response']
    assert response.startswith(f'{URL}/v1/image/')
    file = service.send('GET', response)
    assert (file.content, file.headers['content-type']) == (content, content_type)
    assert robot.get(response.partition('?')[0]).content == content


def test_who_may_upload(make_service: Callable[..., InProcess]) -> None:
    service = make_service(image_limit=1000)
    robot, one, two = asker(service), service.operator(), service.operator()
    ask(robot, 'image')
    path = '/console/api/questions/1/upload'
    files = {'file': ('a', picture())}
    assert one.post(path, files=files).status_code == 409
    shown = one.claim_first()
    assert two.post(path, files=files).status_code == 409
    assert service.send('POST', path, files=files).status_code == 403
    assert one.post('/console/api/questions/9/upload', files=files).status_code == 404
    assert upload(one, shown, b'').status_code == 400
    assert one.post(path, files={'other': ('a', picture())}).status_code == 400
    assert one.post(path, json={}).status_code == 415
    assert upload(one, shown, bytes(2000)).status_code == 413
    assert upload(one, shown, picture((8, 8), 'PNG')).status_code == 200
    ask(robot, 'free-text')
    assert upload(one, one.claim_first(), picture()).status_code == 400


def upload(operator: Caller, question: dict[str, Any], content: bytes) -> Any:
    path = f'/console/api/questions/{question["id"]}/upload'
    return operator.post(path, files={'file': ('a.bin', content, 'text/html')})


def test_excluded_operators_leave_it_to_others(service: InProcess) -> None:
    robot, one, two = asker(service), service.operator(), service.operator()
    names = []
    for operator in (one, two, one):
        id = ask(robot, 'free-text')['id']
        operator.act(operator.claim_first(), 'answer', response='x')
        names += seen(robot, id)['crunchers']
    assert names[0] == names[2] != names[1]
    only_two = ask(robot, 'free-text', exclude_crunchers=[names[0]])['id']
    nobody = ask(robot, 'free-text', exclude_crunchers=names)['id']
    for operator, excluded in ((one, [True, True]), (two, [False, True])):
        lines = operator.get('/console/api/queue').json()['questions']
        assert [each['excluded'] for each in lines] == excluded
        shown = operator.get(f'/console/api/questions/{lines[1]["id"]}').json()
        assert shown['excluded'] is True
        refused = operator.post(f'/console/api/questions/{lines[1]["id"]}/claim')
        assert is_error(refused, 409)
        assert 'excluded' in refused.json()['message']
    assert is_error(one.post('/console/api/questions/4/claim'), 409)
    assert two.act(two.claim_first(), 'answer', response='x').status_code == 200
    assert seen(robot, only_two)['status'] == 'complete'
    assert seen(robot, nobody)['status'] == 'pending'


def test_pages_load_nothing_from_anywhere_else(service: InProcess) -> None:
    answer = service.send('GET', '/console/app.js')
    policy = dict(
        part.split(' ', 1) for part in answer.headers['content-security-policy'].split('; ')
    )
    assert policy['script-src'] == "'self'"
    assert policy['default-src'] == "'none'"
    assert policy['img-src'] == "'self' data: blob:"
    assert policy['media-src'] == "'self' blob:"
    assert policy['frame-src'] == "'none'"
    allowed = {"'none'", "'self'", 'data:', 'blob:'}
    assert {source for given in policy.values() for source in given.split()} <= allowed
    assert answer.headers['cache-control'] == 'no-cache'
    assert service.send('GET', '/console/nowhere.js').status_code == 404


def test_both_apis_share_a_queue(service: InProcess) -> None:
    heat, spark, operator = asker(service), service.tenant('spark'), service.operator()
    ask(heat, 'free-text')
    token = spark.ask()
    lines = operator.get('/console/api/queue').json()['questions']
    assert [each['api'] for each in lines] == ['heat', 'spark']
    assert spark.engagement(token)['state'] == 'open'
    assert heat.get(f'/v1/requests/{token}').status_code == 404
    assert heat.post('/v1/requests/free-text', json=body('free-text')).status_code == 200
