# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Webhooks out: signed, repeated, never going back, and nobody waits for somebody else's."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sparkai
from heat_harness import ask as ask_heat
from heat_harness import asker, seen
from service_harness import DEADLINE_S, Caller, InProcess
from serving import free_port
from sqlalchemy import select
from webhook_receiver import Received, Receiver

from spark_ros.service.pushes import webhooks
from spark_ros.service.pushes.per_host_limiter import PER_HOST, PerHostLimiter
from spark_ros.service.storage import keys, outbox
from spark_ros.service.storage.schema import deliveries

LOOPBACK = ('127.0.0.0/8',)
SECRET_OF = 'robot'
DAY_S = 86_400


@pytest.fixture
def pushing(make_service: Callable[..., InProcess], monkeypatch: pytest.MonkeyPatch) -> InProcess:
    """A service that reaches loopback and looks at its clock often."""
    monkeypatch.setattr(webhooks, 'POLL_S', 0.02)
    return make_service(allow_nets=LOOPBACK)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as made:
        yield made


def secret(service: InProcess) -> str:
    return service.context.store.read_now(
        lambda connection: keys.require(connection, SECRET_OF).webhook_secret
    )


def rows(service: InProcess) -> list[Any]:
    query = select(deliveries).order_by(deliveries.c.question_id)
    return list(service.context.store.read_now(lambda store: store.execute(query).all()))


def until(service: InProcess, done: Callable[[list[Any]], bool]) -> list[Any]:
    """Wait until the outbox is as expected."""
    end = time.monotonic() + DEADLINE_S
    while not done(found := rows(service)):
        assert time.monotonic() < end, found
    return found


def flag(operator: Caller) -> None:
    assert operator.act(operator.claim_first(), 'flag', reason='dark').status_code == 200


def test_every_state_is_pushed_as_the_list_has_it(pushing: InProcess, receiver: Receiver) -> None:
    robot, operator = pushing.tenant(), pushing.operator()
    token = robot.ask(webhook_url=receiver.url('/a?b=c'), metadata={'ü': '\u2028 😀', 'n': 1e-7})
    receiver.wait_count(1)
    assert receiver.received[0].body == robot.engagement(token)
    shown = operator.claim_first()
    receiver.wait_count(2)
    operator.act(shown, 'flag', reason='dark')
    pushes = receiver.wait_count(3)
    assert [push.body['state'] for push in pushes] == ['open', 'assigned', 'closed']
    assert [push.body['sequence'] for push in pushes] == [1, 2, 3]
    assert pushes[2].body == robot.engagement(token)
    assert {push.path for push in pushes} == {'/a?b=c'}
    assert len({push.headers['webhook-id'] for push in pushes}) == 3
    assert until(pushing, lambda found: not found) == []


def test_the_vendors_client_verifies_it(pushing: InProcess, receiver: Receiver) -> None:
    robot = pushing.tenant()
    robot.ask(
        webhook_url=receiver.url(),
        metadata={'ü': '\u2028 😀 </script>', 'n': 1e-7, 'deep': [{'a': [None, True, -0.0]}]},
    )
    [push] = receiver.wait_count(1)
    client = sparkai.SparkAIClient('key')
    header = push.headers['spark-signature']
    assert client.validate_webhook_secret(header, push.body, secret(pushing))
    assert not client.validate_webhook_secret(header, push.body, 'another')
    assert not client.validate_webhook_secret(header, {**push.body, 'a': 1}, secret(pushing))
    assert push.raw == json.dumps(push.body, separators=(',', ':')).encode()
    assert push.raw.isascii()
    assert header.startswith(f't={int(pushing.clock() * 1000)},v1=')


def test_it_is_signed_as_standard_webhooks_has_it(
    pushing: InProcess, receiver: Receiver
) -> None:
    pushing.tenant().ask(webhook_url=receiver.url())
    [push] = receiver.wait_count(1)
    # As a library there does it with the secret in their form.
    configured = 'whsec_' + base64.b64encode(secret(pushing).encode()).decode()
    key = base64.b64decode(configured.removeprefix('whsec_'))
    id, moment = push.headers['webhook-id'], push.headers['webhook-timestamp']
    digest = hmac.new(key, f'{id}.{moment}.'.encode() + push.raw, hashlib.sha256).digest()
    assert push.headers['webhook-signature'] == f'v1,{base64.b64encode(digest).decode()}'
    assert int(moment) == int(pushing.clock())


