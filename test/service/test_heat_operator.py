# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The scripted operator on Heat's questions: by the truth, else the plainest valid answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from heat_harness import CHOICES, IMAGE, ask, asker
from service_harness import Caller, picture

from spark_ros.demo import photographs
from spark_ros.escalation.pictures.priors import draw_priors
from spark_ros.escalation.question.escalation import EncodedImage
from spark_ros.geometry import Box, ImageSize
from spark_ros.model import DOUBTED, box_annotation
from spark_ros.service.crunchers import Crunchers
from spark_ros.service.scripted.operator import ScriptedOperator
from spark_ros.service.scripted.recognise import Truth
from spark_ros.service.storage.sessions import SCRIPTED
from spark_ros.wire.heat import MEDIA

pytestmark = [
    pytest.mark.slow('decodes pictures for each kind of question'),
    pytest.mark.sqlite('about pictures, not about what is stored'),
]

TRUTH = Path(photographs.__file__).with_name('truth.json')
KNOWN, BARE, FOREIGN = (64, 48), (32, 32), (50, 20)


class Knows:
    """A truth that knows two pictures by their size, one of them with nothing on it."""

    def find(self, image: Any) -> list[tuple[str, tuple[float, float, float, float]]] | None:
        size = (image.shape[1], image.shape[0])
        boxes = [('cat', (1.0, 2.0, 10.0, 20.0)), ('dog', (30.0, 8.0, 34.001, 40.0))]
        return {KNOWN: boxes, BARE: []}.get(size)


@pytest.fixture
def robot(make_service: Any, monkeypatch: pytest.MonkeyPatch) -> Caller:
    """A caller of a service whose scripted operator knows two pictures."""
    monkeypatch.setattr(
        'spark_ros.service.scripted.operator.from_setting',
        lambda *given: ScriptedOperator(Knows()),
    )
    return asker(make_service(operator='scripted:x'))


def answered(robot: Caller, kind: str, *pictures: tuple[int, int], **more: Any) -> dict[str, Any]:
    """Ask about pictures of these sizes, and wait for the answer."""
    urls = [robot.upload(picture(size))['url'] for size in pictures]
    about = {'attachments_type': 'image', 'attachments': urls} if urls else {}
    return ask(robot, kind, '?block=30', **{**about, **more})


CATS = {'choices': ['dog', 'cat', 'none of these']}


@pytest.mark.parametrize(
    ('kind', 'pictures', 'more', 'response'),
    [
        ('multiple-choice', [KNOWN], CATS, ['dog']),
        ('multiple-choice', [KNOWN], {'choices': ['owl', 'cat']}, ['cat']),
        ('multiple-choice', [KNOWN], {'choices': ['owl', 'none of these']}, ['none of these']),
        ('multiple-choice', [KNOWN], {'choices': ['owl', 'ant']}, ['owl']),
        ('multiple-choice', [BARE], CATS, ['none of these']),
        ('multiple-choice', [FOREIGN], CATS, ['dog']),
        ('multiple-choice', [], {}, CHOICES[:1]),
        ('multiple-choice', [KNOWN], {**CATS, 'min_answers': 2}, ['dog', 'cat']),
        ('rating', [], {}, 5),
        ('free-text', [KNOWN], {}, 'confirmed'),
        ('free-text', [], {'validation': 'number'}, '1'),
        ('free-text', [], {'validation': 'url'}, 'https://example.com/'),
        ('annotations', [KNOWN], {}, [{'x': 6, 'y': 12}, {'x': 47, 'y': 28}]),
        ('annotations', [KNOWN], {'max_annotations': 1}, [{'x': 6, 'y': 12}]),
        (
            'annotations', [KNOWN], {'annotations_type': 'rectangle'},
            [{'x': 1, 'y': 2, 'x2': 11, 'y2': 22}, {'x': 30, 'y': 8, 'x2': 64, 'y2': 48}],
        ),
        (
            'annotations', [BARE, KNOWN, FOREIGN], {'max_annotations': 1},
            [{'x': 6, 'y': 12, 'attachment_index': 1}],
        ),
        ('annotations', [BARE], {'min_annotations': 0}, []),
        ('annotations', [FOREIGN], {'min_annotations': 0}, []),
        ('annotations', [], {'min_annotations': 0, 'attachments': [IMAGE]}, []),
        (
            'annotations-with-multiple-choice', [KNOWN],
            {'per_annotation': {'instruction': 'What?', 'choices': ['owl', 'dog']}},
            [{'x': 47, 'y': 28, 'response': ['dog']}],
        ),
        (
            'annotations-with-free-text', [KNOWN], {'max_annotations': 1},
            [{'x': 6, 'y': 12, 'response': 'cat'}],
        ),
        (
            'annotations-with-rating', [KNOWN], {'max_annotations': 1},
            [{'x': 6, 'y': 12, 'response': 5}],
        ),
    ],
)  # fmt: skip
def test_the_answer(
    robot: Caller, kind: str, pictures: list[Any], more: dict[str, Any], response: Any
) -> None:
    found = answered(robot, kind, *pictures, **more)
    assert (found['status'], found.get('response')) == ('complete', response)


