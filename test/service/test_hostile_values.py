# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Numbers, texts and names that no database, header or float can hold: refused, never a 500."""

from __future__ import annotations

from typing import Any

import pytest
from heat_harness import asker, body, is_error
from service_harness import Caller, InProcess, box, prior, question, settings_of

from spark_ros.wire.heat import TYPES

HUGE = int('9' * 400)
BEYOND = 2**63
NUL = 'a\x00b'
ARABIC = '\u0660.\u0661'
RIGHT = (0.1, 0.1, 0.2, 0.2)


def short(value: Any) -> str:
    """Name a test's case."""
    return repr(value)[:20]


def with_prior(**more: Any) -> dict[str, Any]:
    return question(priors={'annotations': [{**prior('a', *RIGHT), **more}]})


REFUSED: dict[str, dict[str, Any]] = {
    'image_idx beyond an integer column': with_prior(image_idx=BEYOND),
    'image_idx of 400 digits': with_prior(image_idx=HUGE),
    'image_idx below 0': with_prior(image_idx=-1),
    'a coordinate of 400 digits': with_prior(vertices=[{'x': HUGE, 'y': 0}] * 4),
    'a coordinate of 400 digits as text': with_prior(vertices=[{'x': str(HUGE), 'y': 0}] * 4),
    'a coordinate in other digits': with_prior(vertices=[{'x': ARABIC, 'y': 0}] * 4),
    'a coordinate with an underscore': with_prior(vertices=[{'x': '0_0', 'y': 0}] * 4),
    'a coordinate with a separator that is no space': with_prior(
        vertices=[{'x': '0.1\x1f', 'y': 'x'}] * 4
    ),
    'a type that is a list': with_prior(type=[]),
    'a type that is an object': with_prior(type={}),
    'NUL in instructions': question(instructions=NUL),
    'NUL in a program': question(program_name=NUL),
    'NUL in a label': with_prior(label=NUL),
    'NUL in a label option': question(priors={'label_options': [NUL]}),
    'NUL in a location': question(content_location=f'http://a/{NUL}'),
    'NUL in a webhook': question(webhook_url=f'http://a/{NUL}'),
    'content_type as an object': question(content_type={'a': []}),
}
HEAT_REFUSED: dict[str, tuple[str, dict[str, Any]]] = {
    'rating_min of 400 digits': ('rating', {'rating_min': -HUGE}),
    'rating_step of 400 digits': ('rating', {'rating_step': HUGE}),
    'min_annotations of 400 digits': ('annotations', {'min_annotations': HUGE}),
    'max_annotations of 400 digits': ('annotations', {'max_annotations': HUGE}),
    'too many names': ('free-text', {'exclude_crunchers': ['a'] * 1001}),
    'NUL in an instruction': ('free-text', {'instruction': NUL}),
    'NUL in a choice': ('multiple-choice', {'choices': [NUL]}),
    'NUL in a hook': ('free-text', {'hook_url': f'http://a/{NUL}'}),
    'NUL in an attachment': ('free-text', {'attachments': [NUL]}),
    'attachments_type as a list': ('free-text', {'attachments_type': []}),
}


