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
from spark_ros.ros.camera import CameraInput
from spark_ros.ros.conversions import resolution_message, stamp_ns, status_message
from spark_ros.ros.detected_frame import RosDetectedFrame, own_image
from spark_ros.ros.goals import MAX_NAME, name_problem, read_goal
from spark_ros.ros.inbox import Inbox
from spark_ros.ros.workarounds.action_server import CalmActionServer

NODE_ENDS = 'the node ends; what was asked stays asked, its answer will be on the topics'
# What ends a goal by itself; after the others its answer follows.
# How long a busy client has for reading its result when the node ends.
TOLD_S = 1.0
WITHOUT_ANSWER = (State.FAILED, State.EXPIRED, State.CANCELED)
logger = logging.getLogger(__name__)


@dataclass(eq=False)
class _Goal:
    """A goal whose client has not been told a result.

    Attributes:
        id: of the question that it is or becomes.
        stop_waiting: cancels the wait for its frame; None if it does not wait.
        result: None until the goal has ended.
        canceled: whether it ended because its client canceled it.
    """

    handle: ServerGoalHandle
    id: str
    camera: str
    stop_waiting: Callable[[], None] | None = None
    result: Engage.Result | None = None
    canceled: bool = False


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
        # Those without a result by the id of their question, and all of them by their own.
        self._open: dict[str, _Goal] = {}
        self._goals: dict[bytes, _Goal] = {}
        self._closing = False
        self._server = CalmActionServer(
            node,
            Engage,
            '~/engage',
            self._tell_result,
            goal_callback=self._on_goal,
            handle_accepted_callback=self._on_accepted,
            cancel_callback=self._on_cancel,
        )

    def take(self, event: Event) -> None:
        """Update the goal that a status or an answer belongs to, if there is one."""
        goal = self._open.get(event.escalation.id)
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
        """End all goals; call it when no executor runs any more."""
        self._closing = True
        self._open.clear()
        try:
            self._server.take_requests()
            told = False
            for goal in self._goals.values():
                result = goal.result or _unasked(goal, State.FAILED, NODE_ENDS)
                told |= self._server.abort_now(goal.handle, result)
            if told:
                # No middleware says when a response has come. A reader drops what it has not read
                # when it hears that the writer is gone.
                time.sleep(TOLD_S)
        except Exception:
            # The rest of the node has to be closed all the same.
            logger.exception('cannot end every goal')
        self._goals.clear()

    def destroy(self) -> None:
        """Destroy the action server; the node does not do so by itself."""
        self._server.destroy()

    def _on_goal(self, _: Engage.Goal) -> GoalResponse:
        return GoalResponse.REJECT if self._closing else GoalResponse.ACCEPT

    def _on_accepted(self, handle: ServerGoalHandle) -> None:
        goal = _Goal(handle, str(uuid.uuid4()), handle.request.camera[:MAX_NAME])
        self._open[goal.id] = self._goals[_key(handle)] = goal
        try:
            problem = self._find_image(goal)
        except Exception as error:
            logger.exception('cannot start a goal')
            problem = f'it could not be asked: {type(error).__name__}'
        if problem:
            self._refuse(goal, problem)

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
        goal.stop_waiting = camera.wait_for(stamp, partial(self._on_frame, goal))
        return ''

    def _on_frame(self, goal: _Goal, frame: RosDetectedFrame | None, problem: str) -> None:
        goal.stop_waiting = None
        if frame is None:
            self._refuse(goal, problem)
        else:
            self._ask(goal, frame)

    def _ask(self, goal: _Goal, frame: RosDetectedFrame) -> None:
        request = Request(goal.id, frame, partial(read_goal, goal.handle.request))
        self._inbox.when_done(self._runtime.ask(request), partial(self._on_asked, goal))

    def _on_asked(self, goal: _Goal, asked: Future[str]) -> None:
        try:
            problem = asked.result()
        except CancelledError:
            # The node ends: `close` tells.
            return
        if problem:
            self._refuse(goal, problem, canceled=goal.handle.is_cancel_requested)

    def _on_cancel(self, handle: ServerGoalHandle) -> CancelResponse:
        goal = self._goals.get(_key(handle))
        if goal is None or goal.result is not None:
            return CancelResponse.REJECT
        # It counts as being canceled only when this has returned.
        self._inbox.post(partial(self._withdraw, goal))
        return CancelResponse.ACCEPT

    def _withdraw(self, goal: _Goal) -> None:
        if goal.id not in self._open:
            return
        if goal.stop_waiting is not None:
            goal.stop_waiting()
            self._refuse(goal, 'canceled before its frame came', canceled=True)
        else:
            # What becomes of it comes as a status, or as the answer that was faster.
            withdrawn = self._runtime.withdraw(goal.id)
            self._inbox.when_done(withdrawn, partial(self._on_withdrawn, goal))

    def _on_withdrawn(self, goal: _Goal, withdrawn: Future[str]) -> None:
        if withdrawn.cancelled() or (error := withdrawn.exception()) is None:
            return
        logger.error('cannot withdraw %s: %s', goal.id, error)
        reason = f'withdrawn, but that could not be stored: {type(error).__name__}'
        self._refuse(goal, reason, canceled=True)

    def _refuse(self, goal: _Goal, reason: str, *, canceled: bool = False) -> None:
        state = State.CANCELED if canceled else State.FAILED
        self._end(goal, _unasked(goal, state, reason), canceled=canceled)

    def _end(self, goal: _Goal, result: Engage.Result, *, canceled: bool = False) -> None:
        if self._open.pop(goal.id, None) is not None:
            goal.result, goal.canceled = result, canceled
            goal.handle.execute()

    def _tell_result(self, handle: ServerGoalHandle) -> Engage.Result | None:
        goal = self._goals.pop(_key(handle))
        if goal.canceled:
            handle.canceled()
        elif goal.result is not None and goal.result.success:
            handle.succeed()
        else:
            handle.abort()
        return goal.result


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


def _unasked(goal: _Goal, state: State, reason: str) -> Engage.Result:
    """Return the result of a goal that never became a question, or is not answered in time."""
    resolution = Resolution(camera=goal.camera, state=getattr(Resolution, f'STATE_{state.name}'))
    return Engage.Result(reason=reason, resolution=resolution)
