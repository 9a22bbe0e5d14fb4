# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Heat's requests into the store and its Request objects out (page: "Requests")."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row

from spark_ros.service.context import Context
from spark_ros.service.crunchers import PSEUDONYM
from spark_ros.service.heat.staging import STAGED_PATH
from spark_ros.service.media import images
from spark_ros.service.storage import jobs
from spark_ros.service.storage.leases import FLAGGED
from spark_ros.service.web.image_urls import fresh_url
from spark_ros.service.web.replies import to_json
from spark_ros.wire.heat import MEDIA, HeatRequest, parse_heat_request
from spark_ros.wire.values import format_time

API = 'heat'
NAME_LENGTH = 80
PENDING, COMPLETE, ABORTED = 'pending', 'complete', 'aborted'
# What an answer says itself; a body that holds such fields does not get them back.
OURS = (
    'id', 'status', 'response', 'type', 'cruncher_feedback', 'crunchers', 'sequence',
    'date_created', 'date_closed',
)  # fmt: skip


def new_job(asked: HeatRequest) -> jobs.NewJob:
    """Say what is to be stored for a request: one question, whatever is attached to it."""
    shown = asked.attachments[0] if asked.attachments_type == 'image' and asked.attachments else ''
    return jobs.NewJob(
        api=API,
        kind=asked.type,
        name=asked.prompt.instruction[:NAME_LENGTH],
        program=None,
        instructions=asked.prompt.instruction,
        webhook_url=asked.hook_url,
        request=to_json(asked.raw).decode(),
        priors='{}',
        questions=[jobs.NewQuestion(shown)],
        # Other names are nobody's.
        excluded=sorted({name for name in asked.exclude_crunchers if PSEUDONYM.fullmatch(name)}),
    )


def asked_of(row: Row[Any]) -> HeatRequest:
    """Return what a question's request was."""
    return parse_heat_request(row.kind, json.loads(row.request))


def status_of(row: Row[Any]) -> str:
    """Return the page's word for a question's state."""
    if row.state == ABORTED:
        return ABORTED
    if row.state != 'closed':
        return PENDING
    return FLAGGED if FLAGGED in json.loads(row.flags or '[]') else COMPLETE


def request_json(service: Context, row: Row[Any], base: str, now: float) -> dict[str, Any]:
    """Write a Request object: its answer, and every field that was given when it was made.

    Beyond the page: `date_created`, `date_closed`, and `sequence`, which grows with every change
    of its state. `response` is there when it is complete, `cruncher_feedback` when it is flagged.

    Args:
        base: what the URLs of files that operators uploaded start with.
    """
    status = status_of(row)
    result: dict[str, Any] = {'id': row.token, 'status': status}
    if status == COMPLETE:
        result['response'] = _response(service, row, base, now)
    elif status == FLAGGED:
        result['cruncher_feedback'] = row.feedback
    given: Mapping[str, Any] = json.loads(row.request)
    answered = [service.crunchers.pseudonym(row.answered_by)] if row.answered_by else []
    result |= {'type': row.kind}
    result |= {name: value for name, value in given.items() if name not in OURS}
    result |= {'crunchers': answered, 'sequence': row.sequence}
    result |= {'date_created': format_time(row.created)}
    if row.closed is not None:
        result['date_closed'] = format_time(row.closed)
    return result


def _response(service: Context, row: Row[Any], base: str, now: float) -> Any:
    response = json.loads(row.answer)['response']
    if row.kind not in MEDIA:
        return response
    # Files here are stored as paths: each caller knows the service by its own address.
    if response.startswith(STAGED_PATH):
        return base + response
    own = images.own_path(response, row.tenant)
    return response if own is None else base + fresh_url(service, own, now)
