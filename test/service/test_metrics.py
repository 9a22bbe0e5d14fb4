# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What the metrics say after something has happened to a service."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from service_harness import (
    DEADLINE_S,
    Caller,
    InProcess,
    log_in,
    picture,
    question,
    served,
)
from serving import free_port, printed
from webhook_receiver import Receiver

from spark_ros.service.events import Change
from spark_ros.service.monitoring.metrics import Metrics, step_of
from spark_ros.service.monitoring.program_labels import MOST, ProgramLabels
from spark_ros.service.storage import queue_depth
from spark_ros.service.storage.change_order import Position

Samples = dict[str, float]


def parsed(text: str) -> Samples:
    """Return the samples by their names with labels as they stand in the text."""
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ','.join(f'{name}={value}' for name, value in sorted(sample.labels.items()))
            found[f'{sample.name}{{{labels}}}'] = sample.value
    return found


def scraped(service: InProcess) -> Samples:
    answer = service.monitor('/metrics')
    assert answer.status_code == 200
    assert answer.headers['content-type'] == 'text/plain; version=0.0.4; charset=utf-8'
    return parsed(answer.text)


def until(service: InProcess, name: str, value: float) -> Samples:
    """Scrape until a sample has a value."""
    end = time.monotonic() + DEADLINE_S
    while (samples := scraped(service)).get(name) != value:
        assert time.monotonic() < end, (name, samples)
    return samples


@pytest.fixture
def robot(service: InProcess) -> Caller:
    return service.tenant()


@pytest.fixture
def person(service: InProcess) -> Caller:
    return service.operator()


def test_the_queue_by_program(service: InProcess, robot: Caller, person: Caller) -> None:
    robot.ask(program_name='crates')
    service.clock.now += 60
    robot.ask(program_name='crates')
    robot.ask()
    person.claim_first()
    samples = scraped(service)
    assert samples['spark_queue_questions{program=crates,state=assigned}'] == 1
    assert samples['spark_queue_questions{program=crates,state=open}'] == 1
    assert samples['spark_queue_questions{program=,state=open}'] == 1
    assert samples['spark_queue_oldest_seconds{program=crates}'] == 60
    assert samples['spark_queue_oldest_seconds{program=}'] == 0
    assert samples['spark_database_up{}'] == 1


def test_how_long_a_question_took(service: InProcess, robot: Caller, person: Caller) -> None:
    cursor = robot.get('/v1/changes').json()['cursor']
    robot.ask(program_name='crates')
    service.clock.now += 20
    asked = person.claim_first()
    service.clock.now += 5
    assert person.act(asked, 'answer', shapes=[], response='a crate').status_code == 200
    service.clock.now += 2
    assert robot.get(f'/v1/changes?cursor={cursor}').json()['changes']
    samples = scraped(service)
    for name, seconds in (('claim', 20), ('answer', 25), ('work', 5)):
        assert samples[f'spark_question_{name}_seconds_count{{program=crates}}'] == 1
        assert samples[f'spark_question_{name}_seconds_sum{{program=crates}}'] == seconds
    assert samples['spark_question_delivery_seconds_sum{program=crates,way=feed}'] == 2
    assert samples['spark_deliveries_total{result=delivered,way=feed}'] == 1


def test_only_the_first_claim_ends_the_wait(
    service: InProcess, robot: Caller, person: Caller
) -> None:
    robot.ask()
    service.clock.now += 10
    asked = person.claim_first()
    service.clock.now += 4
    person.act(asked, 'release')
    service.clock.now += 100
    asked = person.claim_first()
    service.clock.now += 3
    person.act(asked, 'flag', reason='dark')
    samples = scraped(service)
    assert samples['spark_question_claim_seconds_sum{program=}'] == 10
    # Nobody answered it.
    assert 'spark_question_answer_seconds_count{program=}' not in samples
    for step, count in (('created', 1), ('claimed', 2), ('released', 1), ('flagged', 1)):
        assert samples[f'spark_questions_total{{program=,step={step}}}'] == count


