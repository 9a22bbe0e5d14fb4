# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What an operator sees of a Heat question, and what their answer becomes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row

from spark_ros.geometry import ImageSize
from spark_ros.service.context import Context
from spark_ros.service.errors import ApiError
from spark_ros.service.heat.attachments import copied_media, is_copied
from spark_ros.service.heat.objects import asked_of
from spark_ros.service.media import images
from spark_ros.service.settings import Settings
from spark_ros.service.web.shown_media import Requester, link, media
from spark_ros.service.web.uploads import Expected
from spark_ros.wire.heat import MEDIA, Prompt
from spark_ros.wire.heat_response import check_response
from spark_ros.wire.values import expect_object

UPLOAD_PART = 'file'
DIAL = 'dial:'


def details(
    service: Context, connection: Connection, row: Row[Any], operator: str
) -> dict[str, Any]:
    """Describe a question for the console, beyond the line of the queue.

    Args:
        row: of the question, see `jobs.question`.
        operator: for whom; `excluded` says whether the caller has excluded them.
    """
    asked = asked_of(row)
    by = Requester(row.tenant, row.created, row.base_url)
    copies = media(service, connection, [(url, by) for _, url in copied_media(asked)])

    def shown(item: str, kind: str) -> dict[str, Any]:
        if kind == 'text':
            return {'text': item}
        return copies[item, by] if is_copied(kind, item) else link(item)

    def prompt(asked: Prompt) -> dict[str, Any]:
        choices, scale = asked.choices, asked.scale
        return {
            'kind': asked.kind,
            'instruction': asked.instruction,
            'choices_type': choices.type if choices else 'text',
            'choices': [] if choices is None else [
                {'value': value, **(shown(value, choices.type) if choices.type != 'text' else {})}
                for value in choices.options
            ],
            'min_answers': choices.least if choices else 0,
            'max_answers': choices.most if choices else 0,
            'rating_min': scale.low if scale else None,
            'rating_max': scale.high if scale else None,
            'rating_step': scale.step if scale else None,
            'label_min': scale.low_label if scale else '',
            'label_max': scale.high_label if scale else '',
            'validation': asked.validation,
        }

    return {
        'attachments_type': asked.attachments_type,
        'attachments': [
            shown(item, asked.attachments_type) for item in asked.attachments
        ],
        'prompt': prompt(asked.prompt),
        'annotations_type': asked.annotations_type,
        'min_annotations': asked.min_annotations,
        'max_annotations': asked.max_annotations,
        'per_annotation': None if asked.per_annotation is None else prompt(asked.per_annotation),
        'hook_url': asked.hook_url,
        'exclude_crunchers': list(asked.exclude_crunchers),
        'excluded': service.crunchers.pseudonym(operator) in asked.exclude_crunchers,
        'dial': [
            item
            for item in asked.attachments
            if asked.attachments_type == 'text' and item.startswith(DIAL)
        ],
    }


def expected_upload(settings: Settings, row: Row[Any]) -> Expected:
    """Return what an operator may upload for a question.

    Raises:
        ApiError: 400 where it does not ask for a file.
    """
    if row.kind == 'image':
        return Expected(UPLOAD_PART, settings.image_limit, 'image')
    if row.kind == 'video':
        return Expected(UPLOAD_PART, settings.video_limit, 'video')
    if row.kind == 'audio':
        return Expected(UPLOAD_PART, settings.image_limit, 'audio')
    raise ApiError(400, 'this question does not ask for a file')


def answer_of(
    row: Row[Any], body: Any, sizes: Sequence[ImageSize | None]
) -> dict[str, Any]:
    """Turn a submitted answer into what is stored.

    Args:
        sizes: of the upright attachments in pixels, where known.

    Raises:
        WireError: it is not an answer to this request; the message says why.
    """
    answer, asked = expect_object(body, 'the answer'), asked_of(row)
    response = check_response(asked, answer.get('response'), sizes)
    if row.kind in MEDIA:
        # As a path: callers may reach the service by different addresses.
        response = images.own_path(response, row.tenant) or response
    return {'response': response}
