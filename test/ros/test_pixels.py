# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""sensor_msgs/Image to pixels, against known colours and against cv_bridge."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sensor_msgs.msg import Image

from spark_ros.escalation.pictures.encoding import EncodingError
from spark_ros.geometry import Box
from spark_ros.ros.images import ENCODINGS, check_image, to_pixels

WIDTH, HEIGHT = 10, 6
PADDINGS = [0, 1, 7, 64]
COLOURS_BGR = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
GREY = np.random.default_rng(2).integers(0, 256, (HEIGHT, WIDTH), np.uint8)
BAYER = [name for name in ENCODINGS if 'bayer' in name]
BRIDGED = ['bgr8', 'rgb8', 'bgra8', 'rgba8', 'mono8', *BAYER]


def message(
    encoding: str, rows: np.ndarray, padding: int = 0, *, big: bool = False, cut: bool = False
) -> Image:
    """Wrap (H, W, ...) values as an image message whose rows end in a padding of noise."""
    height, width = rows.shape[:2]
    lines = np.ascontiguousarray(rows).view(np.uint8).reshape(height, -1)
    noise = np.full((height, padding), 0xA5, np.uint8)
    data = np.concatenate([lines, noise], axis=1).tobytes()
    return Image(
        height=height, width=width, encoding=encoding, is_bigendian=int(big),
        step=lines.shape[1] + padding, data=data[: len(data) - padding] if cut else data,
    )  # fmt: skip


def swapped(bgr: np.ndarray) -> np.ndarray:
    return bgr[..., ::-1]


def with_alpha(colours: np.ndarray) -> np.ndarray:
    return np.concatenate([colours, np.full((*colours.shape[:2], 1), 7, np.uint8)], axis=2)


@pytest.mark.parametrize('cut', [False, True])
@pytest.mark.parametrize('padding', PADDINGS)
@pytest.mark.parametrize(
    ('encoding', 'rows', 'expected'),
    [
        ('bgr8', COLOURS_BGR, COLOURS_BGR),
        ('8UC3', COLOURS_BGR, COLOURS_BGR),
        ('rgb8', swapped(COLOURS_BGR), COLOURS_BGR),
        ('bgra8', with_alpha(COLOURS_BGR), COLOURS_BGR),
        ('8UC4', with_alpha(COLOURS_BGR), COLOURS_BGR),
        ('rgba8', with_alpha(swapped(COLOURS_BGR)), COLOURS_BGR),
        ('mono8', GREY, GREY),
        ('8UC1', GREY, GREY),
    ],
)
def test_colours_and_greys_come_out_as_they_are(
    encoding: str, rows: np.ndarray, expected: np.ndarray, padding: int, cut: bool
) -> None:
    pixels = to_pixels(message(encoding, rows, padding, cut=cut))
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels, expected)


@pytest.mark.parametrize('padding', PADDINGS)
@pytest.mark.parametrize('big', [False, True])
def test_mono16_keeps_its_upper_byte(big: bool, padding: int) -> None:
    values = (GREY.astype(np.uint16) << 8) | 0x5A
    rows = values.astype('>u2' if big else '<u2')
    pixels = to_pixels(message('mono16', rows, padding, big=big))
    np.testing.assert_array_equal(pixels, GREY)


@pytest.mark.parametrize('padding', PADDINGS)
@pytest.mark.parametrize('big', [False, True])
def test_16uc1_is_stretched_to_what_is_in_it(big: bool, padding: int) -> None:
    values = np.linspace(500, 2500, WIDTH * HEIGHT).reshape(HEIGHT, WIDTH).astype(np.uint16)
    values[0, 0] = 0
    rows = values.astype('>u2' if big else '<u2')
    pixels = to_pixels(message('16UC1', rows, padding, big=big))
    assert pixels[0, 0] == 0 and pixels[-1, -1] == 255
    assert (np.diff(pixels.ravel()[1:].astype(int)) >= 0).all()


