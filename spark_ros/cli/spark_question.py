# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Read the arguments of `spark ask` as a question, checked before anything is sent."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from spark_ros.cli.spark_arguments import BoxArgument
from spark_ros.cli.spark_pictures import decode, drawn, size_of
from spark_ros.drawing.marks import outline, prior_mark
from spark_ros.geometry import ImageSize, normalize
from spark_ros.model import Annotation, box_annotation
from spark_ros.wire.heat import Choices, HeatRequest, Prompt, box_request

HEAT_ONLY = ('choices', 'text', 'number', 'rating')


@dataclass(frozen=True)
class ImageArgument:
    """An image to ask about; `content` is None where it is a URL."""

    name: str
    content: bytes | None

    @cached_property
    def size(self) -> ImageSize:
        """Its size in pixels, upright.

        Raises:
            ValueError: it is a URL, or no image that can be read.
        """
        if self.content is None:
            raise ValueError(
                f'--box needs the size of {self.name}: give a file instead of a URL'
            )
        return size_of(decode(self.content, self.name))


@dataclass(frozen=True)
class AskArguments:
    """What `spark ask` was told to ask.

    Attributes:
        boxes: what the user thinks is there, in pixels of the upright image.
        priors: the same as fractions of it.
        prompt: another question than for boxes; Heat only.
        deadline_s: in so many seconds an answer is of no use any more; None: never.
        priority: 0 to 255; the highest is answered first.
    """

    pictures: tuple[ImageArgument, ...]
    instructions: str
    program: str
    labels: tuple[str, ...]
    boxes: tuple[BoxArgument, ...]
    priors: tuple[Annotation, ...]
    prompt: Prompt | None
    deadline_s: float | None = None
    priority: int = 0


def read_question(arguments: argparse.Namespace, api: str) -> AskArguments:
    """Check the arguments against what the API can express, and read the files.

    Raises:
        ValueError: something is missing or cannot be asked over this API.
        OSError: a file cannot be read.
    """
    (_check_heat if api == 'heat' else _check_spark)(arguments)
    if arguments.several and not arguments.choices:
        raise ValueError('--several needs --choices')
    for box in arguments.box:
        if box.image > len(arguments.images):
            raise ValueError(
                f'--box names image {box.image}, but there are {len(arguments.images)}'
            )
    pictures = tuple(ImageArgument(name, _load(name)) for name in arguments.images)
    return AskArguments(
        pictures,
        arguments.instructions or '',
        arguments.program or '',
        arguments.labels,
        tuple(arguments.box),
        tuple(_prior(box, pictures) for box in arguments.box),
        _prompt(arguments),
        arguments.deadline,
        arguments.priority,
    )


def with_boxes_drawn(asked: AskArguments) -> AskArguments:
    """Draw the boxes onto the images, for an API whose questions cannot carry them."""
    pictures = list(asked.pictures)
    for place, picture in enumerate(pictures):
        marks = [
            prior_mark(prior, outline(prior.vertices))
            for box, prior in zip(asked.boxes, asked.priors, strict=True)
            if box.image == place + 1
        ]
        if marks and picture.content is not None:
            content = drawn(decode(picture.content, picture.name), marks)
            pictures[place] = ImageArgument(f'{Path(picture.name).stem}.jpg', content)
    return replace(asked, pictures=tuple(pictures))


def heat_request(asked: AskArguments, locations: Sequence[str]) -> HeatRequest:
    """Put the question in Heat's words; for boxes, it asks for rectangles."""
    if asked.prompt is not None:
        kind = 'image' if locations else 'text'
        return HeatRequest(asked.prompt.kind, asked.prompt, kind, tuple(locations))
    labels = asked.labels or tuple(box.label for box in asked.boxes)
    return box_request(asked.instructions, locations, labels)


def _check_spark(arguments: argparse.Namespace) -> None:
    for name in HEAT_ONLY:
        if getattr(arguments, name):
            raise ValueError(
                f'--{name} needs the Heat API (--api heat): SparkAI answers with boxes and words; '
                'put it into --instructions'
            )
    if not arguments.images:
        raise ValueError('no image: give at least one IMAGE')
    if not (arguments.instructions or arguments.program):
        raise ValueError('no question: give --instructions or --program')


def _check_heat(arguments: argparse.Namespace) -> None:
    if arguments.program:
        raise ValueError("--program is SparkAI's; the Heat API takes --instructions")
    if not (arguments.instructions or '').strip():
        raise ValueError('no question: give --instructions')
    other = any(getattr(arguments, name) for name in HEAT_ONLY)
    if other and arguments.labels:
        raise ValueError('--labels go with boxes, not with --choices, --text, --number, --rating')
    if not other and not arguments.images:
        raise ValueError('no image: give at least one IMAGE')


def _prior(given: BoxArgument, pictures: Sequence[ImageArgument]) -> Annotation:
    index = given.image - 1
    box = normalize(given.box, pictures[index].size)
    return box_annotation(given.label, box, image_index=index if len(pictures) > 1 else None)


def _prompt(arguments: argparse.Namespace) -> Prompt | None:
    words = arguments.instructions or ''
    if arguments.choices:
        options = Choices(arguments.choices, most=0 if arguments.several else 1)
        return Prompt('multiple-choice', words, options)
    if arguments.rating:
        return Prompt('rating', words, scale=arguments.rating)
    if arguments.text or arguments.number:
        return Prompt('free-text', words, validation='number' if arguments.number else '')
    return None


def _load(image: str) -> bytes | None:
    """Read an image file; None for a URL, which the service fetches itself."""
    return None if image.startswith(('http://', 'https://')) else Path(image).read_bytes()
