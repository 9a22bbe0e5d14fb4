# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What an operator sees of a question, and what their answer becomes, for each API."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row

from spark_ros.geometry import ImageSize
from spark_ros.service.context import Context
from spark_ros.service.errors import ApiError
from spark_ros.service.heat import objects as heat_json
from spark_ros.service.heat import view as heat_view
from spark_ros.service.heat.attachments import attachment_sizes
from spark_ros.service.media import images
from spark_ros.service.spark import answers, programs
from spark_ros.service.storage import job_leases, jobs, skips
from spark_ros.service.storage.leases import CANCELED, EXPIRED, FLAGGED
from spark_ros.service.storage.schema import NEVER
from spark_ros.service.web.replies import to_json
from spark_ros.service.web.shown_media import EXAMPLE, Requester, media
from spark_ros.wire.annotations import annotation_json
from spark_ros.wire.heat import ANNOTATIONS, MEDIA, PER_ANNOTATION
from spark_ros.wire.values import WireError, expect_list, expect_object, expect_text, format_time

MAX_FLAGS = 20
MOST_SKIPS = 10
LONGEST_REASON = 2000


def queue_lines(
    service: Context, connection: Connection, rows: Sequence[Row[Any]], operator: str | None,
    now: float,
) -> list[dict[str, Any]]:
    """Write lines of the queue; `excluded`, of Heat, says that this operator must not answer."""
    lines = summaries(service, connection, rows, operator, now)
    return [
        {**line, 'excluded': bool(row.excluded)} if row.api == heat_json.API else line
        for row, line in zip(rows, lines, strict=True)
    ]


def summaries(
    service: Context, connection: Connection, rows: Sequence[Row[Any]], operator: str | None,
    now: float,
) -> list[dict[str, Any]]:
    """Write what lines of the queue and lists of answers have in common."""
    wanted = [_image_of(row) for row in rows]
    shown = media(service, connection, [each for each in wanted if each[0]])
    urls = [(shown[each]['url'] if each[0] else None) or '' for each in wanted]
    thumbnails = images.thumbnail_paths(connection, urls)
    return [
        {
            **_summary(service, row, operator, now, shown.get(image)),
            # A path of this service, or None.
            'thumbnail': EXAMPLE if url == EXAMPLE else thumbnails.get(url),
        }
        for row, image, url in zip(rows, wanted, urls, strict=True)
    ]


def _image_of(row: Row[Any]) -> tuple[str, Requester]:
    return row.image_location, Requester(row.tenant, row.created, row.base_url)


def _summary(
    service: Context, row: Row[Any], operator: str | None, now: float,
    image: dict[str, Any] | None,
) -> dict[str, Any]:
    holder = row.lease_owner
    if row.lease_until == NEVER and operator not in (None, holder):
        # They may be asked for a second opinion.
        holder = None
    return {
        'id': row.id,
        'api': row.api,
        'kind': row.kind,
        'state': row.state,
        'program': row.program,
        'instructions': row.instructions,
        'age_s': round(max(0.0, now - row.created), 3),
        'created': format_time(row.created),
        'priority': row.priority,
        # Seconds until nobody waits for the answer any more, or None.
        'left_s': None if row.deadline == NEVER else round(row.deadline - now, 3),
        'image': image,
        'tenant': row.key_name,
        'robot': row.robot_id or row.key_name,
        'camera': row.camera or '',
        'image_count': row.images,
        'mine': operator is not None and working_on(row) == operator,
        # Tells operators apart, and says nothing else about them.
        'holder': holder and service.crunchers.pseudonym(holder)[:6],
        'priors': row.prior_count,
    }


def working_on(row: Row[Any]) -> str | None:
    """Return who works on a question; not who answered it and can still take that back."""
    owner: str | None = row.lease_owner
    return None if row.lease_until == NEVER else owner


def details(
    service: Context, connection: Connection, row: Row[Any], operator: str, now: float,
    image_ids: Sequence[int] | None = None,
) -> dict[str, Any]:
    """Write all that an operator needs to answer a question.

    Args:
        image_ids: of the questions of a request with several images; None for those that wait.
    """
    lease_s = None
    if row.lease_until not in (None, NEVER):
        lease_s = max(0.0, row.lease_until - now)
    program = programs.find(connection, row.program) if row.program else None
    [line] = summaries(service, connection, [row], operator, now)
    seen = {
        **line,
        'token': row.token,
        'lease_s': lease_s,
        'flag_reasons': list(program.flag_reasons) if program else [],
        'skips': [
            {
                'reason': each.reason,
                'at': format_time(each.skipped),
                'mine': each.operator == operator,
            }
            for each in skips.of_job(connection, row.job_id)[:MOST_SKIPS]
        ],
    }
    if row.api == heat_json.API:
        return {**seen, **heat_view.details(service, connection, row, operator)}
    asked, given = json.loads(row.request), json.loads(row.priors)
    labels = given['label_options'] or (list(program.label_options) if program else [])
    references = program.reference_images if program else ()
    by = Requester(images.PROGRAMS, now)
    return {
        **seen,
        'program_known': program is not None,
        'instructions': row.instructions or (program.instructions if program else ''),
        'label_options': labels,
        'reference_images': [
            *media(service, connection, [(each, by) for each in references]).values()
        ],
        'content_type': asked['content_type'],
        'priors': _priors_json(given['annotations'], row.position),
        **({} if row.images == 1 else {'images': _images(
            service, connection, row, operator, now,
            image_ids or job_leases.image_ids(connection, row.id),
        )}),
        'metadata': asked.get('metadata') or {},
        'webhook_url': row.webhook_url,
    }


