# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The page of an operator's last answers, its data, and notes on what was wrong in one."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, Row
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from spark_ros.service.context import Context, context_of
from spark_ros.service.heat import answers as heat_answers
from spark_ros.service.heat import objects as heat_json
from spark_ros.service.operators import pages, view
from spark_ros.service.operators.access import acting_operator, known_operator, session_or_none
from spark_ros.service.operators.api import question_id_of
from spark_ros.service.spark import programs
from spark_ros.service.storage import corrections, jobs
from spark_ros.service.web.body import read_json
from spark_ros.service.web.replies import reply
from spark_ros.wire.annotations import annotation_json, parse_annotation
from spark_ros.wire.values import WireError, expect_object, expect_text, format_time

MOST_ANSWERS = 50
LONGEST_NOTE = 2000
# What became of the shapes in each list of an answer.
LISTS = {
    'annotations': 'changed',
    'confirmed_annotations': 'confirmed',
    'removed_annotations': 'removed',
}


async def page(request: Request) -> Response:
    """Give the page to who is logged in."""
    if await session_or_none(request) is None:
        return pages.please_log_in()
    return FileResponse(pages.CONSOLE / 'answers.html', headers=pages.NO_STORE)


async def answers(request: Request) -> Response:
    """List the operator's last answers, the newest first."""
    operator, service = await known_operator(request), context_of(request)

    def read(connection: Connection) -> Response:
        rows = jobs.last_answers(connection, operator, MOST_ANSWERS)
        # Written here because it may be megabytes, which would hold up the event loop.
        return reply({'answers': _answers(service, connection, rows, operator)})

    return await service.store.read(read)


async def correct(request: Request) -> Response:
    """Note what was wrong in an answer; the answer stays as it is."""
    operator, service = await acting_operator(request), context_of(request)
    question_id = question_id_of(request)
    body = await read_json(request, service.settings.json_limit, operator, _note_of)
    now = service.clock()
    await service.store.write(corrections.add, question_id, operator, body.value, now)
    return reply({'note': body.value, 'at': format_time(now)})


def _answers(
    service: Context, connection: Connection, rows: list[Row[Any]], operator: str
) -> list[dict[str, Any]]:
    notes = corrections.of_questions(connection, [row.id for row in rows])
    names = {row.program for row in rows if row.program and not row.instructions}
    known = {name: programs.find(connection, name) for name in names}
    lines = view.summaries(service, connection, rows, operator, service.clock())
    return [
        {
            **{name: line[name] for name in ('id', 'api', 'kind', 'program')},
            'instructions': row.instructions or _asked_by(known.get(row.program)),
            'token': row.token,
            # A video has no thumbnail, and nothing is drawn on it.
            'image': line['image'] if line['thumbnail'] else None,
            'closed': format_time(row.closed),
            'flags': json.loads(row.flags or '[]'),
            'feedback': row.feedback,
            **_said(connection, row),
            'corrections': [
                {'note': note.note, 'at': format_time(note.noted)}
                for note in notes.get(row.id, ())
            ],
        }
        for row, line in zip(rows, lines, strict=True)
    ]


def _asked_by(program: programs.Program | None) -> str:
    return program.instructions if program else ''


def _said(connection: Connection, row: Row[Any]) -> dict[str, Any]:
    answer = json.loads(row.answer or '{}')
    if row.api == heat_json.API:
        return heat_answers.shown(connection, row, answer.get('response'))
    return {
        'response': answer.get('response') or '',
        'shapes': [
            {
                **annotation_json(parse_annotation(each, name), as_strings=False),
                'became': 'added' if _is_new(name, each) else became,
            }
            for name, became in LISTS.items()
            for each in answer.get(name) or []
        ],
    }


def _is_new(name: str, annotation: dict[str, Any]) -> bool:
    return name == 'annotations' and 'original_annotation' not in annotation


def _note_of(body: Any) -> str:
    note = expect_text(expect_object(body, 'the correction').get('note'), 'note', LONGEST_NOTE)
    if not note.strip():
        raise WireError('note is empty; say what was wrong in the answer')
    return note.strip()


routes = [
    Route('/console/answers', page),
    Route('/console/api/answers', answers),
    Route('/console/api/answers/{question_id}/correction', correct, methods=['POST']),
]
