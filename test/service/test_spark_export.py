# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""`spark export` against the real service: what was answered, as a dataset to train on."""

from __future__ import annotations

import http.server
import io
import json
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from PIL import Image
from service_harness import Served, picture, served
from spark_command import Operator, environment, new_key, running, spark

from spark_ros.cli.spark_pictures import upright

pytestmark = pytest.mark.slow('exports whole datasets')

SIZE = (64, 48)
CRATE = [(0.25, 0.25), (0.5, 0.5)]
PALLET = [(0.5, 0.25), (0.75, 0.75)]
GHOST = [(0.0, 0.75), (0.125, 1.0)]
MOVED = [(0.5, 0.5), (0.75, 0.75)]
SAIL = [(0.0, 0.0), (0.5, 0.0), (0.0, 0.5)]


@pytest.fixture(scope='module')
def service(
    shared_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp('export') / 'data') as running_service:
        yield running_service


@pytest.fixture(scope='module')
def operator(service: Served) -> Iterator[Operator]:
    """Who answers; the link to log in works once."""
    person = Operator(service)
    yield person
    person.http.close()


@dataclass
class Desk:
    """One key of the service, and the person who answers."""

    service: Served
    folder: Path
    operator: Operator
    key: str
    web: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.web = httpx.Client(
            base_url=self.service.url, headers={'Authorization': f'Bearer {self.key}'}
        )

    def upload(self, content: bytes) -> str:
        answer = self.web.post('/v1/image', files={'image_file': ('frame.jpg', content)})
        url: str = answer.raise_for_status().json()['signedUrl']
        return url

    def ask(self, url: str, *priors: tuple[str, Any], **more: Any) -> str:
        """Ask about boxes (label, two corners); return the token."""
        body = {
            'content_location': [url], 'instructions': 'Right?',
            'priors': {'annotations': [shape(*prior) for prior in priors]}, **more,
        }  # fmt: skip
        token: str = self.web.post('/v1/engagement', json=body).raise_for_status().json()['token']
        return token

    def answer(self, *shapes: dict[str, Any], response: str = '') -> None:
        """Answer the newest question with the shapes that are there in the end."""
        self.operator.do(self.operator.claim(), 'answer', shapes=list(shapes), response=response)

    def export(self, *arguments: str) -> tuple[int, str, str]:
        """Run the command; return its exit code and what it said."""
        done = spark(self.around(), 'export', str(self.folder), *arguments)
        return done.returncode, done.stdout, done.stderr

    def exported(self, *arguments: str) -> dict[str, Any]:
        """Run the command, and return what it counted."""
        code, out, err = self.export('--json', *arguments)
        assert code == 0, err
        counted: dict[str, Any] = json.loads(out)
        return counted

    def around(self) -> dict[str, str]:
        return environment(self.service.url, self.key)

    def dataset(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / 'annotations.json').read_text())
        return found


@pytest.fixture
def desk(service: Served, operator: Operator, tmp_path: Path) -> Iterator[Desk]:
    key = new_key(service.data)
    one = Desk(service, tmp_path / 'dataset', operator, key)
    yield one
    one.web.close()


def shape(label: str, points: Any, prior: int | None = None) -> dict[str, Any]:
    kind = 'polygon' if len(points) == 3 else 'bounding_box'
    return {
        'label': label, 'type': kind, 'vertices': [{'x': x, 'y': y} for x, y in points],
        **({} if prior is None else {'prior': prior}),
    }  # fmt: skip


