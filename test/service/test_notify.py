# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Nobody is there and a question waits: told once, also when it is over, and never lost."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import logging
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest
import sparkai
from service_harness import DEADLINE_S, Caller, InProcess, held, question, wait_for_log
from serving import free_port
from webhook_receiver import Receiver

from spark_ros.service.notify import notifier
from spark_ros.service.notify.channel import MOST_QUEUED, Channel, Incident
from spark_ros.service.notify.notice import Notice
from spark_ros.service.notify.notifier import Notifier
from spark_ros.service.notify.settings import Notifications, Webhook
from spark_ros.service.operators.presence import Presence
from spark_ros.service.pushes.outgoing import Guard
from spark_ros.service.storage.unattended import Unattended

SECRET = 'a secret'
PAUSES_S = (0.02, 0.1)
AFTER_S = 60.0
PUBLIC = 'https://spark.example'


class Looking:
    """A notifier that looks when the test says so, and the incidents that it told."""

    def __init__(self, service: InProcess) -> None:
        self._told: list[Incident] = []
        self._service = service
        self._steady = 0.0
        self._presence = Presence(lambda: self._steady)
        context = replace(service.context, presence=self._presence)
        self._notifier = Notifier(context, [self])

    def begin(self, incident: Incident) -> None:
        self._told.append(incident)

    def look(self) -> list[str]:
        """Look once; return for each incident so far whether it is over."""
        self._service.do(self._notifier.look())
        return ['over' if each._over.is_set() else 'begun' for each in self._told]

    def pass_time(self, seconds: float) -> None:
        self._steady += seconds
        self._service.clock.now += seconds

    def come(self, page: ExitStack) -> None:
        page.enter_context(self._presence.hold('ann'))


@pytest.fixture
def service(make_service: Callable[..., InProcess]) -> InProcess:
    return make_service(notifications=Notifications(after_s=AFTER_S))


def ask(robot: Caller, priority: int = 0, **body: Any) -> str:
    headers = {'Spark-Priority': str(priority)}
    answer = robot.post('/v1/engagement', json=question(**body), headers=headers)
    assert answer.status_code == 200, answer.text
    return str(answer.json()['token'])


def test_an_incident_begins_when_a_question_waited_long_enough(service: InProcess) -> None:
    looking, robot = Looking(service), service.tenant()
    looking.pass_time(AFTER_S)
    assert looking.look() == []
    ask(robot)
    looking.pass_time(AFTER_S - 1)
    assert looking.look() == []
    looking.pass_time(1)
    assert looking.look() == ['begun']
    looking.pass_time(AFTER_S)
    assert looking.look() == ['begun']


def test_it_begins_when_nobody_has_been_there_for_as_long(service: InProcess) -> None:
    """Whoever reloads the page, with old questions in the queue, alarms nobody."""
    looking, robot = Looking(service), service.tenant()
    ask(robot)
    with ExitStack() as page:
        looking.come(page)
        looking.pass_time(10 * AFTER_S)
        assert looking.look() == []
    assert looking.look() == []
    looking.pass_time(AFTER_S - 1)
    assert looking.look() == []
    looking.pass_time(1)
    assert looking.look() == ['begun']


def test_it_is_over_when_somebody_comes_and_the_next_may_begin(service: InProcess) -> None:
    looking, robot = Looking(service), service.tenant()
    ask(robot)
    looking.pass_time(AFTER_S)
    assert looking.look() == ['begun']
    with ExitStack() as page:
        looking.come(page)
        assert looking.look() == ['over']
        assert looking.look() == ['over']
    looking.pass_time(AFTER_S)
    assert looking.look() == ['over', 'begun']


def test_it_is_over_when_nothing_waits_any_more(service: InProcess) -> None:
    looking, robot = Looking(service), service.tenant()
    first, second = ask(robot), ask(robot)
    looking.pass_time(AFTER_S)
    assert looking.look() == ['begun']
    robot.send('DELETE', f'/v1/engagement/{first}')
    assert looking.look() == ['begun']
    robot.send('DELETE', f'/v1/engagement/{second}')
    assert looking.look() == ['over']
    looking.pass_time(AFTER_S)
    assert looking.look() == ['over']


