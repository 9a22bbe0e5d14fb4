# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What an operator answered, and what they found wrong in it later."""

from __future__ import annotations

import json
from typing import Any

from heat_harness import IMAGE, ask, asker
from service_harness import Caller, InProcess, box, picture, prior
from serving import printed

from spark_ros.service.spark import programs

CAT, DOG = prior('cat', 0.1, 0.1, 0.4, 0.4), prior('dog', 0.5, 0.5, 0.9, 0.9)
OWL = prior('owl', 0.6, 0.1, 0.9, 0.3)


def answered(person: Caller) -> list[dict[str, Any]]:
    answer = person.get('/console/api/answers')
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()['answers']
    return found


def test_the_last_answers_with_what_became_of_each_shape(service: InProcess) -> None:
    robot, person = service.tenant(), service.operator()
    robot.ask(
        content_location=[robot.upload()['signedUrl']],
        priors={'annotations': [CAT, DOG, OWL]}, instructions='Look',
    )  # fmt: skip
    asked = person.claim_first()
    shapes = [
        {'prior': 0, 'label': 'cat', 'vertices': box(0.1, 0.1, 0.4, 0.4)},
        {'prior': 1, 'label': 'fox', 'vertices': box(0.5, 0.5, 0.9, 0.9)},
        {'prior': None, 'label': 'ant', 'type': 'dot', 'vertices': [{'x': 0.5, 'y': 0.2}]},
    ]
    assert person.act(asked, 'answer', shapes=shapes, response='hm').status_code == 200
    service.clock.now += 1
    token = robot.ask(instructions='second')
    assert person.act(person.claim_first(), 'flag', reason='fog').status_code == 200
    second, first = answered(person)
    assert (second['token'], second['feedback'], second['flags']) == (token, 'fog', ['flagged'])
    assert {each['label']: each['became'] for each in first['shapes']} == {
        'cat': 'confirmed', 'fox': 'changed', 'ant': 'added', 'owl': 'removed',
    }
    assert first['response'] == 'hm' and first['corrections'] == []
    assert person.get(first['image']['url']).status_code == 200
    assert answered(service.operator()) == []


def test_what_was_asked_may_come_from_the_program(service: InProcess) -> None:
    program = programs.Program('Find the cats.')
    service.context.store.write_now(programs.put, 'cats', program, service.clock())
    service.tenant().ask(program_name='cats', instructions=None)
    person = service.operator()
    assert person.act(person.claim_first(), 'answer', shapes=[], response='none').is_success
    assert [each['instructions'] for each in answered(person)] == ['Find the cats.']


def test_answers_to_heat_questions_are_told_in_words_and_drawn(service: InProcess) -> None:
    robot, person = asker(service), service.operator()
    url = robot.upload(picture((8, 6)))['signedUrl']
    marks = [
        {'x': 0, 'y': 3, 'x2': 4, 'y2': 6, 'response': ['yes'], 'attachment_index': 0},
        {'x': 1, 'y': 2, 'x2': 3, 'y2': 4, 'response': ['no'], 'attachment_index': 1},
    ]
    given = {
        'multiple-choice': (['maybe'], {}),
        'rating': (5, {}),
        'annotations': ([{'x': 4, 'y': 3}], {'attachments': [url]}),
        'annotations-with-multiple-choice': (
            marks, {'attachments': [url, IMAGE], 'annotations_type': 'rectangle'},
        ),
        'annotations-with-free-text': (
            [{'start': 3, 'end': 6, 'response': 'a pet'}],
            {'attachments_type': 'text', 'attachments': ['my cat']},
        ),
    }  # fmt: skip
    for kind, (answer, more) in given.items():
        ask(robot, kind, **more)
        said = person.act(person.claim_first(), 'answer', response=answer)
        assert said.status_code == 200, said.text
    told = {each['kind']: each for each in answered(person)}
    assert {kind: each['response'] for kind, each in told.items()} == {
        'multiple-choice': 'maybe', 'rating': '5', 'annotations': '',
        'annotations-with-multiple-choice': '2: (1, 2, 3, 4) no',
        'annotations-with-free-text': "'cat' a pet",
    }
    [dot] = told['annotations']['shapes']
    [box_] = told['annotations-with-multiple-choice']['shapes']
    assert (dot['type'], dot['vertices']) == ('dot', [{'x': 0.5, 'y': 0.5}])
    assert (box_['label'], box_['vertices']) == ('yes', box(0, 0.5, 0.5, 1))


def test_a_mistake_is_noted_and_changes_nothing_for_the_robot(service: InProcess) -> None:
    robot, person = service.tenant(), service.operator()
    token = robot.ask()
    cursor = robot.get('/v1/changes').json()['cursor']
    asked = person.claim_first()
    path = f'/console/api/answers/{asked["id"]}/correction'
    assert person.post(path, json={'note': 'early'}).status_code == 404
    assert person.act(asked, 'answer', shapes=[], response='a cat').status_code == 200
    before = robot.engagement(token)
    changes = robot.get('/v1/changes', params={'cursor': cursor}).json()
    for wrong in ({}, {'note': ' '}, {'note': 7}, {'note': 'x' * 2001}):
        assert person.post(path, json=wrong).status_code == 400
    assert service.operator().post(path, json={'note': 'x'}).status_code == 404
    for note in ('it was a fox', 'or <b>a</b> dog'):
        assert person.post(path, json={'note': note}).json()['note'] == note
    [found] = answered(person)
    assert [each['note'] for each in found['corrections']] == ['it was a fox', 'or <b>a</b> dog']
    assert robot.engagement(token) == before
    assert robot.get('/v1/changes', params={'cursor': changes['cursor']}).json()['changes'] == []


def test_the_command_lists_the_notes(service: InProcess) -> None:
    robot, person = service.tenant(), service.operator()
    token = robot.ask(program_name='cats')
    asked = person.claim_first()
    assert person.act(asked, 'answer', shapes=[], response='a cat').status_code == 200
    person.post(f'/console/api/answers/{asked["id"]}/correction', json={'note': 'ein Kätzchen\n'})
    where = ['--data', str(service.settings.data)]
    if service.settings.database_url:
        where += ['--database', service.settings.database_url]
    [line] = printed('correction', 'list', *where).splitlines()
    found = json.loads(line)
    assert (found['token'], found['note'], found['program']) == (token, 'ein Kätzchen', 'cats')
