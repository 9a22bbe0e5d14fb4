# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Staged answers: what a `test_` key gets at once, without a person (page: "Staging Environment").

They are valid and depend on nothing but the request, so that a client can be tested against them.
The files are 64 x 48 pixels of colour, two seconds of video and half a second of sound.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from spark_ros.geometry import ImageSize
from spark_ros.wire.heat import MEDIA, HeatRequest, Prompt, Scale
from spark_ros.wire.heat_response import check_response
from spark_ros.wire.values import WireError

STAGED_PATH = '/v1/staged/'
STAGED_FILES = {'image': 'image.png', 'video': 'video.mp4', 'audio': 'audio.wav'}
CONTENT_TYPES = {'image': 'image/png', 'video': 'video/mp4', 'audio': 'audio/wav'}
TEXTS = {'': 'staged answer', 'number': '42', 'url': 'https://example.com/staged'}
# Where annotations go on attachments whose size is not known, in pixels.
UNKNOWN = ImageSize(100, 100)


@lru_cache
def media(kind: str) -> bytes:
    """Return a small file of a kind: `image`, `video` or `audio`."""
    return Path(__file__).with_name('staged').joinpath(STAGED_FILES[kind]).read_bytes()


def staged_file(name: str) -> tuple[bytes, str] | None:
    """Return a staged file by its name in URLs, and its content type; None if there is none."""
    kind = next((kind for kind, named in STAGED_FILES.items() if named == name), None)
    return None if kind is None else (media(kind), CONTENT_TYPES[kind])


def staged_response(asked: HeatRequest, sizes: Sequence[ImageSize | None] = ()) -> Any:
    """Return the staged answer to a request, in the page's shape; a file's as its path here.

    Args:
        sizes: of the upright attachments in pixels, where known.

    Raises:
        WireError: nothing that could be answered is valid, such as a span of an empty text.
    """
    if asked.prompt.kind in MEDIA:
        return STAGED_PATH + STAGED_FILES[asked.prompt.kind]
    if not asked.annotates:
        return check_response(asked, _answer(asked.prompt))
    count = max(1, asked.min_annotations)
    staged = [_annotation(asked, at, count, sizes) for at in range(count)]
    return check_response(asked, staged, sizes)


def middle(scale: Scale) -> float:
    """Return the rating in the middle of a scale, on its grid."""
    steps = int((scale.high - scale.low) / scale.step / 2)
    # In decimal, as a person would count: 0.1 + 2 * 0.1 is 0.3.
    return float(Decimal(repr(scale.low)) + steps * Decimal(repr(scale.step)))


def first_choices(options: Sequence[str], least: int) -> list[str]:
    """Return the first `least` options, or one if `least` is 0."""
    return list(options[: max(1, least)])


def _answer(prompt: Prompt) -> Any:
    if prompt.choices is not None:
        return first_choices(prompt.choices.options, prompt.choices.least)
    return TEXTS[prompt.validation] if prompt.scale is None else middle(prompt.scale)


def _annotation(
    asked: HeatRequest, at: int, count: int, sizes: Sequence[ImageSize | None]
) -> dict[str, Any]:
    index = at % len(asked.attachments)
    staged: dict[str, Any] = {}
    if asked.attachments_type == 'text':
        staged |= _span(asked.attachments[index], at)
    elif asked.attachments_type != 'audio':
        known = sizes[index] if index < len(sizes) else None
        staged |= _place(known or UNKNOWN, at, count, asked.annotations_type == 'rectangle')
    if asked.attachments_type in ('video', 'audio'):
        staged['t'] = at
    if len(asked.attachments) > 1:
        staged['attachment_index'] = index
    if asked.per_annotation is not None:
        staged['response'] = _answer(asked.per_annotation)
    return staged


def _place(size: ImageSize, at: int, count: int, rectangle: bool) -> dict[str, int]:
    """Return the `at`-th of `count` places along the image's diagonal."""
    x, y = (length * (at + 1) // (count + 1) for length in size)
    if not rectangle:
        return {'x': x, 'y': y}
    x2, y2 = (
        min(length, start + max(1, length // 4))
        for start, length in zip((x, y), size, strict=True)
    )
    return {'x': x, 'y': y, 'x2': x2, 'y2': y2}


def _span(text: str, at: int) -> dict[str, int]:
    if not text:
        raise WireError('an empty text has no place to annotate')
    start = at % len(text)
    return {'start': start, 'end': start + 1}
