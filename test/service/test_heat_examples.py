# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Heat's page as it stands: each HTTP and curl example, staged and answered by an operator."""

from __future__ import annotations

import http.server
import json
import re
import shlex
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from service_harness import DEADLINE_S, picture, served
from serving import command

from spark_ros.wire.heat import parse_heat_request
from spark_ros.wire.heat_response import check_response

PAGE = (Path(__file__).parent / 'data' / 'heat_examples.txt').read_text()
PAGE_KEY = 'test_e53bbf19fdd077eda1cd933a54ebe987'
PAGE_HOST = 'https://api.heatintelligence.com'
PAGE_ID = '44647b6f-b033-4788-9ee2-9d7aa5cb0158'
IMAGE_URL = re.compile(r'http://i\.imgur\.com/\w+\.jpg')
HTTP = re.findall(r'^((?:GET|POST) .*?)\n+(?=^curl )', PAGE, re.MULTILINE | re.DOTALL)
CURL = re.findall(r'^(curl .*?)\n*(?=^(?:GET|POST) |\Z)', PAGE, re.MULTILINE | re.DOTALL)
SIZE = (640, 480)


@dataclass
class Examples:
    """A service, a key, and where its images are."""

    url: str
    key: str
    image: str

    def filled(self, example: str, id: str = PAGE_ID) -> str:
        """Return an example with this service's values in place of the page's."""
        for old, new in ((PAGE_HOST, self.url), (PAGE_KEY, self.key), (PAGE_ID, id)):
            example = example.replace(old, new)
        return IMAGE_URL.sub(self.image, example)

    def send(self, example: str, id: str = PAGE_ID) -> httpx.Response:
        """Send an example of either kind."""
        said = self.filled(example, id)
        return self._curl(said) if said.startswith('curl ') else self._http(said)

    def ask(self, **body: Any) -> dict[str, Any]:
        answer = httpx.post(
            f'{self.url}/v1/requests/free-text', json={'instruction': 'Say it', **body},
            headers={'X-Heat-API-Key': self.key}, timeout=DEADLINE_S,
            params={'block': '0' if 'exclude_crunchers' in body else '30'},
        )
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def _http(self, said: str) -> httpx.Response:
        head, _, body = said.partition('\n\n')
        line, _, fields = head.partition('\n')
        method, path, _ = line.split(' ')
        headers = dict(field.split(': ', 1) for field in fields.splitlines())
        del headers['Host']
        return httpx.request(
            method, self.url + path, headers=headers, content=body, timeout=DEADLINE_S
        )

    def _curl(self, said: str) -> httpx.Response:
        # The page forgot to escape this one quote.
        words = shlex.split(said.replace('\\\n', ' ').replace("What's", "What'\\''s"))
        done = subprocess.run(
            [*words, '-s', '-w', '\n%{http_code}'],
            capture_output=True, text=True, timeout=DEADLINE_S, check=True,
        )
        body, _, status = done.stdout.rpartition('\n')
        return httpx.Response(int(status), text=body)


def pages_body(example: str) -> dict[str, Any] | None:
    """Return the JSON that an example sends, None where it sends none."""
    start = example.find('{')
    if start < 0:
        return None
    body: dict[str, Any] = json.JSONDecoder().raw_decode(example, start)[0]
    return body


def route(example: str) -> str:
    """Return the path that an example calls."""
    found = re.search(r'/v1/[\w/-]+', example)
    assert found
    return found[0]


