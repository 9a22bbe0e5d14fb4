# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""`spark` ask, list and show against the real service, over either API, answered for real."""

from __future__ import annotations

import json
import subprocess
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
from service_harness import Served, served
from spark_command import COMMAND, DEADLINE_S, Operator, environment, new_key, pattern, spark

from spark_ros.service.scripted.recognise import dhash

TRUE_BOX = [40, 60, 120, 100]
ESCAPE = 'a \x1b[2J\x1b]0;title\x07 b\u202e c\x9b31m\nd'


@dataclass(frozen=True)
class Place:
    """A service with its scripted operator, and one key of each API."""

    service: Served
    keys: dict[str, str]
    photo: Path
    operator: Operator | None = None

    def around(self, api: str, **more: str) -> dict[str, str]:
        return environment(self.service.url, self.keys[api], api, **more)

    def run(self, api: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return spark(self.around(api), *arguments)

    def json(self, api: str, *arguments: str) -> Any:
        done = self.run(api, *arguments, '--json')
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope='module')
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Its operator knows what is on the photo."""
    folder = tmp_path_factory.mktemp('command')
    pixels, photo, truth = pattern(), folder / 'photo.png', folder / 'truth.json'
    assert cv2.imwrite(str(photo), pixels)
    known = {
        'name': 'pattern', 'width': 320, 'height': 240, 'dhash': f'{dhash(pixels):016x}',
        'annotations': [{'label': 'crate', 'box': TRUE_BOX}],
    }  # fmt: skip
    truth.write_text(json.dumps({'images': [known]}))
    data = folder / 'data'
    keys = {api: new_key(data, api) for api in ('spark', 'heat')}
    with served(data, '--operator', f'scripted:{truth}') as service:
        yield Place(service, keys, photo)


@pytest.fixture(scope='module')
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Operator]]:
    """One without a scripted operator."""
    with served(tmp_path_factory.mktemp('quiet') / 'data') as service:
        yield service, Operator(service)


@pytest.fixture
def alone(quiet: tuple[Served, Operator], tmp_path: Path) -> Place:
    """Nobody answers here but the test, whose keys are new."""
    service, operator = quiet
    data = service.data
    keys = {api: new_key(data, api) for api in ('spark', 'heat')}
    return Place(service, keys, tmp_path / 'none.png', operator)


def person(place: Place) -> Operator:
    """Return who sits at the console."""
    assert place.operator is not None
    return place.operator


def test_boxes_are_corrected(place: Place) -> None:
    """SparkAI: the prior goes along in fractions, and comes back as it should be."""
    (shown,) = place.json(
        'spark', 'ask', str(place.photo), '--instructions', 'Right?', '--labels', 'crate,box',
        '--box', '60,60,120,100,crate', '--wait',
    )  # fmt: skip
    assert (shown['api'], shown['state']) == ('spark', 'closed')
    (changed,) = shown['annotations']
    assert changed['original']['label'] == 'crate'
    corner = changed['corrected']['vertices'][0]
    assert [round(corner[0] * 320), round(corner[1] * 240)] == TRUE_BOX[:2]
    assert shown['date_closed'] >= shown['date_created']


def test_boxes_over_heat(place: Place) -> None:
    """Heat: the box is drawn on the image, which is still known, and rectangles come back."""
    (shown,) = place.json(
        'heat', 'ask', str(place.photo), '--instructions', 'Mark it', '--labels', 'crate,box',
        '--box', '60,60,120,100,crate', '--wait',
    )  # fmt: skip
    assert (shown['api'], shown['state']) == ('heat', 'complete')
    assert shown['type'] == 'annotations-with-multiple-choice'
    x, y, width, height = TRUE_BOX
    assert shown['response'] == [
        {'x': x, 'y': y, 'x2': x + width, 'y2': y + height, 'response': ['crate']}
    ]
    image = httpx.get(shown['extra']['attachments'][0]).content
    drawn = cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR)
    plain = pattern()
    assert abs(drawn[160, 61:179].astype(int) - plain[160, 61:179]).mean() > 40
    page = place.run('heat', 'show', shown['token']).stdout
    assert 'marked     crate  x 40 to 160, y 60 to 160 px' in page


@pytest.mark.parametrize(
    ('flags', 'type', 'response'),
    [
        (['--choices', 'left,"right, slowly"'], 'multiple-choice', ['left']),
        (['--choices', 'left,right', '--several'], 'multiple-choice', ['left']),
        (['--text'], 'free-text', 'confirmed'),
        (['--number'], 'free-text', '1'),
        (['--rating', '0,10,5'], 'rating', 5),
        (['--rating=-4,4'], 'rating', 0),
    ],
)
def test_other_questions(place: Place, flags: list[str], type: str, response: Any) -> None:
    """What Heat can ask, without an image or about one."""
    for images in ([], [str(place.photo)]):
        (shown,) = place.json('heat', 'ask', *images, '--instructions', '?', *flags, '--wait')
        assert (shown['type'], shown['response'], shown['state']) == (type, response, 'complete')
        assert len(shown['extra'].get('attachments', [])) == len(images)
    if type == 'multiple-choice':
        assert shown['extra'].get('max_answers', 0) == (0 if '--several' in flags else 1)


def test_what_sparkai_cannot_ask_is_not_asked(alone: Place) -> None:
    """Exit 2 with the reason, and no question."""
    picture = 'http://192.0.2.1/i.jpg'
    done = alone.run('spark', 'ask', picture, '--instructions', '?', '--choices', 'a,b')
    assert done.returncode == 2 and done.stderr.count('\n') == 1
    assert '--api heat' in done.stderr and '--instructions' in done.stderr
    assert alone.json('spark', 'list') == []


@pytest.mark.parametrize('api', ['spark', 'heat'])
def test_list_and_show(alone: Place, api: str) -> None:
    """All pages; a table of one line each; each state apart."""
    tokens = []
    for number in range(3):
        words = ('--instructions', f'What is {number}?')
        done = alone.run(api, 'ask', 'http://192.0.2.1/i.jpg', *words)
        tokens.append(done.stdout.strip())
        assert (done.returncode, done.stderr, len(done.stdout.split())) == (0, '', 1)
        if api == 'spark' and number == 0:
            person(alone).answer('a crate')
    key = alone.keys[api]
    header = {'Authorization': f'Bearer {key}'} if api == 'spark' else {'X-Heat-API-Key': key}
    body: dict[str, Any] = {'instructions': '?', 'content_location': ['http://192.0.2.1/i.jpg']}
    path = '/v1/engagement' if api == 'spark' else '/v1/requests/free-text'
    with httpx.Client(base_url=alone.service.url, headers=header) as http:
        for _ in range(58):
            http.post(path, json={**body, 'instruction': '?'}).raise_for_status()
    done = alone.run(api, 'list')
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr, len(lines)) == (0, '', 62)
    assert lines[0].split()[:4] == ['TOKEN', 'STATE', 'AGE', 'TOOK']
    assert [line.split()[0] for line in lines[1:4]] == tokens
    waiting = 'open' if api == 'spark' else 'pending'
    assert lines[2].split()[1] == waiting and lines[2].endswith('(What is 1?)')
    if api == 'spark':
        assert lines[1].split()[1] == 'closed' and lines[1].endswith('a crate')
        assert [each['token'] for each in alone.json(api, 'list', '--state', 'closed')] == (
            tokens[:1]
        )
    assert len(alone.json(api, 'list', '--state', waiting)) == 61 - (api == 'spark')
    page = alone.run(api, 'show', tokens[1]).stdout.splitlines()
    told = [line.split(None, 1) for line in page]
    assert told[:2] == [['token', tokens[1]], ['state', waiting]]
    assert ['question', 'What is 1?'] in told
    (shown,) = alone.json(api, 'show', tokens[1])
    assert (shown['token'], shown['state'], shown['instructions']) == (
        tokens[1], waiting, 'What is 1?',
    )  # fmt: skip


@pytest.mark.parametrize('api', ['spark', 'heat'])
def test_refusals_are_one_line(alone: Place, api: str) -> None:
    """Exit codes as --help says them; the other API's key gets a hint."""
    other = 'heat' if api == 'spark' else 'spark'
    unknown = alone.run(api, 'show', '00000000-0000-0000-0000-000000000000')
    wrong_api = spark(environment(alone.service.url, alone.keys[other], api), 'list')
    wrong_key = spark(environment(alone.service.url, 'no-such-key', api), 'list')
    nobody = spark(environment('http://127.0.0.1:9', 'some-key', api), 'list')
    done = (unknown, wrong_api, wrong_key, nobody)
    assert [each.returncode for each in done] == [1, 3, 3, 4]
    for each in done:
        assert each.stdout == '' and each.stderr.startswith('spark: ')
        assert each.stderr.count('\n') == 1
    assert '404' in unknown.stderr and f'--api {other}' in wrong_api.stderr


