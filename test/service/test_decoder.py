# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Images are decoded in processes that hold nobody up, and that are gone when they are to be."""

from __future__ import annotations

import asyncio
import io
import os
import re
import resource
import select
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from service_harness import (
    DEADLINE_S,
    Caller,
    InProcess,
    Served,
    picture,
    served,
    served_by_process,
)
from serving import ServingProcess
from sqlalchemy import select as select_rows
from test_guard import is_error

from spark_ros.service.errors import ApiError
from spark_ros.service.media import decode_worker
from spark_ros.service.media.decoder import WAITING, Decoder
from spark_ros.service.storage import schema

pytestmark = [
    pytest.mark.slow('starts decoders on hostile images'),
    pytest.mark.sqlite('about decoding, not about what is stored'),
]

BOMB = bytes.fromhex(
    '524946461a000000574542505650384c0e0000002fefe2bb08071011fd0f4444ff03'
)
ORIENTATION = 0x0112
# Of an image that takes longer, where it is decoded at all.
SHORT_S = 0.5

OTHERS: list[int] = []


def progressive(side: int, scans: int) -> bytes:
    """Return a square JPEG, one scan of which is there again and again."""
    data = io.BytesIO()
    Image.new('L', (side, side)).save(data, 'JPEG', progressive=True)
    content = data.getvalue()
    first = content.index(b'\xff\xda')
    scan = content[first : content.index(b'\xff\xc4', first)]
    return content[:first] + scan * (scans - content.count(b'\xff\xda')) + content[first:]


@pytest.fixture(scope='module')
def slow() -> bytes:
    """An image that is accepted, but that takes seconds."""
    return progressive(4000, 100)


@pytest.fixture
def decoder() -> Iterator[Decoder]:
    made = Decoder(80_000_000, DEADLINE_S)
    yield made
    made.close()


async def look(decoder: Decoder, tenant: str, content: bytes, part: str = 'image_file') -> Any:
    with tempfile.SpooledTemporaryFile() as file:
        file.write(content)
        return await decoder.inspect(tenant, file, part)


def send(robot: Caller, content: bytes) -> httpx.Response:
    return robot.post('/v1/image', files={'image_file': ('a', content)})


def start_upload(service: InProcess, robot: Caller, content: bytes) -> Future[httpx.Response]:
    async def upload() -> httpx.Response:
        files = {'image_file': ('a', content)}
        async with service.client() as http:
            return await http.post('/v1/image', files=files, headers=robot.headers)

    return service.start(upload())


@pytest.fixture(autouse=True, scope='module')
def others() -> None:
    """Leave alone the workers of services that other tests still have in this process."""
    OTHERS.extend(workers(os.getpid()))


def workers(of: int) -> list[int]:
    """Return the process ids of a process's workers."""
    children = [said(file) for file in Path(f'/proc/{of}/task').glob('*/children')]
    return [
        int(each)
        for each in ' '.join(children).split()
        if int(each) not in OTHERS
        and decode_worker.__name__ in said(Path(f'/proc/{each}/cmdline'))
    ]


def said(file: Path) -> str:
    """Return what the kernel says of a thread or process, nothing of one that is gone."""
    try:
        return file.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ''


def the_worker(of: int) -> int:
    """Return the process id of the only worker."""
    (found,) = workers(of)
    return found


def cpu_ticks(process: int) -> int:
    user, system = Path(f'/proc/{process}/stat').read_text().rpartition(')')[2].split()[11:13]
    return int(user) + int(system)


def wait_for_the_end(process: int) -> None:
    try:
        descriptor = os.pidfd_open(process)
    except ProcessLookupError:
        return
    ended = select.poll()
    ended.register(descriptor, select.POLLIN)
    assert ended.poll(DEADLINE_S * 1000), f'process {process} goes on'
    os.close(descriptor)


FORMS = [
    ('JPEG', 'image/jpeg'), ('PNG', 'image/png'), ('GIF', 'image/gif'), ('BMP', 'image/bmp'),
    ('TIFF', 'image/tiff'), ('WEBP', 'image/webp'), ('MPO', 'image/jpeg'),
]  # fmt: skip
KEEP_ORIENTATION = ('JPEG', 'PNG', 'TIFF', 'WEBP', 'MPO')


def test_every_format_is_known_with_its_upright_size(service: InProcess) -> None:
    robot = service.tenant()
    for form, content_type in FORMS:
        for orientation in (1, 3, 6, 8) if form in KEEP_ORIENTATION else (1,):
            exif, data = Image.Exif(), io.BytesIO()
            exif[ORIENTATION] = orientation
            keep = {'exif': exif} if form in KEEP_ORIENTATION else {}
            Image.new('RGB', (64, 48)).save(data, form, **keep)
            url = robot.upload(data.getvalue())['url']
            row = service.context.store.read_now(
                lambda connection, url=url: connection.execute(
                    select_rows(schema.images).where(schema.images.c.name == url.split('/')[-1])
                ).one()
            )
            upright = (48, 64) if orientation in (6, 8) else (64, 48)
            assert (row.content_type, row.width, row.height) == (content_type, *upright), form
            assert robot.get(url).content == data.getvalue()


