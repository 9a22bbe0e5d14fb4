# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What a request says about a job by its headers, the same for both APIs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from starlette.requests import Request

from spark_ros.service.context import base_url, context_of
from spark_ros.service.storage.jobs import NewJob
from spark_ros.service.storage.keys import Key
from spark_ros.service.web.idempotency import parse_idempotency_key
from spark_ros.service.web.robots import robot_of
from spark_ros.service.web.shown_media import Requester, files_elsewhere, names_of
from spark_ros.service.web.urgency import urgency_of

Files = Sequence[tuple[str, str]]


async def complete_job(
    request: Request, key: Key, job: NewJob, files: Files, now: float
) -> tuple[NewJob, Files]:
    """Add to a job what the headers of its request say, and which files it names.

    Args:
        files: what it shows: kinds (`image`, `video`, `audio`) and URLs.

    Returns:
        The job, and those of the files that are not on this service.

    Raises:
        ApiError: 400, a header is not valid.
    """
    base, urgency = base_url(request), urgency_of(request, key, now)
    robot_id, name = robot_of(request), parse_idempotency_key(request)
    elsewhere = await files_elsewhere(
        context_of(request), files, Requester(key.tenant, now, base)
    )
    whole = replace(
        job,
        robot_id=robot_id or job.robot_id,
        base_url=base,
        idempotency_key=name,
        priority=urgency.priority,
        deadline=urgency.deadline,
        files=names_of(files, elsewhere, key.tenant),
    )
    return whole, elsewhere