@pytest.fixture(scope='module')
def stub() -> Iterator[str]:
    """A server on which every path is the same picture, in place of the internet."""

    class Stub(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(picture(SIZE))

        def log_message(self, *arguments: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Stub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f'http://127.0.0.1:{server.server_address[1]}/picture.jpg'
    server.shutdown()
    server.server_close()


@pytest.fixture(scope='module')
def make_examples(
    stub: str, shared_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[bool], Examples]]:
    """A service with a scripted operator who knows one picture, and keys of both kinds."""
    folder = tmp_path_factory.mktemp('heat')
    truth = folder / 'truth.json'
    truth.write_text(json.dumps({'images': [_truth()]}))
    keys = {
        kind: command('key', 'create', kind, '--heat', *more, '--data', str(folder / 'data'))
        .stdout.strip()
        for kind, more in (('real', ()), ('staging', ('--test',)))
    }
    with served(folder / 'data', '--operator', f'scripted:{truth}') as service:
        # The operator looks only at images that are on the service.
        uploaded = httpx.post(
            f'{service.url}/v1/image', files={'image_file': ('a.jpg', picture(SIZE))},
            headers={'Authorization': f'Bearer {keys["real"]}'}, timeout=DEADLINE_S,
        )
        assert uploaded.status_code == 200, uploaded.text

        def make(staging: bool) -> Examples:
            if staging:
                assert keys['staging'].startswith('test_')
                return Examples(service.url, keys['staging'], stub)
            return Examples(service.url, keys['real'], uploaded.json()['url'])

        yield make


def _truth() -> dict[str, Any]:
    import cv2
    import numpy as np

    from spark_ros.service.scripted.recognise import dhash

    image = cv2.imdecode(np.frombuffer(picture(SIZE), np.uint8), cv2.IMREAD_COLOR)
    return {
        'width': SIZE[0], 'height': SIZE[1], 'dhash': f'{dhash(image):016x}',
        'annotations': [
            {'label': 'gray', 'box': [10, 20, 100, 200]},
            {'label': 'ginger', 'box': [300, 20, 300, 400]},
        ],
    }  # fmt: skip


def test_all_examples_of_the_page_are_here() -> None:
    asked = {route(example).removeprefix('/v1/requests/') for example in HTTP}
    assert len(HTTP) == len(CURL) == 14
    assert len(asked) == 12
    assert [route(example) for example in HTTP] == [route(example) for example in CURL]


needs_curl = pytest.mark.skipif(shutil.which('curl') is None, reason='curl is not installed')
ASKING = [
    pytest.param(example, id=f'{kind}-{at}', marks=marks)
    for kind, examples, marks in (('http', HTTP, ()), ('curl', CURL, needs_curl))
    for at, example in enumerate(examples)
    if pages_body(example) is not None
]
NOT_ASKING = {
    kind: [example for example in examples if PAGE_ID in example]
    for kind, examples in (('http', HTTP), ('curl', CURL))
}


@pytest.mark.parametrize('staging', [True, False], ids=['staging', 'operator'])
@pytest.mark.parametrize('example', ASKING)
def test_each_question_is_answered(
    make_examples: Callable[[bool], Examples], example: str, staging: bool
) -> None:
    examples = make_examples(staging)
    answer = examples.send(example)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    if not staging and 'block' not in example:
        # The page's one example that does not wait for its answer.
        again = f'GET /v1/requests/{found["id"]}?block=30 HTTP/1.1\nHost: x\nX-Heat-API-Key: '
        found = examples.send(again + examples.key).json()
    kind = route(example).removeprefix('/v1/requests/')
    given = pages_body(examples.filled(example))
    assert given is not None
    assert {name: found[name] for name in given} == given
    assert (found['status'], found['type']) == ('complete', kind)
    assert check_response(parse_heat_request(kind, given), found['response']) == found['response']
    assert len(found['crunchers']) == (0 if staging else 1)
    if kind in ('image', 'video', 'audio'):
        file = httpx.get(found['response'], timeout=DEADLINE_S)
        assert file.status_code == 200
        assert file.headers['content-type'].startswith(f'{kind}/')


@pytest.mark.parametrize('staging', [True, False], ids=['staging', 'operator'])
@pytest.mark.parametrize('kind', ['http', pytest.param('curl', marks=needs_curl)])
def test_retrieving_and_aborting(
    make_examples: Callable[[bool], Examples], kind: str, staging: bool
) -> None:
    examples = make_examples(staging)
    made = examples.ask()
    *retrieving, aborting = NOT_ASKING[kind]
    assert len(retrieving) == 2
    for example in retrieving:
        answer = examples.send(example, made['id'])
        assert answer.status_code == 200
        assert answer.json() == made
    refused = examples.send(aborting, made['id'])
    assert (refused.status_code, refused.json()['statusCode']) == (400, 400)
    if not staging:
        pending = examples.ask(exclude_crunchers=made['crunchers'])
        assert pending['status'] == 'pending'
        answer = examples.send(aborting, pending['id'])
        assert (answer.status_code, answer.json()) == (200, {'success': True})