@pytest.mark.parametrize(
    ('picture', 'more', 'said'),
    [
        (BARE, {}, 'only 0'),
        (KNOWN, {'min_annotations': 3}, 'only 2'),
        (FOREIGN, {}, 'nothing is known'),
    ],
)
def test_where_there_is_no_valid_answer_it_flags(
    robot: Caller, picture: tuple[int, int], more: dict[str, Any], said: str
) -> None:
    found = answered(robot, 'annotations', picture, **more)
    assert found['status'] == 'flagged'
    assert said in found['cruncher_feedback']


@pytest.mark.parametrize('kind', MEDIA)
def test_it_uploads_a_file(robot: Caller, kind: str) -> None:
    found = answered(robot, kind)
    assert found['status'] == 'complete'
    file = robot.service.send('GET', found['response'])
    assert file.headers['content-type'].startswith(f'{kind}/')


def test_it_is_the_same_operator_after_a_restart(make_service: Any) -> None:
    first = make_service(operator='scripted')
    [name] = answered(asker(first), 'rating')['crunchers']
    first.close()
    again = make_service(operator='scripted')
    assert answered(asker(again, 'later'), 'rating')['crunchers'] == [name]


def test_it_leaves_what_it_is_excluded_from_and_goes_on(robot: Caller) -> None:
    [name] = answered(robot, 'rating')['crunchers']
    excluded = ask(robot, 'rating', exclude_crunchers=[name])
    assert answered(robot, 'rating')['status'] == 'complete'
    left = robot.get(f'/v1/requests/{excluded["id"]}').json()
    assert (left['status'], left['sequence']) == ('pending', 1)


def test_a_pseudonym_says_nothing_and_stays_the_same() -> None:
    one, other = Crunchers(b'1'), Crunchers(b'2')
    assert one.pseudonym(SCRIPTED) == one.pseudonym(SCRIPTED) != other.pseudonym(SCRIPTED)
    assert one.pseudonym('a') != one.pseudonym('b')


def _encoded(image: np.ndarray[Any, Any]) -> EncodedImage:
    done, data = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, 80])
    assert done
    return EncodedImage(data.tobytes(), ImageSize(image.shape[1], image.shape[0]))


# Beside the true boxes: what a detector may see that is not there.
WRONG = [Box(0.05, 0.1, 0.35, 0.6), Box(0.5, 0.45, 0.9, 0.95)]


@pytest.mark.parametrize('photograph', photographs.default_photographs(), ids=lambda it: it.name)
def test_a_photograph_is_known_with_boxes_drawn_on_it(photograph: Any) -> None:
    [entry] = [
        each for each in json.loads(TRUTH.read_text())['images'] if each['name'] == photograph.name
    ]
    true = [
        Box(x / entry['width'], y / entry['height'],
            (x + w) / entry['width'], (y + h) / entry['height'])
        for x, y, w, h in (each['box'] for each in entry['annotations'])
    ]  # fmt: skip
    truth = Truth.load(TRUTH)
    for boxes in ([], true, WRONG[:1], WRONG[1:], true[:2] + WRONG[:1]):
        priors = [
            box_annotation('cat face', box, score=0.47, attributes={DOUBTED: 'true'})
            for box in boxes
        ]
        drawn = draw_priors(_encoded(photograph.image), priors)
        pixels = cv2.imdecode(np.frombuffer(drawn.data, np.uint8), cv2.IMREAD_COLOR)
        assert truth.name(pixels) == photograph.name, len(boxes)


def test_hosted_frames_with_boxes_are_answered_by_the_truth(make_service: Any) -> None:
    """As a robot asks: priors drawn, rectangles, labels to choose from."""
    robot = asker(make_service(operator=f'scripted:{TRUTH}'))
    [chelsea] = [it for it in photographs.default_photographs() if it.name == 'chelsea']
    prior = box_annotation('cat face', Box(0.3, 0.2, 0.6, 0.7), score=0.4)
    drawn = draw_priors(_encoded(chelsea.image), [prior])
    found = ask(
        robot, 'annotations-with-multiple-choice', '?block=30', min_annotations=0,
        attachments=[robot.upload(drawn.data)['url']], annotations_type='rectangle',
        per_annotation={'instruction': 'What?', 'choices': ['face', 'cat face']},
    )  # fmt: skip
    [marked] = found['response']
    [entry] = [it for it in json.loads(TRUTH.read_text())['images'] if it['name'] == 'chelsea']
    x, y, w, h = entry['annotations'][0]['box']
    assert marked == {
        'x': pytest.approx(x, abs=0.01), 'y': pytest.approx(y, abs=0.01),
        'x2': pytest.approx(x + w, abs=0.01), 'y2': pytest.approx(y + h, abs=0.01),
        'response': [entry['annotations'][0]['label']],
    }  # fmt: skip


def test_a_failing_truth_flags_and_goes_on(
    make_service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Breaks:
        def find(self, image: Any) -> None:
            raise RuntimeError('broken')

    monkeypatch.setattr(
        'spark_ros.service.scripted.operator.from_setting',
        lambda *given: ScriptedOperator(Breaks()),
    )
    robot = asker(make_service(operator='scripted:x'))
    found = answered(robot, 'multiple-choice', KNOWN)
    assert found['status'] == 'flagged'
    assert 'broken' in found['cruncher_feedback']
    assert answered(robot, 'multiple-choice')['status'] == 'complete'
