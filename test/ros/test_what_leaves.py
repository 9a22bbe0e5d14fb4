# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What is sent of a frame, and that its answer belongs to the whole frame: the real way round."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image as Picture
from robot import (
    BEST_EFFORT,
    RELIABLE,
    Box,
    Robot,
    compressed,
    detection,
    detections,
    pixel_box,
    raw,
    stamped,
)
from sensor_msgs.msg import CompressedImage, Image
from services import Service, write_truth
from vision_msgs.msg import Detection2DArray

from spark_ros.msg import Correction, Resolution

SIZE = WIDTH, HEIGHT = 960, 720
LABELS = ['cat', 'dog', 'cow', 'bird']
# In pixels of the frame, (x, y, width, height) from the top-left corner.
DOUBTED: Box = (330.0, 240.0, 180.0, 180.0)
CAT: Box = (310.0, 220.0, 220.0, 180.0)
BIRD: Box = (440.0, 400.0, 100.0, 80.0)
ACROSS: Box = (120.0, 300.0, 180.0, 120.0)
FAR: Box = (700.0, 40.0, 200.0, 150.0)
# The doubted box and half its side around it.
AROUND = (240, 150, 360, 360)
WHOLE = (0, 0, WIDTH, HEIGHT)
HIDDEN = [0.5, 0.25, 0.125, 0.125]
HIDDEN_PX = (480, 180, 120, 90)
TURNED = 6


def frame(seed: int) -> np.ndarray:
    """Return a grey picture (H, W, 3) in which every part looks different from the others."""
    random = np.random.default_rng(seed).integers(30, 226, (18, 24), np.uint8)
    grey = cv2.resize(random, SIZE, interpolation=cv2.INTER_CUBIC)
    return np.repeat(grey[:, :, None], 3, axis=2)


def turned(pixels: np.ndarray, stamp: Any) -> CompressedImage:
    """Return a JPEG of a camera that was mounted on its side and says so."""
    exif = Picture.Exif()
    exif[0x0112] = TURNED
    stored = np.rot90(pixels)[:, :, ::-1]
    data = io.BytesIO()
    Picture.fromarray(np.ascontiguousarray(stored)).save(data, 'JPEG', quality=95, exif=exif)
    return CompressedImage(header=stamp, format='jpeg', data=data.getvalue())


@dataclass(frozen=True)
class Case:
    """How one frame is sent, and what an operator is to find on it.

    Attributes:
        region: x, y, width and height of what is sent, in whole pixels of the frame.
        size: of what is sent.
        black: x, y, width and height of what is hidden, in pixels of the frame.
        theta: of the doubted box.
    """

    seed: int
    parameters: dict[str, Any]
    region: tuple[int, int, int, int] = WHOLE
    size: tuple[int, int] = SIZE
    transport: str = 'raw'
    black: tuple[int, int, int, int] | None = None
    theta: float = 0.0
    doubted: Box = DOUBTED
    truth: list[tuple[str, Box]] = field(default_factory=lambda: [('cat', CAT), ('bird', BIRD)])

    def sent(self) -> np.ndarray:
        """Return what is to leave, made anew here."""
        pixels = frame(self.seed)
        if self.black:
            x, y, width, height = self.black
            pixels[y : y + height, x : x + width] = 0
        x, y, width, height = self.region
        part = pixels[y : y + height, x : x + width]
        return cv2.resize(part, self.size, interpolation=cv2.INTER_AREA)

    def known(self) -> tuple[np.ndarray, list[tuple[str, Box]]]:
        """Return what is sent and the true boxes on it, as far as they can be seen there."""
        x, y, width, height = self.region
        fx, fy = self.size[0] / width, self.size[1] / height
        seen = []
        for label, (left, top, w, h) in [*self.truth, ('cow', ACROSS), ('dog', FAR)]:
            x0, x1 = max(left - x, 0), min(left + w - x, width)
            y0, y1 = max(top - y, 0), min(top + h - y, height)
            if x1 > x0 and y1 > y0:
                seen.append((label, (x0 * fx, y0 * fy, (x1 - x0) * fx, (y1 - y0) * fy)))
        return self.sent(), seen


