# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A login link opens a page with one button; only the button uses the link up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from html.parser import HTMLParser

import httpx
import pytest
from service_harness import URL, InProcess, login_form

from spark_ros.service.storage import sessions

DAY_S = 86_400


class Form(HTMLParser):
    """The one form of a page: where it goes and what it sends."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.target: dict[str, str | None] = {}
        self.fields: dict[str, str | None] = {}
        self.buttons = self.scripts = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == 'form':
            self.target = given
        elif tag == 'input':
            self.fields[str(given['name'])] = given['value']
        self.buttons += tag == 'button'
        self.scripts += tag == 'script'


@pytest.fixture
def link(service: InProcess) -> str:
    return service.context.store.write_now(
        lambda transaction: sessions.make_link(transaction, URL, service.clock())
    )


def send(
    service: InProcess, method: str, path: str, cookie: str = '', **more: object
) -> httpx.Response:
    """Call with no cookies but the given one."""

    async def call() -> httpx.Response:
        async with service.client(headers={'Cookie': cookie} if cookie else {}) as http:
            return await http.request(method, path, **more)

    return service.do(call())


def test_looking_at_a_link_does_not_use_it_up(service: InProcess, link: str) -> None:
    for method in ('GET', 'HEAD', 'GET'):
        looked = send(service, method, link)
        assert looked.status_code == 200
        assert 'set-cookie' not in looked.headers
        assert looked.headers['cache-control'] == 'no-store'
        assert looked.headers['referrer-policy'] == 'no-referrer'
        assert "form-action 'self'" in looked.headers['content-security-policy']
    form = Form(looked.text)
    assert form.target == {'action': '/login', 'method': 'post'}
    assert form.fields == login_form(link)
    # That of its words in another language; it works without.
    assert (form.buttons, form.scripts) == (1, 1)


def test_the_button_works_once(service: InProcess, link: str) -> None:
    first = send(service, 'POST', '/login', data=login_form(link))
    assert (first.status_code, first.headers['location']) == (303, '/')
    said = first.headers['set-cookie'].lower()
    assert 'httponly' in said and 'samesite=lax' in said
    cookie = first.headers['set-cookie'].partition(';')[0]
    assert send(service, 'GET', '/', cookie).status_code == 200
    for again in (
        send(service, 'POST', '/login', data=login_form(link)),
        *(send(service, 'GET', path) for path in (link, '/login?token=wrong', '/login', '/')),
    ):
        assert again.status_code == 401
        assert again.headers['content-type'].startswith('text/html')
        assert "default-src 'none'" in again.headers['content-security-policy']
        assert 'set-cookie' not in again.headers
    for again in (
        send(service, 'POST', '/login', cookie, data=login_form(link)),
        send(service, 'GET', link, cookie),
    ):
        assert (again.status_code, again.headers['location']) == (303, '/')
        assert 'set-cookie' not in again.headers


def test_a_link_expires(service: InProcess, link: str) -> None:
    service.clock.now += DAY_S
    assert send(service, 'GET', link).status_code == 401
    assert send(service, 'POST', '/login', data=login_form(link)).status_code == 401


@pytest.mark.parametrize(
    ('content', 'content_type', 'status'),
    [
        (b'token=' + b'x' * 10_000, 'application/x-www-form-urlencoded', 413),
        (b'token=x', 'multipart/form-data; boundary=x', 415),
        (b'{"token": "x"}', 'application/json', 415),
        (b'token=x', 'application/x-www-form-urlencoded; charset=utf-16', 415),
        (b'token=x', '', 415),
        (b'token=\xff', 'application/x-www-form-urlencoded', 400),
        (b'token=%ff', 'application/x-www-form-urlencoded', 400),
        (b'token=x&token=y', 'application/x-www-form-urlencoded', 400),
        (b'tokens=x', 'application/x-www-form-urlencoded', 400),
        (b'', 'application/x-www-form-urlencoded', 400),
        (b'token=%00', 'Application/X-WWW-Form-Urlencoded;charset="UTF-8"', 401),
    ],
)
def test_a_body_that_is_no_form_is_refused(
    service: InProcess, link: str, content: bytes, content_type: str, status: int
) -> None:
    refused = send(
        service, 'POST', '/login', content=content, headers={'Content-Type': content_type}
    )
    assert refused.status_code == status, refused.text
    if status != 401:
        assert refused.json()['statusCode'] == status and refused.json()['message']
    assert send(service, 'GET', link).status_code == 200


def test_a_body_without_a_length_is_cut_off(service: InProcess) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b'token='
        for _ in range(100):
            yield b'x' * 1000

    kind = {'Content-Type': 'application/x-www-form-urlencoded'}
    assert send(service, 'POST', '/login', content=endless(), headers=kind).status_code == 413