def test_nothing_steers_the_terminal(alone: Place) -> None:
    """Whatever was asked and answered, only text is printed."""
    with httpx.Client(base_url=alone.service.url) as http:
        http.headers['Authorization'] = f'Bearer {alone.keys["spark"]}'
        body = {'instructions': ESCAPE, 'content_location': ['http://192.0.2.1/i.jpg']}
        tokens = [http.post('/v1/engagement', json=body).json()['token'] for _ in range(2)]
    person(alone).answer(ESCAPE)
    for arguments in (('list',), ('show', tokens[0]), ('show', tokens[1]), ('watch', tokens[1])):
        done = alone.run('spark', *arguments)
        assert done.returncode == 0 and 'a [2J]0;title b c31m d' in done.stdout
        steering = {char for char in done.stdout if unicodedata.category(char)[0] == 'C'}
        assert steering == {'\n'}
    raw = alone.run('spark', 'list', '--json').stdout
    assert raw.isascii() and json.loads(raw)[1]['response'] == ESCAPE


def test_pictures_are_saved_with_the_answer_on_them(place: Place, tmp_path: Path) -> None:
    """The key opens them; nothing is written over."""
    for api, box in (('spark', ['--box', '60,60,120,100,crate']), ('heat', ['--labels', 'crate'])):
        folder = tmp_path / api
        ask = ('ask', str(place.photo), '--instructions', '?', *box, '--wait')
        (shown,) = place.json(api, *ask)
        for _ in range(2):
            done = place.run(api, 'show', shown['token'], '--save', str(folder))
            assert done.returncode == 0 and str(folder) in done.stderr
        first, second = sorted(folder.iterdir())
        assert first.read_bytes() == second.read_bytes()
        pixels, plain = cv2.imread(str(first)), pattern()
        assert pixels.shape == plain.shape
        # The left edge of the true box is drawn; what is far from it is as it was.
        edge = abs(pixels[80:150, 40].astype(int) - plain[80:150, 40]).mean()
        away = abs(pixels[200:235, 200:300].astype(int) - plain[200:235, 200:300]).mean()
        assert edge > 40 > 15 > away