def test_only_what_is_urgent_enough_counts(make_service: Callable[..., InProcess]) -> None:
    service = make_service(notifications=Notifications(priority=10, after_s=AFTER_S))
    looking, robot = Looking(service), service.tenant()
    ask(robot, priority=9)
    looking.pass_time(2 * AFTER_S)
    assert looking.look() == []
    urgent = ask(robot, priority=10)
    looking.pass_time(AFTER_S)
    assert looking.look() == ['begun']
    robot.send('DELETE', f'/v1/engagement/{urgent}')
    assert looking.look() == ['over']


def test_nothing_is_read_while_somebody_is_there(
    service: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking = Looking(service)
    monkeypatch.setattr(service.context.store, 'read', None)
    with ExitStack() as page:
        looking.come(page)
        looking.pass_time(AFTER_S)
        assert looking.look() == []


@pytest.fixture
def start(
    make_service: Callable[..., InProcess], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., InProcess]:
    """Start a service that notifies a receiver soon."""
    monkeypatch.setattr(notifier, 'LOOK_EVERY_S', 0.02)

    def started(url: str, **settings: Any) -> InProcess:
        notified = Notifications(Webhook(url, SECRET), after_s=0.0, pauses_s=PAUSES_S, **settings)
        return make_service(notifications=notified, public_url=PUBLIC)

    return started


def test_the_webhook_says_what_waits_and_where_to_go(start: Callable[..., InProcess]) -> None:
    with Receiver() as receiver:
        service = start(receiver.url('/hook?token=1'), priority=1)
        robot, operator = service.tenant(max_priority=9), service.operator()
        ask(robot, instructions='of no urgency')
        ask(robot, priority=200, instructions='a secret thing', program_name='crates')
        [told] = receiver.wait_count(1)
        assert told.path == '/hook?token=1'
        assert told.body == {
            'type': 'unattended', 'incident': told.headers['webhook-id'].partition('.')[0],
            'at': '2023-11-14T22:13:20.000Z', 'waiting': 1, 'oldest_s': 0.0, 'priority': 9,
            'programs': ['crates'], 'more_programs': False, 'operators': 0,
            'console': f'{PUBLIC}/',
        }  # fmt: skip
        service.clock.now += 90
        assert operator.act(operator.claim_first(), 'flag', reason='dark').status_code == 200
        over = receiver.wait_count(2)[1]
        assert over.body == {
            **told.body, 'type': 'attended', 'at': '2023-11-14T22:14:50.000Z', 'waiting': 0,
            'oldest_s': None, 'priority': None, 'programs': [],
        }  # fmt: skip
        assert over.headers['webhook-id'] == f'{told.body["incident"]}.attended'


def test_it_is_signed_as_the_other_webhooks_are(start: Callable[..., InProcess]) -> None:
    with Receiver() as receiver:
        start(receiver.url()).tenant().ask(program_name='ü\u2028😀')
        [push] = receiver.wait_count(1)
    client = sparkai.SparkAIClient('key')
    assert client.validate_webhook_secret(push.headers['spark-signature'], push.body, SECRET)
    assert not client.validate_webhook_secret(push.headers['spark-signature'], push.body, 'other')
    id, moment = push.headers['webhook-id'], push.headers['webhook-timestamp']
    signed = f'{id}.{moment}.'.encode() + push.raw
    digest = hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()
    assert push.headers['webhook-signature'] == f'v1,{base64.b64encode(digest).decode()}'


def test_a_receiver_that_comes_back_hears_all_of_it_once_and_in_order(
    start: Callable[..., InProcess], caplog: pytest.LogCaptureFixture
) -> None:
    """Also of what began and was over while it was away."""
    port = free_port()
    with caplog.at_level(logging.WARNING, 'spark_ros.service'):
        service = start(f'http://127.0.0.1:{port}/hook?token=hidden')
        robot = service.tenant()
        token = robot.ask()
        wait_for_log(caplog, 'do not arrive')
        robot.send('DELETE', f'/v1/engagement/{token}')
        wait_for_log(caplog, 'that is over')
        robot.ask()
        with Receiver(port=port) as receiver:
            first, over, second = receiver.wait_count(3)
            wait_for_log(caplog, 'arrive again')
    assert [each.body['type'] for each in (first, over, second)] == [
        'unattended', 'attended', 'unattended',
    ]  # fmt: skip
    assert first.body['incident'] == over.body['incident'] != second.body['incident']
    # Once, however many attempts there were, and without what the URL may have of secrets.
    assert sum('do not arrive' in record.getMessage() for record in caplog.records) == 1
    assert 'hidden' not in caplog.text


def test_a_refused_notification_is_repeated_as_it_was(start: Callable[..., InProcess]) -> None:
    with Receiver(lambda number: [500, 'http://127.0.0.1:9/', 404, 200][number]) as receiver:
        start(receiver.url()).tenant().ask()
        pushes = receiver.wait_count(4)
    assert len({(push.raw, push.headers['webhook-id']) for push in pushes}) == 1


def test_a_receiver_that_hangs_is_given_up_and_tried_again(
    start: Callable[..., InProcess],
) -> None:
    with Receiver(lambda number: 200 if number else None) as receiver:
        start(receiver.url(), attempt_s=0.2).tenant().ask()
        receiver.wait_count(2)


def test_after_a_restart_what_still_holds_is_told_again(start: Callable[..., InProcess]) -> None:
    with Receiver() as receiver:
        service = start(receiver.url())
        service.tenant().ask()
        receiver.wait_count(1)
        service.close()
        start(receiver.url())
        first, second = receiver.wait_count(2)
        assert first.body['incident'] != second.body['incident']


@pytest.mark.parametrize('wrong', ['a\r\nBcc: all@example.com', '\u202e\x1b[2J', 'x' * 400])
def test_names_of_programs_cannot_do_anything(
    start: Callable[..., InProcess], wrong: str
) -> None:
    with Receiver() as receiver:
        service = start(receiver.url())
        robot = service.tenant()
        answer = robot.post('/v1/engagement', json=question(program_name=wrong))
        assert answer.status_code == 200, answer.text
        [push] = receiver.wait_count(1)
    [name] = push.body['programs']
    assert name.isprintable() and len(name) <= 80


def test_what_is_told_of_programs_is_limited(start: Callable[..., InProcess]) -> None:
    with Receiver() as receiver:
        service = start(receiver.url())
        robot = service.tenant()
        with held(service, 'ann'):
            for number in range(12):
                robot.ask(program_name=f'program {number:02}')
        [push] = receiver.wait_count(1)
    assert push.body['waiting'] == 12
    assert push.body['programs'] == [f'program {number:02}' for number in range(10)]
    assert push.body['more_programs'] is True


def test_the_url_may_be_anywhere_but_in_the_metadata_of_a_cloud(
    start: Callable[..., InProcess], caplog: pytest.LogCaptureFixture
) -> None:
    guard = Guard(notifier.ANY_NETWORK)
    for address in ('127.0.0.1', '10.0.0.1', '192.168.7.1', '::1', 'fd12::1', '198.51.100.1'):
        assert guard.refusal(address) is None
    with caplog.at_level(logging.WARNING, 'spark_ros.service'):
        start('http://169.254.169.254/').tenant().ask()
        wait_for_log(caplog, 'refused: 169.254.169.254 is the metadata service of a cloud')


def test_beyond_so_many_incidents_the_oldest_is_dropped() -> None:
    """While one is being told, they can only wait."""
    told: list[str] = []

    async def run() -> None:
        closed, tried, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def send(notice: Notice) -> str | None:
            tried.set()
            if not closed.is_set():
                return 'closed'
            told.append(notice.id)
            if notice.id == f'{MOST_QUEUED + 2}.attended':
                done.set()
            return None

        channel = Channel('a test', 'nobody', send, (0.001, 0.001))
        running = asyncio.create_task(channel.run())
        for number in range(MOST_QUEUED + 3):
            incident = Incident(notice(number, False))
            channel.begin(incident)
            incident.end(notice(number, True))
            if not number:
                await tried.wait()
        closed.set()
        await done.wait()
        running.cancel()

    asyncio.run(asyncio.wait_for(run(), DEADLINE_S))
    kept = [0, *range(3, MOST_QUEUED + 3)]
    assert told == [f'{each}.{word}' for each in kept for word in ('unattended', 'attended')]


def notice(number: int, over: bool) -> Notice:
    return Notice(str(number), over, 0.0, Unattended(0, None, None), 0, PUBLIC)
