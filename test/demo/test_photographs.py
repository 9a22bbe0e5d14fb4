# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The demo's frames: those it brings, and the caller's own."""

import struct
from importlib.util import find_spec

import cv2
import numpy as np
import pytest

from spark_ros.demo import photographs
from spark_ros.demo.errors import DemoError
from spark_ros.demo.photographs import check_video, default_photographs, load_images


def test_the_default_photographs_are_named_moderate_colour_images():
    if find_spec('skimage') is None:
        pytest.skip('scikit-image is not installed')
    frames = default_photographs()
    assert 8 <= len(frames) <= 12
    assert len({frame.name for frame in frames}) == len(frames)
    for frame in frames:
        assert frame.image.dtype == np.uint8
        assert frame.image.ndim == 3
        assert max(frame.image.shape) <= 800


def test_without_scikit_image_the_error_tells_what_to_do(monkeypatch):
    monkeypatch.setattr(photographs, 'find_spec', lambda name: None)
    with pytest.raises(DemoError, match='pip install scikit-image'):
        default_photographs()


def load(path, **more):
    """Give the frames, and what was told about others."""
    told = []
    return list(load_images(path, told.append, **more)), told


def test_a_folder_is_read_in_order(tmp_path):
    cv2.imwrite(str(tmp_path / 'b.png'), np.full((20, 30, 3), 200, np.uint8))
    cv2.imwrite(str(tmp_path / 'a.jpg'), np.full((10, 40, 3), 100, np.uint8))
    frames, told = load(tmp_path)
    assert [(frame.name, frame.image.shape) for frame in frames] == [
        ('a', (10, 40, 3)), ('b', (20, 30, 3))]
    assert not told


def test_an_image_is_read_when_it_is_its_turn(tmp_path):
    for name in 'abc':
        cv2.imwrite(str(tmp_path / f'{name}.png'), np.zeros((8, 8, 3), np.uint8))
    frames = load_images(tmp_path, pytest.fail)
    assert next(frames).name == 'a'
    cv2.imwrite(str(tmp_path / 'b.png'), np.zeros((9, 9, 3), np.uint8))
    assert next(frames).image.shape == (9, 9, 3)


def test_what_only_opencv_finds_unreadable_is_told(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((8, 8, 3), np.uint8))
    (tmp_path / 'b.webp').write_bytes(b'RIFF no picture')
    frames, told = load(tmp_path)
    assert [frame.name for frame in frames] == ['a']
    assert told == ['b.webp is skipped: OpenCV cannot read it']
    with pytest.raises(DemoError, match='no image or video frame could be read'):
        load(tmp_path / 'b.webp')


def test_files_that_differ_in_their_ending_only_keep_it(tmp_path):
    for name in ('a.png', 'a.jpg'):
        cv2.imwrite(str(tmp_path / name), np.zeros((8, 8, 3), np.uint8))
    assert [frame.name for frame in load(tmp_path)[0]] == ['a.jpg', 'a.png']


def test_grey_transparent_and_deep_images_become_8_bit_colour(tmp_path):
    cv2.imwrite(str(tmp_path / 'grey.png'), np.full((9, 9), 7, np.uint8))
    cv2.imwrite(str(tmp_path / 'deep.png'), np.full((9, 9, 3), 7 * 256, np.uint16))
    cv2.imwrite(str(tmp_path / 'transparent.png'), np.full((9, 9, 4), 7, np.uint8))
    for frame in load(tmp_path)[0]:
        assert frame.image.shape == (9, 9, 3)
        assert frame.image.dtype == np.uint8
        assert (frame.image == 7).all()


def test_exif_orientation_is_honoured(tmp_path):
    _, data = cv2.imencode('.jpg', np.zeros((20, 40, 3), np.uint8))
    turned_right = struct.pack('<2sHIHHHIHHI', b'II', 42, 8, 1, 0x0112, 3, 1, 6, 0, 0)
    exif = b'Exif\0\0' + turned_right
    segment = b'\xff\xe1' + struct.pack('>H', len(exif) + 2) + exif
    (tmp_path / 'a.jpg').write_bytes(data.tobytes()[:2] + segment + data.tobytes()[2:])
    assert load(tmp_path)[0][0].image.shape == (40, 20, 3)


def test_large_images_are_scaled_down(tmp_path):
    for index in range(5):
        cv2.imwrite(str(tmp_path / f'{index}.png'), np.zeros((300, 600, 3), np.uint8))
    frames, _ = load(tmp_path, limit=3, longest_px=100)
    assert [frame.image.shape for frame in frames] == [(50, 100, 3)] * 3


def test_one_image_is_a_list_of_one(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((8, 8, 3), np.uint8))
    assert [frame.name for frame in load(tmp_path / 'a.png')[0]] == ['a']


@pytest.mark.parametrize(('limit', 'indices'), [
    (40, list(range(20))), (20, list(range(20))), (7, [0, 4, 8, 12, 16]), (1, [0]),
])
def test_of_a_video_every_kth_frame_is_taken(tmp_path, limit, indices):
    path = tmp_path / 'drive.avi'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), 10, (64, 48))
    if not writer.isOpened():
        pytest.skip('this OpenCV writes no video')
    for index in range(20):
        writer.write(np.full((48, 64, 3), index * 10, np.uint8))
    writer.release()
    frames, _ = load(path, limit=limit)
    assert [frame.name for frame in frames] == [f'drive_{index:06d}' for index in indices]
    for frame, index in zip(frames, indices, strict=True):
        assert frame.image.shape == (48, 64, 3)
        assert abs(float(frame.image.mean()) - index * 10) < 4


def test_what_is_no_video_is_refused(tmp_path):
    notes = tmp_path / 'notes.txt'
    notes.write_text('no pictures here')
    with pytest.raises(DemoError, match=r'notes\.txt'):
        load(notes)
    with pytest.raises(DemoError, match=r'notes\.txt: neither an image nor a video'):
        check_video(notes)