@pytest.mark.parametrize(
    ('state', 'sequence', 'flags', 'step'),
    [
        ('open', 1, (), 'created'), ('open', 3, (), 'released'), ('assigned', 2, (), 'claimed'),
        ('closed', 3, (), 'answered'), ('closed', 3, ('dark',), 'answered'),
        ('closed', 3, ('flagged',), 'flagged'), ('closed', 2, ('flagged', 'expired'), 'expired'),
        ('closed', 2, ('flagged', 'canceled'), 'withdrawn'), ('aborted', 2, (), 'aborted'),
    ],
)  # fmt: skip
def test_the_word_for_a_step(
    state: str, sequence: int, flags: tuple[str, ...], step: str
) -> None:
    assert step_of(Change(Position(), 1, 1, state, sequence=sequence, flags=flags)) == step


def test_webhooks_by_result(make_service: Callable[..., InProcess]) -> None:
    service = make_service(
        allow_nets=('127.0.0.0/8',), refused_ports=(), webhook_schedule_s=(0.0, 0.01)
    )
    robot = service.tenant()
    with Receiver() as receiver:
        robot.ask(webhook_url=receiver.url())
        until(service, 'spark_deliveries_total{result=delivered,way=webhook}', 1)
        until(service, 'spark_webhooks_waiting{}', 0)
    robot.ask(webhook_url=f'http://127.0.0.1:{free_port()}/hook')
    until(service, 'spark_deliveries_total{result=failed,way=webhook}', 1)
    service.clock.now += 1
    until(service, 'spark_deliveries_total{result=given up,way=webhook}', 1)


def test_requests_by_route_and_never_by_path(service: InProcess, robot: Caller) -> None:
    token = robot.ask()
    robot.get(f'/v1/engagement/{token}')
    robot.get('/v1/engagement/none-such')
    robot.get('/v1/engagement')
    service.send('GET', '/console/console.css')
    service.send('GET', '/no/such/path')
    service.send('BREW', '/v1/engagement')
    samples = scraped(service)
    requests = {
        name.partition('{')[2][:-1]: value for name, value in samples.items()
        if name.startswith('spark_requests_total')
    }  # fmt: skip
    assert requests == {
        'method=POST,route=/v1/engagement,status=2xx': 1,
        'method=GET,route=/v1/engagement/{token},status=2xx': 1,
        'method=GET,route=/v1/engagement/{token},status=4xx': 1,
        'method=GET,route=/v1/engagement,status=2xx': 1,
        'method=GET,route=/console/{path},status=2xx': 1,
        'method=GET,route=none,status=4xx': 1,
        'method=other,route=/v1/engagement,status=4xx': 1,
    }


