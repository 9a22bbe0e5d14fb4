# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""How well each operator answers: the data of the page, and `spark-service operators`."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from service_harness import URL, Caller, InProcess
from serving import command, printed
from sqlalchemy import insert, select

from spark_ros.cli.service_arguments import LOG_DAYS
from spark_ros.service.operators import statistics_api
from spark_ros.service.settings import DAY_S
from spark_ros.service.storage import known_answers, statistics
from spark_ros.service.storage.keys import digest
from spark_ros.service.storage.schema import checks, sessions

SHARES = ('accuracy', 'agreement')


@pytest.fixture(autouse=True)
def read_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics_api, 'KEPT_S', 0.0)


def told(person: Caller) -> dict[str, Any]:
    answer = person.get('/console/api/statistics?hours=168')
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def id_of(person: Caller) -> str:
    return digest(person.headers['Cookie'].partition('=')[2])


def name_of(service: InProcess, person: Caller) -> str:
    return service.context.crunchers.pseudonym(id_of(person))


def answer_one(service: InProcess, robot: Caller, person: Caller, **body: Any) -> int:
    """Let somebody answer a question after five seconds, rightly, and return its id."""
    token = robot.ask(**body)
    asked = person.claim_first()
    service.clock.now += 5
    assert person.act(asked, 'answer', shapes=[], response=token).status_code == 200
    service.context.store.write_now(known_answers.add, token, service.clock())
    return int(asked['id'])


def check(service: InProcess, question_id: int, person: Caller, kind: str, **more: Any) -> None:
    """Store what somebody says to a question that was answered already."""
    now = service.clock.now
    row = {
        'question_id': question_id, 'key_id': 1, 'kind': kind, 'state': 'closed',
        'created': now - 9, 'operator': id_of(person), 'claimed': now - 5, 'answered': now,
        'answer': '{}', 'flags': '[]', 'agreement': 1.0, **more,
    }  # fmt: skip
    service.context.store.write_now(
        lambda transaction: transaction.connection.execute(insert(checks).values(row))
    )


def run(service: InProcess, *options: str) -> str:
    return printed('operators', *where(service), *options)


def where(service: InProcess) -> list[str]:
    found = ['--data', str(service.settings.data)]
    if service.settings.database_url:
        found += ['--database', service.settings.database_url]
    return found


def test_what_each_did(service: InProcess) -> None:
    robot, ann, bob = service.tenant(), service.operator(), service.operator()
    for _ in range(3):
        answer_one(service, robot, ann)
    robot.ask()
    ann.act(ann.claim_first(), 'flag', reason='dark')
    robot.ask()
    bob.act(bob.claim_first(), 'skip', reason='not mine')
    found = told(bob)
    one, other = found['by_operator']
    nothing = {'count': 0, 'of': 0, 'low': 0, 'high': 1}
    assert one == {
        'operator': name_of(service, ann)[:6], 'answered': 3, 'flagged': 1, 'skipped': 0,
        'working': {'p50': 5, 'low': None, 'high': None}, 'accuracy': nothing,
        'agreement': nothing, 'stands_out': None,
    }  # fmt: skip
    assert (other['operator'], other['answered'], other['skipped']) == (found['you'], 0, 1)
    assert found['you'] == name_of(service, bob)[:6] != told(ann)['you']
    assert found['more_operators'] == 0
    # What was flagged is no answer.
    assert found['total']['working']['count'] == 3


def test_who_is_careless_stands_out(service: InProcess) -> None:
    service.clock.now = time.time() - 600
    robot, *people = service.tenant(), *(service.operator() for _ in range(3))
    ann, bob, careless = people
    ids = [answer_one(service, robot, person, program_name='crates') for person in people * 8]
    for at, question_id in enumerate(ids):
        first = people[at % 3]
        for person in people:
            if person is not first:
                agreement = 0.5 if careless in (first, person) and at % 4 else 1.0
                check(service, question_id, person, 'second', agreement=agreement)
        if first is ann:
            for person in (bob, careless):
                right = person is bob or at % 2
                check(service, question_id, person, 'known', agreement=1.0 if right else 0.6)
    by_agreement = told(ann)['by_operator']
    assert [each['stands_out'] for each in by_agreement] == ['agreement', None, None]
    assert by_agreement[0]['operator'] == name_of(service, careless)[:6]
    assert by_agreement[0]['agreement']['of'] == 32
    for _ in range(2):
        for question_id in ids:
            check(service, question_id, careless, 'known', agreement=0.0)
            check(service, question_id, bob, 'known')
    found = told(ann)['by_operator']
    assert [each['stands_out'] for each in found] == ['accuracy', None, None]
    assert (found[0]['accuracy']['count'], found[0]['accuracy']['of']) == (4, 56)
    lines = [json.loads(line) for line in run(service, '--json').splitlines()]
    assert [{**each, 'operator': each['operator'][:6]} for each in lines] == [
        {**each, 'session': line['session']} for each, line in zip(found, lines, strict=True)
    ]
    # By which the operator can be logged out, and excluded by callers.
    assert lines[0]['operator'] == name_of(service, careless)
    query = select(sessions.c.id).where(sessions.c.operator == id_of(careless))
    session = service.context.store.read_now(lambda each: each.execute(query).scalar_one())
    assert lines[0]['session'] == session
    heading, worst, *others = run(service, '--days', '1').splitlines()
    assert heading.split('  ')[0] == 'OPERATOR' and len(others) == 2
    assert worst.split() == [
        name_of(service, careless), session, '8', '0', '0', '5.0', '(5.0-5.0)',
        '4', 'of', '56', '(3%-17%)', '8', 'of', '32', '(13%-42%)', 'accuracy',
    ]  # fmt: skip
    assert all(line.endswith('  -') for line in others)
    assert len(run(service, '--program', 'cups').splitlines()) == 1


