# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Read sensor_msgs/Image as it came over the wire, without making a message of it.

A message of rclpy holds another copy of all pixels, which costs a fifth of what a frame costs;
most frames are never asked about. The format is plain CDR (OMG DDS-XTypes 1.3, 7.4.3), which all
of ROS 2's middlewares use.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from builtin_interfaces.msg import Time
from std_msgs.msg import Header

ENCAPSULATION_BYTES = 4


@dataclass(frozen=True)
class SerializedImage:
    """The fields of sensor_msgs/Image; `data` is a view of the serialized message."""

    header: Header
    height: int
    width: int
    encoding: str
    is_bigendian: int
    step: int
    data: memoryview


def read_image(message: bytes) -> SerializedImage:
    """Read a serialized sensor_msgs/Image; no pixel is copied.

    Raises:
        ValueError: it is none, or is cut off.
    """
    try:
        order = '<' if message[1] & 1 else '>'
        sec, nanosec = struct.unpack_from(order + 'iI', message, ENCAPSULATION_BYTES)
        frame_id, at = _text(message, ENCAPSULATION_BYTES + 8, order)
        height, width = struct.unpack_from(order + 'II', message, at)
        encoding, at = _text(message, at + 8, order, aligned_to=1)
        is_bigendian, step, size = struct.unpack_from(
            f'{order}B{-(at + 1) % 4}xII', message, at
        )
    except (struct.error, IndexError) as error:
        raise ValueError(f'a serialized image of {len(message)} bytes: {error}') from None
    begin = at + 1 + -(at + 1) % 4 + 8
    if begin + size > len(message):
        raise ValueError(f'the message has {len(message) - begin} bytes of pixels, not {size}')
    return SerializedImage(
        Header(stamp=Time(sec=sec, nanosec=nanosec), frame_id=frame_id),
        height, width, encoding, is_bigendian, step, memoryview(message)[begin : begin + size],
    )  # fmt: skip


def _text(message: bytes, at: int, order: str, aligned_to: int = 4) -> tuple[str, int]:
    """Return a string, and where the next field, aligned so, begins."""
    (size,) = struct.unpack_from(order + 'I', message, at)
    end = at + 4 + size
    if end > len(message):
        raise ValueError(f'a text of {size} bytes is cut off')
    # The terminating zero counts; what comes behind one is no part of the text.
    text = message[at + 4 : end].partition(b'\0')[0].decode()
    return text, end + -end % aligned_to
