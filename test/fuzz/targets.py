# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What is fuzzed: every parser of what strangers send, to the service and to the robot.

A target takes any bytes. What its parser documents that it raises is an answer; anything else ends
the fuzzing.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any, TypeVar

from starlette.requests import Request

from spark_ros.clients import answers
from spark_ros.clients.change_feed import read_changes
from spark_ros.clients.errors import ClientError
from spark_ros.clients.pages import next_page
from spark_ros.clients.retry import parse_retry_after
from spark_ros.clients.transport import HttpAnswer
from spark_ros.escalation.answers.webhook_receiver import WebhookReceiver
from spark_ros.escalation.backends.heat_question import DetectionAs, heat_answer
from spark_ros.escalation.question.escalation import Escalation, FrameMatch
from spark_ros.geometry import Box, ImageSize
from spark_ros.model import Question, QuestionKind, box_annotation
from spark_ros.service.errors import ApiError
from spark_ros.service.media.url_signer import UrlSigner
from spark_ros.service.operators import view
from spark_ros.service.spark.answers import derive, priors_of
from spark_ros.service.storage.feed_cursor import Cursors
from spark_ros.service.web.body import parse_json, read_form, read_urlencoded
from spark_ros.service.web.paging import read_page
from spark_ros.service.web.robots import check_robot_id
from spark_ros.wire.heat import TYPES, parse_heat_object, parse_heat_request
from spark_ros.wire.heat_response import check_response
from spark_ros.wire.signing import webhook_signature
from spark_ros.wire.spark import STATES, parse_engagement, parse_job, parse_request
from spark_ros.wire.values import WireError, expect_fraction, parse_time

T = TypeVar('T')

SIZE = ImageSize(200, 100)
PRIORS = (
    box_annotation('dog', Box(0.1, 0.1, 0.2, 0.2), id='0', score=0.9),
    box_annotation('cow', Box(0.5, 0.5, 0.7, 0.8), id='1', score=0.3),
)
RAW_PRIORS = [{'vertices': [{'x': 0, 'y': 0}, {'x': 1, 'y': 1}], 'metadata': {'score': 1}}]
PROMPT = {'instruction': '?', 'choices': ['a', 'b']}
HEAT_REQUESTS = [
    parse_heat_request(kind, {
        **PROMPT, 'per_annotation': PROMPT, 'attachments_type': medium,
        'attachments': ['http://a/1', 'http://a/2'],
    })
    for kind in TYPES
    for medium in ('text', 'image', 'audio')
]  # fmt: skip
CURSORS = Cursors('epoch', b'secret')
SIGNER = UrlSigner(b'secret')
LOOP = asyncio.new_event_loop()


def run(work: Awaitable[T]) -> T:
    """Run what waits for nothing."""
    return LOOP.run_until_complete(work)  # type: ignore[arg-type]


