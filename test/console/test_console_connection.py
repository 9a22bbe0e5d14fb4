# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What the operator sees and keeps when the service, or the operator, goes away."""

import pytest
from chromium import log_in
from console_mouse import assert_box, drag, open_question, send_nothing
from console_service import Service, box, prior
from playwright.sync_api import expect
from serving import Serving, printed


@pytest.mark.slow('restarts a service under a browser')
def test_a_restart_of_the_service_costs_the_operator_nothing(tmp_path, new_page):
    key = printed('key', 'create', 'rover', '--data', str(tmp_path))
    page = new_page()
    with Serving(tmp_path, '--port', '0') as started:
        service = Service(started.url, started.login, tmp_path, key)
        token = service.ask(priors={'annotations': [prior('person', box(0.1, 0.1, 0.3, 0.4))]})
        log_in(page, started.login)
        expect(page.get_by_test_id('connection')).to_have_text('live')
        open_question(page)
        drag(page, (0.5, 0.5), (0.7, 0.8))
    expect(page.get_by_test_id('connection')).to_have_text('connection lost')
    page.keyboard.press('Enter')
    expect(page.get_by_test_id('notice')).to_contain_text('Your work is still here')

    with Serving(tmp_path, '--port', service.url.rsplit(':', 1)[1]):
        expect(page.get_by_test_id('connection')).to_have_text('live')
        expect(page.get_by_test_id('notice')).not_to_contain_text('cannot be reached')
        expect(page.get_by_test_id('notice')).to_contain_text('Your work is still here')
        page.keyboard.press('Enter')
        expect(page.get_by_test_id('idle')).to_be_visible()
        (added,) = service.engagement(token)['annotations']
        assert_box(added, 0.5, 0.5, 0.7, 0.8)
        # And the queue is followed again.
        service.ask()
        expect(page.get_by_test_id('question')).to_have_count(1)


@pytest.mark.usefixtures('intercepted')
def test_what_failed_once_does_not_stand_beside_live(service, operator):
    """The stream of changes may outlive what hinders other calls."""
    service.ask(priors={'label_options': ['person']})
    open_question(operator)
    hindered = ('**/console/api/q*/**', '**/console/api/queue')
    for calls in hindered:
        operator.route(calls, lambda route: route.abort())
    send_nothing(operator)
    notice, connection = operator.get_by_test_id('notice'), operator.get_by_test_id('connection')
    # Nothing that could be wrong by the time it is read.
    said = 'Not sent: The service could not be reached. Your work is still here.'
    expect(notice).to_have_text(said)
    expect(connection).to_have_text('connection lost')
    for calls in hindered:
        operator.unroute(calls)
    service.ask(priors={'label_options': ['person']})
    expect(connection).to_have_text('live')
    expect(notice).to_have_text(said)
    operator.keyboard.press('Enter')
    expect(operator.get_by_test_id('waiting')).to_have_text('1')
    expect(notice).to_be_hidden()


def test_an_operator_who_walked_away_does_not_keep_the_question(service, operator):
    operator.clock.install()
    operator.reload()
    token = service.ask()
    open_question(operator)
    assert service.engagement(token)['state'] == 'assigned'
    operator.clock.fast_forward(240_000)
    expect(operator.get_by_test_id('notice')).to_contain_text('went back to the queue')
    expect(operator.get_by_test_id('question')).to_contain_text('open')
    assert service.engagement(token)['state'] == 'open'


def test_without_the_stream_the_queue_is_fetched(service, operator):
    operator.route('**/console/api/events', lambda route: route.abort())
    service.ask()
    operator.reload()
    expect(operator.get_by_test_id('waiting')).to_have_text('1')
    expect(operator.get_by_test_id('idle')).to_contain_text('1 question waiting')
    expect(operator.locator('#open-next')).to_be_visible()
