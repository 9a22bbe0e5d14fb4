# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A node that asks by goals and services, and the node under test in a process of its own."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

from action_msgs.msg import GoalStatus
from builtin_interfaces.msg import Duration
from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import Log
from rclpy.action import ActionClient
from rclpy.action.client import ClientGoalHandle
from rclpy.qos import DurabilityPolicy, QoSProfile
from robot import NodeProcess, Robot, compressed, picture, stamped
from sensor_msgs.msg import Image
from services import Service
from std_srvs.srv import SetBool, Trigger
from unique_identifier_msgs.msg import UUID

from spark_ros.action import Engage
from spark_ros.msg import Annotation, EngagementStatus, Question, Resolution, Vertex
from spark_ros.srv import CancelEngagement, ListEngagements

BURST = QoSProfile(depth=1000)
QUEUED, OPEN, ASSIGNED, CLOSED, FLAGGED, FAILED, EXPIRED, CANCELED = range(8)
SUCCEEDED, ABORTED = GoalStatus.STATUS_SUCCEEDED, GoalStatus.STATUS_ABORTED
WITHDRAWN = GoalStatus.STATUS_CANCELED
SERVICES = {
    'ask_now': Trigger,
    'pause': SetBool,
    'list_engagements': ListEngagements,
    'cancel_engagement': CancelEngagement,
}


class Sent:
    """A goal on its way: what its client is told of it."""

    def __init__(
        self, robot: Robot, client: ActionClient, goal: Engage.Goal, goal_id: bytes
    ) -> None:
        self._robot = robot
        self.feedback: list[EngagementStatus] = []
        self.answers: list[Any] = []
        self.handle: ClientGoalHandle | None = None
        accepted = client.send_goal_async(goal, goal_uuid=UUID(uuid=list(goal_id)))
        accepted.add_done_callback(lambda future: self._accepted(future.result()))

    @property
    def states(self) -> list[int]:
        return [status.state for status in self.feedback]

    @property
    def id(self) -> str:
        (id,) = {status.id for status in self.feedback}
        return str(id)

    def until(self, *states: int) -> None:
        """Wait until the feedback has been in these states."""
        self._robot.until(lambda: self.over or set(states) <= set(self.states), 60)
        assert set(states) <= set(self.states), (self.states, self.answers)

    @property
    def over(self) -> bool:
        return bool(self.answers)

    def end(self, status: int) -> Engage.Result:
        """Wait for the result, which must have a status."""
        self._robot.until(lambda: self.answers, 60)
        (answer,) = self.answers
        assert answer.status == status, answer.result.reason
        result: Engage.Result = answer.result
        if result.resolution.id:
            # Feedback and results come on ways of their own: the last step may be the later one.
            self._robot.until(lambda: self.states and self.states[-1] == result.resolution.state)
        return result

    def cancel(self) -> list[Any]:
        """Ask for the goal to be canceled; return whether that was accepted."""
        self._robot.until(lambda: self.handle)
        assert self.handle is not None
        asked = self.handle.cancel_goal_async()
        self._robot.until(asked.done, 60)
        canceling: list[Any] = asked.result().goals_canceling
        return canceling

    def _accepted(self, handle: ClientGoalHandle) -> None:
        assert handle.accepted
        self.handle = handle
        handle.get_result_async().add_done_callback(
            lambda future: self.answers.append(future.result())
        )


