# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Heat's requests into the store and its Request objects out (page: "Requests")."""

from __future__ import annotations

import json
import math
from typing import Any

from sqlalchemy import Row

from spark_ros.service.context import Context
from spark_ros.service.heat.staging import STAGED_PATH
from spark_ros.service.media import images
from spark_ros.service.storage import jobs
from spark_ros.service.storage.keys import Key
from spark_ros.service.storage.leases import FLAGGED
from spark_ros.service.web.replies import json_object, to_json
from spark_ros.wire.heat import MEDIA, HeatRequest, parse_heat_request
from spark_ros.wire.values import format_time

API = 'heat'
NAME_LENGTH = 80
HOUR_S = 3600
PENDING, COMPLETE, ABORTED = 'pending', 'complete', 'aborted'
# Fields that the service sets; they are dropped from a request's body.
SET_BY_SERVICE = (
    'id', 'status', 'response', 'type', 'cruncher_feedback', 'crunchers', 'sequence',
    'date_created', 'date_closed',
)  # fmt: skip


def new_job(service: Context, key: Key, asked: HeatRequest) -> jobs.NewJob:
    """Make the job to store for a request: one question, whatever is attached to it."""
    shown = asked.attachments[0] if asked.attachments_type == 'image' and asked.attachments else ''
    return jobs.NewJob(
        api=API,
        kind=asked.type,
        name=asked.prompt.instruction[:NAME_LENGTH],
        # Its instructions are the request's own; the rest of the program holds.
        program=key.program,
        instructions=asked.prompt.instruction,
        webhook_url=asked.hook_url,
        request=to_json({
            name: value for name, value in asked.raw.items() if name not in SET_BY_SERVICE
        }).decode(),
        priors='{}',
        questions=[jobs.NewQuestion(shown)],
        excluded=service.crunchers.possible(asked.exclude_crunchers),
    )


def asked_of(row: Row[Any]) -> HeatRequest:
    """Return the request of a question."""
    return parse_heat_request(row.kind, json.loads(row.request))


def status_of(row: Row[Any]) -> str:
    """Return a question's state in the words of the API page."""
    if row.state == ABORTED:
        return ABORTED
    if row.state != 'closed':
        return PENDING
    return FLAGGED if FLAGGED in json.loads(row.flags or '[]') else COMPLETE


def request_json(service: Context, row: Row[Any], base: str, now: float) -> bytes:
    """Write a Request object: its answer, and every field that was given when it was made.

    Beyond the page: `date_created`, `date_closed`, and `sequence`, which grows with every change
    of its state. `response` is there when it is complete, `cruncher_feedback` when it is flagged.

    Args:
        base: what the URLs of files that operators uploaded start with.
    """
    status = status_of(row)
    answered = [service.crunchers.pseudonym(row.answered_by)] if row.answered_by else []
    result: dict[str, Any] = {
        'id': row.token,
        'status': status,
        'type': row.kind,
        'crunchers': answered,
        'sequence': row.sequence,
        'date_created': format_time(row.created),
    }
    if row.closed is not None:
        result['date_closed'] = format_time(row.closed)
    if status == FLAGGED:
        result['cruncher_feedback'] = row.feedback
    if status != COMPLETE:
        return json_object(result, row.request)
    return json_object(result, row.request, _response(service, row, base, now))


def _response(service: Context, row: Row[Any], base: str, now: float) -> str | bytes:
    """Return the object with the response that was stored."""
    if row.kind not in MEDIA:
        return str(row.answer)
    # Files here are stored as paths: callers may reach the service by different addresses.
    response = json.loads(row.answer)['response']
    own = images.own_path(response, row.tenant)
    if response.startswith(STAGED_PATH):
        response = base + response
    elif own is not None:
        # The same URL for an hour, so that it can be cached.
        until = math.ceil((now + service.settings.url_ttl_s) / HOUR_S) * HOUR_S
        response = base + service.urls.sign(own, row.key_hash, until)
    return to_json({'response': response})
