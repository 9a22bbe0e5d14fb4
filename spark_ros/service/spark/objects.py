# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""SparkAI's requests into the store and its answers out (page: /v1/engagement, /v1/job)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row

from spark_ros.service.errors import ApiError
from spark_ros.service.spark import programs
from spark_ros.service.storage import jobs
from spark_ros.service.storage.keys import Key
from spark_ros.service.storage.leases import NO_ANSWER
from spark_ros.service.web.replies import json_array, json_object, to_json
from spark_ros.service.web.robots import name_in
from spark_ros.wire.spark import EngagementRequest, metadata_size
from spark_ros.wire.values import format_time

NAME_LENGTH = 80
NO_RESPONSE = to_json({
    'response': '', 'annotations': [], 'confirmed_annotations': [], 'removed_annotations': [],
}).decode()  # fmt: skip


def new_job(key: Key, asked: EngagementRequest, metadata_limit: int) -> jobs.NewJob:
    """Make the job to store for a request.

    Args:
        key: of the caller; its program is used where a request has neither program nor
            instructions.
        metadata_limit: of the request and of each prior, in bytes of JSON.

    Raises:
        ApiError: 400 when there are no instructions and no program, 413 too much metadata.
    """
    _expect_small(asked.metadata, 'metadata', metadata_limit)
    for index, annotation in enumerate(asked.raw_annotations):
        if annotation.get('metadata'):
            name = f'priors.annotations[{index}].metadata'
            _expect_small(annotation['metadata'], name, metadata_limit)
    program = asked.program_name
    if program is None and asked.instructions is None:
        program = key.program
        if program is None:
            raise ApiError(
                400, 'program_name and instructions are both missing; one of them is required'
            )
    # One without an index is a prior of every image.
    counts = Counter(annotation.image_index for annotation in asked.annotations)
    return jobs.NewJob(
        api='spark',
        kind='annotate',
        name=program or (asked.instructions or '')[:NAME_LENGTH],
        program=program,
        instructions=asked.instructions,
        webhook_url=asked.webhook_url,
        request=to_json({
            'content_type': asked.content_type,
            **({'metadata': asked.metadata} if asked.metadata else {}),
        }).decode(),
        priors=json_object(
            {'label_options': asked.label_options},
            b'{"annotations":%b}' % json_array(map(to_json, asked.raw_annotations)),
        ).decode(),
        questions=[
            jobs.NewQuestion(location, counts[None] + counts[position])
            for position, location in enumerate(asked.content_location)
        ],
        robot_id=name_in(asked.metadata, 'robot_id'),
        camera=name_in(asked.metadata, 'camera'),
    )


def expect_program(connection: Connection, key: Key, job: jobs.NewJob) -> None:
    """Check that operators will have instructions.

    Raises:
        ApiError: 400 when there are no instructions, and the program is unknown.
    """
    if job.instructions is not None or job.program is None or job.program == key.program:
        return
    if programs.find(connection, job.program) is None:
        raise ApiError(400, f'program_name {job.program!r} is unknown; give instructions')


def engagement_json(row: Row[Any]) -> bytes:
    """Write one element of GET /v1/engagement; fields that were not given are left out.

    Beyond the page: `content_location`, `content_type`, `metadata`, `confirmed_annotations`,
    `removed_annotations`, `flags`, `feedback`, and `sequence`, which grows with every change of
    this engagement's state.
    """
    optional = {
        'date_closed': format_time(row.closed),
        'instructions': row.instructions,
        'webhook_url': row.webhook_url,
        'program_name': row.program,
        'feedback': row.feedback,
    }
    fields = {
        'token': row.token,
        'state': row.state,
        'sequence': row.sequence,
        'date_created': format_time(row.created),
        'image_location': row.image_location,
        'content_location': row.image_location,
        'flags': json.loads(row.flags) if row.flags else [],
        **{name: value for name, value in optional.items() if value},
    }
    answer = NO_RESPONSE if row.answer in (None, NO_ANSWER) else row.answer
    return json_object(fields, row.request, answer)


def job_json(rows: Sequence[Row[Any]], states: Sequence[Row[Any]]) -> bytes:
    """Write one element of GET /v1/job/{token}.

    Args:
        rows: its first questions, as many as fit.
        states: where all of them stand.
    """
    first, state = rows[0], job_state(states)
    job = {
        'job_name': first.job_name,
        'token': first.token,
        'state': state,
        'date_created': format_time(first.created),
    }
    if state == 'closed':
        job['date_closed'] = format_time(max(row.closed for row in states))
    if first.program:
        job['program_name'] = first.program
    return json_object(job, b'{"engagements":%b}' % json_array(map(engagement_json, rows)))


def job_state(states: Sequence[Row[Any]]) -> str:
    """Return the state of a job from the states of its questions."""
    different = {row.state for row in states}
    return str(different.pop()) if len(different) == 1 else 'assigned'


def _expect_small(metadata: Mapping[str, Any], name: str, limit: int) -> None:
    size = metadata_size(metadata)
    if size > limit:
        raise ApiError(413, f'{name} has {size} bytes of JSON; at most {limit} are accepted')
