# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The scripted operator: answers through the console's API as a person would."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from starlette.types import ASGIApp

from spark_ros.geometry import Box, ImageSize
from spark_ros.service.context import Context
from spark_ros.service.events import Subscription
from spark_ros.service.heat.staging import media
from spark_ros.service.heat.view import UPLOAD_PART
from spark_ros.service.scripted.correction import TrueBox, confirm, correct
from spark_ros.service.scripted.heat import Seen, Unanswerable, decide
from spark_ros.service.storage import sessions
from spark_ros.wire.heat import MEDIA

if TYPE_CHECKING:
    # It needs OpenCV, which a service without a truth file does without.
    from spark_ros.service.scripted.recognise import Truth

log = logging.getLogger('spark_ros.service.scripted.operator')

ADDRESS = 'http://scripted.invalid'
PAUSE_AFTER_ERROR_S = 1.0
# Statuses of a question that another operator has, or that is no longer open.
LOST = (404, 409)


class _Unavailable(Exception):
    """The service cannot read or store images at present; the question can wait."""


@dataclass
class ScriptedOperator:
    """Answers every question: by the truth, or the plainest valid way where it has none.

    Attributes:
        delay_s: how long it waits before it answers each question.
    """

    truth: Truth | None = None
    delay_s: float = 0.0
    _given_up: set[int] = field(default_factory=set)

    async def run(self, app: ASGIApp, service: Context) -> None:
        """Answer until cancelled; a bad question or a failing service does not end it."""
        with service.presence.hold(sessions.SCRIPTED), service.bus.subscribe() as changes:
            console = await self._log_in(app, service)
            async with console:
                while True:
                    try:
                        await self._answer_all(console, changes)
                        await changes.next()
                    except _Unavailable:
                        # The service's log already says why.
                        await asyncio.sleep(PAUSE_AFTER_ERROR_S)
                    except Exception:
                        log.exception('the scripted operator failed; continuing')
                        await asyncio.sleep(PAUSE_AFTER_ERROR_S)

    async def _log_in(self, app: ASGIApp, service: Context) -> httpx.AsyncClient:
        # A session of a century: the operator lives as long as the service does.
        secret = await service.store.write(
            sessions.start, sessions.SCRIPTED, service.clock(), 3.2e9
        )
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url=ADDRESS,
            cookies={'spark_session': secret},
            headers={'X-Requested-With': 'console'},
        )

    async def _answer_all(self, console: httpx.AsyncClient, changes: Subscription) -> None:
        while True:
            changes.drain()
            queue = _checked(await console.get('/console/api/queue')).json()
            ready = [
                question['id']
                for question in queue['questions']
                if question['id'] not in self._given_up
                and not question.get('excluded')
                and (question['state'] == 'open' or question['mine'])
            ]
            if not ready:
                return
            # One at a time: something more urgent may have come meanwhile.
            await self._answer(console, ready[0])

    async def _answer(self, console: httpx.AsyncClient, question_id: int) -> None:
        path = f'/console/api/questions/{question_id}'
        claimed = await console.post(f'{path}/claim')
        if claimed.status_code in LOST:
            return
        question = _checked(claimed).json()
        try:
            await self._wait(console, path, question['lease_s'])
            answer = await self._decide(console, path, question)
            call = 'answer-images' if 'images' in answer else 'answer'
            answered = await console.post(f'{path}/{call}', json=answer)
            if answered.status_code not in LOST:
                _checked(answered)
        except _Unavailable:
            await console.post(f'{path}/release')
            raise
        except Unanswerable as reason:
            await self._flag(console, path, question_id, str(reason))
        except Exception as error:
            log.exception('cannot answer question %s; flagging it', question_id)
            why = f'the scripted operator failed: {type(error).__name__}: {error}'
            await self._flag(console, path, question_id, why)

    async def _wait(self, console: httpx.AsyncClient, path: str, lease_s: float) -> None:
        left_s, step_s = self.delay_s, max(0.1, lease_s / 3)
        while left_s > 0:
            await asyncio.sleep(min(step_s, left_s))
            left_s -= step_s
            if left_s > 0:
                await console.post(f'{path}/heartbeat')

    async def _decide(
        self, console: httpx.AsyncClient, path: str, question: dict[str, Any]
    ) -> dict[str, Any]:
        """Return the body of the answer."""
        if question['api'] == 'heat':
            return {'response': await self._respond(console, path, question)}
        is_image = question['content_type'] == 'image'

        async def corrected(image: dict[str, Any]) -> dict[str, Any]:
            seen = await self._recognise(console, image['image']) if is_image else None
            priors = image['priors']
            return confirm(priors) if seen is None else correct(priors, _normalized(seen))

        if 'images' not in question:
            return await corrected(question)
        answers = [(image['id'], await corrected(image)) for image in question['images']]
        return {
            'images': [{'id': id, 'shapes': answer['shapes']} for id, answer in answers],
            'response': '; '.join(dict.fromkeys(answer['response'] for _, answer in answers)),
        }

    async def _respond(
        self, console: httpx.AsyncClient, path: str, question: dict[str, Any]
    ) -> Any:
        kind = question['kind']
        if kind in MEDIA:
            file = {UPLOAD_PART: (kind, await asyncio.to_thread(media, kind))}
            return _checked(await console.post(f'{path}/upload', files=file)).json()['url']
        images = question['attachments'] if question['attachments_type'] == 'image' else ()
        return decide(question, [await self._recognise(console, each) for each in images])

    async def _recognise(
        self, console: httpx.AsyncClient, medium: dict[str, Any]
    ) -> Seen | None:
        # Only what was uploaded here: whether a copy has come from elsewhere is a matter of luck.
        if self.truth is None or medium['state'] != 'own':
            return None
        picture = _checked(await console.get(medium['url'])).content
        return await asyncio.to_thread(_seen, self.truth, picture)

    async def _flag(
        self, console: httpx.AsyncClient, path: str, question_id: int, reason: str
    ) -> None:
        flagged = await console.post(f'{path}/flag', json={'reason': reason[:1000]})
        if flagged.status_code != 200:
            self._given_up.add(question_id)
        if flagged.status_code not in (200, *LOST):
            log.error('cannot flag question %s: %s', question_id, flagged.text)


