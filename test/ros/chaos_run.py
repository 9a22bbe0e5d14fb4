# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Ask questions over a bad network while the node and the service are killed again and again."""

from __future__ import annotations

import random
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from meddler import Meddler
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from robot import (
    BEST_EFFORT,
    RELIABLE,
    NodeProcess,
    Robot,
    detection,
    detections,
    picture,
    raw,
    stamped,
)
from sensor_msgs.msg import Image
from services import KillableService
from vision_msgs.msg import Detection2DArray

from spark_ros.escalation.journal.journal import Journal
from spark_ros.msg import EngagementStatus, Resolution

HEAR_ALL = QoSProfile(depth=2000, reliability=ReliabilityPolicy.RELIABLE)
HEAR_ALL_LATCHED = QoSProfile(depth=2000, durability=DurabilityPolicy.TRANSIENT_LOCAL)
BOX = (10.0, 10.0, 30.0, 20.0)
ASK_EVERY_S = 0.05


@dataclass(frozen=True)
class Plan:
    """How much chaos.

    Attributes:
        share: of the requests that the network spoils.
        seconds: how long all of it may take.
    """

    questions: int
    node_kills: int
    service_kills: int
    share: float = 0.12
    hang_s: float = 0.5
    seed: int = 4
    seconds: float = 45.0


@dataclass
class Outcome:
    """What became of the questions.

    Attributes:
        accepted: ids that were announced as QUEUED or were in the journal after a kill.
        heard: how many resolutions of each id there were.
        unmarked: after how many kills an id was in the journal with its answer.
        spoiled: what the network did.
        log: of the last node.
    """

    accepted: set[str] = field(default_factory=set)
    heard: Counter[str] = field(default_factory=Counter)
    unmarked: Counter[str] = field(default_factory=Counter)
    spoiled: Counter[str] = field(default_factory=Counter)
    states: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0
    log: str = ''

    @property
    def lost(self) -> set[str]:
        """Accepted and never resolved."""
        return self.accepted - set(self.heard)

    @property
    def twice(self) -> Counter[str]:
        """How many resolutions of an id were one too many."""
        return self.heard - Counter(dict.fromkeys(self.heard, 1))

    @property
    def unexplained(self) -> Counter[str]:
        """Of these, those that no kill between publishing and marking explains."""
        return self.twice - self.unmarked


class Chaos:
    """One run."""

    def __init__(self, robot: Robot, service: KillableService, journal: Path, plan: Plan) -> None:
        """Set up; `run` does it.

        Args:
            robot: plays the camera and the detector, and listens.
            service: that is not running yet; it is stopped by the caller.
            journal: the node's.
            plan: how much.
        """
        self._robot, self._service, self._journal, self._plan = robot, service, journal, plan
        self._die = random.Random(plan.seed)
        self._outcome = Outcome()
        self._to_ask = list(range(plan.questions))
        self._next_s = 0.0

    def run(self) -> Outcome:
        """Ask, kill, and wait until all that was accepted is resolved or time is over."""
        began = time.monotonic()
        self._end = began + self._plan.seconds
        robot, plan = self._robot, self._plan
        robot.hear(Resolution, '/spark/resolutions', robot.resolutions, HEAR_ALL_LATCHED)
        robot.hear(EngagementStatus, '/spark/engagements', robot.statuses, HEAR_ALL)
        meddler = Meddler(self._service.port, plan.seed, plan.share, plan.hang_s)
        try:
            self._service.start('scripted')
            self._node = self._spawn(meddler)
            self._camera = robot.publisher(Image, '/front/image_raw', BEST_EFFORT)
            self._detector = robot.publisher(Detection2DArray, '/front/detections', RELIABLE)
            deaths = ['node'] * plan.node_kills + ['service'] * plan.service_kills
            self._die.shuffle(deaths)
            for death, after in zip(deaths, self._moments(len(deaths)), strict=True):
                self._go_on(lambda after=after: len(robot.statuses) >= after or not self._to_ask)
                if death == 'node':
                    self._kill(self._node)
                    self._node = self._spawn(meddler)
                else:
                    self._kill_service()
            self._go_on(lambda: not self._to_ask)
            meddler.share = 0.0
            self._go_on(lambda: self._all_home() or time.monotonic() > self._end - 1.0)
            self._outcome.log = self._node.output
        finally:
            meddler.close()
        self._outcome.spoiled = meddler.spoiled
        self._outcome.states.update(r.state for r in robot.resolutions)
        self._outcome.seconds = time.monotonic() - began
        return self._outcome

    def _moments(self, deaths: int) -> list[int]:
        """Return after how many statuses each death comes: about three are told of a question."""
        return sorted(self._die.randrange(1, 2 * self._plan.questions) for _ in range(deaths))

    def _spawn(self, meddler: Meddler) -> NodeProcess:
        return self._robot.spawn(
            server__url=meddler.url,
            server__kind=self._service.kind,
            server__token_file=str(self._token_file()),
            limits__open=0,
            front__cooldown_s=3600.0,
        )

    def _token_file(self) -> Path:
        path = self._journal.with_name('token')
        path.touch(0o600)
        path.write_text(self._service.key)
        return path

    def _kill(self, node: NodeProcess) -> None:
        assert node.end(signal.SIGKILL) == -signal.SIGKILL, node.output
        journal = Journal(self._journal)
        for entry in journal.entries():
            self._outcome.accepted.add(entry.id)
        self._outcome.unmarked.update(r.escalation.id for r in journal.unpublished())
        journal.close()

    def _kill_service(self) -> None:
        self._service.kill()
        started = threading.Thread(target=self._service.launch('scripted').wait)
        started.start()
        self._go_on(lambda: not started.is_alive())
        started.join()

    def _go_on(self, condition: Callable[[], object]) -> None:
        def look() -> bool:
            self._ask()
            return bool(condition())

        try:
            self._robot.until(look, max(self._end - time.monotonic(), 0.0))
        except AssertionError as late:
            said = f'{late}; to be asked: {self._to_ask}; {self._standing()}\n{self._node.output}'
            raise AssertionError(said) from None

    def _standing(self) -> Counter[str]:
        database = sqlite3.connect(f'{self._journal.as_uri()}?mode=ro', uri=True)
        with closing(database):
            return Counter(state for (state,) in database.execute('SELECT state FROM escalation'))

    def _ask(self) -> None:
        """Publish the next question that nobody has confirmed yet, as a detector would."""
        if not self._to_ask or time.monotonic() < self._next_s:
            return
        self._next_s = time.monotonic() + ASK_EVERY_S
        # What is told before the two have found each other is heard by nobody; answers are kept.
        heard = (*self._robot.statuses, *self._robot.resolutions)
        known = {message.header.stamp.sec for message in heard}
        self._to_ask = [number for number in self._to_ask if 100 + number not in known]
        if self._to_ask:
            number = self._to_ask.pop(0)
            self._to_ask.append(number)
            header = stamped(100.0 + number)
            self._camera.publish(raw(picture(number, 64, 48), header))
            self._detector.publish(detections(header, detection(f'cat {number}', BOX)))

    def _all_home(self) -> bool:
        outcome = self._outcome
        outcome.accepted |= {s.id for s in self._robot.statuses}
        outcome.heard = Counter(r.id for r in self._robot.resolutions)
        return not outcome.lost
