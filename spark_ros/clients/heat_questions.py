# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Heat's ten types of request, each with the parameters and the defaults of its page."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from spark_ros.clients.base import ApiClient
from spark_ros.wire.heat import ANNOTATIONS, Choices, HeatObject, HeatRequest, Prompt, Scale


class HeatQuestions(ApiClient, ABC):
    """One method for each type of request; all of them end in `request`.

    What every one takes:

    * `instruction`: what is asked, as a sentence;
    * `attachments`: texts, or URLs where `attachments_type` is `image`, `video`, `audio` or
      `website`; a YouTube video in the form https://www.youtube.com/embed/ID;
    * `hook_url`: where the service POSTs the request once it is complete;
    * `exclude_crunchers`: who is not to answer, by the pseudonyms of earlier answers;
    * `block_s`: how long the service waits for the answer, 0 to 60 seconds;
    * `idempotency_key`: see `ApiClient`.

    The methods for annotations also take `annotations_type` (`point` or `rectangle`, in pixels of
    the upright attachment) and how many are asked for (`max_annotations` 0: no limit); with
    `per_annotation` one question is asked about each of them.
    """

    @abstractmethod
    async def request(
        self, request: HeatRequest, *, block_s: float = 0, idempotency_key: str | None = None
    ) -> HeatObject:
        """Ask something that is there already."""

    async def multiple_choice(
        self, *, instruction: str, choices: Sequence[str], choices_type: str = 'text',
        min_answers: int = 1, max_answers: int = 0,
        attachments: Sequence[str] = (), attachments_type: str = 'text',
        hook_url: str | None = None, exclude_crunchers: Sequence[str] = (),
        block_s: float = 0, idempotency_key: str | None = None,
    ) -> HeatObject:  # fmt: skip
        """Ask to choose; the response is a list of choices. `max_answers` 0 is no limit."""
        options = Choices(tuple(choices), choices_type, min_answers, max_answers)
        return await self.request(
            HeatRequest(
                'multiple-choice', Prompt('multiple-choice', instruction, choices=options),
                attachments_type, tuple(attachments),
                hook_url=hook_url, exclude_crunchers=tuple(exclude_crunchers),
            ),
            block_s=block_s, idempotency_key=idempotency_key,
        )  # fmt: skip

    async def free_text(
        self, *, instruction: str, validation: str = '',
        attachments: Sequence[str] = (), attachments_type: str = 'text',
        hook_url: str | None = None, exclude_crunchers: Sequence[str] = (),
        block_s: float = 0, idempotency_key: str | None = None,
    ) -> HeatObject:  # fmt: skip
        """Ask for a text; with `validation` `number` or `url` only such a text."""
        return await self.request(
            HeatRequest(
                'free-text', Prompt('free-text', instruction, validation=validation),
                attachments_type, tuple(attachments),
                hook_url=hook_url, exclude_crunchers=tuple(exclude_crunchers),
            ),
            block_s=block_s, idempotency_key=idempotency_key,
        )  # fmt: skip

    async def rating(
        self, *, instruction: str, rating_min: float = 0, rating_max: float = 100,
        rating_step: float = 1, label_min: str = '', label_max: str = '',
        attachments: Sequence[str] = (), attachments_type: str = 'text',
        hook_url: str | None = None, exclude_crunchers: Sequence[str] = (),
        block_s: float = 0, idempotency_key: str | None = None,
    ) -> HeatObject:  # fmt: skip
        """Ask for a number on a scale; the labels stand at its two ends."""
        scale = Scale(rating_min, rating_max, rating_step, label_min, label_max)
        return await self.request(
            HeatRequest(
                'rating', Prompt('rating', instruction, scale=scale),
                attachments_type, tuple(attachments),
                hook_url=hook_url, exclude_crunchers=tuple(exclude_crunchers),
            ),
            block_s=block_s, idempotency_key=idempotency_key,
        )  # fmt: skip

    async def image(
        self, *, instruction: str,
        attachments: Sequence[str] = (), attachments_type: str = 'text',
        hook_url: str | None = None, exclude_crunchers: Sequence[str] = (),
        block_s: float = 0, idempotency_key: str | None = None,
    ) -> HeatObject:  # fmt: skip
        """Ask for an image; the response is its URL."""
        return await self.request(
            HeatRequest(
                'image', Prompt('image', instruction), attachments_type, tuple(attachments),
                hook_url=hook_url, exclude_crunchers=tuple(exclude_crunchers),
            ),
            block_s=block_s, idempotency_key=idempotency_key,
        )  # fmt: skip

    async def video(
        self, *, instruction: str,
        attachments: Sequence[str] = (), attachments_type: str = 'text',
        hook_url: str | None = None, exclude_crunchers: Sequence[str] = (),
        block_s: float = 0, idempotency_key: str | None = None,
    ) -> HeatObject:  # fmt: skip
        """Ask for a video; the response is its URL."""
        return await self.request(
            HeatRequest(
                'video', Prompt('video', instruction), attachments_type, tuple(attachments),
                hook_url=hook_url, exclude_crunchers=tuple(exclude_crunchers),
            ),
            block_s=block_s, idempotency_key=idempotency_key,
        )  # fmt: skip

    async def audio(
        self, *, instruction: str,
        attachments: Sequence[str] = (), attachments_type: str = 'text',
        hook_url: str | None = None, exclude_crunchers: Sequence[str] = (),
        block_s: float = 0, idempotency_key: str | None = None,
    ) -> HeatObject:  # fmt: skip
        """Ask for a sound; the response is its URL."""
        return await self.request(
            HeatRequest(
                'audio', Prompt('audio', instruction), attachments_type, tuple(attachments),
                hook_url=hook_url, exclude_crunchers=tuple(exclude_crunchers),
            ),
            block_s=block_s, idempotency_key=idempotency_key,
        )  # fmt: skip

    async def annotations(
        self, *, instruction: str, attachments: Sequence[str], attachments_type: str = 'text',
        annotations_type: str = 'point', min_annotations: int = 1, max_annotations: int = 0,
        hook_url: str | None = None, exclude_crunchers: Sequence[str] = (),
        block_s: float = 0, idempotency_key: str | None = None,
    ) -> HeatObject:  # fmt: skip
        """Ask to mark places; the response is a list of annotations."""
        return await self.request(
            HeatRequest(
                'annotations', Prompt(ANNOTATIONS, instruction),
                attachments_type, tuple(attachments),
                annotations_type, min_annotations, max_annotations,
                hook_url=hook_url, exclude_crunchers=tuple(exclude_crunchers),
            ),
            block_s=block_s, idempotency_key=idempotency_key,
        )  # fmt: skip

    async def annotations_with_multiple_choice(
        self, *, instruction: str, attachments: Sequence[str], attachments_type: str = 'text',
        per_annotation: str, choices: Sequence[str], choices_type: str = 'text',
        min_answers: int = 1, max_answers: int = 0,
        annotations_type: str = 'point', min_annotations: int = 1, max_annotations: int = 0,
        hook_url: str | None = None, exclude_crunchers: Sequence[str] = (),
        block_s: float = 0, idempotency_key: str | None = None,
    ) -> HeatObject:  # fmt: skip
        """Ask to mark places, and to choose for each; `per_annotation` is what to choose."""
        options = Choices(tuple(choices), choices_type, min_answers, max_answers)
        return await self.request(
            HeatRequest(
                'annotations-with-multiple-choice', Prompt(ANNOTATIONS, instruction),
                attachments_type, tuple(attachments),
                annotations_type, min_annotations, max_annotations,
                Prompt('multiple-choice', per_annotation, choices=options),
                hook_url, tuple(exclude_crunchers),
            ),
            block_s=block_s, idempotency_key=idempotency_key,
        )  # fmt: skip

    async def annotations_with_free_text(
        self, *, instruction: str, attachments: Sequence[str], attachments_type: str = 'text',
        per_annotation: str, validation: str = '',
        annotations_type: str = 'point', min_annotations: int = 1, max_annotations: int = 0,
        hook_url: str | None = None, exclude_crunchers: Sequence[str] = (),
        block_s: float = 0, idempotency_key: str | None = None,
    ) -> HeatObject:  # fmt: skip
        """Ask to mark places, and for a text about each; `per_annotation` asks for the text."""
        return await self.request(
            HeatRequest(
                'annotations-with-free-text', Prompt(ANNOTATIONS, instruction),
                attachments_type, tuple(attachments),
                annotations_type, min_annotations, max_annotations,
                Prompt('free-text', per_annotation, validation=validation),
                hook_url, tuple(exclude_crunchers),
            ),
            block_s=block_s, idempotency_key=idempotency_key,
        )  # fmt: skip

    async def annotations_with_rating(
        self, *, instruction: str, attachments: Sequence[str], attachments_type: str = 'text',
        per_annotation: str, rating_min: float = 0, rating_max: float = 100,
        rating_step: float = 1, label_min: str = '', label_max: str = '',
        annotations_type: str = 'point', min_annotations: int = 1, max_annotations: int = 0,
        hook_url: str | None = None, exclude_crunchers: Sequence[str] = (),
        block_s: float = 0, idempotency_key: str | None = None,
    ) -> HeatObject:  # fmt: skip
        """Ask to mark places, and to rate each; `per_annotation` is what to rate."""
        scale = Scale(rating_min, rating_max, rating_step, label_min, label_max)
        return await self.request(
            HeatRequest(
                'annotations-with-rating', Prompt(ANNOTATIONS, instruction),
                attachments_type, tuple(attachments),
                annotations_type, min_annotations, max_annotations,
                Prompt('rating', per_annotation, scale=scale),
                hook_url, tuple(exclude_crunchers),
            ),
            block_s=block_s, idempotency_key=idempotency_key,
        )  # fmt: skip
