# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Every rule of the SparkAI page as we read it, at its edges, right and wrong."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from service_harness import InProcess, box, picture, prior, question, settings_of

BELOW_ONE = math.nextafter(1.0, 0.0)
URL = 'http://192.0.2.1/1.jpg'


def priors(**more: Any) -> dict[str, Any]:
    return question(priors=more)


def shape(vertices: Any, kind: str = 'bounding_box') -> dict[str, Any]:
    return priors(annotations=[{'label': 'a', 'type': kind, 'vertices': vertices}])


def corner(x: Any, y: Any = 0.5) -> dict[str, Any]:
    """A dot with these coordinates."""
    return shape([{'x': x, 'y': y}], 'dot')


ACCEPTED: dict[str, dict[str, Any]] = {
    'one URL as a string': question(content_location=URL),
    'an array of one': question(content_location=[URL]),
    'an array of 50': question(content_location=[f'{URL}?{n}' for n in range(50)]),
    'image_locations is ignored': question(image_locations=['nonsense']),
    'unknown fields': question(unknown={'a': 1}),
    'content_type image': question(content_type='image'),
    'content_type video': question(content_type='video'),
    'a webhook': question(webhook_url='https://192.0.2.1/hook'),
    'metadata of any JSON': question(metadata={'a': [1, None, {'ü': '\U0001f600'}]}),
    'null metadata': {**question(), 'metadata': None, 'priors': None, 'webhook_url': None},
    'label_options': priors(label_options=['a', 'b']),
    'label_set': priors(label_set=['a']),
    'label_list': priors(label_list=['a']),
    'two equal label lists': priors(label_list=['a'], label_options=['a']),
    'numbers': corner(0.25),
    'decimal strings': corner('0.25', '1e-3'),
    'zero': corner(0, '0'),
    'exactly one': corner(1, '1.0'),
    'a box of two corners': shape([{'x': 0.9, 'y': 0.1}, {'x': 0.1, 'y': 0.9}]),
    'a box of four in any order': shape(box(0.1, 0.1, 0.9, 0.9)[::-1]),
    'a polygon of three': shape([{'x': 0, 'y': 0}, {'x': 1, 'y': 0}, {'x': 1, 'y': 1}], 'polygon'),
    'a type left out is a box': priors(annotations=[{'vertices': box(0.1, 0.1, 0.2, 0.2)}]),
    'metadata and image_idx of an annotation': priors(
        annotations=[prior('a', 0.1, 0.1, 0.2, 0.2, metadata={'test': 1}, image_idx=0)]
    ),
    'unknown program with instructions': question(program_name='nobody knows'),
}

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    'no content_location': ({'instructions': 'x'}, 'content_location'),
    'an empty array': (question(content_location=[]), 'content_location'),
    '51 URLs': (question(content_location=[URL] * 51), 'content_location'),
    'no URL': (question(content_location='here.jpg'), 'content_location'),
    'a file URL': (question(content_location='file:///etc/passwd'), 'content_location'),
    'a URL of a number': (question(content_location=[7]), 'content_location[0]'),
    'neither program nor instructions': ({'content_location': URL}, 'program_name'),
    'blank instructions': (question(instructions='  '), 'program_name'),
    'unknown program alone': ({'content_location': URL, 'program_name': 'p'}, 'program_name'),
    'content_type audio': (question(content_type='audio'), 'content_type'),
    'webhook without host': (question(webhook_url='https://'), 'webhook_url'),
    'metadata as text': (question(metadata='a=b'), 'metadata'),
    'priors as a list': (question(priors=[1]), 'priors'),
    'different label lists': (priors(label_list=['a'], label_set=['b']), 'label_list'),
    'an empty label': (priors(label_options=['']), 'label_options'),
    'a label of a number': (priors(label_options=[1]), 'label_options'),
    'above one': (corner(1.0000001), '.x'),
    'below zero': (corner(-0.0001), '.x'),
    'a string above one': (corner('1.01'), '.x'),
    'a boolean': (corner(True), '.x'),
    'null': (corner(None), '.x'),
    'an empty string': (corner(''), '.x'),
    'the string nan': (corner('nan'), '.x'),
    'the string inf': (corner('inf'), '.x'),
    'hexadecimal': (corner('0x0'), '.x'),
    'no vertices': (shape([]), 'vertices'),
    'a box of three': (shape(box(0.1, 0.1, 0.9, 0.9)[:3]), '4 vertices'),
    'a box of five': (shape([*box(0.1, 0.1, 0.9, 0.9), {'x': 0, 'y': 0}]), '4 vertices'),
    'a box without area': (shape(box(0.5, 0.1, 0.5, 0.9)), 'no area'),
    'a polygon of two': (shape(box(0, 0, 1, 1)[:2], 'polygon'), 'polygon'),
    'a dot of two': (shape(box(0, 0, 1, 1)[:2], 'dot'), 'dot'),
    'a circle': (shape(box(0, 0, 1, 1), 'circle'), 'type'),
    'image_idx beyond the images': (
        priors(annotations=[prior('a', 0.1, 0.1, 0.2, 0.2, image_idx=1)]), 'image_idx',
    ),
}