def test_confirmed_changed_added_and_removed(desk: Desk) -> None:
    """Each is there as the person left it, and what was removed is not."""
    content = picture(SIZE)
    priors = [('crate', CRATE), ('pallet', PALLET), ('ghost', GHOST)]
    token = desk.ask(desk.upload(content), *priors, metadata={'robot_id': 'rover'})
    desk.answer(shape('crate', CRATE, 0), shape('box', MOVED, 1), shape('sail', SAIL))
    desk.ask(desk.upload(picture(SIZE, shade=10)), ('ghost', GHOST))
    desk.answer()

    counted = desk.exported('--yolo', '--labels', 'sail,never')
    assert (counted['images'], counted['annotations'], counted['fetched']) == (2, 3, 2)
    assert counted['categories'] == {'crate': 1, 'box': 1, 'sail': 1}
    dataset = desk.dataset()
    names = [category['name'] for category in dataset['categories']]
    assert names == ['sail', 'never', 'box', 'crate']
    assert [category['id'] for category in dataset['categories']] == [1, 2, 3, 4]
    first, nothing_there = dataset['images']
    assert (first['width'], first['height'], first['token']) == (*SIZE, token)
    assert first['metadata'] == {'robot_id': 'rover'}
    assert (desk.folder / 'images' / first['file_name']).read_bytes() == content
    assert [one['label'] for one in first['removed']] == ['ghost']
    assert [one['label'] for one in nothing_there['removed']] == ['ghost']
    found = {
        names[one['category_id'] - 1]: (one['correction'], one['bbox'], one['area'])
        for one in dataset['annotations']
    }
    assert found == {
        'crate': ('confirmed', [16, 12, 16, 12], 192),
        'box': ('modified', [32, 24, 16, 12], 192),
        'sail': ('added', [0, 0, 32, 24], 384),
    }
    (sail,) = [one for one in dataset['annotations'] if one['correction'] == 'added']
    assert sail['segmentation'] == [[0, 0, 32, 0, 0, 24]]
    assert {one['image_id'] for one in dataset['annotations']} == {first['id']}

    data = yaml.safe_load((desk.folder / 'data.yaml').read_text())
    assert data['names'] == dict(enumerate(names))
    stem = Path(first['file_name']).stem
    lines = (desk.folder / 'labels' / f'{stem}.txt').read_text().splitlines()
    numbers = {int(line.split()[0]): [float(n) for n in line.split()[1:]] for line in lines}
    assert numbers == {
        3: [0.375, 0.375, 0.25, 0.25], 2: [0.625, 0.625, 0.25, 0.25], 0: [0.25, 0.25, 0.5, 0.5],
    }  # fmt: skip
    empty = Path(nothing_there['file_name']).stem
    assert (desk.folder / 'labels' / f'{empty}.txt').read_text() == ''


def test_what_is_no_answer_about_boxes_is_left_out(desk: Desk) -> None:
    """And counted; another key's answers are not even that."""
    url = desk.upload(picture(SIZE))
    desk.ask(url)
    desk.answer(response='the path is free')
    desk.ask(url, ('crate', CRATE))
    desk.operator.do(desk.operator.claim(), 'flag', reason='too dark')
    desk.ask(url, ('crate', CRATE), program_name='crates')
    desk.answer(shape('', CRATE, 0))
    desk.ask(url, ('crate', CRATE))
    code, out, _ = desk.export()
    assert code == 0
    assert '1 pictures (1 of them new), 1 annotations: 1 object' in out
    assert 'left out: 1 that could not be answered' in out
    assert 'left out: 1 that say nothing of any box' in out
    assert desk.exported('--empty')['images'] == 2
    assert desk.exported('--program', 'crates')['images'] == 1
    assert desk.exported('--program', 'other')['images'] == 0


def test_more_than_a_page(desk: Desk) -> None:
    url = desk.upload(picture(SIZE))
    count = 53
    for _ in range(count):
        desk.ask(url, ('crate', CRATE))
        desk.answer(shape('crate', CRATE, 0))
    counted = desk.exported()
    assert (counted['images'], counted['annotations']) == (count, count)
    files = [image['file_name'] for image in desk.dataset()['images']]
    assert len(set(files)) == count == len(list((desk.folder / 'images').iterdir()))


class Host:
    """Pictures that are elsewhere: one that is there, one that is not, one that does not come."""

    def __init__(self) -> None:
        host = self
        self.asked: list[str] = []
        self.stuck, self.hold, self.go_on = threading.Event(), True, threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                host.asked.append(self.path)
                assert 'Authorization' not in self.headers, 'the key went elsewhere'
                if self.path == '/stuck' and host.hold:
                    host.stuck.set()
                    host.go_on.wait(60)
                content = picture(SIZE)
                self.send_response(404 if self.path == '/gone' else 200)
                self.send_header('Content-Length', str(len(content)))
                self.end_headers()
                self.wfile.write(b'no picture'.ljust(len(content)) if self.path == '/text'
                                 else content)

            def log_message(self, *_: Any) -> None:
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, request: Any, client_address: Any) -> None:
                """Nobody cares that a killed command has hung up."""

        self._server = Server(('127.0.0.1', 0), Handler)
        self.url = f'http://127.0.0.1:{self._server.server_port}'
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self.go_on.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def host() -> Iterator[Host]:
    one = Host()
    yield one
    one.close()


