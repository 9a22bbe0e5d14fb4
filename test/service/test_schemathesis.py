# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Both APIs, asked by Schemathesis what their description allows and what it does not.

No request may produce a 500, and every answer must be as described.
"""

from __future__ import annotations

import contextlib
import itertools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from service_harness import served_by_process
from serving import printed

from spark_ros.service.web.idempotency import KEY

schemathesis = pytest.importorskip('schemathesis', reason='it needs Python 3.11')
hooks = pytest.importorskip('schemathesis.hooks')

pytestmark = pytest.mark.sqlite('about what is asked, not about what is stored')

SECONDS = 45
LONGEST_BLOCK_S = 0.05
LARGE = 255
ADDRESS = 'http://127.0.0.1:9/'
# A request may have any header.
UNKNOWN_HEADER = 'in header - object with unexpected properties'
SETTINGS: dict[str, Any] = {
    'continue-on-failure': True,
    'request-timeout': 30,
    # The same is asked each time.
    'seed': 1,
    'generation': {
        'mode': 'all', 'max-examples': 10, 'no-shrink': True, 'deterministic': True,
        'database': 'none',
    },
    'checks': {
        # What the description does not say: which fields fit each other, and that a method that
        # is not there is 404 (the page knows no 405).
        'positive_data_acceptance': {'enabled': False},
        'unsupported_method': {'enabled': False},
        # A question that was withdrawn can still be read.
        'use_after_free': {'enabled': False},
        'negative_data_rejection': {'expected-statuses': ['4xx']},
    },
    # What is made of a file's bytes so that they break the description is still a file.
    'operations': [
        {'include-path': path, 'checks': {'negative_data_rejection': {'enabled': False}}}
        for path in ('/v1/image', '/v1/video')
    ],
}


def at_home(value: Any) -> Any:
    """Return JSON whose URLs lead to this machine: the service would follow them."""
    if isinstance(value, dict):
        return {name: at_home(item) for name, item in value.items()}
    if isinstance(value, list):
        return [at_home(item) for item in value]
    if isinstance(value, str) and value.strip().lower().startswith(('http:', 'https:')):
        return ADDRESS + str(len(value))
    return value


def without_large_limits(schema: Any) -> Any:
    """Leave out limits that take long to reach; the tests of the rules reach them."""
    if isinstance(schema, list):
        return [without_large_limits(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: without_large_limits(item)
        for name, item in schema.items()
        if not (name in ('maxItems', 'maxLength') and item > LARGE)
    }


@pytest.fixture
def tamed() -> Iterator[None]:
    """Have every case lead nowhere else, be over soon, and be asked once."""
    numbers = itertools.count()

    def before_call(context: Any, case: Any, kwargs: Any) -> None:
        case.body = at_home(case.body)
        with contextlib.suppress(KeyError, TypeError, ValueError):
            case.query['block'] = min(float(case.query['block']), LONGEST_BLOCK_S)
        with contextlib.suppress(KeyError, TypeError):
            name = case.headers['Idempotency-Key']
            if KEY.fullmatch(name) and len(name) < 200:
                case.headers['Idempotency-Key'] = f'{name}{next(numbers)}'

    # Such a hook is there for all of a process only.
    schemathesis.hook(before_call)
    yield
    hooks.unregister_all()


@pytest.mark.slow('it asks for most of a minute')
@pytest.mark.timeout(300)
@pytest.mark.parametrize('with_keys', [True, False], ids=['with keys', 'without keys'])
def test_the_service_is_as_described(data: Path, tamed: None, with_keys: bool) -> None:
    from schemathesis.engine import events, from_schema

    spark = printed('key', 'create', 'spark', '--data', str(data))
    heat = printed('key', 'create', 'heat', '--heat', '--data', str(data))
    settings = SETTINGS | {'max-time': SECONDS}
    if with_keys:
        settings['auth'] = {
            'openapi': {'bearerAuth': {'bearer': spark}, 'X-Heat-API-Key': {'api_key': heat}}
        }
    statuses: Counter[int | None] = Counter()
    answered = set()
    failures: dict[str, str] = {}
    with served_by_process(data, '--operator', 'scripted') as service:
        described = httpx.get(f'{service.url}/openapi.json').json()
        config = schemathesis.Config.from_dict(settings | {'base-url': service.url})
        schema = schemathesis.openapi.from_dict(without_large_limits(described), config=config)
        for event in from_schema(schema).execute():
            assert not isinstance(event, events.NonFatalError), event.info.format()
            if not isinstance(event, events.ScenarioFinished):
                continue
            for asked in event.recorder.interactions.values():
                statuses[asked.response.status_code if asked.response else None] += 1
                if asked.response and asked.response.status_code == 200:
                    answered.add(event.label)
            for checks in event.recorder.checks.values():
                for check in checks:
                    found = check.failure_info
                    if found and UNKNOWN_HEADER not in found.failure.message:
                        said = f'{found.failure.message}\n{found.code_sample}'
                        failures.setdefault(f'{event.label} {found.failure.title}', said)
        log = service.log.read_text()
    print(f'{statuses.total()} requests: {dict(statuses)}')
    assert not failures, '\n\n'.join(f'{name}: {said[:2000]}' for name, said in failures.items())
    assert ' failed' not in log
    assert not [status for status in statuses if status is None or status >= 500]
    assert statuses.total() > 50
    assert with_keys or answered <= {'GET /healthz'}
    assert len(answered) > 5 or not with_keys