def _images(
    service: Context, connection: Connection, row: Row[Any], operator: str, now: float,
    image_ids: Sequence[int],
) -> list[dict[str, Any]]:
    """Write the images of a request with several, in their order."""
    given = json.loads(row.priors)['annotations']
    rows = jobs.by_ids(connection, image_ids)
    return [
        {
            'id': image.id,
            'image_index': image.position,
            'image': line['image'],
            'thumbnail': line['thumbnail'],
            'priors': _priors_json(given, image.position),
        }
        for image, line in zip(
            rows, summaries(service, connection, rows, operator, now), strict=True
        )
    ]


def _priors_json(given: Sequence[Mapping[str, Any]], position: int) -> list[dict[str, Any]]:
    return [
        {
            'index': prior.index,
            'metadata': prior.raw.get('metadata') or {},
            **{
                name: value
                for name, value in annotation_json(prior.annotation, as_strings=False).items()
                if name in ('label', 'type', 'vertices')
            },
        }
        for prior in answers.priors_of(given, position)
    ]


def expect_may_claim(
    service: Context, connection: Connection, question_id: int, operator: str
) -> None:
    """Raise ApiError 409 where the caller does not want this operator to answer."""
    if jobs.excludes(connection, question_id, service.crunchers.pseudonym(operator)):
        raise ApiError(409, 'the caller has excluded you from answering this question')


def sizes_of(connection: Connection, row: Row[Any]) -> list[ImageSize | None]:
    """Return the sizes in pixels of the images that `answer_of` has to know them of."""
    if row.api != heat_json.API or row.kind not in (ANNOTATIONS, *PER_ANNOTATION):
        return []
    return attachment_sizes(connection, heat_json.asked_of(row), row.tenant)


def answer_of(
    row: Row[Any], body: Any, sizes: Sequence[ImageSize | None]
) -> tuple[str, list[str]]:
    """Turn a submitted answer into what the API sends, as JSON, and its flags.

    Args:
        sizes: what `sizes_of` gives for this question.

    Raises:
        WireError: it is not valid; the message says what.
    """
    if row.images > 1:
        raise WireError(f'this question has {row.images} images: answer all of them together')
    if row.api == heat_json.API:
        return to_json(heat_view.answer_of(row, body, sizes)).decode(), []
    said = expect_object(body, 'the answer')
    given = json.loads(row.priors)['annotations']
    derived = answers.derive(said.get('shapes'), answers.priors_of(given, 0), None)
    response = expect_text(said.get('response') or '', 'response')
    flags = _flags(said)
    _expect_not_reserved(flags, FLAGGED)
    return to_json({'response': response, **derived}).decode(), flags


def answers_of_images(
    rows: Sequence[Row[Any]], names: Sequence[Hashable], body: Any
) -> tuple[list[str], list[str]]:
    """Turn the answer to a request with several images into what each of them is answered with.

    Args:
        rows: of its images; the first with the job's `priors`.
        names: what the body calls them, as `id`.
        body: `{"images": [{"id", "shapes"}, …], "response", "flags"}`: one entry for each image.

    Returns:
        The answers as JSON, in the order of the rows, and the flags of all.

    Raises:
        WireError: it is not valid; the message says what.
    """
    said = expect_object(body, 'the answer')
    given = json.loads(rows[0].priors)['annotations']
    response = expect_text(said.get('response') or '', 'response')
    flags = _flags(said)
    _expect_not_reserved(flags, FLAGGED)
    shapes = {}
    for at, item in enumerate(expect_list(said.get('images'), 'images')):
        image = expect_object(item, f'images[{at}]')
        if not isinstance(image.get('id'), int | str):
            raise WireError(f'images[{at}].id is not the id of an image')
        shapes[image['id']] = image.get('shapes')
    if set(shapes) != {*names}:
        raise WireError('images must have one entry for each image, by its id')
    texts = []
    for row, name in zip(rows, names, strict=True):
        priors = answers.priors_of(given, row.position)
        derived = answers.derive(shapes[name], priors, row.position)
        texts.append(to_json({'response': response, **derived}).decode())
    return texts, flags


def images_in(row: Row[Any], answer: str) -> list[str]:
    """Return the ids of the images or videos here that an answer consists of."""
    if row.api != heat_json.API or row.kind not in MEDIA:
        return []
    named = images.named_id(json.loads(answer)['response'])
    return [] if named is None else [named]


def flag_of(body: Any) -> tuple[list[str], str]:
    """Read why a question cannot be answered: its flags, and the reason in words.

    Raises:
        WireError: the reason is missing.
    """
    said = expect_object(body, 'the flag')
    reason = expect_text(said.get('reason'), 'reason', LONGEST_REASON).strip()
    if not reason:
        raise WireError('reason is empty; say why the question cannot be answered')
    flags = _flags(said)
    _expect_not_reserved(flags)
    return [FLAGGED, *(flag for flag in flags if flag != FLAGGED)], reason


def skip_reason_of(body: Any) -> str:
    """Read why an operator leaves a question to others; it may be empty.

    Raises:
        WireError: it is no text, or too long.
    """
    said = expect_object(body, 'the skip')
    return expect_text(said.get('reason') or '', 'reason', LONGEST_REASON).strip()


def _expect_not_reserved(flags: Sequence[str], *more: str) -> None:
    for flag in (EXPIRED, CANCELED, *more):
        if flag in flags:
            raise WireError(f'the flag `{flag}` is reserved; flag the question instead')


def _flags(said: Mapping[str, Any]) -> list[str]:
    flags = expect_list(said.get('flags') or [], 'flags')
    if len(flags) > MAX_FLAGS:
        raise WireError(f'flags has more than {MAX_FLAGS} entries')
    texts = [expect_text(flag, f'flags[{at}]', 100).strip() for at, flag in enumerate(flags)]
    return list(dict.fromkeys(text for text in texts if text))
