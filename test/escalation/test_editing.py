# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A compressed image that must be edited: what is in the file that is made of it."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image
from samples import doubted

from spark_ros.escalation.pictures.encoding import EncodingError, encode_compressed, encode_pixels
from spark_ros.escalation.pictures.priors import draw_priors
from spark_ros.escalation.question.escalation import EncodedImage
from spark_ros.escalation.question.outgoing_image import ImageSettings, OutgoingImage, Region, plan
from spark_ros.geometry import Box, ImageSize

FRAME = ImageSize(160, 120)
HIDDEN = Box(0.5, 0.0, 1.0, 0.5)
HIDE = plan(ImageSettings(black_out=(HIDDEN,)), FRAME, [])
MAGENTA = (255, 0, 255)
ORIENTATION, THUMBNAIL_AT, THUMBNAIL_LENGTH = 0x0112, 0x0201, 0x0202


def upright() -> np.ndarray:
    """A light grey picture (H, W, 3) with a secret in its upper right quarter."""
    pixels = np.full((FRAME.height, FRAME.width, 3), 200, np.uint8)
    pixels[:60, 80:] = MAGENTA
    return pixels


def jpeg(pixels: np.ndarray) -> bytes:
    done, data = cv2.imencode('.jpg', pixels, [cv2.IMWRITE_JPEG_QUALITY, 95])
    assert done
    return bytes(data)


def with_thumbnail(pixels: np.ndarray, orientation: int = 1) -> tuple[bytes, bytes]:
    """Return a JPEG as a camera writes it, and the thumbnail that is in its EXIF block."""
    thumbnail = jpeg(cv2.resize(pixels, (40, 30), interpolation=cv2.INTER_AREA))
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif.get_ifd(0x8825)[1] = 'N'
    head = exif.tobytes()
    # Pillow writes no thumbnail: it goes into a second directory, behind everything else.
    tiff = bytearray(head[6:])
    order = {b'II': 'little', b'MM': 'big'}[bytes(tiff[:2])]

    def number(value: int, size: int) -> bytes:
        return value.to_bytes(size, order)

    first = int.from_bytes(tiff[4:8], order)
    count = int.from_bytes(tiff[first : first + 2], order)
    link, second = first + 2 + 12 * count, len(tiff)
    tiff[link : link + 4] = number(second, 4)
    tiff += number(2, 2)
    for tag, value in ((THUMBNAIL_AT, second + 30), (THUMBNAIL_LENGTH, len(thumbnail))):
        tiff += number(tag, 2) + number(4, 2) + number(1, 4) + number(value, 4)
    tiff += number(0, 4) + thumbnail
    data = io.BytesIO()
    Image.fromarray(pixels[:, :, ::-1]).save(
        data, 'JPEG', quality=95, exif=b'Exif\0\0' + bytes(tiff)
    )
    return data.getvalue(), thumbnail


def decoded(image: EncodedImage | bytes) -> np.ndarray:
    data = image if isinstance(image, bytes) else image.data
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    return np.asarray(pixels)


def magenta(pixels: np.ndarray) -> int:
    """Count the pixels that are anything like the secret."""
    blue, green, red = np.moveaxis(pixels.astype(int), 2, 0)
    return int((np.minimum(blue, red) - green > 40).sum())


@pytest.mark.parametrize('orientation', range(1, 9))
def test_the_region_is_black_in_the_upright_picture(orientation: int) -> None:
    """However the camera stored it."""
    stored = {
        1: upright(), 2: upright()[:, ::-1], 3: upright()[::-1, ::-1], 4: upright()[::-1],
        5: upright().transpose(1, 0, 2), 6: upright().transpose(1, 0, 2)[::-1],
        7: upright()[::-1, ::-1].transpose(1, 0, 2), 8: upright().transpose(1, 0, 2)[:, ::-1],
    }[orientation]  # fmt: skip
    data, thumbnail = with_thumbnail(np.ascontiguousarray(stored), orientation)
    assert thumbnail in data and magenta(decoded(data)) > 4000
    image = encode_compressed(data, HIDE)
    seen = decoded(image)
    assert image.size == FRAME == seen.shape[1::-1]
    # The camera's own JPEG has smeared a little of the secret over the border.
    assert magenta(seen[64:]) == magenta(seen[:, :72]) == 0
    assert seen[:58, 82:].max() < 16
    assert (seen[64:] > 190).all() and (seen[:, :72] > 190).all()


def test_an_edited_file_has_neither_thumbnail_nor_anything_else_of_the_first() -> None:
    data, thumbnail = with_thumbnail(upright())
    assert encode_compressed(data).data == data
    edited = encode_compressed(data, HIDE).data
    assert thumbnail not in edited and b'Exif' not in edited
    assert edited.count(b'\xff\xd8\xff') == 1


@pytest.mark.parametrize('form', ['jpeg', 'png'])
def test_what_needs_no_edit_passes_byte_for_byte(form: str) -> None:
    """Whatever the format and quality of what is encoded."""
    data = jpeg(upright())
    how = ImageSettings(form, 1, max_side=160, crop=True, crop_margin=1.0)
    outgoing = plan(how, FRAME, [Box(0.25, 0.25, 0.75, 0.75)])
    assert outgoing.untouched and encode_compressed(data, outgoing).data == data


@pytest.mark.parametrize('form', ['jpeg', 'png'])
def test_a_crop_is_encoded_as_it_is_asked_for(form: str) -> None:
    part = OutgoingImage(FRAME, Region(40, 50, 80, 60), ImageSize(40, 30), form, 30)
    image = encode_compressed(jpeg(upright()), part)
    assert (image.format, image.size) == (form, (40, 30))
    assert image.data.startswith({'jpeg': b'\xff\xd8', 'png': b'\x89PNG'}[form])
    assert decoded(image).shape == (30, 40, 3)


def test_a_lower_quality_is_a_smaller_file() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (120, 160, 3), np.uint8)
    sizes = [
        len(encode_compressed(jpeg(noise), OutgoingImage(FRAME, Region(0, 0, 150, 120),
                                                     ImageSize(150, 120), 'jpeg', quality)).data)
        for quality in (10, 50, 95)
    ]  # fmt: skip
    assert sizes[0] < sizes[1] / 2 < sizes[2] / 2


def test_a_file_that_is_not_of_the_planned_size_is_refused() -> None:
    with pytest.raises(EncodingError, match='160x120'):
        encode_compressed(jpeg(upright()), plan(ImageSettings(max_side=9), ImageSize(99, 9), []))


@pytest.mark.parametrize('form', ['jpeg', 'png'])
def test_drawing_keeps_format_and_quality_and_draws_over_black(form: str) -> None:
    image = encode_compressed(jpeg(upright()), HIDE)
    black = encode_pixels(decoded(image), 95, form)
    drawn = draw_priors(black, [doubted(box=Box(0.6, 0.1, 0.9, 0.4))], quality=20)
    assert drawn.format == form and magenta(decoded(drawn)) == 0
    if form == 'jpeg':
        assert len(drawn.data) < len(draw_priors(black, [doubted()], quality=95).data) / 2
