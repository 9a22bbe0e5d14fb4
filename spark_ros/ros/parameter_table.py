# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Every parameter of the node: name, default, range and what it means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rclpy.parameter import Parameter

from spark_ros.escalation.question.outgoing_image import FORMATS, JPEG_QUALITY, METADATA_KEYS
from spark_ros.geometry import Fit

DOUBLE, INTEGER, STRING = (
    Parameter.Type.DOUBLE, Parameter.Type.INTEGER, Parameter.Type.STRING,
)  # fmt: skip
BOOL = Parameter.Type.BOOL
STRINGS, DOUBLES, INTEGERS = (
    Parameter.Type.STRING_ARRAY, Parameter.Type.DOUBLE_ARRAY, Parameter.Type.INTEGER_ARRAY,
)  # fmt: skip

DETECTION_TYPES = ('vision_msgs/Detection2DArray', 'yolo_msgs/DetectionArray')
FITS = tuple(fit.value for fit in Fit)
DEFAULT_INSTRUCTIONS = (
    'Look at the boxes: correct those that are wrong, remove what is not there, add what is missing.'
)


@dataclass(frozen=True)
class Spec:
    """One parameter.

    Attributes:
        type: given explicitly, because rclpy reads an empty list as a byte array.
        low, high: the range of a number, both included.
        choices: the values that a string, or each of a list, may have, if they are few.
        live: whether it may be changed while the node runs; the others are read-only.
    """

    name: str
    type: Parameter.Type
    default: Any
    meaning: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    live: bool = False


NODE = (
    Spec('server.kind', STRING, 'spark', 'Which API the service speaks.', choices=('spark', 'heat')),
    Spec('server.url', STRING, 'http://127.0.0.1:8080', 'Base URL of the service.'),
    Spec('server.ca_file', STRING, '', 'PEM file of an own certificate authority; empty: the usual ones.'),
    Spec('server.token_file', STRING, '', 'File with the API key, readable by its owner alone; empty: the environment variable SPARK_TOKEN.'),
    Spec('heat.detection_as', STRING, 'rectangles', 'Heat only: ask for all boxes anew, or for the label of the least certain one.', choices=('rectangles', 'label')),
    Spec('image_host.kind', STRING, 'service', "Heat only: frames are uploaded to a service's image endpoint, or served by this node.", choices=('service', 'node')),
    Spec('image_host.url', STRING, '', 'Base URL of that service (empty: server.url), or the URL under which people reach this node.'),
    Spec('image_host.token_file', STRING, '', 'File with its key; empty: the environment variable SPARK_IMAGE_TOKEN, else the key of server.url.'),
    Spec('image_host.host', STRING, '0.0.0.0', 'Address that this node serves frames on.'),
    Spec('image_host.port', INTEGER, 8089, 'Port that this node serves frames on.', 1, 65_535),
    Spec('robot_id', STRING, '', 'Sent with each question; names the journal. Empty: the host name.'),
    Spec('metadata.send', STRINGS, list(METADATA_KEYS), 'Which metadata is sent with each question.', choices=METADATA_KEYS),
    Spec('pose_topic', STRING, '', "Topic with the robot's pose, sent as metadata; empty: none."),
    Spec('pose_type', STRING, 'geometry_msgs/PoseStamped', 'Type of that topic.', choices=('geometry_msgs/PoseStamped', 'geometry_msgs/PoseWithCovarianceStamped', 'nav_msgs/Odometry')),
    Spec('cameras', STRINGS, ['camera'], 'Names of the cameras; each has a block of parameters of its own.'),
    Spec('dry_run', BOOL, False, 'Only tell, on ~/engagements, what would be asked: nobody is asked, nothing is stored, and no service is needed.', live=True),
    Spec('timeout_s', DOUBLE, 600.0, 'Seconds after which an unanswered question counts as expired; 0: never.', 0.0, 31_536_000.0, live=True),
    Spec('limits.open', INTEGER, 50, 'Questions waiting to be sent or answered at one time; 0: no limit.', 0, 1_000_000, live=True),
    Spec('limits.per_hour', INTEGER, 0, 'Questions asked in any hour, also across a restart; 0: no limit.', 0, 1_000_000, live=True),
    Spec('journal.path', STRING, '', 'File in which questions survive a restart; empty: memory only.'),
    Spec('journal.max_mb', DOUBLE, 1000.0, 'Megabytes of images in the journal; 0: no limit.', 0.0, 1_000_000.0, live=True),
    Spec('journal.max_count', INTEGER, 0, 'Questions in the journal; 0: no limit.', 0, 1_000_000),
    Spec('journal.max_age_h', DOUBLE, 0.0, 'Hours after which a question that nobody answered is given up; 0: never.', 0.0, 8760.0),
    Spec('poll.interval_s', DOUBLE, 1.0, 'Seconds between two looks for answers, at first.', 0.05, 3600.0, live=True),
    Spec('poll.max_interval_s', DOUBLE, 15.0, 'Seconds to which that doubles while nothing changes.', 0.05, 86_400.0, live=True),
    Spec('webhook.host', STRING, '0.0.0.0', 'Address that the webhook receiver listens on.'),
    Spec('webhook.port', INTEGER, 0, 'Port that it listens on; 0: off.', 0, 65_535),
    Spec('webhook.public_url', STRING, '', 'URL under which the service reaches it.'),
    Spec('webhook.secret_file', STRING, '', 'File with the secret that pushes are signed with, readable by its owner alone; empty: a push only makes this node look.'),
)  # fmt: skip

