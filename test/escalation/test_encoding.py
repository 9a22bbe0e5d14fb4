# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Reading and making image files."""

from __future__ import annotations

import io
import struct
import time

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from samples import SIZE, encoded, pixels

from spark_ros.escalation.pictures.encoding import (
    EncodingError,
    encode_compressed,
    encode_pixels,
    read_header,
)
from spark_ros.geometry import ImageSize

TURNED = ImageSize(SIZE.height, SIZE.width)
ORIENTATIONS = range(1, 9)
JPEG, PNG = encoded(suffix='.jpg'), encoded(suffix='.png')


def with_exif(jpeg: bytes, orientation: int, order: str = '<') -> bytes:
    """Put an Exif block with an orientation, after another tag, behind a JPEG's first marker."""
    mark = {'<': b'II', '>': b'MM'}[order]
    entries = struct.pack(f'{order}HHIHH', 0x0103, 3, 1, 6, 0)
    entries += struct.pack(f'{order}HHIHH', 0x0112, 3, 1, orientation, 0)
    tiff = mark + struct.pack(f'{order}HI', 42, 8) + struct.pack(f'{order}H', 2) + entries
    block = b'Exif\0\0' + tiff + struct.pack(f'{order}I', 0)
    return jpeg[:2] + b'\xff\xe1' + struct.pack('>H', len(block) + 2) + block + jpeg[2:]


@pytest.mark.parametrize(('suffix', 'form'), [('.jpg', 'jpeg'), ('.png', 'png')])
@pytest.mark.parametrize('size', [(1, 1), (64, 48), (641, 479), (1920, 1080)])
@pytest.mark.parametrize('channels', [1, 3])
def test_reads_what_opencv_writes(
    suffix: str, form: str, size: tuple[int, int], channels: int
) -> None:
    picture = np.full((size[1], size[0], channels), 90, np.uint8)
    header = read_header(encoded(picture, suffix))
    assert (header.format, header.size, header.orientation) == (form, size, 1)


@pytest.mark.parametrize(
    'options', [{'progressive': True}, {'subsampling': 0}, {'optimize': True}]
)
def test_reads_other_kinds_of_jpeg(options: dict[str, int]) -> None:
    data = io.BytesIO()
    Image.new('RGB', SIZE).save(data, 'JPEG', comment=b'\xff\xc0 no header', **options)
    assert read_header(data.getvalue()).size == SIZE


@pytest.mark.parametrize('order', ['<', '>'])
@pytest.mark.parametrize('orientation', ORIENTATIONS)
def test_a_turned_picture_is_measured_upright(orientation: int, order: str) -> None:
    header = read_header(memoryview(with_exif(JPEG, orientation, order)))
    assert header.orientation == orientation
    assert header.stored == SIZE
    assert header.size == (TURNED if orientation >= 5 else SIZE)


@pytest.mark.parametrize('order', ['<', '>'])
@pytest.mark.parametrize('orientation', ORIENTATIONS)
def test_a_turned_picture_is_made_upright(orientation: int, order: str) -> None:
    upright = pixels()
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: upright.transpose(1, 0, 2)[::-1],
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: upright.transpose(1, 0, 2)[:, ::-1],
    }[orientation]
    data = with_exif(encoded(np.ascontiguousarray(stored)), orientation, order)
    image = encode_compressed(data)
    assert image.size == SIZE == read_header(data).size
    assert read_header(image.data).size == SIZE
    assert orientation == 1 or read_header(image.data).orientation == 1
    seen = cv2.imdecode(np.frombuffer(image.data, np.uint8), cv2.IMREAD_COLOR)
    assert seen.shape == upright.shape
    assert np.abs(seen.astype(int) - upright).mean() < 12


@pytest.mark.parametrize(('data', 'form'), [(JPEG, 'jpeg'), (PNG, 'png')])
def test_an_upright_file_passes_byte_for_byte(data: bytes, form: str) -> None:
    image = encode_compressed(data)
    assert (image.data, image.size, image.format) == (data, SIZE, form)
    marked = with_exif(JPEG, 1)
    assert encode_compressed(marked).data == marked


@pytest.mark.parametrize('orientation', [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_upright(orientation: int) -> None:
    assert read_header(with_exif(JPEG, orientation)).orientation == 1


def test_a_damaged_exif_block_is_upright() -> None:
    whole = with_exif(JPEG, 6)
    at = whole.index(b'II')
    far = whole[: at + 4] + b'\xff\xff\xff\x7f' + whole[at + 8 :]
    unordered = whole[:at] + b'XX' + whole[at + 2 :]
    assert read_header(far).orientation == read_header(unordered).orientation == 1


@pytest.mark.parametrize(
    ('data', 'reason'),
    [
        (b'', 'neither JPEG nor PNG'),
        (b'GIF89a' + bytes(100), 'neither JPEG nor PNG'),
        (JPEG[:2], 'cut off'),
        (JPEG[:40], 'cut off'),
        (PNG[:20], 'cut off'),
        (b'\xff\xd8\xff\xd9', 'no frame header'),
        (b'\xff\xd8\xff\xe0\x00\x00' + bytes(50), 'without a length'),
        (PNG[:16] + bytes(8) + PNG[24:], '0x0 pixels'),
        (PNG[:16] + b'\xff' * 8 + PNG[24:], 'pixels'),
    ],
)
def test_says_what_is_wrong_with_a_file(data: bytes, reason: str) -> None:
    with pytest.raises(EncodingError, match=reason):
        read_header(data)


@pytest.mark.parametrize(
    ('filling', 'reason'),
    [
        (b'\0\0\0\0', 'cut off'), (b'\xff\xff\xff\xff', 'cut off'),
        (b'\xff\xe2\0\2', 'more than 300 segments'),
    ],
)  # fmt: skip
def test_a_header_without_an_end_is_given_up_at_once(filling: bytes, reason: str) -> None:
    """It is read in the camera's callback."""
    data = memoryview(JPEG[:2] + filling * 10_000_000)
    began = time.thread_time()
    with pytest.raises(EncodingError, match=reason):
        read_header(data)
    assert time.thread_time() - began < 0.2


@given(
    st.sampled_from([JPEG, PNG, with_exif(JPEG, 6), with_exif(JPEG, 8, '>')]),
    st.integers(0, 700),
    st.binary(max_size=60),
)
def test_damage_is_an_encoding_error_and_nothing_else(
    data: bytes, length: int, noise: bytes
) -> None:
    try:
        image = encode_compressed(data[:length] + noise + data[length + len(noise) :])
    except EncodingError:
        return
    assert image.size.width > 0 and image.size.height > 0


@given(st.binary(max_size=200), st.sampled_from([b'', b'\xff\xd8', b'\xff\xd8\xff', PNG[:16]]))
def test_garbage_is_an_encoding_error_and_nothing_else(garbage: bytes, head: bytes) -> None:
    try:
        read_header(head + garbage)
    except EncodingError as error:
        assert str(error)


@pytest.mark.parametrize('shape', [(48, 64), (48, 64, 3), (1, 1), (1, 3000, 3)])
def test_encodes_colour_and_grey(shape: tuple[int, ...]) -> None:
    image = encode_pixels(np.full(shape, 127, np.uint8))
    assert image.format == 'jpeg'
    assert image.size == read_header(image.data).size == (shape[1], shape[0])


@pytest.mark.parametrize('shape', [(0, 0, 3), (1, 70_000)])
def test_pixels_that_no_jpeg_can_hold_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(EncodingError, match='JPEG'):
        encode_pixels(np.zeros(shape, np.uint8))