def test_a_hidden_depth_changes_nothing_that_is_seen() -> None:
    values = np.linspace(500, 2500, WIDTH * HEIGHT).reshape(HEIGHT, WIDTH).astype(np.uint16)
    hidden = Box(0.5, 0.5, 1.0, 1.0)
    near, far = values.copy(), values.copy()
    near[HEIGHT // 2 :, WIDTH // 2 :] = 1
    far[HEIGHT // 2 :, WIDTH // 2 :] = 60_000
    one, other = (to_pixels(message('16UC1', rows), [hidden]) for rows in (near, far))
    np.testing.assert_array_equal(one, other)
    assert one.max() == 255 and not one[HEIGHT // 2 :, WIDTH // 2 :].any()
    assert (to_pixels(message('16UC1', near)) != to_pixels(message('16UC1', far))).any()


def test_an_empty_depth_image_is_black() -> None:
    assert not to_pixels(message('16UC1', np.zeros((HEIGHT, WIDTH), '<u2'))).any()


@pytest.mark.parametrize('padding', [0, 2, 60])
@pytest.mark.parametrize(
    ('encoding', 'order'),
    [('yuv422', 'uyvy'), ('uyvy', 'uyvy'), ('yuv422_yuy2', 'yuyv'), ('yuyv', 'yuyv')],
)
@pytest.mark.parametrize('bgr', [(255, 0, 0), (0, 255, 0), (0, 0, 255), (200, 200, 200)])
def test_yuv_gives_the_colour_back(
    encoding: str, order: str, padding: int, bgr: tuple[int, int, int]
) -> None:
    y, cr, cb = cv2.cvtColor(np.array([[bgr]], np.uint8), cv2.COLOR_BGR2YCrCb)[0, 0].astype(int)
    # Video range: luma from 16 to 235, chroma from 16 to 240.
    values = {
        'y': 16 + y * 219 // 255,
        'u': 128 + (cb - 128) * 224 // 255,
        'v': 128 + (cr - 128) * 224 // 255,
    }
    pair = [values[letter] for letter in order]
    rows = np.tile(np.array(pair, np.uint8), (HEIGHT, WIDTH // 2)).reshape(HEIGHT, WIDTH, 2)
    pixels = to_pixels(message(encoding, rows, padding))
    assert pixels.shape == (HEIGHT, WIDTH, 3)
    assert np.abs(pixels.astype(int) - bgr).max() <= 6


@pytest.mark.parametrize('padding', PADDINGS)
@pytest.mark.parametrize('encoding', BAYER)
def test_bayer_gives_the_colour_back(encoding: str, padding: int) -> None:
    bgr = {'b': 10, 'g': 120, 'r': 240}
    pattern = encoding.removeprefix('bayer_').removesuffix('8')
    tile = np.array([bgr[letter] for letter in pattern], np.uint8).reshape(2, 2)
    rows = np.tile(tile, (HEIGHT // 2, WIDTH // 2))
    pixels = to_pixels(message(encoding, rows, padding))
    assert pixels.shape == (HEIGHT, WIDTH, 3)
    assert (pixels[2:-2, 2:-2] == (10, 120, 240)).all()


@pytest.mark.parametrize('encoding', BRIDGED)
def test_agrees_with_cv_bridge_pixel_by_pixel(encoding: str) -> None:
    cv_bridge = pytest.importorskip('cv_bridge')
    rows = {1: GREY, 3: COLOURS_BGR, 4: with_alpha(COLOURS_BGR)}[
        {'bgr8': 3, 'rgb8': 3, 'bgra8': 4, 'rgba8': 4}.get(encoding, 1)
    ]
    wanted = 'mono8' if encoding == 'mono8' else 'bgr8'
    try:
        theirs = cv_bridge.CvBridge().imgmsg_to_cv2(message(encoding, rows), wanted)
    except KeyError:
        pytest.skip(f'this cv_bridge cannot convert {encoding}')
    np.testing.assert_array_equal(to_pixels(message(encoding, rows)), theirs)
    # With padding, which the one on the package index ignores, ours must come to the same.
    np.testing.assert_array_equal(to_pixels(message(encoding, rows, 5)), theirs)


def test_every_encoding_that_is_promised_is_there() -> None:
    assert {
        'bgr8', 'rgb8', 'bgra8', 'rgba8', 'mono8', 'mono16', '16UC1', 'bayer_rggb8',
        'bayer_bggr8', 'bayer_gbrg8', 'bayer_grbg8', 'yuv422', 'yuv422_yuy2',
    } <= set(ENCODINGS)  # fmt: skip


def wrong(**changes: object) -> Image:
    image = message('bgr8', COLOURS_BGR)
    for name, value in changes.items():
        setattr(image, name, value)
    return image


@pytest.mark.parametrize(
    ('image', 'reason'),
    [
        (wrong(step=29), 'a step of 29 bytes, but 10 pixels of bgr8 need 30'),
        (wrong(step=0), 'a step of 0 bytes'),
        (wrong(data=bytes(179)), '179 bytes of data, but 180 are needed'),
        (wrong(data=b''), '0 bytes of data'),
        (wrong(width=0), 'an image of 0x6 pixels'),
        (wrong(height=0), 'an image of 10x0 pixels'),
        (wrong(encoding='32FC1'), "the encoding '32FC1' is not one of"),
        (wrong(encoding=''), "the encoding '' is not one of"),
        (wrong(step=2**32 - 1), 'bytes of data, but'),
        (wrong(width=2**32 - 1, height=2**32 - 1), 'a step of'),
        (wrong(encoding='yuv422', width=9, step=18), 'an odd width of 9 pixels'),
    ],
)
def test_says_what_is_wrong_with_an_image(image: Image, reason: str) -> None:
    assert reason in check_image(image)
    with pytest.raises(EncodingError, match='^' + check_image(image)[:20].replace('(', '.')):
        to_pixels(image)


@given(
    st.sampled_from(ENCODINGS), st.integers(0, 6), st.integers(0, 6), st.integers(0, 30),
    st.integers(0, 200), st.booleans(),
)  # fmt: skip
def test_any_image_is_converted_or_refused_with_a_reason(
    encoding: str, width: int, height: int, step: int, length: int, big: bool
) -> None:
    image = Image(
        width=width, height=height, step=step, encoding=encoding, is_bigendian=int(big),
        data=bytes(length),
    )  # fmt: skip
    if check_image(image):
        with pytest.raises(EncodingError):
            to_pixels(image)
    else:
        assert to_pixels(image).shape[:2] == (height, width)