@pytest.mark.parametrize('status', [200, 201, 204, 299])
def test_any_2xx_ends_it(pushing: InProcess, status: int) -> None:
    with Receiver(lambda number: status) as receiver:
        pushing.tenant().ask(webhook_url=receiver.url())
        receiver.wait_count(1)
        until(pushing, lambda found: not found)
        assert len(receiver.received) == 1


@pytest.mark.parametrize('status', [300, 304, 400, 404, 410, 429, 500, 503])
def test_anything_else_is_tried_again_under_the_same_id(pushing: InProcess, status: int) -> None:
    with Receiver(lambda number: 200 if number else status) as receiver:
        pushing.tenant().ask(webhook_url=receiver.url())
        [row] = until(pushing, lambda found: found[0].attempts == 1)
        assert str(status) in row.error
        pushing.clock.now += 30
        first, second = receiver.wait_count(2)
        assert first.raw == second.raw
        assert first.headers['webhook-id'] == second.headers['webhook-id']
        assert first.headers['spark-signature'] != second.headers['spark-signature']
        until(pushing, lambda found: not found)


def test_five_attempts_half_a_minute_apart(pushing: InProcess) -> None:
    begun = pushing.clock.now
    with Receiver(lambda number: 500) as receiver:
        robot = pushing.tenant()
        robot.ask(webhook_url=receiver.url())
        for attempt, after in enumerate((30, 60, 90, 120), 1):
            [row] = until(pushing, lambda found, at=attempt: found[0].attempts == at)
            assert row.due == begun + after
            pushing.clock.now = begun + after - 0.1
            robot.get('/v1/engagement')
            assert len(receiver.received) == attempt
            pushing.clock.now = begun + after
        [row] = until(pushing, lambda found: found[0].attempts == 5)
        assert row.due is None
        assert 'answered 500' in row.error
        pushing.clock.now += 1000
        robot.get('/v1/engagement')
        assert len(receiver.received) == 5
        # It is remembered for a week.
        pushing.context.store.write_now(lambda tx: outbox.delete_until(tx, begun - 1))
        assert len(rows(pushing)) == 1
        pushing.context.store.write_now(lambda tx: outbox.delete_until(tx, begun))
        assert rows(pushing) == []


def test_after_a_long_pause_attempts_keep_their_distance(pushing: InProcess) -> None:
    port = free_port()
    pushing.tenant().ask(webhook_url=f'http://127.0.0.1:{port}/')
    until(pushing, lambda found: found[0].attempts == 1)
    pushing.clock.now += 5000
    [row] = until(pushing, lambda found: found[0].attempts == 2)
    assert row.due == pushing.clock.now + 30


def test_a_closed_port_is_tried_again(pushing: InProcess) -> None:
    port = free_port()
    token = pushing.tenant().ask(webhook_url=f'http://127.0.0.1:{port}/')
    [row] = until(pushing, lambda found: found[0].attempts == 1)
    assert 'ConnectError' in row.error
    with Receiver(port=port) as receiver:
        pushing.clock.now += 30
        assert receiver.wait_count(1)[0].body['token'] == token


def test_redirects_are_not_followed(pushing: InProcess, receiver: Receiver) -> None:
    with Receiver(lambda number: receiver.url()) as redirecting:
        pushing.tenant().ask(webhook_url=redirecting.url())
        [row] = until(pushing, lambda found: found[0].attempts == 1)
    assert row.error == 'answered 307; redirects are not followed'
    assert receiver.received == []


def test_a_late_retry_never_overtakes_a_newer_state(pushing: InProcess) -> None:
    with Receiver(lambda number: 500 if number == 0 else 200) as receiver:
        robot, operator = pushing.tenant(), pushing.operator()
        robot.ask(webhook_url=receiver.url())
        until(pushing, lambda found: found[0].attempts == 1)
        flag(operator)
        receiver.wait(lambda got: got[-1].body['state'] == 'closed')
        until(pushing, lambda found: not found)
        pushing.clock.now += 30
        robot.get('/v1/engagement')
        assert _sequences(receiver.received) == sorted(set(_sequences(receiver.received)))
        assert receiver.received[-1].body['sequence'] == 3


