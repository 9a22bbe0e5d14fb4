# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The action: a node asks a person about an image, and waits for the answer.

A goal is accepted first and refused afterwards, since a rejected one cannot say why. It is not
executed while it waits: rclpy would look at each waiting coroutine whenever anything happens.
Its handle is kept, and executed once the result is there.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from functools import partial

from rclpy.action import CancelResponse, GoalResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage

from spark_ros.action import Engage
from spark_ros.escalation.engagement import Event
from spark_ros.escalation.question.escalation import Resolved, Status
from spark_ros.escalation.question.request import Request
from spark_ros.escalation.runtime import Runtime
from spark_ros.model import Answer, State
from spark_ros.msg import Resolution
from spark_ros.ros.action_server import CalmActionServer
from spark_ros.ros.camera import CameraInput
from spark_ros.ros.conversions import resolution_message, stamp_ns, status_message
from spark_ros.ros.detected_frame import RosDetectedFrame, own_image
from spark_ros.ros.inbox import Inbox
from spark_ros.ros.terms import MAX_NAME, name_problem, read_terms

NODE_ENDS = 'the node ends; what was asked stays asked, its answer will be on the topics'
# What ends a goal by itself; after the others its answer follows.
WITHOUT_ANSWER = (State.FAILED, State.EXPIRED, State.CANCELED)
logger = logging.getLogger(__name__)


@dataclass(eq=False)
class _Goal:
    """A goal that has no result yet.

    Attributes:
        id: of the question that it is or becomes.
        forget_frame: ends the wait for its frame; None once that is over.
    """

    handle: ServerGoalHandle
    id: str
    camera: str
    forget_frame: Callable[[], None] | None = None


@dataclass(frozen=True)
class _End:
    """How a goal ended, until its client is told."""

    handle: ServerGoalHandle
    result: Engage.Result
    canceled: bool