class Asker:
    """What another node does with ours."""

    def __init__(self, robot: Robot) -> None:
        self._robot = robot
        self._client = ActionClient(
            robot.node, Engage, '/spark/engage',
            goal_service_qos_profile=BURST, result_service_qos_profile=BURST,
            cancel_service_qos_profile=BURST, feedback_sub_qos_profile=BURST,
        )  # fmt: skip
        self._services = {
            name: robot.node.create_client(kind, f'/spark/{name}')
            for name, kind in SERVICES.items()
        }
        self._sent: dict[bytes, Sent] = {}
        # A client of rclpy forgets its feedback callback with the result, and what comes later.
        robot.node.create_subscription(
            Engage.Impl.FeedbackMessage, '/spark/engage/_action/feedback', self._on_feedback, BURST
        )
        self._heard = False
        latched = QoSProfile(depth=100, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        robot.node.create_subscription(Log, '/rosout', self._on_log, latched)
        robot.node.create_subscription(DiagnosticArray, '/diagnostics', self._on_diagnostics, 10)

    def send(self, goal: Engage.Goal) -> Sent:
        self.known()
        goal_id = uuid.uuid4().bytes
        sent = self._sent[goal_id] = Sent(self._robot, self._client, goal, goal_id)
        return sent

    def call(self, service: str, **fields: Any) -> Any:
        client = self._services[service]
        self.known()
        self._robot.until(client.service_is_ready, 60)
        answer = client.call_async(SERVICES[service].Request(**fields))
        self._robot.until(answer.done, 60)
        return answer.result()

    def gone(self) -> None:
        """Wait until nobody serves the action any more, to find the next one for sure."""
        self._robot.until(lambda: not self._client.server_is_ready(), 60)
        self._heard = False

    def known(self) -> None:
        """Wait until each side has found the other.

        A server that has yet to find its client's side of a service drops the answer. What is
        subscribed to last is found last; so who hears the node is known to it.
        """
        self._robot.until(lambda: self._client.server_is_ready() and self._heard, 60)

    def _on_feedback(self, message: Any) -> None:
        sent = self._sent.get(bytes(message.goal_id.uuid))
        if sent is not None:
            sent.feedback.append(message.feedback.status)

    def _on_log(self, message: Log) -> None:
        self._heard = self._heard or message.name.startswith('spark')

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        self._heard = True

    def close(self) -> None:
        self._client.destroy()


def started(robot: Robot, service: Service | None, **parameters: Any) -> None:
    """Run the node beside the robot's own, against a service or without any."""
    robot.start(**{**_reaching(service), **parameters})


def spawned(robot: Robot, service: Service | None, **parameters: Any) -> NodeProcess:
    """Run the node in a process of its own, against a service or without any."""
    process = robot.spawn(**{**_reaching(service), **parameters})
    robot.until(lambda: process.ready, 60)
    return process


def _reaching(service: Service | None) -> dict[str, Any]:
    if service is None:
        return {}
    token_file = service.data.with_suffix('.token')
    if not token_file.exists():
        token_file.touch(0o600)
        token_file.write_text(service.key)
    return {
        'server__url': service.url,
        'server__kind': service.kind,
        'server__token_file': str(token_file),
    }


def goal(kind: int = Question.KIND_ANNOTATE, *, seed: int = 1, **more: Any) -> Engage.Goal:
    """Return a goal about an image of its own, with a question of a kind."""
    asked = {
        Question.KIND_ANNOTATE: {'label_options': ['cat', 'dog', 'bird']},
        Question.KIND_MULTIPLE_CHOICE: {
            'choices': ['open', 'shut', 'ajar'], 'min_answers': 1, 'max_answers': 2,
        },
        Question.KIND_RATING: {
            'rating_min': 1.0, 'rating_max': 5.0, 'rating_step': 0.5, 'label_min': 'empty',
        },
    }.get(kind, {})  # fmt: skip
    question = Question(kind=kind, instructions='What about the door?', **asked)
    image = compressed(picture(seed), stamped(12.5, 'gripper'))
    return Engage.Goal(**{'question': question, 'image': image, **more})


def of_camera(name: str = 'front', stamp: float = 0.0, **more: Any) -> Engage.Goal:
    """Return a goal about a frame of a camera, with that camera's question."""
    return Engage.Goal(camera=name, stamp=stamped(stamp).stamp, **more)


def box(label: str, x0: float, y0: float, x1: float, y1: float, **more: Any) -> Annotation:
    """Return a box given by its corners."""
    corners = ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
    return Annotation(
        **{
            'label': label,
            'vertices': [Vertex(x=x, y=y) for x, y in corners],
            'score': float('nan'),
            **more,
        }
    )


def show(robot: Robot, asker: Asker, camera: Any, *frames: Image) -> None:
    """Publish frames until the node has them, in order: a best-effort one may be lost."""
    name = camera.topic_name.split('/')[1]
    for frame in frames:
        probe = asker.send(
            Engage.Goal(camera=name, stamp=frame.header.stamp, question=Question(kind=99))
        )

        def seen(frame: Image = frame, probe: Sent = probe) -> bool:
            camera.publish(frame)
            return probe.over

        robot.until(seen, 60)
        # It is refused for its question, which is looked at once there is a frame.
        assert 'question.kind' in probe.end(ABORTED).reason, probe.answers


def words(said: str, service: Service) -> dict[str, Any]:
    """Return an answer in words, as the console sends it for either API."""
    return {'response': said} if service.kind == 'heat' else {'response': said, 'shapes': []}


def lasting(seconds: float) -> Duration:
    """Return a duration message."""
    return Duration(sec=int(seconds), nanosec=round(seconds % 1 * 1e9))


def published(robot: Robot, id: str) -> Resolution:
    """Wait for an answer on the topic."""
    robot.until(lambda: [r for r in robot.resolutions if r.id == id], 60)
    (resolution,) = (r for r in robot.resolutions if r.id == id)
    return resolution


def journal_of(tmp_path: Path) -> Path:
    return tmp_path / 'journal.db'