def from_setting(setting: str, delay_s: float) -> ScriptedOperator | None:
    """Make the operator that the option `--operator` names, or None.

    Args:
        setting: empty, `scripted` or `scripted:<truth file>`.
        delay_s: how long the operator waits before it answers each question.

    Raises:
        OSError, ValueError: the setting or the truth file cannot be used.
    """
    kind, _, truth_file = setting.partition(':')
    if not kind:
        return None
    if kind != 'scripted':
        raise ValueError(f'{setting!r} is not an operator; give scripted or scripted:FILE')
    if not truth_file:
        return ScriptedOperator(None, delay_s)
    from spark_ros.service.scripted.recognise import TruthFile

    return ScriptedOperator(TruthFile(Path(truth_file)), delay_s)


def _checked(response: httpx.Response) -> httpx.Response:
    if response.status_code == 503:
        raise _Unavailable
    if response.status_code != 200:
        raise RuntimeError(f'{response.request.url.path}: {response.status_code} {response.text}')
    return response


def _seen(truth: Truth, picture: bytes) -> Seen | None:
    import cv2
    import numpy as np

    image: Any = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
    found = None if image is None else truth.find(image)
    if image is None or found is None:
        return None
    height, width = image.shape[:2]
    return Seen(ImageSize(width, height), found)


def _normalized(seen: Seen) -> list[TrueBox]:
    width, height = seen.size
    return [
        (label, Box(x / width, y / height, (x + w) / width, (y + h) / height))
        for label, (x, y, w, h) in seen.boxes
    ]
