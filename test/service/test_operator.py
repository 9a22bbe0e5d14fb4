# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The scripted operator: corrects towards the truth, confirms without it, never gives up."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from service_harness import Caller, box, picture, prior

from spark_ros.geometry import Box, iou
from spark_ros.service.scripted.correction import confirm, correct
from spark_ros.service.scripted.operator import ScriptedOperator, from_setting


def shown(index: int, label: str, *corners: float) -> dict[str, Any]:
    return {'index': index, 'metadata': {}, **prior(label, *corners)}


def drawn(shape: dict[str, Any]) -> Box:
    return Box(*shape['vertices'][0].values(), *shape['vertices'][2].values())


def test_corrects_towards_the_truth() -> None:
    priors = [
        shown(0, 'cat', 0.1, 0.1, 0.3, 0.3),
        shown(1, 'cat', 0.5, 0.5, 0.7, 0.7),
        shown(2, 'cat', 0.8, 0.8, 0.9, 0.9),
        shown(3, 'cat', 0.1, 0.1, 0.28, 0.3),
    ]
    truth = [
        ('cat', Box(0.1, 0.1, 0.3, 0.3)),
        ('dog', Box(0.5, 0.5, 0.7, 0.7)),
        ('owl', Box(0.0, 0.8, 0.1, 1.0)),
    ]
    outcome = correct(priors, truth)
    assert outcome['response'] == '1 modified, 1 added, 2 removed'
    assert [(each['prior'], each['label']) for each in outcome['shapes']] == [
        (0, 'cat'), (1, 'dog'), (None, 'owl'),
    ]  # fmt: skip
    assert outcome['shapes'][0]['vertices'] == box(0.1, 0.1, 0.3, 0.3)


def test_nothing_to_do_is_confirmed() -> None:
    priors = [shown(4, 'cat', 0.1, 0.1, 0.3, 0.3)]
    assert correct(priors, [('cat', Box(0.1, 0.1, 0.3, 0.299))])['response'] == 'confirmed'
    assert confirm(priors)['shapes'][0]['prior'] == 4
    assert correct([], [])['response'] == 'confirmed'


boxes = st.tuples(*[st.integers(0, 20)] * 2, *[st.integers(1, 12)] * 2).map(
    lambda b: Box(b[0] / 33, b[1] / 33, (b[0] + b[2]) / 33, (b[1] + b[3]) / 33)
)
labels = st.sampled_from(['cat', 'dog'])


labelled = st.lists(st.tuples(labels, boxes), max_size=5)


@given(labelled, labelled)
def test_the_outcome_is_the_truth(
    guessed: list[tuple[str, Box]], truth: list[tuple[str, Box]]
) -> None:
    outcome = correct([shown(at, label, *b) for at, (label, b) in enumerate(guessed)], truth)
    assert len(outcome['shapes']) == len(truth)
    used = [each['prior'] for each in outcome['shapes'] if each['prior'] is not None]
    assert len(used) == len(set(used))
    for label, there in truth:
        assert any(
            each['label'] == label and iou(drawn(each), there) >= 0.9
            for each in outcome['shapes']
        )


def answered(robot: Caller, *tokens: str) -> list[dict[str, Any]]:
    """Wait until all are closed, woken by the service's own changes."""

    async def wait() -> list[dict[str, Any]]:
        with robot.service.context.bus.subscribe() as changes:
            async with robot.service.client(headers=robot.headers) as http:
                while True:
                    found = [
                        (await http.get(f'/v1/engagement/{token}')).json()[0] for token in tokens
                    ]
                    if all(each['state'] == 'closed' for each in found):
                        return found
                    await changes.next()

    return robot.service.do(wait())


def test_without_truth_it_confirms(make_service: Any) -> None:
    robot = make_service(operator='scripted', operator_delay_s=0.01).tenant()
    sent = prior('cat', 0.1, 0.1, 0.3, 0.3)
    tokens = [robot.ask(priors={'annotations': [sent]}) for _ in range(3)]
    for found in answered(robot, *tokens):
        assert found['confirmed_annotations'] == [sent]
        assert found['response'] == 'confirmed'


class KnowsRed:
    """A truth that knows one picture, and breaks on another."""

    def find(self, image: Any) -> list[tuple[str, tuple[float, float, float, float]]] | None:
        height, width = image.shape[:2]
        if width == 13:
            raise RuntimeError('broken on this one')
        return [('cat', (0, 0, width / 2, height / 2))] if width == 64 else None


def test_with_truth_it_corrects_and_survives_a_bad_question(
    make_service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        'spark_ros.service.scripted.operator.from_setting',
        lambda *given: ScriptedOperator(KnowsRed()),
    )
    robot: Caller = make_service(operator='scripted:x').tenant()
    sent = prior('dog', 0.0, 0.0, 0.4, 0.5)
    known, unknown, bad = (
        robot.ask(
            content_location=robot.upload(picture(size))['url'], priors={'annotations': [sent]}
        )
        for size in ((64, 48), (50, 50), (13, 13))
    )
    corrected, confirmed, flagged = answered(robot, known, unknown, bad)
    assert corrected['response'] == '1 modified'
    assert corrected['annotations'][0]['original_annotation'] == sent
    assert corrected['annotations'][0]['vertices'] == box(0, 0, 0.5, 0.5)
    assert confirmed['confirmed_annotations'] == [sent]
    assert flagged['flags'] == ['flagged']
    assert 'broken on this one' in flagged['feedback']


def test_each_of_several_images_is_corrected_by_its_own_truth(
    make_service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        'spark_ros.service.scripted.operator.from_setting',
        lambda *given: ScriptedOperator(KnowsRed()),
    )
    robot: Caller = make_service(operator='scripted:x').tenant()
    sent = prior('dog', 0.0, 0.0, 0.4, 0.5)
    token = robot.ask(
        content_location=[robot.upload(picture(size))['url'] for size in ((64, 48), (50, 50))],
        priors={'annotations': [sent]},
    )
    answered(robot, token)
    [job] = robot.get(f'/v1/job/{token}').json()
    known, unknown = job['engagements']
    assert [known['response'], unknown['response']] == ['1 modified; confirmed'] * 2
    assert known['annotations'][0]['original_annotation'] == sent
    assert unknown['confirmed_annotations'] == [sent]


@pytest.mark.parametrize('setting', ['person', 'scripted:/nowhere/truth.json'])
def test_a_setting_that_makes_no_sense(setting: str) -> None:
    with pytest.raises((ValueError, OSError)):
        from_setting(setting, 0)
