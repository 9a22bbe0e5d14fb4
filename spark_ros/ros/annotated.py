# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Publish pictures of the answers, if somebody subscribes."""

from __future__ import annotations

import logging
import math
from array import array
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import Header
from vision_msgs.msg import BoundingBox2D, Detection2DArray

from spark_ros.escalation.once import WarnOnce
from spark_ros.escalation.pictures.annotated import annotated_picture
from spark_ros.escalation.question.escalation import EncodedImage, Escalation, Resolved
from spark_ros.geometry import Placement, Vertex, placement
from spark_ros.ros.conversions import time_message
from spark_ros.ros.inbox import Inbox

MAX_WAITING = 8
logger = logging.getLogger(__name__)
FetchImage = Callable[[str, Callable[[EncodedImage | None], None]], None]


class AnnotatedPictures:
    """One topic a camera; nothing is fetched or drawn unless somebody subscribes to it.

    Attributes:
        drawn: how many pictures were drawn.
    """

    def __init__(
        self, node: Node, inbox: Inbox, cameras: Iterable[str], fetch_image: FetchImage
    ) -> None:
        """Advertise.

        Args:
            node: whose topics they are.
            inbox: of that node.
            cameras: their names.
            fetch_image: given a question's id, hands its image on from any thread, or None
                where it is gone.
        """
        self._inbox, self._fetch_image = inbox, fetch_image
        self._publishers = {
            camera: node.create_publisher(
                CompressedImage,
                f'~/{camera}/annotated/compressed',
                QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT),
            )
            for camera in cameras
        }
        self._painter = ThreadPoolExecutor(1, 'painter')
        self._waiting = 0
        self._warn = WarnOnce(logger)
        self.drawn = 0

    def show(self, resolved: Resolved) -> None:
        """Have an answer drawn if somebody looks; on the executor, before it is forgotten."""
        publisher = self._publishers.get(resolved.escalation.camera)
        if publisher is None or not publisher.get_subscription_count():
            return
        if self._waiting >= MAX_WAITING:
            self._warn('answers come faster than they can be drawn; some have no picture')
            return
        self._waiting += 1
        self._fetch_image(resolved.escalation.id, partial(self._hand_over, publisher, resolved))

    def close(self) -> None:
        """Draw no more."""
        self._painter.shutdown(wait=True, cancel_futures=True)

    def _hand_over(self, publisher: Any, resolved: Resolved, image: EncodedImage | None) -> None:
        with suppress(RuntimeError):
            # The painter has gone when the node ends.
            self._painter.submit(self._paint, publisher, resolved, image)

    def _paint(self, publisher: Any, resolved: Resolved, image: EncodedImage | None) -> None:
        try:
            if image is not None:
                picture = annotated_picture(image, resolved, true_outlines(resolved.escalation))
                self.drawn += 1
                self._inbox.post(partial(publisher.publish, _message(picture, resolved)))
        except Exception as error:
            # Whatever stands in an answer, it was published already; only its picture is missing.
            self._warn(f'an answer cannot be drawn: {error}', type(error).__name__)
        finally:
            self._inbox.post(self._painted)

    def _painted(self) -> None:
        self._waiting -= 1


def true_outlines(asked: Escalation) -> dict[str, tuple[Vertex, ...]]:
    """Return by prior id the four corners of each rotated detection, as fractions."""
    if not asked.source:
        return {}
    source = deserialize_message(asked.source, Detection2DArray)
    place = placement(asked.image_size, asked.source_size, asked.source_fit)
    return {
        str(index): _corners(detection.bbox, place)
        for index, detection in enumerate(source.detections)
        if detection.bbox.center.theta
    }


def _corners(box: BoundingBox2D, place: Placement) -> tuple[Vertex, ...]:
    center, theta = box.center.position, box.center.theta
    cos, sin = math.cos(theta), math.sin(theta)
    half_x, half_y = box.size_x / 2, box.size_y / 2
    return tuple(
        Vertex(
            (center.x + x * cos - y * sin - place.left) / place.width,
            (center.y + x * sin + y * cos - place.top) / place.height,
        )
        for x, y in ((-half_x, -half_y), (half_x, -half_y), (half_x, half_y), (-half_x, half_y))
    )


def _message(picture: EncodedImage, resolved: Resolved) -> CompressedImage:
    asked = resolved.escalation
    header = Header(stamp=time_message(asked.stamp_ns), frame_id=asked.frame_id)
    return CompressedImage(header=header, format='jpeg', data=array('B', picture.data))