def test_errors_of_requests_and_tasks(
    service: InProcess, robot: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = threading.Event()

    async def broken() -> None:
        if failed.is_set():
            # It would count a second failure.
            await asyncio.Event().wait()
        failed.set()
        raise RuntimeError('no')

    async def start() -> None:
        service._app.state.background.start('digging', broken)

    def fail(*arguments: object) -> None:
        raise ZeroDivisionError

    service.do(start())
    until(service, 'spark_errors_total{part=digging}', 1)
    assert scraped(service)['spark_task_failing{task=digging}'] == 1
    assert scraped(service)['spark_task_failing{task=webhooks}'] == 0
    monkeypatch.setattr('spark_ros.service.spark.api.jobs.create', fail)
    assert robot.post('/v1/engagement', json=question()).status_code == 500
    assert scraped(service)['spark_errors_total{part=request}'] == 1


def test_the_decoder(make_service: Callable[..., InProcess]) -> None:
    service = make_service(decode_s=0.0)
    robot = service.tenant()
    samples = scraped(service)
    for name in ('running{}', 'waiting{}', 'killed_total{}'):
        assert samples[f'spark_decoder_{name}'] == 0
    answer = robot.post('/v1/image', files={'image_file': ('a.jpg', picture())})
    assert answer.status_code == 413
    samples = scraped(service)
    assert samples['spark_decoder_killed_total{}'] == 1
    assert samples['spark_decoder_running{}'] == samples['spark_decoder_waiting{}'] == 0


def test_images_that_are_decoded_and_that_wait(
    service: InProcess, robot: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, over = threading.Semaphore(0), threading.Event()

    async def hang(*arguments: object) -> None:
        held.release()
        await asyncio.to_thread(over.wait, DEADLINE_S)

    monkeypatch.setattr(service.context.decoder, '_ask', hang)
    sent = [
        threading.Thread(
            target=caller.post, args=('/v1/image',),
            kwargs={'files': {'image_file': ('a.jpg', picture())}},
        ) for caller in (robot, robot, service.tenant('other'))
    ]  # fmt: skip
    for each in sent:
        each.start()
    try:
        for _ in range(2):
            assert held.acquire(timeout=DEADLINE_S)
        until(service, 'spark_decoder_waiting{}', 1)
        assert scraped(service)['spark_decoder_running{}'] == 2
    finally:
        over.set()
        for each in sent:
            each.join(DEADLINE_S)


def test_operators_who_have_the_console_open(data: Path) -> None:
    port = free_port()
    with (
        served(data, '--metrics-port', str(port)) as service,
        httpx.Client(base_url=service.url) as console,
    ):
        def present() -> float:
            text = httpx.get(f'http://127.0.0.1:{port}/metrics').text
            return parsed(text)['spark_operators{}']

        log_in(console, service.login)
        assert present() == 0
        with console.stream('GET', '/console/api/events') as first:
            assert first.status_code == 200
            with console.stream('GET', '/console/api/events'):
                assert present() == 1
        end = time.monotonic() + DEADLINE_S
        while present():
            assert time.monotonic() < end


@pytest.mark.sqlite('a data directory each, with a database')
def test_two_services_in_one_process_count_apart(
    make_service: Callable[..., InProcess], tmp_path: Path
) -> None:
    one, two = make_service(), make_service(data=tmp_path / 'other')
    one.tenant().ask()
    assert scraped(one)['spark_questions_total{program=,step=created}'] == 1
    assert 'spark_questions_total{program=,step=created}' not in scraped(two)
    assert scraped(two)['process_resident_memory_bytes{}'] > 0


def test_a_caller_who_invents_programs_adds_no_series_without_end(service: InProcess) -> None:
    printed(
        'key', 'create', 'known', '--program', 'zebra', '--data', str(service.settings.data)
    )
    scraped(service)
    robot = service.tenant()
    for number in range(MOST + 5):
        robot.ask(program_name=f'invented {number:03d}')
    robot.ask(program_name='zebra')
    text = service.monitor('/metrics').text
    for name in ('spark_questions_total', 'spark_queue_questions'):
        named = set(re.findall(rf'^{name}\{{.*program="([^"]*)"', text, re.MULTILINE))
        assert {'other', 'zebra', 'invented 000'} <= named
        assert len(named) == MOST + 2
    assert parsed(text)['spark_queue_questions{program=other,state=open}'] == 5


def test_labels_are_short_and_hold_no_line_ends() -> None:
    labels = ProgramLabels()
    assert labels.of('a' * 500) == 'a' * 100
    metrics = Metrics()
    metrics.changed(Change(Position(), 1, 1, 'open', program='x"} 1\nspark_forged 1\n#'))
    from prometheus_client import generate_latest

    assert b'\nspark_forged' not in generate_latest(metrics.registry)


def test_a_database_that_does_not_answer_leaves_the_rest(
    service: InProcess, robot: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(connection: object) -> None:
        raise OSError('the disk is gone')

    robot.ask()
    monkeypatch.setattr(queue_depth, 'read', fail)
    samples = scraped(service)
    assert samples['spark_database_up{}'] == 0
    assert samples['spark_questions_total{program=,step=created}'] == 1
    assert not [name for name in samples if name.startswith('spark_queue')]
