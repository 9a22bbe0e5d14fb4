# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""`serve --keep-days`: what is over goes with its files after that time, and nothing else does."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from file_host import FileHost, Said
from heat_harness import ask, asker
from kept_data import count, expect_consistent
from s3_server import uploads
from service_harness import DEADLINE_S, Caller, InProcess, picture
from serving import command
from sqlalchemy import select
from test_next_question import next_of

from spark_ros.service.housekeeping import delete_files
from spark_ros.service.media.disk_images import DiskImages
from spark_ros.service.media.sniff import FORMATS
from spark_ros.service.spark import programs
from spark_ros.service.storage import deletion, known_answers, leases, schema
from spark_ros.service.storage.deletion import Selection

DAY_S = 86_400.0
DAYS = 10


@pytest.fixture(params=['disk', pytest.param('bucket', marks=pytest.mark.slow('an S3 server'))])
def store(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def service(make_service: Callable[..., InProcess]) -> InProcess:
    return make_service(keep_s=DAYS * DAY_S, fetch_nets=('127.0.0.0/8',), fetch_fresh_s=60.0)


def later(service: InProcess, days: float = DAYS + 1, look: bool = False) -> None:
    """Let days pass, and the service clean up."""
    service.clock.now += days * DAY_S
    assert service.do(delete_files(service.context, look))


def end(service: InProcess, token: str, position: int = 0) -> None:
    """Answer a question of a token."""
    query = (
        select(schema.questions.c.id)
        .join(schema.jobs)
        .where(schema.jobs.c.token == token, schema.questions.c.position == position)
    )
    found = service.context.store.read_now(lambda connection: connection.execute(query).scalar())
    service.context.store.write_now(
        leases.close, int(found or 0), None, service.clock(), answer='{}'
    )


def status(caller: Caller, location: str) -> int:
    return caller.get(location).status_code


def test_what_is_over_goes_with_its_images(service: InProcess, folder: Path) -> None:
    robot, other, data = service.tenant(), service.tenant('other'), service.settings.data
    own, shared, unasked = (robot.upload(picture(shade=each))['url'] for each in (1, 2, 3))
    theirs = other.upload(picture(shade=4))['url']
    over = robot.ask(content_location=[own, shared])
    waiting = robot.ask(content_location=shared)
    kept = other.ask(content_location=theirs)
    for position in (0, 1):
        end(service, over, position)
    later(service, DAYS - 1)
    assert len(uploads(folder)) == 4 and status(robot, f'/v1/engagement/{over}') == 200
    later(service, 2)
    assert status(robot, f'/v1/engagement/{over}') == 404 == status(robot, own)
    assert status(robot, unasked) == 404
    assert status(robot, shared) == status(other, theirs) == 200
    assert robot.engagement(waiting)['state'] == other.engagement(kept)['state'] == 'open'
    assert count(data, 'thumbnails') == 2 == len(uploads(folder))
    expect_consistent(data, folder)
    end(service, waiting)
    later(service)
    assert status(robot, shared) == 404
    assert count(data, 'questions') == 1 == len(uploads(folder))
    expect_consistent(data, folder)


def test_what_others_said_of_a_question_goes_with_it(
    service: InProcess, folder: Path
) -> None:
    data = service.settings.data
    program = programs.Program('Draw', second_opinion_share=1.0, known_answers_share=1.0)
    service.context.store.write_now(programs.put, 'draw', program, service.clock())
    heat = asker(service, program='draw')
    people = [service.operator() for _ in range(4)]
    for kind in ('image', 'free-text'):
        ask(heat, kind)
    for person in people[:2]:
        question = next_of(person)
        file = {'file': ('new.png', picture(form='PNG'), 'image/png')}
        uploaded = person.post(f'/console/api/questions/{question["id"]}/upload', files=file)
        assert uploaded.status_code == 200, uploaded.text
        said = person.act(question, 'answer', response=uploaded.json()['url'])
        assert said.status_code == 200, said.text
        if person is people[0]:
            assert person.act(next_of(person), 'answer', response='x').status_code == 200
    assert len(uploads(folder)) == 2
    [token] = [each['id'] for each in heat.get('/v1/requests').json() if each['response'] == 'x']
    service.context.store.write_now(known_answers.add, token, service.clock())
    # One second opinion was given, one is being given, and an answer is known.
    check = f'/console/api/questions/{next_of(people[2])["id"]}'
    assert count(data, 'checks') == 2 and status(people[2], check) == 200
    later(service)
    for table in ('jobs', 'questions', 'checks', 'images'):
        assert count(data, table) == 0, table
    assert uploads(folder) == []
    assert status(service.operator(), check) == 404
    expect_consistent(data, folder)


def test_a_job_goes_when_all_of_it_is_over(service: InProcess, folder: Path) -> None:
    robot = service.tenant()
    urls = [robot.upload(picture(shade=each))['url'] for each in (1, 2)]
    token = robot.ask(content_location=urls)
    end(service, token)
    later(service)
    assert count(service.settings.data, 'questions') == 2 == len(uploads(folder))
    end(service, token, 1)
    later(service, 5)
    assert count(service.settings.data, 'questions') == 2
    later(service)
    assert count(service.settings.data, 'jobs') == 0 == len(uploads(folder))


def test_without_it_all_is_kept(make_service: Callable[..., InProcess], folder: Path) -> None:
    service = make_service()
    robot = service.tenant()
    token = robot.ask(content_location=robot.upload()['url'])
    robot.upload()
    end(service, token)
    later(service, 1000, look=True)
    assert robot.engagement(token)['state'] == 'closed' and len(uploads(folder)) == 2


def test_a_copy_goes_with_the_questions_that_show_it(
    service: InProcess, folder: Path
) -> None:
    robot, other, data = service.tenant(), service.tenant('other'), service.settings.data

    with FileHost({'/now.jpg': Said(picture(shade=1))}) as host:
        url = host.url('/now.jpg')
        first = robot.ask(content_location=url)
        again = robot.ask(content_location=url)
        service.do(_until_fetched(service, 1))
        service.clock.now += 3600
        second = robot.ask(content_location=url)
        theirs = other.ask(content_location=url)
        service.do(_until_fetched(service, 3))
    assert len(uploads(folder)) == 3
    end(service, first)
    later(service)
    # Another question shows the same fetch.
    assert count(data, 'fetches') == 3
    end(service, again)
    later(service)
    assert count(data, 'fetches') == 2 == len(uploads(folder))
    expect_consistent(data, folder)
    end(service, second)
    later(service)
    assert count(data, 'fetches') == 1 == len(uploads(folder))
    operator = service.operator()
    [shown] = operator.get('/console/api/queue').json()['questions']
    assert shown['image']['state'] == 'done' and status(operator, shown['image']['url']) == 200
    assert other.engagement(theirs)['state'] == 'open'
    expect_consistent(data, folder)


async def _until_fetched(service: InProcess, number: int) -> None:
    with service.context.bus.subscribe() as changes:
        while count(service.settings.data, 'fetches', "state = 'done'") < number:
            await changes.wait(1.0, lambda change: True)


def test_a_fetch_that_ends_after_its_question_was_deleted_leaves_nothing(
    service: InProcess, folder: Path
) -> None:
    robot, data = service.tenant(), service.settings.data
    with FileHost({'/slow.jpg': Said(None)}) as host:
        token = robot.ask(content_location=host.url('/slow.jpg'))
        host.wait_count(1)
        end(service, token)
        later(service)
        assert count(data, 'fetches') == 0
        service.do(_released(service, host))
    assert count(data, 'images') == 0 == len(uploads(folder))


async def _released(service: InProcess, host: FileHost) -> None:
    """Let the fetch go on, and wait until it has ended."""
    with service.context.bus.subscribe() as changes:
        host.release('/slow.jpg', Said(picture()))
        assert await changes.wait(DEADLINE_S, lambda change: False)


def test_files_of_answers_belong_to_their_question(service: InProcess, folder: Path) -> None:
    robot, operator = asker(service), service.operator()
    data = service.settings.data
    asked = ask(robot, 'image')
    taken = operator.claim_first()
    files = [('a.png', picture(form='PNG', shade=each)) for each in (1, 2)]
    urls = [
        operator.post(f'/console/api/questions/{taken["id"]}/upload', files={'file': file}).json()[
            'url'
        ]
        for file in files
    ]
    assert operator.act(taken, 'answer', response=urls[1]).status_code == 200
    later(service, DAYS - 1)
    assert len(uploads(folder)) == 2
    later(service, 2)
    assert status(robot, f'/v1/requests/{asked["id"]}') == 404
    assert count(data, 'images') == 0 == len(uploads(folder))


def test_an_answer_keeps_the_image_that_it_names(service: InProcess, folder: Path) -> None:
    robot, operator = asker(service), service.operator()
    url = robot.upload()['url']
    asked = ask(robot, 'image')
    taken = operator.claim_first()
    assert operator.act(taken, 'answer', response=url).status_code == 200
    service.context.store.write_now(lambda transaction: transaction.connection.execute(
        schema.questions.update().values(closed=service.clock() + 2 * DAYS * DAY_S)
    ))
    later(service)
    answered = robot.get(f'/v1/requests/{asked["id"]}').json()['response']
    assert service.send('GET', answered).content == picture()


def test_pictures_of_programs_stay(
    service: InProcess, images: str, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / 'good.png').write_bytes(picture(form='PNG'))
    (tmp_path / 'program.yaml').write_text('instructions: x\nreference_images: [good.png]\n')
    said = command(
        'program', 'set', 'crates', '--file', str(tmp_path / 'program.yaml'),
        '--data', str(service.settings.data), '--images', images,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    later(service, 1000, look=True)
    [file] = uploads(folder)
    assert file.read_bytes() == picture(form='PNG')


def test_a_robot_that_was_away_is_told_that_changes_are_missing(
    make_service: Callable[..., InProcess]
) -> None:
    # Shorter than changes are kept anyway.
    service = make_service(keep_s=2 * DAY_S)
    robot = service.tenant()
    before = robot.get('/v1/changes').json()['cursor']
    over = robot.ask()
    between = robot.get('/v1/changes').json()['cursor']
    end(service, over)
    service.clock.now += DAY_S
    waiting = robot.ask()
    after = robot.get('/v1/changes').json()['cursor']
    later(service, 1.5)
    assert count(service.settings.data, 'questions') == 1
    for cursor in (before, between):
        gone = robot.get('/v1/changes', params={'cursor': cursor})
        assert gone.status_code == 410 and 'no longer kept' in gone.json()['message']
    end(service, waiting)
    page = robot.get('/v1/changes', params={'cursor': after}).json()
    assert [each['engagement']['token'] for each in page['changes']] == [waiting]


def test_an_upload_that_is_repeated_after_it_went_is_stored_again(service: InProcess) -> None:
    robot = service.tenant()

    def upload() -> str:
        answer = robot.post(
            '/v1/image', files={'image_file': ('a.jpg', picture())},
            headers={'Idempotency-Key': 'frame-1'},
        )  # fmt: skip
        assert answer.status_code == 200, answer.text
        return str(answer.json()['url'])

    first = upload()
    assert upload() == first
    # An Idempotency-Key is kept for longer than this.
    service.do(_forget_uploads(service))
    second = upload()
    assert second != first and upload() == second
    assert robot.get(second).content == picture()


async def _forget_uploads(service: InProcess) -> None:
    what, store = Selection(before=service.clock() + 1), service.context.store
    ids = await store.read(deletion.next_uploads, what, '')
    await store.write(deletion.delete_uploads, what, ids)


def test_a_question_is_not_asked_again_after_it_went(
    make_service: Callable[..., InProcess]
) -> None:
    service = make_service(keep_s=2 * DAY_S)
    robot, named = service.tenant(), {'Idempotency-Key': 'frame-1'}
    body = {'content_location': 'http://192.0.2.1/1.jpg', 'instructions': 'What?'}
    token = robot.post('/v1/engagement', json=body, headers=named).json()['token']
    end(service, token)
    later(service, 3)
    assert robot.post('/v1/engagement', json=body, headers=named).json() == {'token': token}
    assert status(robot, f'/v1/engagement/{token}') == 404


def test_files_that_no_row_knows_go_when_they_are_old(service: InProcess, folder: Path) -> None:
    robot, data = service.tenant(), service.settings.data
    robot.ask(content_location=robot.upload()['url'])
    [known] = uploads(folder)
    # As a service leaves it that is killed before it writes the row.
    left = service.context.images.files.save(
        io.BytesIO(picture()), known.parts[-3], FORMATS['JPEG']
    )
    # Files bear the time of the real clock.
    service.clock.now = time.time()
    later(service, DAYS / 2, look=True)
    assert {file.name for file in uploads(folder)} == {known.name, left.name}
    later(service, DAYS, look=False)
    assert len(uploads(folder)) == 2
    later(service, 0, look=True)
    assert uploads(folder) == [known]
    expect_consistent(data, folder)


def test_what_was_interrupted_between_rows_and_files_goes_on(
    service: InProcess, folder: Path
) -> None:
    robot, data = service.tenant(), service.settings.data
    for shade in range(3):
        end(service, robot.ask(content_location=robot.upload(picture(shade=shade))['url']))
    what, store = Selection(before=service.clock() + 1), service.context.store
    ids = store.read_now(deletion.next_jobs, what, 0)
    done = store.write_now(deletion.delete_jobs, what, ids)
    assert (done.questions, done.images) == (3, 3) and len(uploads(folder)) == 3
    expect_consistent(data, folder, pending=True)
    later(service, 0)
    assert uploads(folder) == []
    expect_consistent(data, folder)


def test_transactions_are_small(service: InProcess) -> None:
    robot, store = service.tenant(), service.context.store
    for _ in range(deletion.BATCH // 50 + 2):
        many = [f'http://192.0.2.1/{number}.jpg' for number in range(25)]
        token = robot.ask(content_location=many)
        for position in range(25):
            end(service, token, position)
    sizes, last = [], 0
    what = Selection(before=service.clock() + 1)
    while ids := store.read_now(deletion.next_jobs, what, last):
        last = ids[-1]
        sizes.append(store.write_now(deletion.delete_jobs, what, ids).questions)
    assert sizes == [100, 50]


def test_files_that_cannot_be_deleted_wait(
    service: InProcess, folder: Path, images: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if images:
        pytest.skip('a store that is away is shown in test_bucket')
    robot = service.tenant()
    end(service, robot.ask(content_location=robot.upload()['url']))
    service.clock.now += 2 * DAYS * DAY_S

    def fail(self: DiskImages, files: object) -> None:
        raise OSError('the disk failed')

    with monkeypatch.context() as patched:
        patched.setattr(DiskImages, 'remove', fail)
        assert not service.do(delete_files(service.context, False))
    expect_consistent(service.settings.data, folder, pending=True)
    later(service, 0)
    expect_consistent(service.settings.data, folder)
    assert uploads(folder) == []