def test_an_answer_that_is_not_known_any_more_does_not_count(service: InProcess) -> None:
    robot, ann, bob = service.tenant(), service.operator(), service.operator()
    question_id = answer_one(service, robot, ann)
    for kind in ('known', 'second'):
        check(service, question_id, bob, kind, agreement=0.0)

    def counted() -> list[int]:
        return [max(each[name]['of'] for each in told(ann)['by_operator']) for name in SHARES]

    assert counted() == [1, 1]
    [known] = service.context.store.read_now(known_answers.every)
    service.context.store.write_now(known_answers.remove, known.token)
    assert counted() == [0, 1]


def test_one_who_flags_what_others_answer_does_not_agree(service: InProcess) -> None:
    robot, ann, bob = service.tenant(), service.operator(), service.operator()
    question_id = answer_one(service, robot, ann)
    check(service, question_id, bob, 'second', flags='["flagged"]', agreement=None)
    # Not compared, and not answered.
    check(service, question_id, bob, 'second', agreement=None)
    check(service, question_id, bob, 'second', state='assigned', answered=None, agreement=None)
    shares = [each['agreement'] for each in told(ann)['by_operator']]
    assert [(each['count'], each['of']) for each in shares] == [(0, 1), (0, 1)]
    robot.ask()
    asked = ann.claim_first()
    ann.act(asked, 'flag', reason='dark')
    check(service, asked['id'], bob, 'second', flags='["flagged","dark"]', agreement=None)
    assert told(ann)['by_operator'][0]['agreement']['count'] == 1


def test_several_images_are_one_question(service: InProcess) -> None:
    robot, ann, bob = service.tenant(), service.operator(), service.operator()
    robot.ask(content_location=[f'{URL}/{at}.jpg' for at in range(12)])
    asked = ann.claim_first()
    ids = [each['id'] for each in asked['images']]
    images = [{'id': each, 'shapes': []} for each in ids]
    assert ann.act(asked, 'answer-images', images=images, response='x').status_code == 200
    for each in ids:
        check(service, each, bob, 'second', flags='["flagged"]', agreement=0.0)
    one, other = told(ann)['by_operator']
    assert (one['answered'], one['agreement']['of'], other['agreement']['of']) == (1, 1, 1)
    assert told(ann)['total']['working']['count'] == 1


def test_the_work_is_bounded_here(
    service: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    robot, ann, bob = service.tenant(), service.operator(), service.operator()
    question_id = answer_one(service, robot, ann)
    for _ in range(4):
        check(service, question_id, bob, 'second')
    monkeypatch.setattr(statistics, 'MOST_CHECKS', 3)
    monkeypatch.setattr(statistics_api, 'MOST_OPERATORS', 1)
    found = told(ann)
    assert (len(found['by_operator']), found['more_operators']) == (1, 1)
    assert found['by_operator'][0]['agreement']['of'] == 3
    service.clock.now += 8 * DAY_S
    assert told(service.operator())['by_operator'] == []


def test_what_the_command_refuses(service: InProcess) -> None:
    for days in ('0', '8', 'x', '-1'):
        refused = command('operators', *where(service), '--days', days)
        assert refused.returncode == 2 and 'days from 1 to 7' in refused.stderr
    refused = command('operators', '--data', str(service.settings.data / 'none'), '--database', '')
    assert refused.returncode == 1 and 'no service data' in refused.stderr


def test_no_longer_time_can_be_asked_for_than_a_login_lasts(service: InProcess) -> None:
    lasts = LOG_DAYS * DAY_S
    assert service.settings.session_s == service.settings.idempotency_s == lasts
