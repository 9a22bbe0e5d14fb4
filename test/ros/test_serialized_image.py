# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What is read of a serialized image is what rclpy reads; what is none is refused."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rclpy.serialization import serialize_message
from robot import picture, raw, stamped
from sensor_msgs.msg import Image

from spark_ros.ros.serialized_image import read_image

TEXTS = st.text(st.characters(exclude_characters='\0', exclude_categories=['Cs']), max_size=12)
UINT32 = st.integers(0, 2**32 - 1)


@given(
    st.integers(-(2**31), 2**31 - 1), UINT32, TEXTS, UINT32, UINT32, TEXTS, st.integers(0, 255),
    UINT32, st.binary(max_size=40),
)  # fmt: skip
def test_it_says_what_the_message_said(
    sec: int,
    nanosec: int,
    frame_id: str,
    height: int,
    width: int,
    encoding: str,
    is_bigendian: int,
    step: int,
    data: bytes,
) -> None:
    message = Image(
        height=height, width=width, encoding=encoding, is_bigendian=is_bigendian, step=step,
        data=data,
    )  # fmt: skip
    message.header.stamp.sec, message.header.stamp.nanosec = sec, nanosec
    message.header.frame_id = frame_id
    read = read_image(serialize_message(message))
    for name in ('header', 'height', 'width', 'encoding', 'is_bigendian', 'step'):
        assert getattr(read, name) == getattr(message, name)
    assert bytes(read.data) == data


def test_a_machine_of_the_other_byte_order() -> None:
    header = struct.pack('>iII4s', 5, 6, 4, b'cam\0')
    data = bytes(4) + header + struct.pack('>III6sBxII', 1, 2, 6, b'mono8\0', 0, 2, 2) + b'ab'
    read = read_image(data)
    assert (read.header.stamp.sec, read.header.frame_id) == (5, 'cam')
    assert (read.height, read.width, read.encoding, read.step) == (1, 2, 'mono8', 2)
    assert bytes(read.data) == b'ab'


def test_what_is_cut_off_is_refused() -> None:
    whole = serialize_message(raw(picture(1, 3, 1), stamped(1.0)))
    for length in range(len(whole)):
        with pytest.raises(ValueError):
            read_image(whole[:length])


@given(st.binary(max_size=80))
def test_nonsense_is_refused_or_read(data: bytes) -> None:
    try:
        read = read_image(data)
    except ValueError:
        return
    assert len(read.data) <= len(data)