@pytest.fixture(scope='module')
def service(shared_database: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    made = InProcess(settings_of(tmp_path_factory.mktemp('values') / 'data'))
    yield made
    made.close()


@pytest.fixture(scope='module')
def robot(service: InProcess) -> Caller:
    return service.tenant()


@pytest.fixture(scope='module')
def heat(service: InProcess) -> Caller:
    return asker(service, 'heat')


@pytest.mark.parametrize('asked', REFUSED.values(), ids=REFUSED)
def test_a_question_is_400(robot: Caller, asked: dict[str, Any]) -> None:
    assert is_error(robot.post('/v1/engagement', json=asked), 400)


@pytest.mark.parametrize(('kind', 'wrong'), HEAT_REFUSED.values(), ids=HEAT_REFUSED)
def test_a_heat_question_is_400(heat: Caller, kind: str, wrong: dict[str, Any]) -> None:
    assert is_error(heat.post(f'/v1/requests/{kind}', json=body(kind, **wrong)), 400)


@pytest.mark.parametrize('raw', [b'\\ud800', b'\\udfff', b'\\udc00\\ud800'])
@pytest.mark.parametrize('where', [b'"%b": 1', b'"x": "%b"', b'"x": [{"y": ["%b"]}]'])
def test_half_a_surrogate_pair_is_400(
    robot: Caller, heat: Caller, where: bytes, raw: bytes
) -> None:
    asked = b'{"instructions": "?", "content_location": "http://a/1", %b}' % (where % raw)
    assert is_error(robot.post('/v1/engagement', content=asked), 400)
    asked = b'{"instruction": "?", %b}' % (where % raw)
    for kind in TYPES:
        assert is_error(heat.post(f'/v1/requests/{kind}', content=asked), 400)


@pytest.mark.parametrize(
    'encoding', ['utf-16', 'utf-16-le', 'utf-16-be', 'utf-32', 'utf-32-le', 'latin-1']
)
def test_json_is_utf_8(robot: Caller, encoding: str) -> None:
    raw = '{"instructions": "ü", "content_location": "http://a/1"}'
    assert robot.post('/v1/engagement', content=raw.encode('utf-8-sig')).status_code == 200
    assert is_error(robot.post('/v1/engagement', content=raw.encode(encoding)), 400)


@pytest.mark.parametrize(
    'score', [HUGE, -HUGE, BEYOND, '0.5', True, None, {'a': 1}, [], 1e308, 5e-324], ids=short
)
def test_a_score_that_is_none_is_kept_as_metadata(
    service: InProcess, robot: Caller, score: Any
) -> None:
    """The operator sees it, and the answer brings it back as it was sent."""
    operator = service.operator()
    sent = prior('a', *RIGHT, metadata={'score': score, 'else': HUGE})
    token = robot.ask(priors={'annotations': [sent]})
    [line] = [
        each for each in operator.get('/console/api/queue').json()['questions'] if each['priors']
    ]
    shown = operator.act(line, 'claim').json()
    assert shown['priors'][0]['metadata'] == sent['metadata']
    shapes = [{'prior': 0, 'label': 'b', 'type': 'bounding_box', 'vertices': box(*RIGHT)}]
    assert operator.act(line, 'answer', shapes=shapes).status_code == 200
    assert robot.engagement(token)['annotations'][0]['original_annotation'] == sent


@pytest.mark.parametrize('index', [HUGE, BEYOND, -1, 1, True, '0', 0.0], ids=short)
def test_an_answer_that_names_no_prior_is_400(
    service: InProcess, robot: Caller, index: Any
) -> None:
    operator = service.operator()
    robot.ask(priors={'annotations': [prior('a', *RIGHT)]})
    asked = operator.claim_first()
    shapes = [{'prior': index, 'label': 'a', 'vertices': box(*RIGHT)}]
    assert is_error(operator.act(asked, 'answer', shapes=shapes), 400)
    assert operator.act(asked, 'answer', shapes=[]).status_code == 200


@pytest.mark.parametrize('number', [HUGE, -HUGE, BEYOND, True, '5', None], ids=short)
def test_a_heat_answer_that_is_no_number_is_400(
    service: InProcess, heat: Caller, number: Any
) -> None:
    operator = service.operator()
    assert heat.post('/v1/requests/rating', json=body('rating')).status_code == 200
    lines = operator.get('/console/api/queue').json()['questions']
    [asked] = [line for line in lines if line['kind'] == 'rating']
    assert operator.act(asked, 'claim').status_code == 200
    assert is_error(operator.act(asked, 'answer', response=number), 400)
    assert operator.act(asked, 'answer', response=5).status_code == 200


@pytest.mark.parametrize(
    'path',
    [
        '/v1/engagement/%00', '/v1/job/%00', '/v1/job/a%00' + 34 * 'a', '/v1/engagement/%ff',
        '/v1/image/%00/%00', '/v1/image/a/%00.jpg', f'/v1/engagement/{"a" * 2000}',
    ],
)  # fmt: skip
def test_a_name_that_cannot_be_one_is_404_and_asks_no_database(
    robot: Caller, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL refuses a NUL; SQLite does not, so that the question must not come to it."""
    monkeypatch.setattr('spark_ros.service.storage.jobs.of_key', None)
    assert is_error(robot.get(path), 404)


@pytest.mark.parametrize(
    'query',
    [
        'limit=1_0', 'limit=%D9%A1', 'limit=%EF%BC%91', 'limit=0x1', 'limit=1e1', 'limit=%00',
        'limit= 1', 'cursor=1_0', 'cursor=%D9%A1', 'cursor=%00', f'cursor={"9" * 1001}',
        'count=1', 'count=0', 'count=True', 'count=TRUE', 'count=', 'count=yes', 'state=%00',
        'state=',
    ],
)  # fmt: skip
def test_a_parameter_that_is_not_as_described_is_400(robot: Caller, query: str) -> None:
    assert is_error(robot.get(f'/v1/engagement?{query}'), 400)


@pytest.mark.parametrize('name', ['a\x7f', '\xe9', 'a\x00', '\t', 'x' * 201])
def test_a_robot_id_is_printable_ascii(robot: Caller, heat: Caller, name: str) -> None:
    header = {b'Spark-Robot-Id': name.encode('latin-1')}
    assert is_error(robot.post('/v1/engagement', json=question(), headers=header), 400)
    asked = body('free-text')
    assert is_error(heat.post('/v1/requests/free-text', json=asked, headers=header), 400)
    assert is_error(robot.get('/v1/changes', params={'robot_id': name}), 400)
    # In metadata it is only something that somebody wrote there.
    assert robot.ask(metadata={'robot_id': name})


@pytest.mark.parametrize(
    'expires', ['0{}', '+{}', ' {}', '{}_0', '{}.0', '\u0663{}', '', '9' * 5000], ids=short
)
def test_a_signature_is_of_the_digits_that_are_there(robot: Caller, expires: str) -> None:
    signed = robot.upload()['signedUrl']
    head, _, rest = signed.partition('expires=')
    until, _, signature = rest.partition('&')
    assert robot.service.send('GET', signed).status_code == 200
    changed = f'{head}expires={expires.format(until)}&{signature}'
    assert is_error(robot.service.send('GET', changed), 403)