CAMERA = (
    Spec('image_topic', STRING, '', 'Image topic; empty: <camera>/image_raw, or <camera>/image_raw/compressed.'),
    Spec('transport', STRING, 'raw', 'sensor_msgs/Image or sensor_msgs/CompressedImage.', choices=('raw', 'compressed')),
    Spec('detections_topic', STRING, '', "Topic of the detector's messages; empty: <camera>/detections."),
    Spec('detections_type', STRING, DETECTION_TYPES[0], 'Type of that topic; the package of the second is needed only where it is chosen.', choices=DETECTION_TYPES),
    Spec('class_labels', STRINGS, [], 'Labels of a detector that only numbers its classes: the first is that of class 0; an empty one names nothing.', live=True),
    Spec('label_info_topic', STRING, '', 'vision_msgs/LabelInfo topic with the labels of a detector that only numbers its classes; it wins over class_labels. Empty: none.'),
    Spec('program', STRING, '', 'Name of an established program of the service.', live=True),
    Spec('instructions', STRING, DEFAULT_INSTRUCTIONS, 'What people are asked to do; may be empty where there is a program.', live=True),
    Spec('label_options', STRINGS, [], 'Labels to choose from.', live=True),
    Spec('ask_below', DOUBLE, 0.6, 'Ask about detections with a score under this.', 0.0, 1.0, live=True),
    Spec('ask_below_labels', STRINGS, [], 'Labels with an ask_below of their own.', live=True),
    Spec('ask_below_scores', DOUBLES, [], 'Their ask_below, in the same order.', 0.0, 1.0, live=True),
    Spec('ignore_below', DOUBLE, 0.1, 'Leave out detections with a score under this.', 0.0, 1.0, live=True),
    Spec('ignore_below_labels', STRINGS, [], 'Labels with an ignore_below of their own.', live=True),
    Spec('ignore_below_scores', DOUBLES, [], 'Their ignore_below, in the same order.', 0.0, 1.0, live=True),
    Spec('cooldown_s', DOUBLE, 30.0, 'Seconds in which one object is asked about once.', 0.0, 86_400.0, live=True),
    Spec('priority', INTEGER, 0, 'The questions of cameras with a higher one are sent first, and give way last.', 0, 255, live=True),
    Spec('detection_image_size', INTEGERS, [], "[width, height] that the detector sees, where its pixels are not the image's; empty: they are.", 1, 65_535, live=True),
    Spec('detection_fit', STRING, 'stretch', 'How the image was made to fit that size: stretched, or with bars on two sides (letterbox), or with bars right or below only.', choices=FITS, live=True),
    Spec('image.format', STRING, 'jpeg', 'Format of what is sent; a compressed image that needs no change is sent as it is.', choices=FORMATS, live=True),
    Spec('image.quality', INTEGER, JPEG_QUALITY, 'Quality of a JPEG.', 1, 100, live=True),
    Spec('image.max_side', INTEGER, 0, 'Longest side of what is sent, in pixels; 0: as it is.', 0, 65_535, live=True),
    Spec('image.crop', BOOL, False, 'Send only what is around the detections that are asked about.', live=True),
    Spec('image.crop_margin', DOUBLE, 0.25, "How much around them, as a fraction of their hull's larger side.", 0.0, 10.0, live=True),
    Spec('image.black_out', DOUBLES, [], 'Regions that are black in what is sent: [x, y, width, height] for each, one after the other, as fractions of the upright frame.', 0.0, 1.0, live=True),
    Spec('frames.max_mb', DOUBLE, 128.0, 'Megabytes of frames kept for detections to come.', 1.0, 100_000.0, live=True),
    Spec('frames.slop_s', DOUBLE, 0.02, "Seconds that a detection's stamp may be off from its frame's.", 0.0, 10.0, live=True),
    Spec('frames.wait_s', DOUBLE, 0.5, 'Seconds that a detection waits for its frame.', 0.0, 60.0, live=True),
)  # fmt: skip
