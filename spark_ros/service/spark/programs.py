# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Programs: named standing instructions, which a question can refer to."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import Connection, Row, delete, insert, select

from spark_ros.service.errors import ApiError
from spark_ros.service.media import images
from spark_ros.service.media.decode import decode_image
from spark_ros.service.media.image_files import ImageFiles
from spark_ros.service.storage import fetches
from spark_ros.service.storage.schema import programs
from spark_ros.service.storage.store import Transaction
from spark_ros.wire.values import WireError, expect_list, expect_object, expect_text, expect_url

FIELDS = (
    'instructions', 'label_options', 'reference_images', 'grace_s', 'flag_reasons',
    'second_opinion_share', 'second_opinion_change', 'second_opinion_wait', 'known_answers_share',
)  # fmt: skip
MAX_GRACE_S = 60
MAX_REASONS = 20


class ProgramError(ValueError):
    """A program that cannot be read; the message says what and where."""


@dataclass(frozen=True)
class Program:
    """The standing instructions of a program.

    Attributes:
        reference_images: URLs, local files to import, or paths of images that were imported.
        grace_s: for how long an operator can take an answer back, in seconds.
        flag_reasons: what operators choose from when they flag; none for the console's own.
        second_opinion_share: which share of its questions a second operator answers, too, from 0
            to 1; chosen by their tokens.
        second_opinion_change: a second operator answers, too, where an answer changed more than
            this share of the priors, from 0 to 1; None for no such rule.
        second_opinion_wait: whether the robot's answer waits for the second operator's, for
            `held_answers.LONGEST_WAIT_S` at most.
        known_answers_share: how many questions with known answers an operator is shown for each
            real one that they answer, at most.
    """

    instructions: str
    label_options: tuple[str, ...] = ()
    reference_images: tuple[str, ...] = ()
    grace_s: float = 0.0
    flag_reasons: tuple[str, ...] = ()
    second_opinion_share: float = 0.0
    second_opinion_change: float | None = None
    second_opinion_wait: bool = False
    known_answers_share: float = 0.0


def parse(text: str) -> Program:
    """Read a program's YAML.

    Raises:
        ProgramError: it is not YAML, or a field is missing, unknown or of the wrong kind.
    """
    try:
        body = expect_object(yaml.safe_load(text), 'the program')
        unknown = [str(name) for name in body if name not in FIELDS]
        if unknown:
            raise ProgramError(
                f'unknown field {", ".join(unknown)}; a program has {", ".join(FIELDS)}'
            )
        labels = _texts(body, 'label_options', 500)
        if len(set(labels)) != len(labels):
            raise ProgramError('label_options names a label twice')
        instructions = expect_text(body.get('instructions'), 'instructions').strip()
        if not instructions:
            raise ProgramError('instructions are empty')
        reasons = _texts(body, 'flag_reasons', 200)
        if len(reasons) > MAX_REASONS:
            raise ProgramError(f'flag_reasons has more than {MAX_REASONS} entries')
        change = body.get('second_opinion_change')
        waits = body.get('second_opinion_wait', False)
        if not isinstance(waits, bool):
            raise ProgramError(f'second_opinion_wait is {waits!r}: it must be true or false')
        return Program(
            instructions, labels, _texts(body, 'reference_images', 8192),
            _number(body, 'grace_s', MAX_GRACE_S, ' seconds'), reasons,
            _number(body, 'second_opinion_share', 1),
            None if change is None else _number(body, 'second_opinion_change', 1),
            waits,
            _number(body, 'known_answers_share', 1),
        )  # fmt: skip
    except (WireError, yaml.YAMLError) as error:
        raise ProgramError(str(error)) from None


def import_images(
    program: Program, directory: Path, files: ImageFiles, max_pixels: int
) -> tuple[Program, list[images.StoredImage]]:
    """Save the local files among a program's reference images; URLs stay as they are.

    Args:
        directory: relative file names start from it.

    Returns:
        The program with the paths of its images on the service, and what was saved.

    Raises:
        ProgramError: a file cannot be read or stored, or is not an image.
    """
    references, saved = [], []
    for reference in program.reference_images:
        if '://' in reference:
            try:
                references.append(expect_url(reference, f'reference image {reference}'))
            except WireError as error:
                raise ProgramError(str(error)) from None
            continue
        try:
            content = (directory / reference).read_bytes()
            kind = decode_image(content, max_pixels)
            stored = files.save(io.BytesIO(content), images.PROGRAMS, kind)
        except OSError as error:
            raise ProgramError(f'reference image {reference}: {error.strerror}') from None
        except ApiError as error:
            raise ProgramError(f'reference image {reference}: {error.message}') from None
        saved.append(stored)
        references.append(stored.path)
    return replace(program, reference_images=tuple(references)), saved


def put(transaction: Transaction, name: str, program: Program, now: float) -> None:
    """Store a program, replacing one of the same name, and have its pictures fetched.

    Raises:
        ProgramError: the name is empty or too long.
    """
    if not name.strip() or len(name) > 500:
        raise ProgramError('a program name has 1 to 500 characters')
    transaction.connection.execute(delete(programs).where(programs.c.name == name))
    transaction.connection.execute(
        insert(programs).values(
            name=name,
            instructions=program.instructions,
            label_options=json.dumps(program.label_options),
            reference_images=json.dumps(program.reference_images),
            grace_s=program.grace_s,
            flag_reasons=json.dumps(program.flag_reasons),
            second_opinion_share=program.second_opinion_share,
            second_opinion_change=program.second_opinion_change,
            second_opinion_wait=int(program.second_opinion_wait),
            known_answers_share=program.known_answers_share,
            updated=now,
        )
    )
    wanted = [
        ('image', url)
        for url in program.reference_images
        if images.own_path(url, images.PROGRAMS) is None
    ]
    fetches.put(transaction, images.PROGRAMS, wanted, now, fresh_s=0.0)


def find(connection: Connection, name: str) -> Program | None:
    """Return a program by its name, or None."""
    row = connection.execute(select(programs).where(programs.c.name == name)).first()
    return None if row is None else _program(row)


def list_all(connection: Connection) -> dict[str, Program]:
    """Return all programs by name, in the order of names."""
    rows = connection.execute(select(programs).order_by(programs.c.name))
    return {row.name: _program(row) for row in rows}


def _program(row: Row[Any]) -> Program:
    return Program(
        row.instructions,
        tuple(json.loads(row.label_options)),
        tuple(json.loads(row.reference_images)),
        row.grace_s,
        tuple(json.loads(row.flag_reasons)),
        row.second_opinion_share,
        row.second_opinion_change,
        bool(row.second_opinion_wait),
        row.known_answers_share,
    )


def _number(body: Mapping[str, Any], name: str, most: int, unit: str = '') -> float:
    given = body.get(name, 0)
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        raise ProgramError(f'{name} is {given!r}: it must be a number{unit and f" of{unit}"}')
    if not 0 <= given <= most:
        raise ProgramError(f'{name} is {given}: it must be from 0 to {most}{unit}')
    return float(given)


def _texts(body: Mapping[str, Any], name: str, longest: int) -> tuple[str, ...]:
    texts = tuple(
        expect_text(item, f'{name}[{index}]', longest).strip()
        for index, item in enumerate(expect_list(body.get(name) or [], name))
    )
    if not all(texts):
        raise ProgramError(f'{name} has an empty entry')
    return texts