def json_of(data: bytes) -> Any:
    """Return the JSON that a service or a client reads, or None where it is none."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def request_of(query: bytes = b'', content_type: bytes = b'', body: bytes = b'') -> Request:
    """Return a request as a server hands it over."""
    messages = [{'type': 'http.request', 'body': body, 'more_body': False}]

    async def receive() -> Any:
        return messages.pop(0)

    headers = [(b'content-type', content_type), (b'content-length', b'%d' % len(body))]
    scope = {
        'type': 'http', 'method': 'POST', 'path': '/', 'query_string': query, 'headers': headers,
    }  # fmt: skip
    return Request(scope, receive)


def json_body(data: bytes) -> None:
    """Read a body as the service does."""
    parse_json(data, lambda value: value)


def engagement_request(data: bytes) -> None:
    """Read POST /v1/engagement; what our client would send of it is read again."""
    asked = parse_request(json_of(data))
    priors_of(asked.raw_annotations, 0)
    parse_request(asked.to_json())


def heat_request(data: bytes) -> None:
    """Read POST /v1/requests/{type}; what our client would send of it is read again."""
    if data:
        kind = TYPES[data[0] % len(TYPES)]
        parse_heat_request(kind, parse_heat_request(kind, json_of(data[1:])).to_json())


def operators_answer(data: bytes) -> None:
    """Read what the console sends."""
    said = json_of(data)
    for read in (
        lambda: derive(said, priors_of(RAW_PRIORS, 0), None),
        lambda: view.flag_of(said),
        *(lambda asked=asked: check_response(asked, said, [SIZE]) for asked in HEAT_REQUESTS),
    ):
        try:
            read()
        except WireError:
            continue


def engagement(data: bytes) -> None:
    """Read an engagement, and what it means for what was asked."""
    said = json_of(data)
    answer = HttpAnswer(200, said, {})
    for engagements in (answers.read_engagements(answer), parse_job(said).engagements):
        for each in engagements:
            if each.state in STATES:
                each.answer(PRIORS)
    parse_engagement(said).answer(PRIORS)


def heat_object(data: bytes) -> None:
    """Read a Request object, and what it means for each kind of question."""
    said = parse_heat_object(json_of(data))
    for kind in QuestionKind:
        question = Question(kind, '?', choices=('a',))
        asked = Escalation('', '', 0, '', FrameMatch.EXACT, SIZE, SIZE, question, PRIORS, 0.0)
        for detection_as in DetectionAs:
            try:
                heat_answer(said, asked, detection_as)
            except WireError:
                continue


def client_answers(data: bytes) -> None:
    """Read what else a service answers."""
    answer = HttpAnswer(200, json_of(data), {'link': data.decode('latin-1')})
    next_page(answer)
    parse_retry_after(data.decode('latin-1'), 1.7e9)
    parse_time(answer.body)
    for read in (
        read_changes, answers.read_upload, answers.read_token, answers.read_count,
        answers.read_success, answers.read_jobs, answers.read_list,
    ):  # fmt: skip
        try:
            read(answer)
        except (ClientError, WireError):
            continue


def multipart(data: bytes) -> None:
    """Read an upload; the first line is the boundary, with what may stand behind it."""
    boundary, _, body = data.partition(b'\n')
    content_type = b'multipart/form-data; boundary=' + boundary
    run(run(read_form(request_of(content_type=content_type, body=body), 100_000)).close())


def urlencoded(data: bytes) -> None:
    """Read what the login page sends; the first line is the rest of its content type."""
    more, _, body = data.partition(b'\n')
    content_type = b'application/x-www-form-urlencoded' + more
    run(read_urlencoded(request_of(content_type=content_type, body=body), 4096))


def parameters(data: bytes) -> None:
    """Read the query of a list, and texts that stand in headers and queries."""
    text = data.decode('latin-1')
    for read in (
        lambda: read_page(request_of(query=data), 10, STATES),
        lambda: check_robot_id(text, 'robot_id'),
        lambda: CURSORS.read(1, text),
        lambda: expect_fraction(text, 'x'),
    ):
        try:
            read()
        except (ApiError, WireError):
            continue


def signatures(data: bytes) -> None:
    """Check a signed URL and a signed push: nothing but ours is valid."""
    first, _, rest = data.decode('latin-1').partition('\n')
    assert not SIGNER.valid('/path', 'key hash', first, rest, 1.7e9)
    receiver: Any = SimpleNamespace(_secret='secret')
    assert not WebhookReceiver._verified(receiver, first, rest.encode('latin-1'))
    ours = webhook_signature('secret', data, 1)
    assert not WebhookReceiver._verified(receiver, ours, data)  # much too old


TARGETS: dict[str, tuple[Callable[[bytes], None], tuple[type[Exception], ...]]] = {
    'json_body': (json_body, (ApiError,)),
    'engagement_request': (engagement_request, (WireError,)),
    'heat_request': (heat_request, (WireError,)),
    'operators_answer': (operators_answer, ()),
    'engagement': (engagement, (WireError,)),
    'heat_object': (heat_object, (WireError,)),
    'client_answers': (client_answers, ()),
    'multipart': (multipart, (ApiError,)),
    'urlencoded': (urlencoded, (ApiError,)),
    'parameters': (parameters, ()),
    'signatures': (signatures, ()),
}
"""By name: a target, and the exceptions that its parser documents."""
