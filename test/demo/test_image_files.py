# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The caller's images are looked at before anything starts: what is wrong is said at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from spark_ros.demo.__main__ import main
from spark_ros.demo.errors import DemoError
from spark_ros.demo.image_files import damage_of, find_images

ROOT = Path(__file__).parents[2]
NOISE = np.random.default_rng(1).integers(0, 256, (60, 80, 3), np.uint8)


def encoded(ending: str, *flags: int) -> bytes:
    done, data = cv2.imencode(ending, NOISE, flags)
    assert done
    return data.tobytes()


def with_thumbnail() -> bytes:
    """Return a JPEG within whose first segment there is a whole JPEG."""
    data, thumbnail = encoded('.jpg'), b'Exif\0\0' + encoded('.jpg')
    return data[:2] + b'\xff\xe1' + (len(thumbnail) + 2).to_bytes(2, 'big') + thumbnail + data[2:]


WHOLE = {
    'plain.jpg': encoded('.jpg'),
    'progressive.jpg': encoded('.jpg', cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    'restarts.jpg': encoded('.jpg', cv2.IMWRITE_JPEG_RST_INTERVAL, 2),
    'thumbnail.jpg': with_thumbnail(),
    'plain.png': encoded('.png'),
}


@pytest.mark.parametrize('name', WHOLE)
def test_an_image_that_is_cut_off_anywhere_is_told_from_a_whole_one(
    tmp_path: Path, name: str
) -> None:
    file, data = tmp_path / name, WHOLE[name]
    for whole in (data, data + b'what a phone appends \xff\xd8'):
        file.write_bytes(whole)
        assert damage_of(file) == ''
    for end in (20, len(data) // 3, len(data) * 2 // 3, len(data) - 9, len(data) - 2):
        file.write_bytes(data[:end])
        assert damage_of(file) == 'the image is cut off', end


def test_each_damaged_image_has_its_line_and_all_other_files_have_one(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / 'whole.jpg'), NOISE)
    (tmp_path / 'cut.jpg').write_bytes(WHOLE['plain.jpg'][:900])
    (tmp_path / 'words.png').write_bytes(b'not a picture')
    (tmp_path / 'empty.jpg').touch()
    (tmp_path / 'phone.heic').write_bytes(b'\0\0\0\x18ftypheic\0\0\0\0')
    (tmp_path / 'without_ending').write_bytes(WHOLE['plain.jpg'])
    for name in ('README.txt', 'Thumbs.db', 'a.csv', 'b.csv', '.DS_Store'):
        (tmp_path / name).write_bytes(b'words')
    (tmp_path / 'folder.jpg').mkdir()
    found = find_images(tmp_path)
    assert [file.name for file in found.files] == ['whole.jpg', 'without_ending']
    assert found.remarks == [
        'cut.jpg is skipped: the image is cut off',
        'empty.jpg is skipped: the file is empty',
        'phone.heic is skipped: OpenCV does not read HEIC; convert it to JPEG',
        'words.png is skipped: not an image, in spite of its name',
        'no images, ignored: README.txt, Thumbs.db, a.csv and 1 more',
    ]


def test_no_more_images_are_taken_than_wanted(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / f'{number}.jpg').write_bytes(WHOLE['plain.jpg'])
    found = find_images(tmp_path, limit=3)
    assert [file.name for file in found.files] == ['0.jpg', '1.jpg', '2.jpg']
    assert found.remarks == ['only the first 3 images are used, 2 are left out']
    with pytest.raises(ValueError, match='limit is 0'):
        find_images(tmp_path, limit=0)


def test_one_image_or_another_file_which_may_be_a_video(tmp_path: Path) -> None:
    for name in ('one.jpg', 'drive.avi'):
        (tmp_path / name).write_bytes(WHOLE['plain.jpg'] if name == 'one.jpg' else b'RIFF')
        found = find_images(tmp_path / name)
        assert [file.name for file in found.files] == [name]
        assert found.video == (name == 'drive.avi')
    (tmp_path / 'one.jpg').write_bytes(WHOLE['plain.jpg'][:900])
    with pytest.raises(DemoError, match=r'one\.jpg: the image is cut off'):
        find_images(tmp_path / 'one.jpg')


@pytest.mark.parametrize(('make', 'said'), [
    (lambda path: None, 'no such folder or file'),
    (lambda path: path.mkdir(), 'there is no image in this folder'),
    (lambda path: path.mkdir() or (path / 'cut.jpg').write_bytes(WHOLE['plain.jpg'][:900]),
     'no image can be used: cut.jpg is skipped: the image is cut off'),
    (lambda path: path.write_text('notes'), 'neither an image nor a video that OpenCV can read'),
])
def test_what_cannot_be_shown_is_refused_with_one_line(
    tmp_path: Path, make, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path, output = tmp_path / 'mine', tmp_path / 'out'
    make(path)
    assert main(['--images', str(path), '--output', str(output)]) == 1
    assert capsys.readouterr().err == f'demo: {path}: {said}\n'
    assert not output.exists()


def test_a_wrong_path_is_refused_before_anything_large_is_imported(tmp_path: Path) -> None:
    script = (
        'import sys; from spark_ros.demo.__main__ import main;'
        f'code = main(["--images", {str(tmp_path / "nowhere")!r}]);'
        'print(code, sorted({"rclpy", "cv2", "numpy", "httpx"} & set(sys.modules)))'
    )
    done = subprocess.run(
        [sys.executable, '-c', script], cwd=ROOT, text=True, capture_output=True, timeout=60,
        check=True,
    )
    assert done.stdout == '1 []\n' and 'nowhere' in done.stderr


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match='0'):
        main(['--version'])
    assert capsys.readouterr().out.startswith('spark_ros 0.')
