# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The detector of the hall as a node: `python -m spark_ros.demo.warehouse.detector_node`.

`camera/image_raw` in, `camera/detections` out, under the same header.
"""

from __future__ import annotations

import sys

from rclpy.node import Node
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray

from spark_ros.demo.messages import DETECTIONS, IMAGES, detections_message
from spark_ros.demo.spinning import RELIABLE, spin
from spark_ros.demo.warehouse.detector import detect
from spark_ros.ros.images import check_image, to_pixels


class DetectorNode(Node):
    """Publish what the detector finds on each image."""

    def __init__(self) -> None:
        """Subscribe and advertise."""
        super().__init__('detector')
        self._found = self.create_publisher(Detection2DArray, DETECTIONS, RELIABLE)
        self.create_subscription(Image, IMAGES, self._on_image, RELIABLE)

    def _on_image(self, image: Image) -> None:
        wrong = check_image(image)
        if wrong:
            self.get_logger().warning(f'an image is left out: {wrong}', throttle_duration_sec=5.0)
        else:
            self._found.publish(detections_message(image.header, detect(to_pixels(image))))


if __name__ == '__main__':
    sys.exit(spin(DetectorNode))
