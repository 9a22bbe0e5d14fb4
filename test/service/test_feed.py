# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The change feed: complete, in order, everyone's own, and there when something happens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from heat_harness import ask, asker, is_error
from service_harness import DEADLINE_S, Caller, InProcess, question

from spark_ros.service import feed_api
from spark_ros.service.storage import change_log, leases
from spark_ros.service.storage.change_order import Position

DAY_S = 86_400
WAITERS = 100


def feed(caller: Caller, cursor: str | None = None, **query: Any) -> dict[str, Any]:
    params = {**query, **({} if cursor is None else {'cursor': cursor})}
    answer = caller.get('/v1/changes', params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert set(found) == {'operators', 'cursor', 'changes', 'more'}
    assert answer.headers['spark-operators'] == str(found['operators'])
    return found


def tokens(page: dict[str, Any]) -> list[str]:
    return [
        each['engagement']['token'] if each['api'] == 'spark' else each['request']['id']
        for each in page['changes']
    ]


def test_without_a_cursor_it_tells_where_it_is_at_once(service: InProcess) -> None:
    robot = service.tenant()
    robot.ask()
    page = feed(robot, block=60)
    assert (page['changes'], page['more']) == ([], False)
    assert feed(robot, page['cursor'])['changes'] == []


def test_it_gives_the_whole_objects_in_the_order_of_commits(service: InProcess) -> None:
    robot, operator = service.tenant(), service.operator()
    cursor = feed(robot)['cursor']
    first, second = robot.ask(), robot.ask(metadata={'a': 'ü'})
    page = feed(robot, cursor)
    assert tokens(page) == [first, second]
    assert page['changes'][1] == {'api': 'spark', 'engagement': robot.engagement(second)}
    operator.act(operator.claim_first(), 'flag', reason='dark')
    # Two changes of the first question are one, where the newest of them stands.
    later = feed(robot, page['cursor'])
    assert later['changes'] == [{'api': 'spark', 'engagement': robot.engagement(first)}]
    assert later['changes'][0]['engagement']['state'] == 'closed'
    assert tokens(feed(robot, cursor)) == [second, first]
    assert feed(robot, later['cursor'])['changes'] == []


def test_a_heat_request_is_there_as_retrieving_it_gives_it(service: InProcess) -> None:
    robot, operator = asker(service), service.operator()
    cursor = feed(robot)['cursor']
    made = ask(robot, 'image')
    uploaded = 'http://192.0.2.1/new.png'
    operator.act(operator.claim_first(), 'answer', response=uploaded)
    page = feed(robot, cursor)
    assert page['changes'] == [
        {'api': 'heat', 'request': robot.get(f'/v1/requests/{made["id"]}').json()}
    ]
    assert page['changes'][0]['request']['status'] == 'complete'


def test_pages_follow_each_other_and_miss_nothing(service: InProcess) -> None:
    robot = service.tenant()
    cursor = feed(robot)['cursor']
    asked = [
        robot.ask(content_location=[f'http://192.0.2.1/{part}.jpg' for part in range(41)])
        for _ in range(3)
    ]
    seen, sizes = [], []
    more = True
    while more:
        page = feed(robot, cursor, block=60 if more else 0)
        cursor, more = page['cursor'], page['more']
        seen += tokens(page)
        sizes.append(len(page['changes']))
    assert seen == [token for token in asked for _ in range(41)]
    assert sizes == [100, 23]


def test_large_questions_make_small_pages(
    service: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_log, 'PAGE_SIZE', 5000)
    robot = service.tenant()
    cursor = feed(robot)['cursor']
    asked = [robot.ask(metadata={'much': 'x' * size}) for size in (2000, 2000, 9000, 10)]
    seen = []
    for expected in ([0, 1], [2], [3]):
        page = feed(robot, cursor)
        assert tokens(page) == [asked[each] for each in expected]
        assert page['more'] is (expected != [3])
        cursor = page['cursor']
        seen += tokens(page)
    assert seen == asked


def test_each_key_sees_only_its_own(service: InProcess) -> None:
    robot, other, heat = service.tenant(), service.tenant('other'), asker(service, 'heat')
    cursors = {who: feed(caller)['cursor'] for who, caller in
               (('robot', robot), ('other', other), ('heat', heat))}
    token = robot.ask()
    id = ask(heat, 'free-text')['id']
    assert tokens(feed(robot, cursors['robot'])) == [token]
    assert tokens(feed(other, cursors['other'])) == []
    assert tokens(feed(heat, cursors['heat'])) == [id]
    # A cursor of another key means nothing.
    assert is_error(other.get(f'/v1/changes?cursor={cursors["robot"]}'), 410)


@pytest.mark.parametrize('form', ['X-Heat-API-Key', 'X-Crunch-API-Key', 'basic', 'Bearer'])
@pytest.mark.parametrize('api', ['spark', 'heat'])
def test_any_form_of_showing_a_key_will_do(service: InProcess, api: str, form: str) -> None:
    key = service.key('robot', api=api)
    if form == 'basic':
        headers = {'Authorization': httpx.BasicAuth(key, '')._auth_header}
    elif form == 'Bearer':
        headers = {'Authorization': f'Bearer {key}'}
    else:
        headers = {form: key}
    assert service.send('GET', '/v1/changes', headers=headers).status_code == 200
    assert is_error(service.send('GET', '/v1/changes'), 401)
    assert is_error(service.send('GET', '/v1/changes', headers={'X-Heat-API-Key': 'no'}), 401)


def test_a_robot_hears_of_its_own_questions(service: InProcess) -> None:
    robot, heat = service.tenant(), asker(service, 'heat')
    cursor, heat_cursor = feed(robot)['cursor'], feed(heat)['cursor']
    one = {'headers': {'Spark-Robot-Id': 'r-1'}}
    by_header = robot.post('/v1/engagement', json=question(), **one).json()['token']
    by_metadata = robot.ask(metadata={'robot_id': 'r-1'})
    both = robot.post(
        '/v1/engagement', json=question(metadata={'robot_id': 'r-1'}),
        headers={'Spark-Robot-Id': 'r-2'},
    ).json()['token']
    neither = robot.ask(metadata={'robot_id': 7})
    id = ask(heat, 'free-text', **one)['id']
    ask(heat, 'free-text')
    assert tokens(feed(robot, cursor, robot_id='r-1')) == [by_header, by_metadata]
    assert tokens(feed(robot, cursor, robot_id='r-2')) == [both]
    assert tokens(feed(robot, cursor)) == [by_header, by_metadata, both, neither]
    assert tokens(feed(heat, heat_cursor, robot_id='r-1')) == [id]
    for text in ('x' * 201, ''):
        answer = robot.post('/v1/engagement', json=question(), headers={'Spark-Robot-Id': text})
        assert is_error(answer, 400)
    assert is_error(robot.get('/v1/changes', params={'robot_id': 'x' * 201}), 400)


@pytest.mark.parametrize('cursor', ['', 'x', '0', 'A' * 10, 'ü' * 54, '%00' * 54])
def test_garbage_is_no_cursor(service: InProcess, cursor: str) -> None:
    assert is_error(service.tenant().get(f'/v1/changes?cursor={cursor}'), 400)


@pytest.mark.parametrize('length', [43, 53, 54, 55])
def test_a_cursor_of_another_version_or_store_is_gone(service: InProcess, length: int) -> None:
    assert is_error(service.tenant().get(f'/v1/changes?cursor={"A" * length}'), 410)


def test_a_cursor_cannot_be_made_up(service: InProcess) -> None:
    robot = service.tenant()
    cursor = feed(robot)['cursor']
    for at in range(len(cursor) - 1):
        changed = cursor[:at] + ('A' if cursor[at] != 'A' else 'B') + cursor[at + 1 :]
        answer = robot.get(f'/v1/changes?cursor={changed}')
        # The first letters say which store and key, the one at 10 only in part.
        assert is_error(answer, 400) or (at <= 10 and is_error(answer, 410)), at


@pytest.mark.sqlite('has no transaction ids')
def test_a_cursor_ahead_of_the_store_is_gone(service: InProcess) -> None:
    robot = service.tenant()
    ahead = service.context.cursors.write(1, Position(0, 1))
    assert is_error(robot.get(f'/v1/changes?cursor={ahead}'), 410)
    robot.ask()
    assert feed(robot, ahead)['changes'] == []


@pytest.mark.sqlite('makes a file anew')
def test_a_cursor_of_a_store_made_anew_is_gone(make_service: Callable[..., InProcess]) -> None:
    before = make_service()
    cursor = feed(before.tenant())['cursor']
    anew = make_service(database_url=f'sqlite:///{before.settings.data / "anew.db"}')
    assert is_error(anew.tenant().get(f'/v1/changes?cursor={cursor}'), 410)


def test_after_seven_days_it_is_gone_unless_nothing_was_missed(service: InProcess) -> None:
    robot = service.tenant()
    before = feed(robot)['cursor']
    robot.ask()
    after = feed(robot, before)['cursor']

    def forget() -> None:
        old = service.clock() - 7 * DAY_S
        service.context.store.write_now(lambda tx: change_log.delete_until(tx, old))

    service.clock.now += 7 * DAY_S - 1
    forget()
    assert len(tokens(feed(robot, before))) == 1
    service.clock.now += 1
    forget()
    assert is_error(robot.get(f'/v1/changes?cursor={before}'), 410)
    assert feed(robot, after)['changes'] == []
    assert feed(robot)['changes'] == []
    assert len(tokens(feed(robot, after))) == 0
    token = robot.ask()
    assert tokens(feed(robot, after)) == [token]


@pytest.mark.parametrize('block', ['-1', 'x', '', 'nan'])
def test_block_is_a_number_of_seconds(service: InProcess, block: str) -> None:
    assert is_error(service.tenant().get(f'/v1/changes?block={block}'), 400)


def test_it_waits_and_wakes(service: InProcess) -> None:
    robot = service.tenant()
    cursor = feed(robot)['cursor']
    with waiting(service, robot, [{'cursor': cursor, 'block': 60}]) as answers:
        token = robot.ask()
    [page] = answers
    assert tokens(page) == [token]
    begun = time.monotonic()
    assert feed(robot, page['cursor'], block=0.2)['changes'] == []
    assert 0.2 <= time.monotonic() - begun < DEADLINE_S


def test_each_of_many_hears_its_own(make_service: Callable[..., InProcess]) -> None:
    before = make_service()
    keys = [before.tenant(name).headers for name in ('robot', 'other')]
    before.close()
    # No key is new to this one, so that nobody is told to look again because of that.
    service = make_service()
    robot, other = (Caller(service, key) for key in keys)
    until = time.monotonic() + DEADLINE_S
    while service.context.bus.recent.newest is None:
        assert time.monotonic() < until
    cursor = feed(robot)['cursor']
    names = [f'r-{number}' for number in range(WAITERS)]
    queries = [{'cursor': cursor, 'block': 60, 'robot_id': name} for name in names]
    with waiting(service, robot, queries) as answers:
        other.ask(metadata={'robot_id': names[0]})
        asked = [robot.ask(metadata={'robot_id': name}) for name in names]
        # That they have asked, they know; the first question is the other's.
        for id in range(2, WAITERS + 2):
            claim(service, id)
    assert [tokens(page) for page in answers] == [[token] for token in asked]
    states = {page['changes'][0]['engagement']['state'] for page in answers}
    assert states == {'assigned'}
    assert service.context.bus._topics.keys() == {None}


def claim(service: InProcess, id: int) -> None:
    service.context.store.write_now(
        lambda tx: leases.claim(tx, id, 'someone', service.clock(), 30)
    )


def test_a_change_between_the_look_and_the_wait_is_not_missed(
    service: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    robot = service.tenant()
    robot.ask()
    cursor = feed(robot)['cursor']
    reads = 0
    read_page = change_log.read_page

    def changed_meanwhile(*given: Any) -> Any:
        nonlocal reads
        page = read_page(*given)
        reads += 1
        if reads == 1:
            claim(service, 1)
        return page

    monkeypatch.setattr(feed_api.change_log, 'read_page', changed_meanwhile)
    # Where it is certain that nothing changed, there is no look.
    monkeypatch.setattr(service.context.bus.recent, 'none_after', lambda *given: False)
    page = feed(robot, cursor, block=60)
    assert page['changes'][0]['engagement']['state'] == 'assigned'
    # Where another's transaction is open, what changed can be read a look later.
    assert reads >= 2


def test_shutting_down_frees_who_waits(service: InProcess) -> None:
    robot = service.tenant()
    cursor = feed(robot)['cursor']

    async def stop() -> None:
        service.context.bus.close()

    with waiting(service, robot, [{'cursor': cursor, 'block': 60}]) as answers:
        service.do(stop())
    assert tokens(answers[0]) == []
    assert feed(robot, answers[0]['cursor'], block=60)['changes'] == []


def test_one_batch_of_writes_is_read_in_the_order_it_was_written(service: InProcess) -> None:
    robot = service.tenant()
    cursor = feed(robot)['cursor']

    async def ask_all() -> list[str]:
        async with service.client(headers=robot.headers) as http:
            await asyncio.gather(*(
                http.post('/v1/engagement', json=question()) for _ in range(30)
            ))
            return [each['token'] for each in (await http.get('/v1/engagement?limit=50')).json()]

    listed = service.do(ask_all())
    assert tokens(feed(robot, cursor)) == listed
    assert len(listed) == 30


@contextmanager
def waiting(
    service: InProcess, caller: Caller, queries: list[dict[str, Any]]
) -> Iterator[list[dict[str, Any]]]:
    """Have long polls wait while the block runs; their answers are in the list after it."""
    answers: list[dict[str, Any]] = []

    async def wait() -> list[dict[str, Any]]:
        async with service.client(headers=caller.headers) as http:
            sent = await asyncio.gather(*(http.get('/v1/changes', params=q) for q in queries))
        return [each.json() for each in sent]

    async def listening() -> int:
        topics = service.context.bus._topics
        return sum(len(topics[topic]) for topic in topics if topic is not None)

    begun = service.start(wait())
    until = time.monotonic() + DEADLINE_S
    while service.do(listening()) < len(queries):
        assert time.monotonic() < until
    assert not begun.done()
    yield answers
    answers += begun.result(DEADLINE_S)
