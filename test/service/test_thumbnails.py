# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Rows of the queue show small pictures, made where images are decoded."""

from __future__ import annotations

import io
import itertools

from PIL import Image
from service_harness import InProcess, picture
from test_guard import is_error

from spark_ros.service.media.thumbnail import MAX_BYTES

ORIENTATION = 0x0112
NUMBERS = itertools.count()
RED, BLUE = (250, 10, 10), (10, 10, 250)


def two_halves(form: str, mode: str = 'RGB', **more: object) -> bytes:
    """Return an image of 320 x 200, red on the left and blue on the right."""
    image = Image.new('RGB', (320, 200), RED)
    image.paste(BLUE, (160, 0, 320, 200))
    data = io.BytesIO()
    image.convert(mode).save(data, form, **more)
    return data.getvalue()


def path_of(service: InProcess, content: bytes) -> str | None:
    """Ask about an image and return the thumbnail's path of its row."""
    robot = service.tenant(f'robot-{next(NUMBERS)}')
    robot.ask(content_location=[robot.upload(content)['signedUrl']])
    line = service.operator().get('/console/api/queue').json()['questions'][-1]
    path: str | None = line['thumbnail']
    return path


def opened(service: InProcess, path: str | None) -> Image.Image:
    assert path
    answer = service.operator().get(path)
    assert answer.status_code == 200 and len(answer.content) <= MAX_BYTES
    assert answer.headers['content-type'] == 'image/jpeg'
    assert "default-src 'none'" in answer.headers['content-security-policy']
    assert answer.headers['x-content-type-options'] == 'nosniff'
    image = Image.open(io.BytesIO(answer.content), formats=['JPEG'])
    image.load()
    return image


def test_every_format_and_mode_has_one(service: InProcess) -> None:
    for form, mode in (
        ('JPEG', 'RGB'), ('JPEG', 'CMYK'), ('JPEG', 'L'), ('PNG', 'RGBA'), ('PNG', 'P'),
        ('PNG', '1'), ('GIF', 'P'), ('BMP', 'RGB'), ('TIFF', 'RGB'), ('WEBP', 'RGBA'),
    ):  # fmt: skip
        image = opened(service, path_of(service, two_halves(form, mode)))
        assert image.size == (128, 80), (form, mode)
        if mode not in ('L', '1'):
            left, right = (image.getpixel((x, 40)) for x in (20, 108))
            assert left[0] > 180 and right[2] > 180, (form, mode)


def test_it_is_upright_and_holds_nothing_but_the_picture(service: InProcess) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    exif[0x010E] = 'where and when'
    content = two_halves('JPEG', exif=exif, comment=b'said' * 1000)
    image = opened(service, path_of(service, content))
    assert image.size == (80, 128)
    assert image.getpixel((40, 20))[0] > 180 and image.getpixel((40, 108))[2] > 180
    assert not image.getexif() and 'comment' not in image.info


def test_what_is_small_stays_as_large(service: InProcess) -> None:
    assert opened(service, path_of(service, picture((64, 48)))).size == (64, 48)


def test_what_has_none_is_accepted(service: InProcess) -> None:
    data = io.BytesIO()
    Image.new('I;16', (320, 200), 40_000).save(data, 'PNG')
    assert path_of(service, data.getvalue()) is None


def test_only_operators_see_it(service: InProcess) -> None:
    path = path_of(service, picture())
    assert path
    assert is_error(service.tenant('other').get(path), 401)
    for other in (path[:-32] + '0' * 32, f'{path}0', f'{path}%00'):
        assert is_error(service.operator().get(other), 404)
