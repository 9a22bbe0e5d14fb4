# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The vendor's own client and the page's own sample, unchanged, against the service."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sparkai
from service_harness import DEADLINE_S, Served, box, picture, served
from serving import command

SAMPLE = Path(__file__).parent / 'data' / 'page_sample.txt'
IMPORTS = 'import json, os, sys, http.server\nimport requests\n'
MP4 = b'\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2' + b'\x00' * 100


@pytest.fixture
def running(data: Path) -> Iterator[Served]:
    key = command('key', 'create', 'vendor', '--program', 'any', '--data', str(data))
    workers = '2' if os.environ['SPARK_SERVICE_DATABASE'] else '1'
    serving = ('--operator', 'scripted', '--workers', workers)
    with served(data, *serving, key=key.stdout.strip()) as service:
        yield service


@pytest.fixture
def client(running: Served, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv('SPARKAI_HOST', running.url)
    return sparkai.SparkAIClient(running.key)


def test_the_vendors_client_does_all_its_calls(client: Any, tmp_path: Path) -> None:
    file = tmp_path / 'picture.jpg'
    file.write_bytes(picture())
    video = tmp_path / 'video.mp4'
    video.write_bytes(MP4)
    uploaded = client.upload_image(str(file), 'tag')
    assert set(uploaded) == {'url', 'signedUrl'}
    annotation = client.create_annotation([{'x': 1, 'y': 1}], 'dot', 'point', {'test': 1})
    area = client.create_annotation(box(0, 0, 1, 1), 'bounding_box', 'all', {}, image_idx=0)
    created = [
        client.create_engagement_from_image_url(uploaded['url']),
        client.create_engagement_from_image_url(f' {uploaded["signedUrl"]} ', instructions='?'),
        client.create_engagement_from_file(
            str(file), 'program', 'what?', {'a': 'b'}, ['point'], [annotation, area]
        ),
        client.create_engagement_from_media_binary(picture(form='PNG'), 'a.png'),
        client.create_engagement_from_file(str(video), video=True),
        client.create_engagement_from_media_binary(MP4, 'a.mp4', video=True),
        client.create_engagement_from_video_url('http://192.0.2.1/a.mp4'),
    ]
    tokens = [each['token'] for each in created]
    assert all(uuid.UUID(token) for token in tokens)
    found = client.get_engagements(engagement_id=tokens[2])[0]
    assert found['token'] == tokens[2]
    assert found['state'] in ('open', 'assigned', 'closed')
    assert found['content_location'] and found['date_created']
    assert [each['token'] for each in client.get_engagements()] == tokens
    assert len(client.get_engagements(limit=3, cursor=2)) == 3
    assert client.get_engagements({'state': 'open'}, count='true')['count'] <= len(tokens)


def test_the_vendors_client_sees_our_errors(client: Any) -> None:
    with pytest.raises(sparkai.SparkAIException, match='404'):
        client.get_engagements(engagement_id=str(uuid.uuid4()))
    with pytest.raises(sparkai.SparkAIException, match='400'):
        client.create_engagement_from_image_url('no url')
    with pytest.raises(sparkai.SparkAIException, match='401'):
        sparkai.SparkAIClient('wrong').get_engagements()
    with pytest.raises(sparkai.SparkAIException, match='415'):
        client.upload_binary(b'<svg/>', 'a.svg')


def test_the_pages_own_sample(running: Served, tmp_path: Path) -> None:
    image = tmp_path / 'image.png'
    image.write_bytes(picture(form='PNG'))
    sample = SAMPLE.read_text().split('# Setup a simple HTTP server')[0]
    for old, new in (
        ('https://sandbox.spark.ai', running.url),
        ('<your token>', running.key),
        ('/tmp/your_image.png', str(image)),
        # Nobody has this address.
        ('https://6a65d4bcd0a6.ngrok.io', 'https://192.0.2.1'),
    ):
        assert sample.count(f"'{old}'") == 1
        sample = sample.replace(old, new)
    script = tmp_path / 'sample.py'
    script.write_text(IMPORTS + sample)
    ran = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=DEADLINE_S,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    uploaded, created = ran.stdout.splitlines()
    assert uploaded.startswith(f'Uploaded image to SparkAI image server {running.url}/v1/image/')
    assert uuid.UUID(created.split()[-1])
