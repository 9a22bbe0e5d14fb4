# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Staging: a `test_` key is answered at once, validly, the same every time, and by nobody."""

from __future__ import annotations

import io
import wave
from pathlib import Path
from typing import Any

import cv2
import pytest
from heat_harness import ask, asker, body, post, seen
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from service_harness import InProcess, picture

from spark_ros.geometry import ImageSize
from spark_ros.service.heat.staging import media, staged_response
from spark_ros.service.media.decode import decode_image
from spark_ros.service.media.sniff import sniff_audio, sniff_video
from spark_ros.wire.heat import MEDIA, PER_ANNOTATION, TYPES, parse_heat_request
from spark_ros.wire.heat_response import check_response

pytestmark = [
    pytest.mark.slow('staged answers of each kind, decoded'),
    pytest.mark.sqlite('about answers that are made, not stored'),
]

URLS = ['http://a.test/1', 'http://a.test/2', 'http://a.test/3']


@pytest.mark.parametrize('kind', TYPES)
def test_it_is_complete_at_once_and_the_same_every_time(service: InProcess, kind: str) -> None:
    staging, operator = asker(service, test=True), service.operator()
    assert staging.headers['X-Heat-API-Key'].startswith('test_')
    made = [ask(staging, kind, '?block=30') for _ in range(2)]
    for each in made:
        assert (each['status'], each['crunchers']) == ('complete', [])
        assert seen(staging, each['id']) == each
        assert staging.post(f'/v1/tasks/abort/{each["id"]}').status_code == 400
    assert made[0]['id'] != made[1]['id']
    assert made[0]['response'] == made[1]['response']
    checked = check_response(parse_heat_request(kind, body(kind)), made[0]['response'])
    assert checked == made[0]['response']
    queue = operator.get('/console/api/queue').json()
    assert [queue[name] for name in ('questions', 'waiting', 'all', 'answered')] == [[], 0, 0, 0]
    assert operator.post('/console/api/questions/1/claim').status_code == 409


@pytest.mark.parametrize(
    ('kind', 'more', 'response'),
    [
        ('multiple-choice', {}, ['no']),
        ('multiple-choice', {'min_answers': 0}, ['no']),
        ('multiple-choice', {'min_answers': 2, 'max_answers': 2}, ['no', 'maybe']),
        ('free-text', {}, 'staged answer'),
        ('free-text', {'validation': 'number'}, '42'),
        ('free-text', {'validation': 'url'}, 'https://example.com/staged'),
        ('rating', {}, 5),
        ('rating', {'rating_min': 0.1, 'rating_max': 0.5, 'rating_step': 0.1}, 0.3),
        ('rating', {'rating_min': None, 'rating_max': None, 'rating_step': None}, 50),
        ('annotations', {'max_annotations': 1}, [{'x': 50, 'y': 50}]),
        ('annotations', {'min_annotations': 0}, [{'x': 50, 'y': 50}]),
        (
            'annotations', {'attachments_type': 'text', 'attachments': ['abc']},
            [{'start': 0, 'end': 1}],
        ),
        ('annotations', {'attachments_type': 'audio', 'attachments': URLS[:1]}, [{'t': 0}]),
    ],
)  # fmt: skip
def test_what_the_answers_are(
    service: InProcess, kind: str, more: dict[str, Any], response: Any
) -> None:
    assert ask(asker(service, test=True), kind, **more)['response'] == response


def test_annotations_lie_in_an_image_of_known_size(service: InProcess) -> None:
    staging = asker(service, test=True)
    url = staging.upload(picture((12, 10)))['url']
    found = ask(
        staging, 'annotations', attachments=[url], annotations_type='rectangle',
        min_annotations=3,
    )['response']  # fmt: skip
    assert len(found) == 3
    for each in found:
        assert 0 < each['x'] < each['x2'] <= 12
        assert 0 < each['y'] < each['y2'] <= 10


def test_where_nothing_valid_can_be_said_it_is_flagged(service: InProcess) -> None:
    made = ask(
        asker(service, test=True), 'annotations', attachments_type='text', attachments=['']
    )
    assert made['status'] == 'flagged'
    assert 'empty text' in made['cruncher_feedback']


