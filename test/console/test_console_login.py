# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Who gets in: whoever has the one-time link, once."""

import httpx
from chromium import log_in
from playwright.sync_api import expect


def test_the_link_that_serve_prints_opens_the_console_once(service, new_page):
    service.ask()
    assert service.login_link() != service.first_login
    # A chat looks at a link that it is sent, before anybody clicks on it.
    assert httpx.get(service.first_login, timeout=20).status_code == 200
    page = new_page()
    log_in(page, service.first_login)
    expect(page.get_by_test_id('question')).to_have_count(1)

    other = new_page()
    answer = other.goto(service.first_login)
    assert answer and answer.status == 401
    other.goto(f'{service.url}/')
    expect(other.get_by_test_id('question')).to_have_count(0)


def test_without_a_login_there_is_no_data(service, new_page):
    service.ask(instructions='a secret instruction')
    with httpx.Client(base_url=service.url, trust_env=False, timeout=20) as stranger:
        for path in ('queue', 'events', 'questions/1'):
            answer = stranger.get(f'/console/api/{path}')
            assert answer.status_code == 401
            assert 'secret' not in answer.text
        answer = stranger.post('/console/api/questions/1/claim', json={})
        assert answer.status_code in (401, 403)
    page = new_page()
    page.goto(f'{service.url}/')
    expect(page.locator('body')).not_to_contain_text('a secret instruction')


def test_the_page_allows_no_foreign_or_inline_script(service, operator):
    answer = operator.goto(f'{service.url}/')
    policy = answer.headers['content-security-policy']
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert 'unsafe' not in policy