def test_damaged_metadata_counts_as_upright(service: InProcess) -> None:
    exif, data = Image.Exif(), io.BytesIO()
    exif[ORIENTATION] = 6
    Image.new('RGB', (64, 48)).save(data, 'JPEG', exif=exif)
    service.tenant().upload(re.sub(rb'Exif\0\0(II|MM)', rb'Exif\0\0XX', data.getvalue()))
    row = service.context.store.read_now(
        lambda connection: connection.execute(select_rows(schema.images)).one()
    )
    assert (row.width, row.height) == (64, 48)


def test_other_formats_than_jpeg_have_fewer_pixels(service: InProcess) -> None:
    robot = service.tenant()
    for form, mode in (('PNG', '1'), ('TIFF', '1'), ('BMP', '1'), ('GIF', 'P'), ('JPEG', 'L')):
        data = io.BytesIO()
        Image.new(mode, (6000, 4001)).save(data, form)
        answer = send(robot, data.getvalue())
        if form == 'JPEG':
            assert answer.status_code == 200, answer.text
        else:
            assert is_error(answer, 413), form
            assert answer.json()['message'] == (
                'image_file is 6000x4001; at most 24000000 pixels are accepted'
            )
    process = the_worker(os.getpid())
    answer = send(robot, BOMB)
    assert is_error(answer, 413) and '8944x8944' in answer.text
    assert the_worker(os.getpid()) == process
    status = Path(f'/proc/{process}/status').read_text()
    highest = re.search(r'VmPeak:\s*(\d+) kB', status)
    assert highest and int(highest[1]) < 200_000


def test_scans_are_counted(service: InProcess) -> None:
    robot = service.tenant()
    answer = send(robot, progressive(64, 1200))
    assert is_error(answer, 413) and 'scans' in answer.text
    assert send(robot, progressive(64, 100)).status_code == 200
    assert is_error(send(robot, progressive(64, 101)), 413)
    # What follows the image, in a phone's moving photograph a video, is none of it.
    assert send(robot, picture() + progressive(64, 1200)).status_code == 200