def test_a_picture_that_is_elsewhere(alone: Place, tmp_path: Path) -> None:
    """One that cannot be had is one line."""
    asked = alone.run('spark', 'ask', 'http://127.0.0.1:9/i.jpg', '--instructions', '?')
    done = alone.run('spark', 'show', asked.stdout.strip(), '--save', str(tmp_path / 'p'))
    assert done.returncode == 4 and done.stderr.count('\n') == 1
    assert list((tmp_path / 'p').iterdir()) == []


def test_a_reader_that_has_seen_enough(alone: Place) -> None:
    """`spark list | head -1` says nothing on standard error."""
    with httpx.Client(base_url=alone.service.url) as http:
        http.headers['Authorization'] = f'Bearer {alone.keys["spark"]}'
        body = {'instructions': 'x' * 19_000, 'content_location': ['http://192.0.2.1/i.jpg']}
        for _ in range(30):
            http.post('/v1/engagement', json=body).raise_for_status()
    process = subprocess.Popen(
        [*COMMAND, 'list'], env=alone.around('spark'),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None and process.stderr is not None
    assert process.stdout.read(5) == b'TOKEN'
    process.stdout.close()
    assert (process.wait(DEADLINE_S), process.stderr.read()) == (0, b'')
    process.stderr.close()
