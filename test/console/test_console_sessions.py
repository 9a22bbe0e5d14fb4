# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Operators log out, see who else is logged in, and log others out."""

import httpx
import pytest
from chromium import log_in
from console_mouse import open_question
from playwright.sync_api import expect


def new_console(service, new_page):
    """Log another browser in."""
    page = new_page()
    log_in(page, service.login_link())
    return page


def test_who_logs_out_has_to_log_in_again(service, new_page):
    token = service.ask()
    page = new_console(service, new_page)
    cookies = {each['name']: each['value'] for each in page.context.cookies()}
    open_question(page)
    page.get_by_test_id('log-out').click()
    expect(page.get_by_role('heading', name='Log in to the console')).to_be_visible()
    assert page.context.cookies() == []
    # Its question is free at once, and the cookie is worth nothing, should anybody have kept it.
    assert service.engagement(token)['state'] == 'open'
    said = httpx.get(f'{service.url}/console/api/queue', cookies=cookies, timeout=20)
    assert said.status_code == 401


@pytest.mark.slow('two consoles in a browser')
def test_a_session_is_ended_from_another_console(service, new_page):
    one, two = new_console(service, new_page), new_console(service, new_page)
    service.ask()
    expect(one.get_by_test_id('connection')).to_have_text('live')
    two.get_by_test_id('sessions-button').click()
    rows = two.get_by_test_id('session')
    own = rows.filter(has_text='this browser')
    expect(own).to_have_count(1)
    expect(own.get_by_test_id('revoke')).to_have_count(0)
    # Side by side, as in a table.
    assert len({cell.bounding_box()['y'] for cell in own.locator('td').all()}) == 1
    count = rows.count()
    # The newest are the last.
    rows.nth(count - 2).get_by_test_id('revoke').click()
    expect(rows).to_have_count(count - 1)
    # Without any action there: its stream of changes has ended.
    expect(one.get_by_test_id('idle')).to_contain_text('You are not signed in')
    expect(one.get_by_test_id('question')).to_have_count(0)
    expect(two.get_by_test_id('connection')).to_have_text('live')


@pytest.mark.slow('runs commands beside a browser')
def test_the_command_line_ends_a_session(service, new_page):
    page = new_console(service, new_page)
    expect(page.get_by_test_id('connection')).to_have_text('live')
    newest = service.command('session', 'list').splitlines()[-1].split('\t')[0]
    service.command('session', 'revoke', newest)
    expect(page.get_by_test_id('idle')).to_contain_text('You are not signed in')