TILTED: Box = (380.0, 310.0, 160.0, 60.0)
TILT = 0.5


def around_tilted() -> tuple[int, int, int, int]:
    """Return the crop around the tilted box: its hull, and half the hull's larger side."""
    x, y, width, height = TILTED
    half_x = (width * math.cos(TILT) + height * math.sin(TILT)) / 2
    half_y = (width * math.sin(TILT) + height * math.cos(TILT)) / 2
    more = max(half_x, half_y)
    left, right = x + width / 2 - half_x - more, x + width / 2 + half_x + more
    top, bottom = y + height / 2 - half_y - more, y + height / 2 + half_y + more
    x0, y0 = math.floor(left), math.floor(top)
    return x0, y0, math.ceil(right) - x0, math.ceil(bottom) - y0


CROP = {'image__crop': True, 'image__crop_margin': 0.5}
CASES = {
    'crop': Case(1, CROP, AROUND, AROUND[2:]),
    'small': Case(2, {'image__max_side': 320}, size=(320, 240)),
    'crop and small': Case(3, {**CROP, 'image__max_side': 180}, AROUND, (180, 180)),
    'black': Case(4, {'image__black_out': HIDDEN}, black=HIDDEN_PX),
    'all, turned': Case(
        5, {**CROP, 'image__max_side': 240, 'image__black_out': HIDDEN, 'image__format': 'png'},
        AROUND, (240, 240), 'turned', HIDDEN_PX,
    ),
    'compressed': Case(6, {**CROP, 'image__quality': 70}, AROUND, AROUND[2:], 'compressed'),
    'rotated': Case(
        7, CROP, around_tilted(), around_tilted()[2:], theta=TILT, doubted=TILTED,
        truth=[('cat', (390.0, 290.0, 140.0, 100.0)), ('bird', (330.0, 250.0, 50.0, 40.0))],
    ),
}  # fmt: skip