def test_what_takes_too_long_is_killed(
    service: InProcess, slow: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    robot = service.tenant()
    robot.upload()
    process = the_worker(os.getpid())
    with monkeypatch.context() as patched:
        # For this one only: on a busy machine any image may take so long.
        patched.setattr(service.context.decoder, '_seconds', SHORT_S)
        answer = send(robot, slow)
    assert is_error(answer, 413) and 'takes too long' in answer.text
    wait_for_the_end(process)
    robot.upload()
    assert the_worker(os.getpid()) != process


def test_memory_is_limited(decoder: Decoder) -> None:
    async def large() -> None:
        content = picture(form='WEBP')
        with tempfile.TemporaryFile() as file:
            file.write(content)
            file.truncate(400_000_000)
            await decoder.inspect('tenant', file)

    async def both() -> None:
        assert (await look(decoder, 'tenant', picture())).extension == 'jpg'
        process = the_worker(os.getpid())
        limit = resource.prlimit(process, resource.RLIMIT_AS)
        assert limit == (decode_worker.MEMORY, decode_worker.MEMORY)
        assert resource.prlimit(process, resource.RLIMIT_CORE) == (0, 0)
        with pytest.raises(ApiError, match='too much memory') as refused:
            await large()
        assert refused.value.status == 413
        wait_for_the_end(process)
        assert (await look(decoder, 'tenant', picture())).extension == 'jpg'

    asyncio.run(both())


def test_a_process_that_had_much_memory_gives_it_back(decoder: Decoder) -> None:
    async def both() -> None:
        data = io.BytesIO()
        Image.new('RGB', (6000, 4000)).save(data, 'WEBP', lossless=True, method=0)
        await look(decoder, 'tenant', picture())
        process = the_worker(os.getpid())
        assert (await look(decoder, 'tenant', data.getvalue())).width == 6000
        wait_for_the_end(process)
        assert (await look(decoder, 'tenant', picture())).width == 64

    asyncio.run(both())


def test_a_process_that_failed_is_not_used_again(service: InProcess) -> None:
    robot = service.tenant()
    robot.upload()
    process = the_worker(os.getpid())
    assert is_error(send(robot, b'no image'), 415)
    assert the_worker(os.getpid()) == process
    assert is_error(send(robot, picture((640, 480))[:-600]), 400)
    wait_for_the_end(process)
    robot.upload()


@pytest.mark.parametrize('idle', [True, False])
def test_a_process_that_was_killed_is_replaced(service: InProcess, idle: bool) -> None:
    robot = service.tenant()
    robot.upload()
    process = the_worker(os.getpid())
    if idle:
        os.kill(process, signal.SIGKILL)
        robot.upload()
        return
    begun = cpu_ticks(process)
    upload = start_upload(service, robot, progressive(2500, 100))
    while cpu_ticks(process) < begun + 5:
        robot.get('/v1/engagement?count=true')
    os.kill(process, signal.SIGKILL)
    assert upload.result(DEADLINE_S).status_code == 200


def test_a_process_knows_no_secrets(
    service: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('AWS_SECRET_ACCESS_KEY', 'not for it')
    service.tenant().upload()
    known = Path(f'/proc/{the_worker(os.getpid())}/environ').read_text()
    assert 'PYTHONPATH' in known and 'not for it' not in known


def test_a_tenant_waits_for_its_own_images_only(
    make_service: Callable[..., InProcess],
) -> None:
    service = make_service(decode_s=10 * DEADLINE_S)
    one, other = service.tenant('one'), service.tenant('other')
    other.upload()
    # The last one used is the next: one's first image is decoded for as long as this test takes.
    os.kill(the_worker(os.getpid()), signal.SIGSTOP)
    many = [start_upload(service, one, picture()) for _ in range(WAITING + 8)]
    while sum(upload.done() for upload in many) < 7:
        other.get('/v1/engagement?count=true')
    for answer in [upload.result() for upload in many if upload.done()]:
        assert is_error(answer, 429) and answer.headers['retry-after'] == '1'
    other.upload()
    assert sum(upload.done() for upload in many) == 7
    for upload in many:
        upload.cancel()


def test_tenants_take_turns(decoder: Decoder, monkeypatch: pytest.MonkeyPatch) -> None:
    begun_and_ended: list[str] = []
    ask = decoder._ask

    async def noting(process: Any, file: Any, given: dict[str, Any]) -> Any:
        begun_and_ended.append(given['part'])
        answer = await ask(process, file, given)
        begun_and_ended.append(given['part'].upper())
        return answer

    async def three() -> None:
        # Both processes are there.
        await asyncio.gather(*(look(decoder, tenant, picture()) for tenant in 'xy'))
        monkeypatch.setattr(decoder, '_ask', noting)
        tenants = 'aaaaaabbbbbbcc'
        await asyncio.gather(*(look(decoder, each, picture(), each) for each in tenants))

    asyncio.run(three())
    # Who has none under way waits for one of each of the others, however fast which process is.
    order = ''.join(begun_and_ended)
    before_first, _, rest = order.partition('c')
    before_second = rest.partition('C')[2].partition('c')[0]
    for waited in (before_first, before_second):
        assert sum(map(str.islower, waited)) <= len('ab')


def client(service: Served) -> httpx.Client:
    return httpx.Client(base_url=service.url, headers=service.headers, timeout=DEADLINE_S)


def upload(http: httpx.Client) -> None:
    http.post('/v1/image', files={'image_file': ('a', picture())}).raise_for_status()


def begin_upload(service: Served, http: httpx.Client, content: bytes, of: int) -> socket.socket:
    """Send an image, wait until it is being decoded, and leave the connection open."""
    upload(http)
    begun = cpu_ticks(the_worker(of))
    request = http.build_request('POST', '/v1/image', files={'image_file': ('a', content)})
    raw = socket.create_connection((request.url.host, request.url.port or 80))
    head = ''.join(f'{name}: {value}\r\n' for name, value in request.headers.items())
    raw.sendall(f'POST /v1/image HTTP/1.1\r\n{head}\r\n'.encode() + request.read())
    while cpu_ticks(the_worker(of)) < begun + 5:
        http.get('/v1/engagement?count=true').raise_for_status()
    return raw


def test_when_the_client_goes_the_work_ends(data: Path, key: str, slow: bytes) -> None:
    with served(data, key=key) as service, client(service) as http:
        raw = begin_upload(service, http, slow, os.getpid())
        process = the_worker(os.getpid())
        raw.close()
        wait_for_the_end(process)
        # It was killed: otherwise it would have been used again.
        upload(http)
        assert the_worker(os.getpid()) != process
    assert service.log.read_text() == ''
    assert workers(os.getpid()) == []


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGKILL])
def test_no_process_outlives_the_service(
    data: Path, key: str, number: signal.Signals
) -> None:
    with served_by_process(data, key=key) as service, client(service) as http:
        upload(http)
        assert isinstance(service.serving, ServingProcess)
        process = the_worker(service.serving.pid)
        # As one that is busy for long: it does not see that its socket is closed.
        os.kill(process, signal.SIGSTOP)
        service.serving.stop(number)
        wait_for_the_end(process)
