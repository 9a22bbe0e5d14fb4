# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The node's services: ask now, pause, list and withdraw.

They wait for the runtime as coroutines, in a callback group of their own: in the node's, a
service that waits would keep every other callback from running, also the one it waits for.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from concurrent.futures import CancelledError, Future
from typing import Any

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from rclpy.task import Future as RosFuture
from std_srvs.srv import SetBool, Trigger

from spark_ros.escalation.question.asking import Asking
from spark_ros.escalation.question.request import Request
from spark_ros.escalation.runtime import Runtime
from spark_ros.ros.camera import CameraInput
from spark_ros.ros.conversions import NS, status_message, time_message
from spark_ros.ros.inbox import Inbox
from spark_ros.srv import CancelEngagement, ListEngagements

MAX_LISTED = 1000
NODE_ENDS = 'the node ends'
logger = logging.getLogger(__name__)


class Services:
    """`~/ask_now`, `~/pause`, `~/list_engagements` and `~/cancel_engagement`."""

    def __init__(
        self, node: Node, inbox: Inbox, runtime: Runtime, cameras: Mapping[str, CameraInput]
    ) -> None:
        """Advertise.

        Args:
            node: whose services they are.
            inbox: of that node.
            runtime: takes the questions.
            cameras: by name.
        """
        self._inbox, self._runtime, self._cameras = inbox, runtime, cameras
        waiting = ReentrantCallbackGroup()
        for kind, name, callback in (
            (Trigger, 'ask_now', self._ask_now),
            (ListEngagements, 'list_engagements', self._list),
            (CancelEngagement, 'cancel_engagement', self._cancel),
        ):
            node.create_service(kind, f'~/{name}', callback, callback_group=waiting)
        node.create_service(SetBool, '~/pause', self._pause)

    def _pause(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        if request.data != self._runtime.paused:
            self._runtime.paused = request.data
            logger.info('asking from detections is %s', 'paused' if request.data else 'resumed')
        response.success = True
        response.message = (
            'paused: detections cause no questions; open questions and goals go on'
            if request.data
            else 'running: doubted detections are asked about'
        )
        return response

    async def _ask_now(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        try:
            begun = [(name, *self._ask_newest(camera)) for name, camera in self._cameras.items()]
            said = []
            for name, id, asked in begun:
                problem = 'no frame has come' if asked is None else await self._problem(asked)
                response.success |= not problem
                said.append(f'{name}: not asked: {problem}' if problem else f'{name}: asked: {id}')
            response.message = '\n'.join(said)
        except Exception as error:
            # Out of a callback, it would end the executor.
            logger.exception('cannot ask now')
            response.message = f'it failed: {type(error).__name__}'
        return response

    def _ask_newest(self, camera: CameraInput) -> tuple[str, Future[str] | None]:
        frame, id = camera.newest(), str(uuid.uuid4())
        if frame is None:
            return id, None
        return id, self._runtime.ask(Request(id, frame, Asking.spec))

    async def _list(
        self, request: ListEngagements.Request, response: ListEngagements.Response
    ) -> ListEngagements.Response:
        try:
            listing = self._runtime.listed(request.camera, MAX_LISTED)
            await self._done(listing)
            for status in [] if listing.cancelled() else listing.result():
                asked = status.escalation
                expires = asked.created + asked.timeout_s if asked.timeout_s else 0.0
                response.engagements.append(status_message(status))
                response.created.append(time_message(int(asked.created * NS)))
                response.deadlines.append(time_message(int(expires * NS)))
        except Exception:
            logger.exception('cannot list the questions')
        return response

    async def _cancel(
        self, request: CancelEngagement.Request, response: CancelEngagement.Response
    ) -> CancelEngagement.Response:
        try:
            problem = await self._problem(self._runtime.withdraw(request.id))
            response.success = not problem
            response.message = problem or 'withdrawn'
        except Exception as error:
            logger.exception('cannot withdraw a question')
            response.message = f'it failed: {type(error).__name__}'
        return response

    async def _problem(self, answer: Future[str]) -> str:
        await self._done(answer)
        try:
            return answer.result()
        except CancelledError:
            return NODE_ENDS

    def _done(self, future: Future[Any]) -> RosFuture:
        """Return what a coroutine on the executor can await until a future is done."""
        done = RosFuture()
        self._inbox.when_done(future, lambda _: done.set_result(None))
        return done
