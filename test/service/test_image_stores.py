# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Images on the disk and in a bucket of a real S3 server: the same promises, the same answers."""

from __future__ import annotations

import hashlib
import random
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
from s3_server import uploads
from service_harness import Caller, InProcess, picture
from sqlalchemy import select

# What the tests of each API promise of images is run here once more, for a bucket.
from test_console_api import test_the_console_loads_own_images_and_no_others
from test_guard import (
    is_error,
    test_a_signed_url_is_for_everybody_until_it_expires,
    test_images_can_do_nothing_in_a_browser,
    test_tenants_do_not_see_each_other,
)
from test_heat_console import (
    test_a_file_is_uploaded_and_is_the_answer,
    test_annotations_lie_in_the_upright_image,
    test_who_may_upload,
)
from test_heat_staging import test_annotations_lie_in_an_image_of_known_size
from test_operator import test_with_truth_it_corrects_and_survives_a_bad_question
from test_spark_rules import test_upload_edges, test_uploads_are_known_by_their_bytes

from spark_ros.service.media.images import StoredImage
from spark_ros.service.storage import schema

__all__ = [
    'test_a_file_is_uploaded_and_is_the_answer',
    'test_a_signed_url_is_for_everybody_until_it_expires',
    'test_annotations_lie_in_an_image_of_known_size',
    'test_annotations_lie_in_the_upright_image',
    'test_images_can_do_nothing_in_a_browser',
    'test_tenants_do_not_see_each_other',
    'test_the_console_loads_own_images_and_no_others',
    'test_upload_edges',
    'test_uploads_are_known_by_their_bytes',
    'test_who_may_upload',
    'test_with_truth_it_corrects_and_survives_a_bad_question',
]

pytestmark = pytest.mark.sqlite('about images, not about the database')

BUCKET = pytest.param('bucket', marks=pytest.mark.slow('what is shown on a disk, once more'))
MP4 = b'\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2'
# More than one part of an upload to a bucket, and several reads from it.
SIZE = 18_000_001


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run on a disk only what is not run on one in the file that it comes from."""
    if 'images' in metafunc.fixturenames:
        again = metafunc.function.__name__ in __all__
        metafunc.parametrize('store', [BUCKET] if again else ['disk', BUCKET])


@pytest.fixture
def robot(service: InProcess) -> Caller:
    return service.tenant()


@pytest.fixture
def video() -> bytes:
    return MP4 + random.Random(1).randbytes(SIZE - len(MP4))


def upload_video(robot: Caller, content: bytes) -> str:
    answer = robot.post('/v1/video', files={'video_file': ('a.mp4', content)})
    assert answer.status_code == 200, answer.text
    return str(answer.json()['signedUrl'])


def test_what_is_stored_is_what_was_sent(robot: Caller, folder: Path, video: bytes) -> None:
    url = upload_video(robot, video)
    (file,) = uploads(folder)
    assert file.read_bytes() == video
    row = robot.service.context.store.read_now(
        lambda connection: connection.execute(select(schema.images)).one()
    )
    assert (row.size, row.sha256) == (SIZE, hashlib.sha256(video).hexdigest())
    assert file.relative_to(folder).parts == (row.tenant, row.name[:2], row.name)
    answer = robot.service.send('GET', url)
    assert answer.status_code == 200 and answer.content == video
    headers = answer.headers
    assert headers['content-type'] == 'video/mp4'
    assert headers['content-length'] == str(SIZE)
    assert headers['accept-ranges'] == 'bytes'
    assert headers['cache-control'] == 'private, max-age=3600, immutable'
    assert headers['etag'] == f'"{row.sha256}"'
    assert parsedate_to_datetime(headers['last-modified']).timestamp() == int(row.created)
    head = robot.service.send('HEAD', url)
    assert (head.status_code, head.content) == (200, b'')
    assert head.headers['content-length'] == str(SIZE)


@pytest.mark.parametrize(
    ('asked', 'first', 'stop'),
    [
        ('bytes=0-0', 0, 1),
        ('bytes=0-', 0, SIZE),
        ('bytes=5-4999999', 5, 5_000_000),
        ('bytes=17000000-99999999', 17_000_000, SIZE),
        ('bytes=-7', SIZE - 7, SIZE),
        ('bytes=-99999999', 0, SIZE),
        (f'bytes={SIZE - 1}-', SIZE - 1, SIZE),
    ],
)
def test_a_range_of_a_video(
    robot: Caller, video: bytes, asked: str, first: int, stop: int
) -> None:
    url = upload_video(robot, video)
    answer = robot.service.send('GET', url, headers={'Range': asked})
    assert answer.status_code == 206
    assert answer.headers['content-range'] == f'bytes {first}-{stop - 1}/{SIZE}'
    assert answer.headers['content-length'] == str(stop - first)
    assert answer.content == video[first:stop]
    head = robot.service.send('HEAD', url, headers={'Range': asked})
    assert (head.status_code, head.content) == (206, b'')
    assert head.headers['content-range'] == answer.headers['content-range']


def test_ranges_that_are_none(robot: Caller) -> None:
    url = robot.upload()['signedUrl']
    size = len(picture())

    def get(**headers: str) -> Any:
        return robot.service.send('GET', url, headers=headers)

    for beyond in (f'bytes={size}-', 'bytes=-0'):
        answer = get(range=beyond)
        assert is_error(answer, 416)
        assert answer.headers['content-range'] == f'bytes */{size}'
    for ignored in ('bytes=5-4', 'bytes=-', 'bytes=x-5', 'lines=0-1', 'bytes=0-1,4-5', '1'):
        answer = get(range=ignored)
        assert answer.status_code == 200 and answer.content == picture(), ignored
    whole = get()
    for name in ('etag', 'last-modified'):
        same = {'range': 'bytes=0-9', 'if-range': whole.headers[name]}
        assert get(**same).status_code == 206
    assert get(**{'range': 'bytes=0-9', 'if-range': '"of another"'}).status_code == 200


def test_a_repeated_upload_leaves_one_file(robot: Caller, folder: Path) -> None:
    headers = {'Idempotency-Key': 'k'}
    sent = [
        robot.post('/v1/image', files={'image_file': ('a', picture(shade=shade))}, headers=headers)
        for shade in (90, 90, 10)
    ]
    assert [answer.status_code for answer in sent] == [200, 200, 409]
    assert sent[0].json()['url'] == sent[1].json()['url']
    assert [file.read_bytes() for file in uploads(folder)] == [picture()]


def test_what_the_database_does_not_know_is_not_served(robot: Caller, folder: Path) -> None:
    urls = robot.upload()
    (known,) = uploads(folder)
    unknown = known.with_name(f'{known.name[:2]}{"0" * 30}.jpg')
    unknown.write_bytes(known.read_bytes())
    path = urls['url'].replace(known.name, unknown.name)
    assert is_error(robot.get(path), 404)
    tenant, _, name = known.relative_to(folder).parts
    gone = StoredImage(known.stem, tenant, name, 'image/jpeg', known.stat().st_size, '')
    robot.service.context.images.files.discard(gone)
    assert uploads(folder) == [unknown]
    assert is_error(robot.get(urls['url']), 404)
    assert robot.send('HEAD', urls['url']).status_code == 404
