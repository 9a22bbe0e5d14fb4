# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The evaluator ends by time or by a signal, and then always has its say."""

from __future__ import annotations

import signal
import subprocess
import sys

import cv2
import numpy as np
import pytest
import rclpy
from rcl_interfaces.srv import GetParameters
from rclpy.duration import Duration
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray

from spark_ros.demo.messages import detections_message
from spark_ros.demo.scoring import Detection
from spark_ros.demo.spinning import RELIABLE
from spark_ros.demo.warehouse.comparison import Frame, compare
from spark_ros.demo.warehouse.plot import Example, plot
from spark_ros.demo.warehouse.truth_node import TRUTH

BOX = (10.0, 20.0, 40.0, 30.0)
BALL = Detection('ball', BOX)


class Simulation:
    """Publishes the truth about frames, and detections of which every second is wrong."""

    def __init__(self) -> None:
        self._context = rclpy.Context()
        rclpy.init(context=self._context)
        self._node = rclpy.create_node('simulation', context=self._context)
        self.executor = SingleThreadedExecutor(context=self._context)
        self.executor.add_node(self._node)
        self._truth, self._claims = (
            self._node.create_publisher(Detection2DArray, topic, RELIABLE)
            for topic in (TRUTH, 'camera/detections'))
        self.images = self._node.create_publisher(Image, 'camera/image_raw', RELIABLE)
        self._frames = 0

    def heard(self) -> bool:
        """Tell whether somebody listens to all that is published."""
        topics = (self.images, self._truth, self._claims)
        return all(topic.get_subscription_count() for topic in topics)

    def publish(self) -> None:
        """Publish about one more frame."""
        self._frames += 1
        image = Image(height=100, width=100)
        image.header.stamp.sec = self._frames
        for publisher, label in (
            (self._truth, 'ball'), (self._claims, 'ball' if self._frames % 2 else 'crate'),
        ):
            publisher.publish(detections_message(image.header, [Detection(label, BOX, 0.9)]))

    def wait_until_read(self, wait_until) -> None:
        """Wait until the evaluator has taken in what was published.

        Once it has come, its executor takes it before a service's next request.
        """
        for publisher in (self._truth, self._claims):
            wait_until(
                lambda publisher=publisher: publisher.wait_for_all_acked(Duration(nanoseconds=1)),
                self.executor,
            )
        client = self._node.create_client(GetParameters, 'evaluator/get_parameters')
        wait_until(client.service_is_ready, self.executor)
        calls = []

        def answered() -> bool:
            # An answer to a client that the service has not found yet is dropped.
            calls.append(client.call_async(GetParameters.Request()))
            return any(call.done() for call in calls)

        wait_until(answered, self.executor)

    def close(self) -> None:
        self._node.destroy_node()
        rclpy.try_shutdown(context=self._context)


@pytest.fixture
def simulation():
    running = Simulation()
    yield running
    running.close()


@pytest.mark.slow('lets a node watch for seconds')
@pytest.mark.parametrize('seconds', [2.0, 0.0], ids=['by time', 'by a signal'])
def test_it_says_what_it_saw_at_the_end(simulation, tmp_path, wait_until, seconds):
    process = subprocess.Popen(
        [sys.executable, '-m', 'spark_ros.demo.warehouse.evaluator', '--ros-args',
         '-p', f'seconds:={seconds}', '-p', f'output:={tmp_path}'],
        stdout=subprocess.PIPE, text=True)  # fmt: skip
    try:
        wait_until(simulation.heard, simulation.executor)

        def ended() -> bool:
            simulation.publish()
            return process.poll() is not None

        if seconds:
            wait_until(ended, simulation.executor)
        else:
            simulation.publish()
            simulation.wait_until_read(wait_until)
            process.send_signal(signal.SIGINT)
        told, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0
    assert 'detector alone' in told and 'of which 0 were asked about' in told, told
    assert cv2.imread(str(tmp_path / 'f1.png')) is not None


def test_having_seen_nothing_is_said(tmp_path, wait_until, simulation):
    process = subprocess.Popen(
        [sys.executable, '-m', 'spark_ros.demo.warehouse.evaluator'],
        stdout=subprocess.PIPE, text=True, cwd=tmp_path)  # fmt: skip
    try:
        wait_until(simulation.images.get_subscription_count, simulation.executor)
        process.send_signal(signal.SIGINT)
        told, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0 and 'nothing to score' in told
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('size', [None, (480, 640), (1080, 1920), (64, 48)])
@pytest.mark.parametrize('frames', [1, 2, 300])
def test_any_run_gives_a_picture(size, frames):
    frame = Frame([BALL], [Detection('crate', BOX, 0.4)], [BALL])
    run = [frame] * frames
    examples = [] if size is None else [Example(np.full((*size, 3), 90, np.uint8), frame)] * 3
    picture = plot(run, compare(run), examples, 'A title that is rather long ' * 9)
    assert picture.dtype == np.uint8 and picture.shape[1:] == (1240, 3)
    assert 350 < picture.shape[0] < 1500