def test_what_changes_while_a_push_hangs_goes_out_once_as_the_newest(
    make_service: Callable[..., InProcess],
) -> None:
    service = make_service(allow_nets=LOOPBACK, webhook_timeout_s=2 * DEADLINE_S)
    changed = threading.Event()

    def answer(number: int) -> int:
        assert number or changed.wait(DEADLINE_S)
        return 200 if number else 500

    with Receiver(answer) as receiver:
        robot, operator = service.tenant(), service.operator()
        robot.ask(webhook_url=receiver.url())
        receiver.wait_count(1)
        shown = operator.claim_first()
        for action in ('release', 'claim', 'release', 'claim'):
            operator.act(shown, action)
        operator.act(shown, 'flag', reason='dark')
        changed.set()
        assert _sequences(receiver.wait_count(2)) == [1, 7]
        assert until(service, lambda found: not found) == []
        assert len(receiver.received) == 2


def test_a_hanging_receiver_slows_nobody(
    make_service: Callable[..., InProcess], receiver: Receiver
) -> None:
    service = make_service(allow_nets=LOOPBACK, webhook_timeout_s=2 * DEADLINE_S)
    with Receiver(lambda number: None) as hanging:
        robot = service.tenant()
        images = [f'http://192.0.2.1/{number}.jpg' for number in range(50)]
        for _ in range(4):
            robot.ask(webhook_url=hanging.url(), content_location=images)
        hanging.wait_count(PER_HOST)
        for number in range(1, 6):
            robot.ask(webhook_url=receiver.url())
            receiver.wait_count(number)
        # None of those has ended, or another would have come in its place.
        assert len(hanging.received) == PER_HOST


def test_a_receiver_that_hangs_is_given_up_in_time(
    make_service: Callable[..., InProcess],
) -> None:
    service = make_service(allow_nets=LOOPBACK, webhook_timeout_s=0.3)
    with Receiver(lambda number: None) as hanging:
        service.tenant().ask(webhook_url=hanging.url())
        [row] = until(service, lambda found: found[0].attempts == 1)
        assert row.error == 'not finished within 0.3 s'


def test_each_image_of_a_job_is_pushed(pushing: InProcess, receiver: Receiver) -> None:
    images = [f'http://192.0.2.1/{number}.jpg' for number in range(20)]
    token = pushing.tenant().ask(webhook_url=receiver.url(), content_location=images)
    pushes = receiver.wait_count(20)
    assert {push.body['token'] for push in pushes} == {token}
    assert sorted(push.body['image_location'] for push in pushes) == sorted(images)
    assert len({push.headers['webhook-id'] for push in pushes}) == 20


@pytest.mark.parametrize('end', ['answer', 'flag', 'abort'])
def test_a_hook_of_heat_hears_of_the_end_only(
    pushing: InProcess, receiver: Receiver, end: str
) -> None:
    robot, operator = asker(pushing), pushing.operator()
    id = ask_heat(robot, 'free-text', hook_url=receiver.url('/heat'), extra='kept')['id']
    if end == 'abort':
        robot.post(f'/v1/tasks/abort/{id}')
    else:
        operator.act(operator.claim_first(), end, response='ja', reason='dunkel')
    [push] = receiver.wait_count(1)
    said = {'answer': 'complete', 'flag': 'flagged', 'abort': 'aborted'}[end]
    assert (push.path, push.body['id'], push.body['status']) == ('/heat', id, said)
    assert push.body == seen(robot, id)
    assert push.body['extra'] == 'kept'
    client = sparkai.SparkAIClient('key')
    assert client.validate_webhook_secret(
        push.headers['spark-signature'], push.body, secret(pushing)
    )
    until(pushing, lambda found: not found)
    assert len(receiver.received) == 1