@pytest.mark.parametrize('number', [signal.SIGKILL, signal.SIGINT])
def test_an_interrupted_export_goes_on(desk: Desk, host: Host, number: int) -> None:
    """What was fetched stays, and is not fetched again."""
    for name in ('one', 'two', 'stuck', 'three'):
        desk.ask(f'{host.url}/{name}', ('crate', CRATE))
        desk.answer(shape('crate', CRATE, 0))
    with running(desk.around(), 'export', str(desk.folder)) as command:
        assert host.stuck.wait(60), (command.out, command.err)
        command.process.send_signal(number)
        code = command.ended()
    assert code == (-number if number == signal.SIGKILL else 130)
    assert not (desk.folder / 'annotations.json').exists()
    host.hold = False
    host.go_on.set()
    counted = desk.exported()
    assert (counted['images'], counted['fetched']) == (4, 2)
    assert host.asked == ['/one', '/two', '/stuck', '/stuck', '/three']
    # A picture that somebody deleted is fetched again.
    (desk.folder / 'images' / desk.dataset()['images'][0]['file_name']).unlink()
    assert desk.exported()['fetched'] == 1


def test_pictures_that_cannot_be_had(desk: Desk, host: Host) -> None:
    """The others are there all the same; the exit code says that some are missing."""
    for name in ('gone', 'one', 'text'):
        desk.ask(f'{host.url}/{name}', ('crate', CRATE))
        desk.answer(shape('crate', CRATE, 0))
    desk.ask('http://127.0.0.1:9/away.jpg', ('crate', CRATE))
    desk.answer(shape('crate', CRATE, 0))
    code, out, err = desk.export()
    assert code == 1
    assert 'left out: 3 whose picture cannot be had' in out
    assert '/gone: 404' in err and 'is not an image that can be read' in err and '/away.jpg' in err
    assert len(desk.dataset()['images']) == 1


def test_wrong_ways_to_ask(desk: Desk) -> None:
    heat = spark({**desk.around(), 'SPARK_API': 'heat'}, 'export', str(desk.folder))
    assert heat.returncode == 2 and 'works over the SparkAI API' in heat.stderr
    wrong = spark({**desk.around(), 'SPARK_TOKEN': 'nobody'}, 'export', str(desk.folder))
    assert wrong.returncode == 3
    desk.folder = desk.folder.with_name('file')
    desk.folder.write_text('a file')
    code, _, err = desk.export()
    assert code == 2 and str(desk.folder) in err and err.count('\n') == 1


@pytest.mark.parametrize('orientation', range(1, 9))
def test_a_picture_that_is_to_be_turned_is_saved_turned(orientation: int) -> None:
    """So that a reader who does not look at the mark sees the same."""
    image = Image.new('RGB', (40, 20), (250, 250, 250))
    image.paste((200, 0, 0), (0, 0, 20, 10))
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = io.BytesIO()
    image.save(data, 'JPEG', quality=95, exif=exif)
    content, ending, size = upright(data.getvalue(), 'it')
    with Image.open(io.BytesIO(content)) as saved:
        assert saved.getexif().get(0x0112, 1) == 1
        assert saved.size == size == ((20, 40) if orientation >= 5 else (40, 20))
        red = [
            (x, y) for x in range(saved.width) for y in range(saved.height)
            if saved.convert('RGB').getpixel((x, y))[1] < 120
        ]
    corner = {1: (0, 0), 2: (1, 0), 3: (1, 1), 4: (0, 1), 5: (0, 0), 6: (1, 0), 7: (1, 1),
              8: (0, 1)}[orientation]  # fmt: skip
    middle = (sum(x for x, _ in red) / len(red) / size.width,
              sum(y for _, y in red) / len(red) / size.height)
    expected = [0.25 + place / 2 for place in corner]
    assert middle == pytest.approx(expected, abs=0.1)
    assert (content == data.getvalue() and ending == '.jpg') is (orientation == 1)
