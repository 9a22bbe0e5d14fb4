# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The rest of the robot: its cameras and detectors, and who listens to the node."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import rclpy
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray
from installed import SPARK_NODE
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header
from vision_msgs.msg import (
    BoundingBox2D,
    Detection2D,
    Detection2DArray,
    ObjectHypothesis,
    ObjectHypothesisWithPose,
    Point2D,
    Pose2D,
)

from spark_ros.msg import EngagementStatus, Resolution
from spark_ros.ros.node import SparkNode

ROOT = Path(__file__).parents[2]
WIDTH, HEIGHT = 320, 240
TOKEN = 'open-sesame-4711'
BEST_EFFORT = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)
RELIABLE = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
LATCHED = QoSProfile(depth=100, durability=DurabilityPolicy.TRANSIENT_LOCAL)
Box = tuple[float, float, float, float]
NodeParameters = dict[str, Any]


def picture(seed: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """Return a BGR picture (H, W, 3) of 9 x 8 patches that are told apart by their hash."""
    patches = np.random.default_rng(seed).integers(20, 236, (8, 9), np.uint8)
    grey = cv2.resize(patches, (width, height), interpolation=cv2.INTER_NEAREST)
    return np.repeat(grey[:, :, None], 3, axis=2)


def stamped(seconds: float, frame_id: str = 'optical') -> Header:
    """Return a header with a stamp in seconds."""
    whole = int(seconds)
    stamp = Time(sec=whole, nanosec=round((seconds - whole) * 1e9))
    return Header(stamp=stamp, frame_id=frame_id)


def raw(pixels: np.ndarray, header: Header, **wrong: Any) -> Image:
    """Return a bgr8 image message."""
    height, width = pixels.shape[:2]
    fields = {'encoding': 'bgr8', 'step': width * 3, 'data': pixels.tobytes(), **wrong}
    return Image(header=header, **{'height': height, 'width': width, **fields})


def compressed(pixels: np.ndarray, header: Header) -> CompressedImage:
    """Return a JPEG message."""
    done, data = cv2.imencode('.jpg', pixels)
    assert done
    return CompressedImage(header=header, format='jpeg', data=data.tobytes())


def detection(label: str, box: Box, score: float = 0.4, **more: Any) -> Detection2D:
    """Return a detection with a box (x, y, width, height) of the top-left corner, in pixels."""
    x, y, width, height = box
    center = Pose2D(position=Point2D(x=x + width / 2, y=y + height / 2), theta=0.0)
    hypothesis = ObjectHypothesis(class_id=label, score=score)
    return Detection2D(
        **{
            'results': [ObjectHypothesisWithPose(hypothesis=hypothesis)],
            'bbox': BoundingBox2D(center=center, size_x=float(width), size_y=float(height)),
            **more,
        }
    )


def detections(header: Header, *found: Detection2D) -> Detection2DArray:
    """Return a detector's message."""
    return Detection2DArray(header=header, detections=list(found))


def pixel_box(found: Detection2D) -> Box:
    """Return a detection's box as (x, y, width, height) of the top-left corner."""
    center, size = found.bbox.center.position, (found.bbox.size_x, found.bbox.size_y)
    return (center.x - size[0] / 2, center.y - size[1] / 2, *size)


class NodeProcess:
    """The node's executable in a process of its own."""

    def __init__(
        self, parameters: NodeParameters, environment: dict[str, str], *arguments: str
    ) -> None:
        flags = [flag for name, value in parameters.items() for flag in _flags(name, value)]
        self.process = subprocess.Popen(
            [SPARK_NODE, '--ros-args', *flags, *arguments],
            env={**os.environ, **environment}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def output(self) -> str:
        return ''.join(self.lines)

    @property
    def ready(self) -> bool:
        assert self.process.poll() is None, self.output
        return 'journal: ' in self.output

    def end(self, number: int = signal.SIGINT, timeout_s: float = 60.0) -> int:
        """Send a signal and return the exit code, with the output read to its end."""
        self.process.send_signal(number)
        return self.wait(timeout_s)

    def wait(self, timeout_s: float = 60.0) -> int:
        code = self.process.wait(timeout_s)
        self._reader.join(timeout_s)
        return code

    def _read(self) -> None:
        assert self.process.stdout
        self.lines.extend(iter(self.process.stdout.readline, ''))


class Robot:
    """One node that plays cameras, detectors and listeners, and the node under test."""

    def __init__(self, wait_until: Callable[..., None], parameters: NodeParameters) -> None:
        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        self.node = Node('robot', context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.parameters = parameters
        self.resolutions: list[Resolution] = []
        self.statuses: list[EngagementStatus] = []
        self.corrected: list[Detection2DArray] = []
        self.spark: SparkNode | None = None
        self._wait_until = wait_until
        self._processes: list[NodeProcess] = []

    def until(self, condition: Callable[[], Any], deadline_s: float = 60.0) -> None:
        """Turn everything over until a condition holds."""
        self._wait_until(condition, self.executor, deadline_s)

    def listen(self, *cameras: str) -> None:
        """Subscribe to what the node says."""
        self.hear(Resolution, '/spark/resolutions', self.resolutions, LATCHED)
        self.hear(EngagementStatus, '/spark/engagements', self.statuses, RELIABLE)
        for camera in cameras:
            self.hear(Detection2DArray, f'/spark/{camera}/detections', self.corrected, LATCHED)

    def hear(self, kind: type, topic: str, heard: list[Any], qos: QoSProfile) -> Any:
        """Collect the messages of a topic."""
        return self.node.create_subscription(kind, topic, heard.append, qos)

    def start(self, **parameters: Any) -> SparkNode:
        """Run the node under test beside the robot's own, on the same executor."""
        values = {**self.parameters, **_dotted(parameters)}
        self.spark = SparkNode(
            context=self.context,
            parameter_overrides=[Parameter(name, value=value) for name, value in values.items()],
        )
        self.executor.add_node(self.spark)
        return self.spark

    def spawn(self, *arguments: str, **parameters: Any) -> NodeProcess:
        """Run the node's executable."""
        values = {**self.parameters, **_dotted(parameters)}
        process = NodeProcess(values, {'SPARK_TOKEN': TOKEN}, *arguments)
        self._processes.append(process)
        return process

    def publisher(self, kind: type, topic: str, qos: QoSProfile) -> Any:
        """Advertise, and wait until the node has subscribed."""
        publisher = self.node.create_publisher(kind, topic, qos)
        self.until(publisher.get_subscription_count)
        return publisher

    def known(self, *ids: str) -> None:
        """Wait until the nodes of these robots, in other processes, know of all that is here.

        What is subscribed to last is found last; so who hears a node is known to it. What it
        told before is heard by nobody. Without ids, any node will do.
        """
        heard: list[DiagnosticArray] = []
        self.hear(DiagnosticArray, '/diagnostics', heard, RELIABLE)
        self.until(
            lambda: heard and {*ids} <= {part.hardware_id for all in heard for part in all.status},
            60,
        )

    def states(self, id: str) -> list[int]:
        """Return the states that were published of one question, in order."""
        return [status.state for status in self.statuses if status.id == id]

    def close(self) -> None:
        """End everything."""
        for one in self._processes:
            if one.process.poll() is None:
                one.process.kill()
            one.wait()
        if self.spark is not None:
            self.executor.remove_node(self.spark)
            self.spark.close()
        self.executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown(context=self.context)


def _dotted(parameters: dict[str, Any]) -> dict[str, Any]:
    return {name.replace('__', '.'): value for name, value in parameters.items()}


def _flags(name: str, value: Any) -> Sequence[str]:
    if isinstance(value, str):
        text = '"' + value.replace('"', '\\"') + '"'
    elif isinstance(value, list):
        text = '[' + ', '.join(f'"{v}"' if isinstance(v, str) else str(v) for v in value) + ']'
    else:
        text = str(value)
    return '-p', f'{name}:={text}'
