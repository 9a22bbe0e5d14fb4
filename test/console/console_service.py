# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The real service, and what a robot would do with it."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
from chromium import log_in
from PIL import Image
from serving import printed

if TYPE_CHECKING:
    from playwright.sync_api import Browser

IMAGE_SIZE = (640, 480)


def box(left: float, top: float, right: float, bottom: float) -> list[dict[str, float]]:
    """Return the vertices of a box."""
    return [
        {'x': left, 'y': top}, {'x': right, 'y': top},
        {'x': right, 'y': bottom}, {'x': left, 'y': bottom},
    ]


def prior(label: str, vertices: list[dict[str, float]], **more: Any) -> dict[str, Any]:
    """Return a bounding box as a robot sends it."""
    return {'label': label, 'type': 'bounding_box', 'vertices': vertices, **more}


def photograph() -> bytes:
    """Return a JPEG of some structure, in IMAGE_SIZE."""
    width, height = IMAGE_SIZE
    y, x = np.mgrid[0:height, 0:width]
    pixels = np.stack([x * 255 // width, y * 255 // height, (x ^ y) % 256], axis=-1)
    data = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(data, 'JPEG', quality=80)
    return data.getvalue()


@dataclass
class Service:
    """A running service, and what a robot would do with it."""

    url: str
    first_login: str
    data: Path
    key: str
    heat_key: str = ''
    sessions: list[Any] = field(default_factory=list)

    def command(self, *arguments: str) -> str:
        return printed(*arguments, '--data', str(self.data))

    def login_link(self) -> str:
        return self.command('login-link')

    def session(self, browser: Browser, number: int) -> Any:
        """Give the cookies of an operator; 0 is the same one every time, 1 is another."""
        while len(self.sessions) <= number:
            context = browser.new_context()
            log_in(context.new_page(), self.login_link())
            self.sessions.append(context.storage_state())
            context.close()
        return self.sessions[number]

    def console(self, browser: Browser, number: int) -> httpx.Client:
        """Give what an operator's browser calls; see `session`."""
        return self._console(self.session(browser, number))

    def clear_queue(self) -> None:
        clients = [self._console(session) for session in self.sessions]
        for question in clients[0].get('/queue').json()['questions'] if clients else ():
            for client in clients:
                client.post(f'/questions/{question["id"]}/release', json={})
            clients[0].post(f'/questions/{question["id"]}/claim', json={})
            clients[0].post(f'/questions/{question["id"]}/flag', json={'reason': 'left over'})

    def upload(self, image: bytes) -> str:
        answer = self._http().post('/v1/image', files={'image_file': ('a.jpg', image)})
        assert answer.status_code == 200, answer.text
        return str(answer.json()['signedUrl'])

    def ask(self, image: bytes | None = None, **body: Any) -> str:
        """Ask about an image and return the token; `priors`, `instructions`… as the page has."""
        location = self.upload(image or photograph())
        given = {'content_location': [location], 'instructions': 'Correct the boxes.', **body}
        answer = self._http().post('/v1/engagement', json=given)
        assert answer.status_code == 200, answer.text
        return str(answer.json()['token'])

    def engagement(self, token: str) -> dict[str, Any]:
        answer = self._http().get(f'/v1/engagement/{token}')
        assert answer.status_code == 200, answer.text
        result: dict[str, Any] = answer.json()[0]
        return result

    def ask_heat(self, kind: str, **body: Any) -> str:
        """Ask a Heat question, its parameters as the page has them, and return its id."""
        given = {'instruction': 'Look at this.', **body}
        answer = self._heat().post(f'/v1/requests/{kind}', json=given)
        assert answer.status_code == 200, answer.text
        assert answer.json()['status'] == 'pending'
        return str(answer.json()['id'])

    def heat_request(self, id: str, block: int = 0) -> dict[str, Any]:
        answer = self._heat().get(f'/v1/requests/{id}', params={'block': block})
        assert answer.status_code == 200, answer.text
        result: dict[str, Any] = answer.json()
        return result

    def heat_response(self, id: str) -> Any:
        given = self.heat_request(id, block=10)
        assert given['status'] == 'complete', given
        return given['response']

    def abort_heat(self, id: str) -> None:
        answer = self._heat().post(f'/v1/tasks/abort/{id}')
        assert answer.status_code == 200, answer.text

    def _console(self, session: Any) -> httpx.Client:
        return httpx.Client(
            base_url=f'{self.url}/console/api', trust_env=False, timeout=20,
            headers={'X-Requested-With': 'console'},
            cookies={each['name']: each['value'] for each in session['cookies']},
        )  # fmt: skip

    def _heat(self) -> httpx.Client:
        headers = {'X-Heat-API-Key': self.heat_key}
        return httpx.Client(base_url=self.url, headers=headers, trust_env=False, timeout=20)

    def _http(self) -> httpx.Client:
        headers = {'Authorization': f'Bearer {self.key}'}
        return httpx.Client(base_url=self.url, headers=headers, trust_env=False, timeout=20)