class EngageServer:
    """The action `~/engage`; everything here runs on the executor."""

    def __init__(
        self, node: Node, inbox: Inbox, runtime: Runtime, cameras: Mapping[str, CameraInput]
    ) -> None:
        """Advertise.

        Args:
            node: whose action it is.
            inbox: of that node.
            runtime: takes the questions.
            cameras: whose frames can be asked about, by name.
        """
        self._inbox, self._runtime, self._cameras = inbox, runtime, cameras
        self._goals: dict[str, _Goal] = {}
        self._by_handle: dict[bytes, _Goal] = {}
        self._ended: dict[bytes, _End] = {}
        self._closing = False
        self._server = CalmActionServer(
            node,
            Engage,
            '~/engage',
            self._tell_end,
            goal_callback=self._on_goal,
            handle_accepted_callback=self._on_accepted,
            cancel_callback=self._on_cancel,
        )

    @property
    def waiting(self) -> int:
        """How many goals have no result yet."""
        return len(self._goals)

    def take(self, event: Event) -> None:
        """Take a status or an answer, of a goal or not."""
        goal = self._goals.get(event.escalation.id)
        if goal is None:
            return
        if isinstance(event, Resolved):
            self._end(goal, _answered(event))
            return
        status = status_message(event)
        goal.handle.publish_feedback(Engage.Feedback(status=status))
        if event.state in WITHOUT_ANSWER:
            result = Engage.Result(
                reason=status.detail or event.state.value, resolution=_unanswered(event)
            )
            canceled = event.state is State.CANCELED and goal.handle.is_cancel_requested
            self._end(goal, result, canceled=canceled)

    def close(self) -> None:
        """End all goals; when no executor runs any more."""
        self._closing = True
        for goal in list(self._goals.values()):
            self._end(goal, _refused(goal, State.FAILED, NODE_ENDS), at_once=True)
        try:
            self._server.take_requests()
            for end in self._ended.values():
                self._server.abort_now(end.handle, end.result)
        except Exception:
            # The rest of the node has to be closed all the same.
            logger.exception('not every goal could be ended')
        self._ended.clear()

    def destroy(self) -> None:
        """Offer the action no more; its node does not do so by itself."""
        self._server.destroy()

    def _on_goal(self, _: Engage.Goal) -> GoalResponse:
        return GoalResponse.REJECT if self._closing else GoalResponse.ACCEPT

    def _on_accepted(self, handle: ServerGoalHandle) -> None:
        goal = _Goal(handle, str(uuid.uuid4()), handle.request.camera[:MAX_NAME])
        self._goals[goal.id] = self._by_handle[_key(handle)] = goal
        try:
            problem = self._find_image(goal)
        except Exception as error:
            logger.exception('a goal could not be begun')
            problem = f'it could not be asked: {type(error).__name__}'
        if problem:
            self._end(goal, _refused(goal, State.FAILED, problem))

    def _find_image(self, goal: _Goal) -> str:
        """Ask about the goal's image now, or about a frame once it is there; or say why not."""
        request = goal.handle.request
        if request.image.data:
            if problem := name_problem(request.camera):
                return problem
            frame = own_image(request.camera, request.image)
            # The handle lives until the result is told, and rclpy keeps what it came with.
            request.image = CompressedImage()
            self._ask(goal, frame)
            return ''
        camera = self._cameras.get(request.camera)
        if camera is None:
            known = ', '.join(self._cameras)
            return f'there is no camera {request.camera[:MAX_NAME]!r}; the cameras are: {known}'
        stamp = stamp_ns(request.stamp)
        if stamp < 0:
            return f'the stamp is {stamp / 1e9:g} s'
        goal.forget_frame = camera.wait_for(stamp, partial(self._on_frame, goal))
        return ''

    def _on_frame(self, goal: _Goal, frame: RosDetectedFrame | None, problem: str) -> None:
        goal.forget_frame = None
        if frame is None:
            self._end(goal, _refused(goal, State.FAILED, problem))
        else:
            self._ask(goal, frame)

    def _ask(self, goal: _Goal, frame: RosDetectedFrame) -> None:
        request = Request(goal.id, frame, partial(read_terms, goal.handle.request))
        asked = self._runtime.ask(request)
        asked.add_done_callback(lambda _: self._inbox.post(partial(self._on_asked, goal, asked)))

    def _on_asked(self, goal: _Goal, asked: Future[str]) -> None:
        try:
            problem = asked.result()
        except CancelledError:
            # The node ends: `close` tells.
            return
        if problem:
            canceled = goal.handle.is_cancel_requested
            state = State.CANCELED if canceled else State.FAILED
            self._end(goal, _refused(goal, state, problem), canceled=canceled)

    def _on_cancel(self, handle: ServerGoalHandle) -> CancelResponse:
        goal = self._by_handle.get(_key(handle))
        if goal is None:
            return CancelResponse.REJECT
        # It counts as being canceled only when this has returned.
        self._inbox.post(partial(self._withdraw, goal))
        return CancelResponse.ACCEPT

    def _withdraw(self, goal: _Goal) -> None:
        if goal.id not in self._goals:
            return
        if goal.forget_frame is not None:
            goal.forget_frame()
            reason = 'canceled before its frame came'
            self._end(goal, _refused(goal, State.CANCELED, reason), canceled=True)
        else:
            # What becomes of it comes as a status, or as the answer that was faster.
            asked = self._runtime.withdraw(goal.id)
            asked.add_done_callback(
                lambda _: self._inbox.post(partial(self._on_withdrawn, goal, asked))
            )

    def _on_withdrawn(self, goal: _Goal, asked: Future[str]) -> None:
        if asked.cancelled() or (error := asked.exception()) is None:
            return
        logger.error('%s could not be withdrawn: %s', goal.id, error)
        reason = f'withdrawn, but that could not be noted: {type(error).__name__}'
        self._end(goal, _refused(goal, State.CANCELED, reason), canceled=True)

    def _end(
        self, goal: _Goal, result: Engage.Result, *, canceled: bool = False, at_once: bool = False
    ) -> None:
        if self._goals.pop(goal.id, None) is None:
            return
        key = _key(goal.handle)
        del self._by_handle[key]
        self._ended[key] = _End(goal.handle, result, canceled)
        if not at_once:
            goal.handle.execute()

    def _tell_end(self, handle: ServerGoalHandle) -> Engage.Result:
        end = self._ended.pop(_key(handle))
        if end.canceled:
            handle.canceled()
        elif end.result.success:
            handle.succeed()
        else:
            handle.abort()
        return end.result


def _key(handle: ServerGoalHandle) -> bytes:
    return bytes(handle.goal_id.uuid)


def _answered(resolved: Resolved) -> Engage.Result:
    resolution = resolution_message(resolved)
    success = resolved.answer.state is State.CLOSED
    state = resolved.answer.state.value
    reason = '' if success else resolution.feedback or f'the service says: {state}'
    return Engage.Result(success=success, reason=reason, resolution=resolution)


def _unanswered(status: Status) -> Resolution:
    answer = Answer(status.state, received=time.time())
    return resolution_message(Resolved(status.escalation, status.token, answer))


def _refused(goal: _Goal, state: State, reason: str) -> Engage.Result:
    """Return the result of a goal that never became a question."""
    number = getattr(Resolution, f'STATE_{state.name}')
    return Engage.Result(
        reason=reason, resolution=Resolution(camera=goal.camera, state=number)
    )
