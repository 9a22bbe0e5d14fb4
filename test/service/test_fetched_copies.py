# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Which pictures need no copy here, and who may see a copy."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path

import httpx
from file_host import FileHost, Said
from heat_harness import ask, asker
from service_harness import (
    DEADLINE_S,
    URL,
    InProcess,
    log_in,
    picture,
    question,
    served,
    served_by_process,
)
from serving import printed
from test_fetching import FILES, first, host, service

from spark_ros.escalation.backends.frame_server import FrameServer
from spark_ros.escalation.question.escalation import EncodedImage
from spark_ros.geometry import ImageSize

__all__ = ['host', 'service']


def test_what_is_here_already_is_not_fetched(service: InProcess, host: FileHost) -> None:
    """Uploads, and the picture that `spark-service try` has one ask about."""
    robot, operator = service.tenant(), service.operator()
    for location in (robot.upload()['signedUrl'], f'{URL}/docs/example.png'):
        robot.ask(content_location=location)
    lines = operator.get('/console/api/queue').json()['questions']
    assert [line['image']['state'] for line in lines] == ['own', 'own']
    for line in lines:
        assert operator.get(line['image']['url']).status_code == 200
    robot.ask(content_location='http://192.0.2.1/docs/example.png')
    assert operator.get('/console/api/queue').json()['questions'][-1]['image']['state'] != 'own'


def test_a_signed_url_of_another_key_is_shown_as_it_is(service: InProcess) -> None:
    """Heat's robots may host frames with a SparkAI key."""
    host, robot, operator = service.tenant('frames'), asker(service), service.operator()
    urls = host.upload(picture(shade=7))
    last = urls['signedUrl'][-1]
    given = [
        urls['signedUrl'], urls['url'], urls['signedUrl'][:-1] + ('0' if last != '0' else '1'),
    ]
    ask(robot, 'free-text', attachments_type='image', attachments=given)
    shown = operator.get('/console/api/questions/1').json()['attachments']
    assert shown[0]['state'] == 'own'
    assert operator.get(shown[0]['url']).content == picture(shade=7)
    assert 'own' not in [each['state'] for each in shown[1:]]
    # What was valid when it was asked is shown for as long as it is asked.
    service.clock.now += service.settings.url_ttl_s + 1
    [line] = service.operator().get('/console/api/queue').json()['questions']
    assert line['image']['state'] == 'own'


def test_a_frame_that_a_robot_serves_itself_is_fetched(
    service: InProcess, tmp_path: Path
) -> None:
    """As the node does with `image_host.kind: node`: the copy outlives the robot's own."""
    robot, operator = asker(service), service.operator()
    server = FrameServer(tmp_path / 'frames', 'http://robot.test', '127.0.0.1', 0, 3600)
    try:
        frame = EncodedImage(picture(shade=3), ImageSize(64, 48))
        url = asyncio.run(server.put(str(uuid.uuid4()), frame, 'front'))
        url = url.replace('http://robot.test', f'http://127.0.0.1:{server.port}')
        ask(robot, 'free-text', attachments_type='image', attachments=[url])
        seen = first(operator)
    finally:
        asyncio.run(server.aclose())
    assert seen['state'] == 'done', seen
    assert operator.get(seen['url']).content == picture(shade=3)


def test_copies_are_for_operators_and_for_the_key_that_asked(
    service: InProcess, host: FileHost
) -> None:
    robot, operator = service.tenant(), service.operator()
    robot.ask(content_location=host.url('/a.jpg'))
    url = first(operator)['url']
    assert service.send('GET', url).status_code == 401
    assert service.tenant('other').get(url).status_code == 404
    assert robot.get(url).status_code == 200


def test_unfinished_fetches_go_on_after_a_kill(tmp_path: Path, host: FileHost) -> None:
    data = tmp_path / 'data'
    key = printed('key', 'create', 'robot', '--data', str(data))
    host.answers['/late.jpg'] = Said(None)
    allow = ('--allow-fetch-net', '127.0.0.0/8')
    with served_by_process(data, *allow, key=key) as process:
        body = question(content_location=host.url('/late.jpg'))
        asked = httpx.post(
            f'{process.url}/v1/engagement', json=body, headers=process.headers,
            timeout=DEADLINE_S,
        )  # fmt: skip
        assert asked.status_code == 200
        host.wait_count(1)
        process.serving.kill()
    host.answers['/late.jpg'] = FILES['/a.jpg']
    with (
        served(data, *allow, key=key) as again,
        httpx.Client(base_url=again.url, timeout=DEADLINE_S) as console,
    ):
        log_in(console, again.login)
        with console.stream('GET', '/console/api/events') as events:
            for _ in events.iter_lines():
                [line] = httpx.get(
                    f'{again.url}/console/api/queue', cookies=console.cookies,
                    timeout=DEADLINE_S,
                ).json()['questions']
                if line['image']['state'] != 'waiting':
                    break
        assert console.get(line['image']['url']).content == picture(shade=1)
