# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The services' successes, read into types; what is unreadable is a WireError."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from spark_ros.clients.transport import HttpAnswer
from spark_ros.wire.heat import HeatObject, parse_heat_object
from spark_ros.wire.spark import Engagement, Job, parse_engagement, parse_job
from spark_ros.wire.values import WireError, expect_list, expect_object, expect_url


@dataclass(frozen=True)
class UploadedImage:
    """Where an uploaded image is (page: POST /v1/image).

    Attributes:
        url: without a signature; empty where the service gave none.
        signed_url: opens for everybody who has it; empty where the service gave none.
        extra: fields that the page does not have.
    """

    url: str
    signed_url: str
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def location(self) -> str:
        """What to ask about: the signed URL, as the page's sample does, else the plain one."""
        return self.signed_url or self.url


def read_upload(answer: HttpAnswer) -> UploadedImage:
    """Read what POST /v1/image answers."""
    body = dict(expect_object(answer.body, 'the answer'))
    url, signed = body.pop('url', None) or '', body.pop('signedUrl', None) or ''
    if not url and not signed:
        raise WireError('the answer holds neither url nor signedUrl')
    return UploadedImage(
        url=expect_url(url, 'url') if url else '',
        signed_url=expect_url(signed, 'signedUrl') if signed else '',
        extra=body,
    )


def read_token(answer: HttpAnswer) -> str:
    """Read what POST /v1/engagement answers."""
    token = expect_object(answer.body, 'the answer').get('token')
    if not isinstance(token, str) or not token:
        raise WireError('the answer holds no token')
    return token


def read_withdrawn(answer: HttpAnswer) -> None:
    """Check that an answer is the one to a withdrawal."""
    expect_object(answer.body, 'the answer')


def read_list(answer: HttpAnswer) -> HttpAnswer:
    """Check that a page of a list is one; its elements are read one by one."""
    expect_list(answer.body, 'the answer')
    return answer


def read_engagements(answer: HttpAnswer) -> list[Engagement]:
    """Read engagements, in an array or alone."""
    return [tolerant_engagement(item) for item in _one_or_many(answer.body)]


def read_jobs(answer: HttpAnswer) -> list[Job]:
    """Read jobs, in an array or alone."""
    return [parse_job(item) for item in _one_or_many(answer.body)]


def read_count(answer: HttpAnswer) -> int | None:
    """Read a count; None where the service lists instead."""
    if isinstance(answer.body, list):
        return None
    count = expect_object(answer.body, 'the answer').get('count')
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise WireError('the answer holds no count')
    return count


def read_heat_object(answer: HttpAnswer, id: str | None = None) -> HeatObject:
    """Read a Request object of Heat; with an `id` it must be that one."""
    found = parse_heat_object(answer.body)
    if id not in (None, found.id):
        raise WireError(f'the answer is about {found.id!r} instead of {id!r}')
    return found


def read_success(answer: HttpAnswer) -> bool:
    """Read what Heat's abort answers."""
    success = expect_object(answer.body, 'the answer').get('success')
    if not isinstance(success, bool):
        raise WireError('the answer holds no success')
    return success


def _one_or_many(body: Any) -> list[Any]:
    return [body] if isinstance(body, Mapping) else expect_list(body, 'the answer')


def tolerant_engagement(item: Any) -> Engagement:
    """Read one; anything but an object keeps its place, or the other offsets would shift."""
    try:
        return parse_engagement(item)
    except WireError as error:
        return Engagement(problems=(str(error),))
