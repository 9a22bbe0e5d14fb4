# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""No pixel of a blacked-out region is in any byte that leaves the node or lies on a disk."""

from __future__ import annotations

import io
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image as Picture
from rclpy.action import ActionClient
from rclpy.parameter import Parameter
from robot import BEST_EFFORT, RELIABLE, Robot, detection, detections, picture, raw, stamped
from sensor_msgs.msg import CompressedImage, Image
from services import Service
from serving import free_port
from vision_msgs.msg import Detection2DArray

from spark_ros.action import Engage
from spark_ros.msg import Question

WIDTH, HEIGHT = 640, 480
# Odd fractions: no side is on a whole pixel.
HIDDEN = [0.3012, 0.2033, 0.2501, 0.3007, 0.801, 0.011, 0.15, 0.1]
# What a camera's own JPEG smears over the border of a colour lies outside, up to a block.
BLOCK_PX = 16
SLICE = 48


def secret() -> np.ndarray:
    """Return a grey picture (H, W, 3) with magenta noise where nobody may look."""
    pixels = picture(3, WIDTH, HEIGHT)
    random = np.random.default_rng(11)
    for x, y, width, height in (HIDDEN[:4], HIDDEN[4:]):
        x0, x1 = int(x * WIDTH), -int(-(x + width) * WIDTH // 1)
        y0, y1 = int(y * HEIGHT), -int(-(y + height) * HEIGHT // 1)
        noise = random.integers(200, 256, (y1 - y0, x1 - x0, 3), np.uint8)
        noise[:, :, 1] = random.integers(0, 40, noise.shape[:2])
        pixels[y0:y1, x0:x1] = noise
    return pixels


def inset(pixels: np.ndarray) -> np.ndarray:
    """Make the secret smaller by a block, so that a JPEG smears nothing of it over the border."""
    smaller = picture(3, WIDTH, HEIGHT)
    for x, y, width, height in (HIDDEN[:4], HIDDEN[4:]):
        rows = slice(int(y * HEIGHT) + BLOCK_PX, int((y + height) * HEIGHT) - BLOCK_PX)
        columns = slice(int(x * WIDTH) + BLOCK_PX, int((x + width) * WIDTH) - BLOCK_PX)
        smaller[rows, columns] = pixels[rows, columns]
    return smaller


def with_thumbnail(pixels: np.ndarray) -> tuple[bytes, bytes]:
    """Return a JPEG and the thumbnail in a segment of it."""
    small = cv2.resize(pixels, (160, 120), interpolation=cv2.INTER_AREA)
    thumbnail = bytes(cv2.imencode('.jpg', small)[1])
    data = io.BytesIO()
    image = Picture.fromarray(np.ascontiguousarray(pixels[:, :, ::-1]))
    image.save(data, 'JPEG', quality=95)
    block = b'JFXX\0\x10' + thumbnail
    segment = b'\xff\xe0' + (len(block) + 2).to_bytes(2, 'big') + block
    # Behind the JFIF segment, as that standard has it.
    end = 2 + 2 + int.from_bytes(data.getvalue()[4:6], 'big')
    return data.getvalue()[:end] + segment + data.getvalue()[end:], thumbnail


def magenta(data: bytes) -> int:
    """Count the pixels of a picture that are like the secret; 0 for what is no picture."""
    pixels = cv2.imdecode(np.frombuffer(data or b' ', np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        return 0
    blue, green, red = np.moveaxis(pixels.astype(int), 2, 0)
    return int((np.minimum(blue, red) - green > 30).sum())


def files(*folders: Path) -> dict[Path, bytes]:
    return {
        path: path.read_bytes()
        for folder in folders
        for path in folder.rglob('*')
        if path.is_file() and not path.is_socket()
    }


def journal_images(journal: Path, copy: Path) -> list[bytes]:
    """Return the pictures in a journal that is in use."""
    copy.mkdir()
    for part in journal.parent.glob(journal.name + '*'):
        shutil.copy(part, copy)
    with sqlite3.connect(copy / journal.name) as database:
        rows = database.execute('SELECT data FROM image').fetchall()
    shutil.rmtree(copy)
    return [bytes(data) for (data,) in rows]


SMALL = {'crop': True, 'max_side': 200, 'format': 'png'}
ON_ROBOT = 'heat, frames on the robot'


@pytest.mark.parametrize(
    ('hidden', 'way', 'transport', 'more'),
    [
        (True, 'spark', 'raw', {}),
        (True, 'spark', 'compressed', SMALL),
        (True, 'heat', 'raw', SMALL),
        (True, 'heat', 'compressed', {}),
        (True, ON_ROBOT, 'raw', {}),
        (True, ON_ROBOT, 'compressed', {}),
        (False, 'spark', 'raw', {}),
        (False, ON_ROBOT, 'compressed', {}),
    ],
)
def test_nothing_hidden_is_anywhere(
    robot: Robot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    hidden: bool,
    way: str,
    transport: str,
    more: dict[str, Any],
) -> None:
    """And where nothing is hidden, the very same search finds it."""
    service = Service(tmp_path / 'service', way.partition(',')[0])
    monkeypatch.setenv('SPARK_TOKEN', service.key)
    annotated: list[CompressedImage] = []
    robot.hear(CompressedImage, '/spark/front/annotated/compressed', annotated, BEST_EFFORT)
    try:
        service.start()
        hide = {'black_out': HIDDEN} if hidden else {}
        start(robot, service, way, transport, {**more, **hide})
        patterns = show(robot, transport)
        robot.until(lambda: len(robot.statuses) >= 2)
        on_disk = files(tmp_path)
        journaled = journal_images(tmp_path / 'journal.db', tmp_path / 'copy')
        assert len(journaled) == 1
        hosted = [path for path in on_disk if path.suffix in ('.jpg', '.png')]
        assert len(hosted) == 1 and ('frames' in str(hosted[0])) == (way == ON_ROBOT)
        if way == 'spark' and transport == 'raw':
            service.stop()
            service.start('scripted')
            robot.until(lambda: robot.resolutions and annotated, 60.0)
    finally:
        service.stop()
    seen = [*journaled, on_disk[hosted[0]], *(bytes(image.data) for image in annotated)]
    if hidden:
        everything = [*seen, *on_disk.values(), *files(tmp_path).values()]
        assert [magenta(data) for data in everything] == [0] * len(everything)
        for pattern in patterns:
            assert not any(pattern in data for data in everything)
    else:
        assert min(magenta(data) for data in seen) > 1000
        if transport == 'compressed':
            journal = b''.join(data for path, data in on_disk.items() if 'journal' in path.name)
            assert sum(pattern in journal for pattern in patterns) > len(patterns) / 2


def start(
    robot: Robot, service: Service, way: str, transport: str, image: dict[str, Any]
) -> None:
    """Start the node against a service that nobody answers on yet."""
    port = free_port()
    hosting = {
        'image_host__kind': 'node', 'image_host__host': '127.0.0.1', 'image_host__port': port,
        'image_host__url': f'http://127.0.0.1:{port}',
    }  # fmt: skip
    robot.listen('front')
    robot.start(
        server__url=service.url,
        server__kind=service.kind,
        front__transport=transport,
        front__label_options=['cat', 'dog'],
        **{f'front__image__{name}': value for name, value in image.items()},
        **(hosting if 'robot' in way else {}),
    )


def show(robot: Robot, transport: str) -> list[bytes]:
    """Publish the secret, with a doubted box beside and across it; return bytes of it."""
    header, pixels = stamped(7.0), secret()
    if transport == 'raw':
        camera = robot.publisher(Image, '/front/image_raw', BEST_EFFORT)
        message, patterns = raw(pixels, header), pieces(pixels)
    else:
        camera = robot.publisher(CompressedImage, '/front/image_raw/compressed', BEST_EFFORT)
        data, thumbnail = with_thumbnail(inset(pixels))
        assert magenta(data) > 1000 and magenta(thumbnail) > 100
        message = CompressedImage(header=header, format='jpeg', data=data)
        patterns = slices(thumbnail)
    detector = robot.publisher(Detection2DArray, '/front/detections', RELIABLE)
    camera.publish(message)
    across = detection('cat', (120.0, 80.0, 160.0, 120.0))
    detector.publish(detections(header, across, detection('dog', (300.0, 300.0, 90.0, 60.0), 0.9)))
    return patterns


def pieces(pixels: np.ndarray) -> list[bytes]:
    """Return rows of the secret as they lie in memory, in both orders of colours."""
    x, y = int(0.4 * WIDTH), int(0.3 * HEIGHT)
    block = pixels[y : y + 50, x : x + SLICE // 3]
    return [row.tobytes() for row in (*block, *block[:, :, ::-1])]


def slices(data: bytes) -> list[bytes]:
    """Return parts of a JPEG, short enough to lie within a page of a database, that no other has:
    none of its tables, nor of what is of one colour.
    """
    scan = data[data.rindex(b'\xff\xda') :]
    parts = [scan[at : at + SLICE] for at in range(SLICE, len(scan) - SLICE, SLICE)]
    own = [part for part in parts if len(set(part)) > SLICE / 2]
    assert len(own) > 5
    return own


def test_the_secret_can_be_told_from_the_rest() -> None:
    """The search above is one that finds it, and nothing else."""
    plain, marked = picture(3, WIDTH, HEIGHT), secret()
    for quality in (20, 95):
        flags = [cv2.IMWRITE_JPEG_QUALITY, quality]
        assert magenta(bytes(cv2.imencode('.jpg', plain, flags)[1])) == 0
        assert magenta(bytes(cv2.imencode('.jpg', marked, flags)[1])) > 20_000
    assert magenta(b'no picture') == 0


def stored(folder: Path) -> list[int]:
    """Return for each question in the journal how much of the secret is in its picture."""
    return [magenta(data) for data in journal_images(folder / 'journal.db', folder / 'copy')]


def test_a_region_can_be_hidden_while_the_node_runs(robot: Robot, tmp_path: Path) -> None:
    """From the next question on; the service is out of reach, so all of them are kept."""
    robot.listen('front')
    node = robot.start(front__cooldown_s=0.0)
    show(robot, 'raw')
    robot.until(lambda: len(robot.statuses) == 1)
    hide = Parameter('front.image.black_out', Parameter.Type.DOUBLE_ARRAY, HIDDEN)
    (refused,) = node.set_parameters(
        [Parameter('front.image.black_out', Parameter.Type.DOUBLE_ARRAY, [0.5, 0.5, 0.9, 0.9])]
    )
    assert not refused.successful and 'reaches out' in refused.reason
    (taken,) = node.set_parameters([hide])
    assert taken.successful, taken.reason
    show(robot, 'raw')
    robot.until(lambda: len(robot.statuses) == 2)
    first, second = stored(tmp_path)
    assert first > 20_000 and second == 0


@pytest.mark.parametrize('own', [False, True], ids=['frame', 'own image'])
def test_who_asks_on_purpose_does_not_see_it_either(
    robot: Robot, tmp_path: Path, own: bool
) -> None:
    robot.listen('front')
    robot.start(front__image__black_out=HIDDEN)
    camera = robot.publisher(Image, '/front/image_raw', BEST_EFFORT)
    camera.publish(raw(secret(), stamped(7.0)))
    goal = Engage.Goal(camera='front', question=Question(kind=Question.KIND_FREE_TEXT))
    goal.question.instructions = 'What is in the middle?'
    if own:
        data = bytes(cv2.imencode('.png', secret())[1])
        goal.image = CompressedImage(header=stamped(8.0), format='png', data=data)
    client = ActionClient(robot.node, Engage, '/spark/engage')
    robot.until(client.server_is_ready)
    client.send_goal_async(goal)
    robot.until(lambda: robot.statuses)
    assert stored(tmp_path) == [0]
    client.destroy()