VALID = json.dumps(question()).encode()[:-1]
NOT_JSON: dict[str, bytes] = {
    'nothing': b'',
    'no JSON': b'{"content_location": ',
    'NaN': b'{"content_location": NaN}',
    'Infinity hidden as 1e999': VALID + b', "metadata": {"a":1e999}}',
    'not UTF-8': b'{"instructions": "\xff"}',
    'half a surrogate pair': VALID + b', "metadata": {"a":"\\ud800"}}',
    'an array': b'[]',
    'a number': b'7',
    'too deep': b'[' * 100_000 + b']' * 100_000,
    'rather deep': VALID + b',"x":' + b'[' * 200 + b']' * 200 + b'}',
    'a huge number': b'{"content_location": ' + b'9' * 5000 + b'}',
}


@pytest.fixture(scope='module')
def service(shared_database: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    made = InProcess(settings_of(tmp_path_factory.mktemp('rules') / 'data'))
    yield made
    made.close()


@pytest.fixture(scope='module')
def robot(service: InProcess) -> Any:
    return service.tenant()


@pytest.mark.parametrize('body', ACCEPTED.values(), ids=ACCEPTED)
def test_accepts(robot: Any, body: dict[str, Any]) -> None:
    answer = robot.post('/v1/engagement', json=body)
    assert answer.status_code == 200, answer.text
    token = answer.json()['token']
    found = robot.get(f'/v1/engagement/{token}').json()
    given = body['content_location']
    assert [each['image_location'] for each in found] == (
        given if isinstance(given, list) else [given]
    )
    assert {each['state'] for each in found} == {'open'}
    assert all(each['content_location'] == each['image_location'] for each in found)


@pytest.mark.parametrize(('body', 'named'), REFUSED.values(), ids=REFUSED)
def test_refuses(robot: Any, body: dict[str, Any], named: str) -> None:
    answer = robot.post('/v1/engagement', json=body)
    assert answer.status_code == 400
    assert set(answer.json()) == {'statusCode', 'message'}
    assert answer.json()['statusCode'] == 400
    assert named in answer.json()['message']


@pytest.mark.parametrize('raw', NOT_JSON.values(), ids=NOT_JSON)
def test_what_is_not_json_is_400(robot: Any, raw: bytes) -> None:
    answer = robot.post('/v1/engagement', content=raw)
    assert answer.status_code == 400, answer.text
    assert answer.json()['statusCode'] == 400


def test_one_is_clamped_on_the_console_and_kept_in_what_was_sent(service: InProcess) -> None:
    robot, operator = service.tenant('clamp'), service.operator()
    sent = prior('a', 0, 0, 1, 1)
    token = robot.ask(priors={'annotations': [sent]})
    asked = next(
        each for each in operator.get('/console/api/queue').json()['questions']
        if each['tenant'] == 'clamp'
    )
    shown = operator.act(asked, 'claim').json()
    assert shown['priors'][0]['vertices'] == box(0, 0, BELOW_ONE, BELOW_ONE)
    shapes = [{'prior': 0, 'label': 'b', 'vertices': box(0, 0, 1, 1)}]
    assert operator.act(asked, 'answer', shapes=shapes).status_code == 200
    changed = robot.engagement(token)['annotations'][0]
    assert changed['original_annotation'] == sent
    assert changed['vertices'] == box(0, 0, BELOW_ONE, BELOW_ONE)


@pytest.mark.parametrize(
    ('query', 'status', 'length'),
    [
        ('', 200, 10),
        ('?limit=1', 200, 1),
        ('?limit=50', 200, 50),
        ('?limit=51', 200, 50),
        ('?limit=99999999999999999999', 200, 50),
        ('?limit=0', 400, None),
        ('?limit=-1', 400, None),
        ('?limit=ten', 400, None),
        ('?limit=', 400, None),
        ('?limit=1.5', 400, None),
        ('?cursor=55', 200, 5),
        ('?cursor=60', 200, 0),
        ('?cursor=99999999999999999999', 200, 0),
        ('?cursor=-1', 400, None),
        ('?cursor=a', 400, None),
        ('?state=open', 200, 10),
        ('?state=closed', 200, 0),
        ('?state=assigned', 200, 0),
        ('?state=done', 400, None),
        ('?count=maybe', 400, None),
        ('?count=false', 200, 10),
    ],
)
def test_list_parameters(
    sixty: Any, query: str, status: int, length: int | None
) -> None:
    answer = sixty.get(f'/v1/engagement{query}')
    assert answer.status_code == status
    if length is not None:
        assert len(answer.json()) == length
    else:
        assert answer.json()['statusCode'] == 400


@pytest.fixture(scope='module')
def sixty(service: InProcess) -> Any:
    robot = service.tenant('sixty')
    for at in range(6):
        robot.ask(content_location=[f'http://192.0.2.1/{at}-{image}.jpg' for image in range(10)])
    return robot


def test_count(sixty: Any) -> None:
    assert sixty.get('/v1/engagement?count=true').json() == {'count': 60}
    assert sixty.get('/v1/engagement?count=true&state=closed').json() == {'count': 0}


def test_link_next_leads_through_all_oldest_first(sixty: Any) -> None:
    path, seen = '/v1/engagement?limit=25&state=open', []
    while path:
        answer = sixty.get(path)
        seen += [each['image_location'] for each in answer.json()]
        path = answer.links.get('next', {}).get('url')
    assert seen == [
        f'http://192.0.2.1/{at}-{image}.jpg' for at in range(6) for image in range(10)
    ]


def test_a_job_has_one_engagement_per_image(service: InProcess) -> None:
    robot = service.tenant('jobs')
    token = robot.ask(content_location=[URL, URL + '?2'], instructions='x' * 100)
    [job] = robot.get(f'/v1/job/{token}').json()
    assert job['token'] == token
    assert job['job_name'] == 'x' * 80
    assert job['state'] == 'open'
    assert 'date_closed' not in job
    assert [each['image_location'] for each in job['engagements']] == [URL, URL + '?2']
    assert all(
        {'flags', 'state', 'response'} <= set(each) for each in job['engagements']
    )
    assert robot.get(f'/v1/job/{token}?state=closed').json() == []
    assert robot.get(f'/v1/job/{token}?state=open').json() == [job]
    assert robot.get(f'/v1/job/{token}?limit=x').status_code == 400


@pytest.mark.parametrize('path', ['/v1/job/', '/v1/engagement/'])
def test_unknown_tokens_are_404(robot: Any, path: str) -> None:
    for token in ('b5507016-7da2-4777-a161-1e8042a6a377', 'x', '%00', "' OR 1=1 --"):
        answer = robot.get(path + token)
        assert answer.status_code == 404
        assert answer.json()['statusCode'] == 404


def test_program_rules(service: InProcess) -> None:
    with_default = service.tenant('with default', program='crates')
    token = with_default.ask(instructions=None)
    assert with_default.engagement(token)['program_name'] == 'crates'
    assert with_default.get(f'/v1/job/{token}').json()[0]['job_name'] == 'crates'


@pytest.mark.parametrize('form', ['JPEG', 'PNG', 'GIF', 'BMP', 'TIFF', 'WEBP'])
def test_uploads_are_known_by_their_bytes(robot: Any, form: str) -> None:
    content = picture(form=form)
    files = {'image_file': ('lies.svg', content, 'multipart/form-data', {'Expires': '0'})}
    answer = robot.post('/v1/image', files=files, data={'tag': 'one'})
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {'url', 'signedUrl'}
    fetched = robot.service.send('GET', answer.json()['signedUrl'])
    assert fetched.content == content
    assert fetched.headers['content-type'] == f'image/{form.lower()}'
    assert fetched.headers['x-content-type-options'] == 'nosniff'
    assert 'private' in fetched.headers['cache-control']


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
MP4 = b'\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2' + b'\x00' * 100


@pytest.mark.parametrize(
    ('path', 'files', 'status'),
    [
        ('/v1/image', {'image_file': ('a.svg', SVG)}, 415),
        ('/v1/image', {'image_file': ('a.jpg', b'not an image')}, 415),
        ('/v1/image', {'image_file': ('a.mp4', MP4)}, 415),
        ('/v1/image', {'image_file': ('a.jpg', picture((640, 480))[:-600])}, 400),
        ('/v1/image', {'image_file': ('a.png', picture(form='PNG')[:-40])}, 400),
        ('/v1/image', {'image_file': ('a.jpg', b'')}, 400),
        ('/v1/image', {'other': ('a.jpg', picture())}, 400),
        ('/v1/video', {'video_file': ('a.mp4', picture())}, 415),
        ('/v1/video', {'image_file': ('a.mp4', MP4)}, 400),
        ('/v1/video', {'video_file': ('a.mp4', MP4)}, 200),
    ],
)
def test_upload_edges(robot: Any, path: str, files: dict[str, Any], status: int) -> None:
    answer = robot.post(path, files=files)
    assert answer.status_code == status, answer.text
    if status != 200:
        assert answer.json()['statusCode'] == status


def test_upload_must_be_multipart(robot: Any) -> None:
    assert robot.post('/v1/image', content=picture()).status_code == 415
    broken = robot.post(
        '/v1/image', content=b'x', headers={'Content-Type': 'multipart/form-data; boundary=b'}
    )
    assert broken.status_code == 400
    none = robot.post('/v1/image', content=b'x', headers={'Content-Type': 'multipart/form-data'})
    assert none.status_code == 400
