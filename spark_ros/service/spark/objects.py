# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""SparkAI's requests into the store and its answers out (page: /v1/engagement, /v1/job)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row

from spark_ros.service.errors import ApiError
from spark_ros.service.spark import programs
from spark_ros.service.spark.answers import priors_of
from spark_ros.service.storage import jobs
from spark_ros.service.storage.keys import Key
from spark_ros.wire.spark import EngagementRequest
from spark_ros.wire.values import format_time

NAME_LENGTH = 80


def new_job(connection: Connection, key: Key, asked: EngagementRequest) -> jobs.NewJob:
    """Say what is to be stored for a request.

    Raises:
        ApiError: 400 when there are no instructions and no program that is known.
    """
    program = asked.program_name
    if program is None and asked.instructions is None:
        program = key.program
        if program is None:
            raise ApiError(
                400, 'program_name and instructions are both missing; one of them is required'
            )
    elif asked.instructions is None and programs.find(connection, str(program)) is None:
        raise ApiError(400, f'program_name {program!r} is unknown; give instructions')
    return jobs.NewJob(
        api='spark',
        kind='annotate',
        name=program or (asked.instructions or '')[:NAME_LENGTH],
        program=program,
        instructions=asked.instructions,
        webhook_url=asked.webhook_url,
        request={
            'content_type': asked.content_type,
            'metadata': dict(asked.metadata),
        },
        priors={
            'label_options': list(asked.label_options),
            'annotations': list(asked.raw_annotations),
        },
        questions=[
            jobs.NewQuestion(location, len(priors_of(asked.raw_annotations, position)))
            for position, location in enumerate(asked.content_location)
        ],
    )


def engagement_json(row: Row[Any]) -> dict[str, Any]:
    """Write one element of GET /v1/engagement; fields that were not given are left out.

    Beyond the page: `content_location`, `content_type`, `metadata`, `confirmed_annotations`,
    `removed_annotations`, `flags`, `feedback`, and `sequence`, which grows with every change of
    this engagement's state.
    """
    asked = json.loads(row.request)
    answer: Mapping[str, Any] = json.loads(row.answer) if row.answer else {}
    optional = {
        'date_closed': format_time(row.closed),
        'instructions': row.instructions,
        'webhook_url': row.webhook_url,
        'program_name': row.program,
        'metadata': asked['metadata'],
        'feedback': row.feedback,
    }
    return {
        'token': row.token,
        'state': row.state,
        'sequence': row.sequence,
        'date_created': format_time(row.created),
        'image_location': row.image_location,
        'content_location': row.image_location,
        'content_type': asked['content_type'],
        'response': answer.get('response', ''),
        'annotations': answer.get('annotations', []),
        'confirmed_annotations': answer.get('confirmed_annotations', []),
        'removed_annotations': answer.get('removed_annotations', []),
        'flags': json.loads(row.flags) if row.flags else [],
        **{name: value for name, value in optional.items() if value},
    }


def job_json(rows: Sequence[Row[Any]]) -> dict[str, Any]:
    """Write one element of GET /v1/job/{token} from all questions of the job."""
    first = rows[0]
    states = {row.state for row in rows}
    state = states.pop() if len(states) == 1 else 'assigned'
    job = {
        'job_name': first.job_name,
        'token': first.token,
        'state': state,
        'date_created': format_time(first.created),
        'engagements': [engagement_json(row) for row in rows],
    }
    if state == 'closed':
        job['date_closed'] = format_time(max(row.closed for row in rows))
    if first.program:
        job['program_name'] = first.program
    return job
