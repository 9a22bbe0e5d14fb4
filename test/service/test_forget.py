# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""`spark-service forget`: what it says it would delete is what it deletes, and nothing else."""

from __future__ import annotations

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from kept_data import count, expect_consistent
from s3_server import S3Server, uploads
from service_harness import DEADLINE_S, Caller, InProcess, Served, picture, served
from serving import command, printed
from sqlalchemy import select

from spark_ros.service.storage import deletion, keys, leases, schema
from spark_ros.service.storage.deletion import Amount, Selection
from spark_ros.service.storage.store import Transaction

DAY_S = 86_400.0
# The day of the clock of these tests.
DAY, NEXT_DAY = '2023-11-14', '2023-11-16T00:00:00Z'
SAID = re.compile(r'(\d+) questions \((\d+) of them open\), (\d+) images \((\d+) bytes\)')


@pytest.fixture(params=['disk', pytest.param('bucket', marks=pytest.mark.slow('an S3 server'))])
def store(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def forget(service: InProcess, *arguments: str) -> tuple[Amount, str]:
    """Run the command on a service's data; return the numbers and all that it says."""
    place = ('--data', str(service.settings.data), '--images', service.settings.images)
    said = command('forget', *arguments, *place)
    assert (said.returncode, said.stderr) == (0, ''), said.stderr
    found = SAID.search(said.stdout)
    assert found, said.stdout
    return Amount(*map(int, found.groups())), said.stdout


def end_all(service: InProcess, key: str) -> None:
    """Answer all open questions of a key."""
    query = (
        select(schema.questions.c.id)
        .join(schema.keys)
        .where(schema.keys.c.name == key, schema.questions.c.state == 'open')
    )
    store = service.context.store
    for id in store.read_now(lambda connection: [*connection.execute(query).scalars()]):
        store.write_now(leases.close, id, None, service.clock(), answer='{}')


def ask(caller: Caller, shade: int, robot: str | None = None) -> str:
    """Ask about an upload of its own; return the token."""
    headers = {} if robot is None else {'Spark-Robot-Id': robot}
    url = caller.upload(picture(shade=shade))['signedUrl']
    answer = caller.post(
        '/v1/engagement', headers=headers,
        json={'content_location': url, 'instructions': 'What is there?'},
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    return str(answer.json()['token'])


@pytest.fixture
def filled(service: InProcess) -> InProcess:
    """A service with two keys and two robots; what is of the first day is over, but for one."""
    first, second = service.tenant('first'), service.tenant('second')
    for caller, shade in ((first, 10), (second, 20)):
        ask(caller, shade, 'arm')
        ask(caller, shade + 1, 'cart')
        ask(caller, shade + 2)
        caller.upload(picture(shade=shade + 3))
    end_all(service, 'first')
    end_all(service, 'second')
    ask(first, 14, 'arm')
    service.clock.now += 2 * DAY_S
    ask(second, 24, 'arm')
    end_all(service, 'second')
    second.upload(picture(shade=25))
    return service


@pytest.mark.parametrize(
    ('arguments', 'questions', 'opened', 'files'),
    [
        # What nobody asked about belongs to the key, and to no robot.
        (('--key', 'first'), 4, 1, 5),
        (('--robot', 'arm'), 4, 1, 4),
        (('--before', NEXT_DAY), 6, 0, 8),
        (('--before', DAY), 0, 0, 0),
        (('--key', 'second', '--before', NEXT_DAY), 3, 0, 4),
        (('--key', 'second', '--robot', 'arm'), 2, 0, 2),
        (('--robot', 'arm', '--before', NEXT_DAY), 2, 0, 2),
        (('--robot', 'nobody'), 0, 0, 0),
    ],
    ids=lambda given: ' '.join(given) if isinstance(given, tuple) else str(given),
)
def test_what_it_says_is_what_goes(
    filled: InProcess, folder: Path, arguments: tuple[str, ...], questions: int, opened: int,
    files: int,
) -> None:  # fmt: skip
    data = filled.settings.data
    before = {file.name: file.stat().st_size for file in uploads(folder)}
    asked = count(data, 'questions')
    would, said = forget(filled, *arguments)
    assert (would.questions, would.open, would.images) == (questions, opened, files)
    assert 'nothing was deleted; give --yes' in said and 'backups are not touched' in said
    assert {file.name: file.stat().st_size for file in uploads(folder)} == before
    assert count(data, 'questions') == asked
    did, said = forget(filled, *arguments, '--yes')
    assert did == would and 'backups are not touched' in said
    after = {file.name for file in uploads(folder)}
    assert sum(before[name] for name in before.keys() - after) == did.bytes
    assert len(before) - len(after) == files
    assert count(data, 'questions') == asked - questions
    expect_consistent(data, folder)
    again, _ = forget(filled, *arguments, '--yes')
    assert again == Amount()


def test_others_are_untouched(filled: InProcess, folder: Path) -> None:
    second = filled.tenant('third')
    kept = ask(second, 30, 'arm')
    body = second.engagement(kept)
    forget(filled, '--key', 'first', '--yes')
    forget(filled, '--key', 'second', '--yes')
    assert second.engagement(kept) == body
    assert second.get(body['image_location']).content == picture(shade=30)
    assert count(filled.settings.data, 'questions') == 1 == len(uploads(folder))
    # The key goes on.
    assert command('key', 'list', '--data', str(filled.settings.data)).stdout.count('\n') == 3


def test_an_image_that_others_ask_about_stays(service: InProcess, folder: Path) -> None:
    first, second = service.tenant('first'), service.tenant('second')
    shared = first.upload(picture(shade=1))['signedUrl']
    first.ask(content_location=shared)
    theirs = second.ask(content_location=shared)
    would, said = forget(service, '--key', 'first')
    assert (would.questions, would.images) == (1, 0)
    assert '1 images of this key stay: questions of other keys name them' in said
    did, said = forget(service, '--key', 'first', '--yes')
    assert did == would and '1 images of this key stay' in said
    assert service.send('GET', shared).content == picture(shade=1)
    assert second.engagement(theirs)['state'] == 'open'
    # With the last question it goes, whoever uploaded it.
    did, _ = forget(service, '--key', 'second', '--yes')
    assert (did.questions, did.images) == (1, 1) and uploads(folder) == []
    expect_consistent(service.settings.data, folder)


def test_an_operator_and_a_robot_learn_that_a_question_is_gone(service: InProcess) -> None:
    robot, operator = service.tenant('first'), service.operator()
    token = robot.ask()
    cursor = robot.get('/v1/changes').json()['cursor']
    taken = operator.claim_first()
    forget(service, '--key', 'first', '--yes')
    answer = operator.act(taken, 'answer', shapes=[], response='')
    assert answer.status_code == 404
    assert robot.get(f'/v1/engagement/{token}').status_code == 404
    # It was at the number before the claim.
    assert robot.get('/v1/changes', params={'cursor': cursor}).status_code == 410
    assert operator.get('/console/api/queue').json()['questions'] == []
    assert robot.get(f'/v1/engagement/{robot.ask()}').status_code == 200


def test_what_is_claimed_meanwhile_goes_too(service: InProcess) -> None:
    """The claim is not committed yet when the command comes to the question."""
    robot, deleting = service.tenant(), threading.Event()
    robot.ask()
    store, key = service.context.store, service.context.store.read_now(keys.require, 'robot')

    def claim(transaction: Transaction) -> None:
        leases.claim(transaction, 1, 'somebody', service.clock(), 30)
        deleting.set()
        until_somebody_waits(service)

    with ThreadPoolExecutor() as threads:
        claiming = threads.submit(store.write_now, claim)
        assert deleting.wait(DEADLINE_S)
        done = store.write_now(deletion.delete_jobs, Selection(key=key), [1])
        claiming.result(DEADLINE_S)
    assert done == Amount(1, 1, 0, 0)
    assert count(service.settings.data, 'changes') == 0


def until_somebody_waits(service: InProcess) -> None:
    """Return when a transaction waits for another; of SQLite's, the second has not begun."""
    end = time.monotonic() + DEADLINE_S
    while not service.settings.database.startswith('sqlite:') and not count(
        service.settings.data, 'pg_stat_activity',
        "wait_event_type = 'Lock' AND datname = current_database()",
    ):  # fmt: skip
        assert time.monotonic() < end


def test_while_the_service_runs(data: Path, key: str) -> None:
    with (
        served(data, key=key) as service,
        httpx.Client(base_url=service.url, headers=service.headers, timeout=DEADLINE_S) as http,
    ):
        url = http.post('/v1/image', files={'image_file': ('a.jpg', picture())}).json()['url']
        body = {'content_location': url, 'instructions': 'What?'}
        token = http.post('/v1/engagement', json=body).json()['token']
        assert '1 questions (1 of them open), 1 images' in printed(
            'forget', '--key', 'robot', '--yes', '--data', str(data)
        )
        assert http.get(f'/v1/engagement/{token}').status_code == 404
        assert http.get(url).status_code == 404
        assert http.post('/v1/engagement', json=body).status_code == 200


def refused(data: Path, *arguments: str, code: int = 1) -> str:
    said = command('forget', *arguments, '--data', str(data))
    assert (said.returncode, said.stdout) == (code, '')
    return said.stderr.splitlines()[-1]


@pytest.mark.sqlite('moves to a file')
def test_what_it_cannot_do_is_one_line(
    data: Path, key: str, tmp_path: Path, bucket: S3Server
) -> None:
    assert 'say what to forget' in refused(data)
    assert "no key named 'nobody'" in refused(data, '--key', 'nobody')
    assert "'yesterday' is not a day" in refused(data, '--before', 'yesterday', code=2)
    url = bucket.url(tmp_path.name)
    with served(data, '--images', url, key=key):
        pass
    assert f'keeps its images in {url}' in refused(data, '--key', 'robot')
    with served(data, key=key):
        pass
    assert 'in its data directory' in refused(data, '--key', 'robot', '--images', url)
    elsewhere = ('--database', f'sqlite:///{data}/service.db')
    assert 'has no images' in refused(tmp_path / 'other', '--key', 'robot', *elsewhere)


@pytest.mark.slow('starts and stops an S3 server')
def test_a_store_that_is_away_gets_its_files_deleted_later(
    data: Path, key: str, tmp_path: Path, bucket: S3Server
) -> None:
    place = ('--data', str(data), '--images', bucket.url(tmp_path.name))
    with served(data, *place[2:], key=key) as service:
        fill(service, 2)
    folder = bucket.place(tmp_path.name)
    bucket.stop()
    try:
        said = command('forget', '--key', 'robot', '--yes', *place)
    finally:
        bucket.start()
    assert said.returncode == 1 and 'files are left' in said.stderr.splitlines()[-1]
    assert count(data, 'questions') == 0 and len(uploads(folder)) == 2
    expect_consistent(data, folder, pending=True)
    assert printed('forget', '--key', 'robot', '--yes', *place).startswith('deleted 0 questions')
    assert uploads(folder) == []
    expect_consistent(data, folder)


def fill(service: Served, number: int) -> None:
    """Ask questions, each about an upload of its own."""
    with httpx.Client(
        base_url=service.url, headers=service.headers, timeout=DEADLINE_S
    ) as http:
        for shade in range(number):
            files = {'image_file': ('a.jpg', picture(shade=shade % 250))}
            body = {
                'content_location': http.post('/v1/image', files=files).json()['url'],
                'instructions': 'What is there?',
            }
            assert http.post('/v1/engagement', json=body).status_code == 200


def test_long_work_tells_how_far_it_is(
    service: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('spark_ros.cli.service_forget.REPORT_EVERY_S', 0.0)
    monkeypatch.setattr(deletion, 'BATCH', 1)
    robot = service.tenant('first')
    for _ in range(2):
        robot.ask()
    _, said = forget(service, '--key', 'first', '--yes')
    assert said.splitlines()[:2] == [
        f'deleted so far: {number} questions ({number} of them open), 0 images (0 bytes)'
        for number in (1, 2)
    ]