@pytest.mark.parametrize('kind', MEDIA)
def test_files_are_there_for_everybody(service: InProcess, kind: str) -> None:
    url = ask(asker(service, test=True), kind)['response']
    file = service.send('GET', url)
    assert file.content == media(kind)
    assert file.headers['content-type'].startswith(f'{kind}/')


def test_idempotency_in_staging(service: InProcess) -> None:
    staging, said = asker(service, test=True), {'Idempotency-Key': 'k'}
    first = ask(staging, 'rating', headers=said)
    assert ask(staging, 'rating', headers=said) == first
    assert post(staging, 'rating', headers=said, rating_max=20).status_code == 409


def test_the_files_are_what_they_say(tmp_path: Path) -> None:
    image = Image.open(io.BytesIO(media('image')))
    image.load()
    assert decode_image(media('image'), 10_000).content_type == 'image/png'
    with wave.open(io.BytesIO(media('audio'))) as audio:
        assert audio.getnframes() == 4000
    assert sniff_audio(io.BytesIO(media('audio')), 'file').content_type == 'audio/wav'
    assert sniff_video(io.BytesIO(media('video')), 'file').content_type == 'video/mp4'
    (tmp_path / 'a.mp4').write_bytes(media('video'))
    video = cv2.VideoCapture(str(tmp_path / 'a.mp4'))
    levels = []
    while (read := video.read())[0]:
        assert read[1].shape == (48, 64, 3)
        levels.append(read[1].mean())
    video.release()
    assert len(levels) == 4
    assert levels == sorted(levels)


counts = st.integers(0, 6)
sizes = st.none() | st.builds(ImageSize, st.integers(1, 5000), st.integers(1, 5000))


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    """Valid bodies of any type, under the name `type`."""
    kind = draw(st.sampled_from(TYPES))
    media_type = draw(st.sampled_from(['text', 'image', 'video', 'audio', 'website']))
    items = st.text(st.characters(codec='ascii', categories=['L']), min_size=1, max_size=5)
    attachments = draw(
        st.lists(items if media_type == 'text' else st.sampled_from(URLS), min_size=1, max_size=3)
    )
    said = {'instruction': 'x', 'attachments_type': media_type, 'attachments': attachments}
    said |= draw(_prompts(kind)) if kind not in PER_ANNOTATION else {}
    if kind.startswith('annotations'):
        least = draw(counts)
        said |= {
            'annotations_type': draw(st.sampled_from(['point', 'rectangle'])),
            'min_annotations': least,
            'max_annotations': draw(st.just(0) | st.integers(max(1, least), 9)),
        }
    if kind in PER_ANNOTATION:
        said['per_annotation'] = {'instruction': 'y', **draw(_prompts(PER_ANNOTATION[kind]))}
    return {'type': kind, **said}


@st.composite
def _prompts(draw: st.DrawFn, kind: str) -> dict[str, Any]:
    if kind == 'multiple-choice':
        choices = draw(st.lists(st.text('abc', min_size=1), unique=True, min_size=1, max_size=5))
        least = draw(st.integers(0, len(choices)))
        most = draw(st.just(0) | st.integers(max(1, least), 9))
        return {'choices': choices, 'min_answers': least, 'max_answers': most}
    if kind == 'rating':
        low, step = draw(st.floats(-1e3, 1e3)), draw(st.floats(0.001, 50))
        return {'rating_min': low, 'rating_max': low + step * 7.3, 'rating_step': step}
    validation = draw(st.sampled_from(['number', 'url', '']))
    return {'validation': validation} if kind == 'free-text' and validation else {}


@given(requests(), st.lists(sizes, max_size=3))
def test_every_staged_answer_is_valid(given: dict[str, Any], known: list[Any]) -> None:
    asked = parse_heat_request(given.pop('type'), given)
    shown = known if asked.attachments_type == 'image' else []
    said = staged_response(asked, shown)
    if asked.prompt.kind not in MEDIA:
        assert check_response(asked, said, shown) == said