def test_a_staged_request_is_pushed_too(pushing: InProcess, receiver: Receiver) -> None:
    robot = asker(pushing, test=True)
    id = ask_heat(robot, 'image', hook_url=receiver.url())['id']
    [push] = receiver.wait_count(1)
    # Its URL begins with what the caller knows the service by.
    assert push.body == seen(robot, id)
    assert push.body['response'].startswith('http://service.test/')


def test_what_was_not_sent_is_sent_after_a_restart(
    make_service: Callable[..., InProcess],
) -> None:
    port = free_port()
    first = make_service(allow_nets=LOOPBACK)
    token = first.tenant().ask(webhook_url=f'http://127.0.0.1:{port}/')
    until(first, lambda found: found[0].attempts == 1)
    again = make_service(allow_nets=LOOPBACK)
    with Receiver(port=port) as receiver:
        again.clock.now += 30
        assert receiver.wait_count(1)[0].body['token'] == token


def test_what_is_refused_is_noted_and_said_once(
    service: InProcess, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    robot = service.tenant()
    with caplog.at_level(logging.WARNING, 'spark_ros.service'):
        for _ in range(3):
            robot.ask(webhook_url=receiver.url('/secret?token=x'))
        found = until(service, lambda found: [row.attempts for row in found] == [1, 1, 1])
    for row in found:
        assert row.error == (
            'refused: 127.0.0.1 is loopback; --allow-net permits a network'
        )
        assert row.due == service.clock() + 30
    assert receiver.received == []
    [line] = [record.getMessage() for record in caplog.records]
    assert f'127.0.0.1:{receiver.port}' in line
    assert 'loopback' in line
    assert 'secret' not in line


def test_a_question_without_a_webhook_leaves_nothing(service: InProcess) -> None:
    service.tenant().ask()
    ask_heat(asker(service, 'heat'), 'free-text', hook_url=None)
    assert rows(service) == []


def test_a_host_has_so_many_deliveries_and_a_failing_one_has_one() -> None:
    limiter = PerHostLimiter(256)
    assert [limiter.begin(1, 'a') for _ in range(PER_HOST + 1)] == [True] * PER_HOST + [False]
    assert limiter.full_hosts() == [(1, 'a')]
    assert limiter.end(1, 'a', False) is True
    assert [limiter.end(1, 'a', False) for _ in range(PER_HOST - 1)] == [False] * (PER_HOST - 1)
    assert [limiter.begin(1, 'a'), limiter.begin(1, 'a')] == [True, False]
    # What one key made of a host is not held against another.
    assert limiter.begin(2, 'a') and limiter.begin(2, 'a')
    assert limiter.end(1, 'a', None) is False
    assert limiter.full_hosts() == []
    assert limiter.begin(1, 'a')
    assert limiter.end(1, 'a', True) is True
    assert limiter.begin(1, 'a') and limiter.begin(1, 'a')


def test_failing_hosts_leave_room_for_the_others_of_their_key() -> None:
    limiter = PerHostLimiter(256)
    hosts = [f'dead-{number}' for number in range(64)]
    assert all(limiter.begin(1, host) for host in hosts)
    assert not limiter.begin(1, 'alive')
    for host in hosts:
        limiter.end(1, host, False)
    assert sum(limiter.begin(1, host) for host in hosts) == 25
    assert set(limiter.full_hosts()) == {(1, host) for host in hosts}
    assert limiter.begin(1, 'alive')


@pytest.mark.parametrize(('most', 'keys'), [(1, 1), (3, 3), (64, 13), (256, 17)])
def test_each_key_leaves_room_for_the_next(most: int, keys: int) -> None:
    """A quarter for the first, a quarter of what is left for the second, and so on."""
    limiter = PerHostLimiter(most)
    begun = []
    while limiter.free:
        key_id, free = len(begun), limiter.free
        assert key_id not in limiter.full_keys()
        begun.append(sum(limiter.begin(key_id, f'host-{number}') for number in range(most)))
        assert key_id in limiter.full_keys()
        assert begun[-1] == -(-free // 4)
    assert sum(begun) == most
    assert len(begun) == keys


def _sequences(pushes: list[Received]) -> list[int]:
    return [push.body['sequence'] for push in pushes]
