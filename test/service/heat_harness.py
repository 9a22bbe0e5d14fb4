# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What the Heat tests share: callers with Heat keys, bodies of each type, and valid answers."""

from __future__ import annotations

from typing import Any

import httpx
from service_harness import Caller, InProcess

from spark_ros.wire.heat import ANNOTATIONS, PER_ANNOTATION

IMAGE = 'http://192.0.2.1/a.jpg'
CHOICES = ['no', 'maybe', 'yes']
SCALE = {'rating_min': 0, 'rating_max': 10, 'rating_step': 5}
ANSWERS: dict[str, Any] = {
    'multiple-choice': ['maybe'],
    'free-text': 'a crate',
    'rating': 5,
    'image': 'http://192.0.2.1/new.png',
    'video': 'http://192.0.2.1/new.mp4',
    'audio': 'http://192.0.2.1/new.wav',
    ANNOTATIONS: [{'x': 3, 'y': 4}],
    **{
        kind: [{'x': 3, 'y': 4, 'response': answer}]
        for kind, answer in zip(PER_ANNOTATION, (['yes'], 'grumpy', 10), strict=True)
    },
}


def asker(
    service: InProcess, name: str = 'robot', test: bool = False, program: str | None = None
) -> Caller:
    """Return a caller with a Heat key."""
    key = service.key(name, api='heat', test=test, program=program)
    return Caller(service, {'X-Heat-API-Key': key})


def body(kind: str, **more: Any) -> dict[str, Any]:
    """Return a valid body of a request type; `None` leaves a field out."""
    given: dict[str, Any] = {'instruction': 'Look at it', **prompt(kind)}
    if kind == ANNOTATIONS or kind in PER_ANNOTATION:
        given |= {'attachments_type': 'image', 'attachments': [IMAGE]}
    if kind in PER_ANNOTATION:
        inner = PER_ANNOTATION[kind]
        given['per_annotation'] = {'instruction': 'And this one?', **prompt(inner)}
    return {name: value for name, value in {**given, **more}.items() if value is not None}


def prompt(kind: str) -> dict[str, Any]:
    """Return what a prompt needs beside its instruction."""
    return {'multiple-choice': {'choices': CHOICES}, 'rating': SCALE}.get(kind, {})


def post(caller: Caller, kind: str, query: str = '', **more: Any) -> httpx.Response:
    """Make a request of a type."""
    headers = more.pop('headers', {})
    return caller.post(f'/v1/requests/{kind}{query}', json=body(kind, **more), headers=headers)


def ask(caller: Caller, kind: str, query: str = '', **more: Any) -> dict[str, Any]:
    """Make a request of a type that is accepted, and return the Request object."""
    answer = post(caller, kind, query, **more)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def seen(caller: Caller, id: str) -> dict[str, Any]:
    """Return the Request object as it is now."""
    answer = caller.get(f'/v1/requests/{id}')
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def is_error(answer: httpx.Response, status: int) -> bool:
    """Whether an answer is the page's error with this code."""
    said = answer.json()
    return (
        answer.status_code == status
        and set(said) == {'statusCode', 'message'}
        and said['statusCode'] == status
        and bool(said['message'])
    )
