# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Heat's ten types of request, each with the parameters and the defaults of its page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from spark_ros.clients.answers import read_heat_object
from spark_ros.clients.base import block_params, json_post
from spark_ros.clients.change_feed import FeedClient
from spark_ros.wire.heat import HeatObject, HeatRequest, parse_heat_request

SEQUENCES = {'attachments', 'choices', 'exclude_crunchers'}
SENT_BESIDE = ('block_s', 'idempotency_key', 'deadline_s', 'priority')
OF_EACH_ANNOTATION = (
    'choices', 'choices_type', 'min_answers', 'max_answers', 'validation',
    'rating_min', 'rating_max', 'rating_step', 'label_min', 'label_max',
)  # fmt: skip


class HeatQuestions(FeedClient):
    """One method for each type of request; all of them end in `request`.

    What every one takes:

    * `instruction`: what is asked, as a sentence;
    * `attachments`: texts, or URLs where `attachments_type` is `image`, `video`, `audio` or
      `website`; a YouTube video in the form https://www.youtube.com/embed/ID;
    * `hook_url`: where the service POSTs the request once it is complete;
    * `exclude_crunchers`: who is not to answer, by the pseudonyms of earlier answers;
    * `block_s`: how long the service waits for the answer, 0 to 60 seconds;
    * `idempotency_key`, `deadline_s`, `priority`: see `ApiClient`.

    The methods for annotations also take `annotations_type` (`point` or `rectangle`, in pixels of
    the upright attachment) and how many are asked for (`max_annotations` 0: no limit); with
    `per_annotation` one question is asked about each of them.
    """

    async def request(
        self, request: HeatRequest, *,
        block_s: float = 0, idempotency_key: str | None = None,
        deadline_s: float | None = None, priority: int = 0,
    ) -> HeatObject:  # fmt: skip
        """Ask something of any of the ten types (page: POST /v1/requests/{type}).

        Args:
            request: what is asked; its `raw` is not sent.
            block_s: see the class.
            idempotency_key: see the class.
            deadline_s: see the class.
            priority: see the class.

        Raises:
            WireError: the request does not follow the page; it is a ValueError.
        """
        post = json_post(
            f'/v1/requests/{request.type}',
            _checked_body(request),
            idempotency_key,
            deadline_s=deadline_s,
            priority=priority,
            params=block_params(block_s),
            patience_s=block_s,
        )
        return await self._call(post, read_heat_object)

    async def multiple_choice(
        self, *, instruction: str, choices: Sequence[str], choices_type: str = 'text',
        min_answers: int = 1, max_answers: int = 0,
        attachments: Sequence[str] = (), attachments_type: str = 'text',
        hook_url: str | None = None, exclude_crunchers: Sequence[str] = (),
        block_s: float = 0, idempotency_key: str | None = None,
        deadline_s: float | None = None, priority: int = 0,
    ) -> HeatObject:  # fmt: skip
        """Ask to choose; the response is a list of choices. `max_answers` 0 is no limit."""
        return await self._ask('multiple-choice', locals())

    async def free_text(
        self, *, instruction: str, validation: str = '',
        attachments: Sequence[str] = (), attachments_type: str = 'text',
        hook_url: str | None = None, exclude_crunchers: Sequence[str] = (),
        block_s: float = 0, idempotency_key: str | None = None,
        deadline_s: float | None = None, priority: int = 0,
    ) -> HeatObject:  # fmt: skip
        """Ask for a text; with `validation` `number` or `url` only such a text."""
        return await self._ask('free-text', locals())

    async def rating(
        self, *, instruction: str, rating_min: float = 0, rating_max: float = 100,
        rating_step: float = 1, label_min: str = '', label_max: str = '',
        attachments: Sequence[str] = (), attachments_type: str = 'text',
        hook_url: str | None = None, exclude_crunchers: Sequence[str] = (),
        block_s: float = 0, idempotency_key: str | None = None,
        deadline_s: float | None = None, priority: int = 0,
    ) -> HeatObject:  # fmt: skip
        """Ask for a number on a scale; the labels stand at its two ends."""
        return await self._ask('rating', locals())

    async def image(
        self, *, instruction: str,
        attachments: Sequence[str] = (), attachments_type: str = 'text',
        hook_url: str | None = None, exclude_crunchers: Sequence[str] = (),
        block_s: float = 0, idempotency_key: str | None = None,
        deadline_s: float | None = None, priority: int = 0,
    ) -> HeatObject:  # fmt: skip
        """Ask for an image; the response is its URL."""
        return await self._ask('image', locals())

    async def video(
        self, *, instruction: str,
        attachments: Sequence[str] = (), attachments_type: str = 'text',
        hook_url: str | None = None, exclude_crunchers: Sequence[str] = (),
        block_s: float = 0, idempotency_key: str | None = None,
        deadline_s: float | None = None, priority: int = 0,
    ) -> HeatObject:  # fmt: skip
        """Ask for a video; the response is its URL."""
        return await self._ask('video', locals())

    async def audio(
        self, *, instruction: str,
        attachments: Sequence[str] = (), attachments_type: str = 'text',
        hook_url: str | None = None, exclude_crunchers: Sequence[str] = (),
        block_s: float = 0, idempotency_key: str | None = None,
        deadline_s: float | None = None, priority: int = 0,
    ) -> HeatObject:  # fmt: skip
        """Ask for a sound; the response is its URL."""
        return await self._ask('audio', locals())

    async def annotations(
        self, *, instruction: str, attachments: Sequence[str], attachments_type: str = 'text',
        annotations_type: str = 'point', min_annotations: int = 1, max_annotations: int = 0,
        hook_url: str | None = None, exclude_crunchers: Sequence[str] = (),
        block_s: float = 0, idempotency_key: str | None = None,
        deadline_s: float | None = None, priority: int = 0,
    ) -> HeatObject:  # fmt: skip
        """Ask to mark places; the response is a list of annotations."""
        return await self._ask('annotations', locals())

    async def annotations_with_multiple_choice(
        self, *, instruction: str, attachments: Sequence[str], attachments_type: str = 'text',
        per_annotation: str, choices: Sequence[str], choices_type: str = 'text',
        min_answers: int = 1, max_answers: int = 0,
        annotations_type: str = 'point', min_annotations: int = 1, max_annotations: int = 0,
        hook_url: str | None = None, exclude_crunchers: Sequence[str] = (),
        block_s: float = 0, idempotency_key: str | None = None,
        deadline_s: float | None = None, priority: int = 0,
    ) -> HeatObject:  # fmt: skip
        """Ask to mark places, and to choose for each; `per_annotation` is what to choose."""
        return await self._ask('annotations-with-multiple-choice', locals())

    async def annotations_with_free_text(
        self, *, instruction: str, attachments: Sequence[str], attachments_type: str = 'text',
        per_annotation: str, validation: str = '',
        annotations_type: str = 'point', min_annotations: int = 1, max_annotations: int = 0,
        hook_url: str | None = None, exclude_crunchers: Sequence[str] = (),
        block_s: float = 0, idempotency_key: str | None = None,
        deadline_s: float | None = None, priority: int = 0,
    ) -> HeatObject:  # fmt: skip
        """Ask to mark places, and for a text about each; `per_annotation` asks for the text."""
        return await self._ask('annotations-with-free-text', locals())

    async def annotations_with_rating(
        self, *, instruction: str, attachments: Sequence[str], attachments_type: str = 'text',
        per_annotation: str, rating_min: float = 0, rating_max: float = 100,
        rating_step: float = 1, label_min: str = '', label_max: str = '',
        annotations_type: str = 'point', min_annotations: int = 1, max_annotations: int = 0,
        hook_url: str | None = None, exclude_crunchers: Sequence[str] = (),
        block_s: float = 0, idempotency_key: str | None = None,
        deadline_s: float | None = None, priority: int = 0,
    ) -> HeatObject:  # fmt: skip
        """Ask to mark places, and to rate each; `per_annotation` is what to rate."""
        return await self._ask('annotations-with-rating', locals())

    async def _ask(self, type: str, given: Mapping[str, Any]) -> HeatObject:
        """Ask with the arguments that a method of this class was called with (`locals()`)."""
        left_out = {'self', *SENT_BESIDE}
        body = {name: value for name, value in given.items() if name not in left_out}
        for name in SEQUENCES & body.keys():
            body[name] = list(body[name])
        if 'per_annotation' in body:
            inner = {name: body.pop(name) for name in OF_EACH_ANNOTATION if name in body}
            body['per_annotation'] = {'instruction': body['per_annotation'], **inner}
        return await self.request(
            parse_heat_request(type, body), **{name: given[name] for name in SENT_BESIDE}
        )


def _checked_body(request: HeatRequest) -> dict[str, object]:
    """Return the body to send, read the way a service reads it.

    Raises:
        WireError: it does not follow the page.
        ValueError: it says something that its type has no room for.
    """
    body = request.to_json()
    understood = parse_heat_request(request.type, body)
    sent = understood.to_json()
    unknown = sorted(body.keys() - sent.keys())
    if unknown:
        raise ValueError(f'a request of type {request.type} has no {", ".join(unknown)}')
    if understood.kinds != request.kinds:
        raise ValueError(
            f'a request of type {request.type} asks {understood.kinds}, not {request.kinds}'
        )
    return sent
