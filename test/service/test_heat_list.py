# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""GET /v1/requests: what a key has asked over the Heat API, page by page."""

from __future__ import annotations

from typing import Any

import pytest
from heat_harness import ask, asker, is_error, seen
from service_harness import URL, InProcess


def test_pages(service: InProcess) -> None:
    """Oldest first, with a link to the next page, each as it is alone."""
    caller = asker(service)
    asked = [ask(caller, 'free-text', instruction=f'{number}?')['id'] for number in range(12)]
    first = caller.get('/v1/requests')
    assert [each['id'] for each in first.json()] == asked[:10]
    assert first.headers['link'] == f'<{URL}/v1/requests?limit=10&cursor=10>; rel="next"'
    assert first.json()[0] == seen(caller, asked[0])
    last = caller.get('/v1/requests?limit=10&cursor=10')
    assert [each['id'] for each in last.json()] == asked[10:]
    assert 'link' not in last.headers


def test_only_ones_own(service: InProcess) -> None:
    """Another key's requests are not in it, and a key of SparkAI has no such list."""
    ask(asker(service, 'one'), 'free-text')
    assert asker(service, 'two').get('/v1/requests').json() == []
    bearer = service.tenant('three')
    assert is_error(bearer.get('/v1/requests'), 401)


@pytest.mark.parametrize('query', ['limit=0', 'limit=x', 'cursor=-1', 'cursor=1.5'])
def test_pages_that_make_no_sense(service: InProcess, query: str) -> None:
    """400, with the parameter's name."""
    answer: Any = asker(service).get(f'/v1/requests?{query}')
    assert is_error(answer, 400) and query.split('=')[0] in answer.json()['message']