@pytest.fixture(scope='module', params=['spark', 'heat'])
def operated(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """A service whose operator knows the truth about what is to be sent of each frame."""
    folder = tmp_path_factory.mktemp('leaving')
    known = {case.seed: case.known() for case in CASES.values()}
    write_truth(folder / 'truth.json', known)
    service = Service(folder / 'data', request.param)
    service.start(f'scripted:{folder / "truth.json"}')
    yield service
    service.stop()


def settings(service: Service, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the node's parameters for a service, those of images for the front camera."""
    return {
        'server__url': service.url,
        'server__kind': service.kind,
        'front__label_options': LABELS,
        **{f'front__{name}': value for name, value in parameters.items()},
    }


def show(robot: Robot, case: Case, seconds: float = 5.0) -> Any:
    """Publish a case's frame and what the detector saw on it; return the detections."""
    header = stamped(seconds, 'front_optical')
    pixels = frame(case.seed)
    if case.transport == 'raw':
        camera = robot.publisher(Image, '/front/image_raw', BEST_EFFORT)
        image: Any = raw(pixels, header)
    else:
        camera = robot.publisher(CompressedImage, '/front/image_raw/compressed', BEST_EFFORT)
        image = (turned if case.transport == 'turned' else compressed)(pixels, header)
    detector = robot.publisher(Detection2DArray, '/front/detections', RELIABLE)
    doubted = detection('cow', case.doubted, 0.3)
    doubted.bbox.center.theta = case.theta
    found = [detection('dog', FAR, 0.95, id='far'), doubted, detection('cow', ACROSS, 0.9)]
    camera.publish(image)
    detector.publish(detections(header, *found))
    return found


def near(box: Box, other: Box) -> bool:
    return all(
        abs(a - b) <= 1.0
        for a, b in zip(
            (*box[:2], box[0] + box[2], box[1] + box[3]),
            (*other[:2], other[0] + other[2], other[1] + other[3]),
            strict=True,
        )
    )


def in_pixels(annotation: Any) -> Box:
    """Return an annotation's box in pixels of the frame."""
    xs = [vertex.x * WIDTH for vertex in annotation.vertices]
    ys = [vertex.y * HEIGHT for vertex in annotation.vertices]
    return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)


def check(robot: Robot, case: Case, found: Any) -> None:
    """The answer is about the whole frame, and every box of it within a pixel of the truth."""
    (resolution,), (corrected,) = robot.resolutions, robot.corrected
    assert resolution.state == Resolution.STATE_CLOSED
    assert (resolution.image_width, resolution.image_height) == SIZE
    crop = resolution.image_crop
    part = (crop.x_offset, crop.y_offset, crop.width, crop.height)
    assert part == ((0, 0, 0, 0) if case.region == WHOLE else case.region)
    whole = case.region == WHOLE
    assert [(c.kind, c.original.label, c.corrected.label) for c in resolution.corrections] == [
        (Correction.KIND_CONFIRMED if whole else Correction.KIND_UNMENTIONED, 'dog', 'dog'),
        (Correction.KIND_MODIFIED, 'cow', 'cat'),
        (Correction.KIND_CONFIRMED, 'cow', 'cow'),
        (Correction.KIND_ADDED, '', 'bird'),
    ]
    expected = {'dog': FAR, 'cow': ACROSS, **dict(case.truth)}
    final = {each.label: in_pixels(each) for each in resolution.annotations}
    assert final.keys() == expected.keys()
    for label, box in expected.items():
        assert near(final[label], box), (label, final[label], box)
    dog, cat, cow, bird = corrected.detections
    assert (dog, cow) == (found[0], found[2])
    assert near(pixel_box(cat), expected['cat']) and near(pixel_box(bird), expected['bird'])
    assert cat.bbox.center.theta == 0.0


def pictures(folder: Path) -> list[np.ndarray]:
    """Decode every picture that is in a folder."""
    found = []
    for path in sorted(path for path in folder.rglob('*') if path.is_file()):
        pixels = cv2.imdecode(np.frombuffer(path.read_bytes() or b' ', np.uint8), cv2.IMREAD_COLOR)
        if pixels is not None:
            found.append(pixels)
    return found


@pytest.mark.parametrize('name', CASES)
@pytest.mark.slow('asks of many kinds of frame')
def test_corrected_boxes_are_where_they_belong_on_the_frame(
    robot: Robot, operated: Service, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    case = CASES[name]
    monkeypatch.setenv('SPARK_TOKEN', operated.key)
    before = len(pictures(operated.data))
    robot.listen('front')
    transport = 'raw' if case.transport == 'raw' else 'compressed'
    robot.start(**settings(operated, {'transport': transport, **case.parameters}))
    found = show(robot, case)
    robot.until(lambda: robot.resolutions and robot.corrected)
    check(robot, case, found)
    kept = [pixels.shape[1::-1] for pixels in pictures(operated.data)]
    assert len(kept) == before + 1 and case.size in kept


def test_an_answer_belongs_to_the_crop_that_was_sent_whatever_came_after(
    robot: Robot, operated: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The node is restarted with other parameters while its question waits in the journal."""
    case = CASES['crop']
    monkeypatch.setenv('SPARK_TOKEN', operated.key)
    robot.listen('front')
    unreachable = {'server__url': robot.parameters['server.url']}
    node = robot.start(**{**settings(operated, case.parameters), **unreachable})
    found = show(robot, case)
    robot.until(lambda: robot.statuses)
    robot.executor.remove_node(node)
    node.close()
    robot.start(**settings(operated, {'image__max_side': 100}))
    robot.until(lambda: robot.resolutions and robot.corrected)
    check(robot, case, found)


def test_who_says_nothing_of_itself_still_gets_its_answer(
    robot: Robot, operated: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = CASES['crop']
    monkeypatch.setenv('SPARK_TOKEN', operated.key)
    robot.listen('front')
    robot.start(**settings(operated, case.parameters), metadata__send=[])
    found = show(robot, case)
    robot.until(lambda: robot.resolutions and robot.corrected)
    check(robot, case, found)
    assert robot.resolutions[0].metadata == []
