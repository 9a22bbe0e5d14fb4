# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Questions end at the real service when they end at the node; elsewhere nothing changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from engagements_harness import DEADLINE_S, Record, Running, run, running, submit, written
from real_service import World, world
from samples import escalation

from spark_ros.escalation.backends.backend import Backend
from spark_ros.escalation.journal.journal import Journal
from spark_ros.escalation.question.escalation import Escalation
from spark_ros.model import State

BOTH = pytest.mark.parametrize('api', ['spark', 'heat'])
REASON = 'nobody answered in time'
DONE: dict[str, dict[str, Any]] = {
    'spark': {'shapes': [], 'response': 'just in time'}, 'heat': {'response': []},
}  # fmt: skip


@asynccontextmanager
async def asked(
    there: World, api: str, journal: Journal | None = None, backend: Backend | None = None,
    *, polls_s: float = 0.05, feeding: bool = True, **changes: Any,
) -> AsyncIterator[tuple[Running, Record, Escalation]]:  # fmt: skip
    """Run a node that has asked one question."""
    kept = journal or Journal(None)
    one = escalation(**changes)
    async with running(
        backend or there.backend(api), kept, None, polls_s, polls_s, feeding=feeding
    ) as (node, record):
        await submit(node, one)
        await record.until(lambda: State.OPEN in record.states(one.id))
        yield node, record, one


async def over(node: Running, question: Any) -> None:
    """Wait until nothing is done for a question any more; then the journal has nothing of it."""
    await asyncio.wait_for(asyncio.wait({question.task}), DEADLINE_S)
    await written(node)
    assert node.kept.disk.entries() == []


async def state_at_service(there: World, api: str, token: str) -> tuple[str, tuple[str, ...], str]:
    """Return a question's state, flags and feedback as the service has them."""
    if api == 'heat':
        async with there.heat_client() as heat:
            said = await heat.get_request(token)
            return said.status, (), said.feedback
    async with there.client() as spark:
        (found,) = await spark.get_engagement(token)
        return found.state, found.flags, found.feedback


def seen(there: World, method: str) -> list[str]:
    """Return the requests of a method, or to an endpoint."""
    return [line for line in there.wire.seen if method in line]


@BOTH
def test_what_expires_is_ended_by_the_service_and_nothing_is_withdrawn(
    tmp_path: Path, api: str
) -> None:
    async def test() -> None:
        async with (
            world(tmp_path) as there,
            asked(there, api) as (node, record, one),
        ):
            question = node._questions.get(one.id)
            node.time_is_up(one.id)
            await record.until(lambda: State.EXPIRED in record.states(one.id))
            there.ahead_s = 601.0
            await over(node, question)
            assert record.states(one.id)[-2:] == [State.OPEN, State.EXPIRED]
            assert record.detail(one.id, State.EXPIRED) == 'no answer in time'
            assert not record.resolved and await there.queue() == []
            assert not seen(there, 'DELETE') and not seen(there, 'abort')

    run(test())


@BOTH
def test_the_service_may_be_the_first_to_say_so(tmp_path: Path, api: str) -> None:
    async def test() -> None:
        async with (
            world(tmp_path) as there,
            asked(there, api, timeout_s=600.0) as (node, record, one),
        ):
            question = node._questions.get(one.id)
            there.ahead_s = 601.0
            await over(node, question)
            assert record.states(one.id) == [State.QUEUED, State.OPEN, State.EXPIRED]
            assert record.detail(one.id, State.EXPIRED) == 'no answer in time'
            assert not record.resolved

    run(test())


@BOTH
def test_an_answer_just_before_is_still_heard(tmp_path: Path, api: str) -> None:
    """The node did not hear of it before its own time was over."""

    async def test() -> None:
        async with (
            world(tmp_path) as there,
            asked(there, api, polls_s=60.0, feeding=False) as (node, record, one),
        ):
            await there.act('answer', **DONE[api])
            node.time_is_up(one.id)
            await record.until(lambda: State.EXPIRED in record.states(one.id))
            there.ahead_s = 601.0
            node.configure(poll_interval_s=0.05, poll_max_interval_s=0.1)
            await record.until(lambda: record.resolved)
            (late,) = record.resolved
            assert late.late and late.answer.state is State.CLOSED

    run(test())


@BOTH
@pytest.mark.parametrize('announced', [None, 'withdraw', ''])
def test_what_is_canceled_is_withdrawn_where_that_is_possible(
    tmp_path: Path, api: str, announced: str | None
) -> None:
    async def test() -> None:
        async with world(tmp_path, announced) as there, asked(there, api) as (node, record, one):
            token = node.asked(one.id).token
            assert await node.withdraw(one.id) == ''
            assert record.states(one.id)[-1] is State.CANCELED
            if api == 'spark' and announced == '':
                assert len(await there.queue()) == 1
                assert not seen(there, 'DELETE')
                return
            while await there.queue():
                pass
            state, flags, _ = await state_at_service(there, api, token)
            assert state == ('closed' if api == 'spark' else 'aborted')
            assert api == 'heat' or flags == ('flagged', 'canceled')
            assert not record.resolved

    run(test())


def test_what_another_withdraws_ends_here(tmp_path: Path) -> None:
    """Without a Resolution, and the node does not withdraw it again."""

    async def test() -> None:
        async with world(tmp_path) as there, asked(there, 'spark') as (node, record, one):
            question = node._questions.get(one.id)
            async with there.client() as other:
                await other.withdraw(question.token)
            await over(node, question)
            assert record.states(one.id)[-1] is State.CANCELED
            assert record.detail(one.id, State.CANCELED) == 'withdrawn at the service'
            assert not record.resolved and len(seen(there, 'DELETE')) == 1

    run(test())


def test_where_no_deadline_is_kept_what_expires_is_withdrawn(tmp_path: Path) -> None:
    async def test() -> None:
        async with (
            world(tmp_path, 'withdraw') as there,
            asked(there, 'spark') as (node, record, one),
        ):
            question = node._questions.get(one.id)
            node.time_is_up(one.id)
            await over(node, question)
            assert record.states(one.id)[-1] is State.EXPIRED
            assert len(seen(there, 'DELETE')) == 1 and not record.resolved
            _, flags, _ = await state_at_service(there, 'spark', question.token)
            assert flags == ('flagged', 'canceled')

    run(test())


@BOTH
def test_elsewhere_it_stays_open_and_a_late_answer_comes(tmp_path: Path, api: str) -> None:
    async def test() -> None:
        async with (
            world(tmp_path, '') as there,
            asked(there, api) as (node, record, one),
        ):
            node.time_is_up(one.id)
            await record.until(lambda: State.EXPIRED in record.states(one.id))
            there.ahead_s = 3600.0
            assert node.asked(one.id) is not None
            await there.act('answer', **DONE[api])
            await record.until(lambda: record.resolved)
            assert record.resolved[0].late
            assert not seen(there, 'DELETE') and not seen(there, 'abort')
            details = {each.detail for each in record.events if hasattr(each, 'detail')}
            assert details == {'', 'no answer in time'}

    run(test())


@BOTH
@pytest.mark.parametrize('announced', [None, ''])
def test_an_operator_with_the_same_words_has_flagged_it(
    tmp_path: Path, api: str, announced: str | None
) -> None:
    async def test() -> None:
        async with world(tmp_path, announced) as there, asked(there, api) as (_, record, one):
            await there.act('flag', reason=REASON)
            await record.until(lambda: record.resolved)
            (told,) = record.resolved
            assert (told.answer.state, told.answer.feedback) == (State.FLAGGED, REASON)
            assert State.EXPIRED not in record.states(one.id)

    run(test())


@BOTH
def test_what_is_left_goes_along_and_a_repeated_request_is_the_same_question(
    tmp_path: Path, api: str
) -> None:
    async def test() -> None:
        async with world(tmp_path) as there:
            there.wire.lost = 1
            async with asked(there, api, timeout_s=20.0, priority=7):
                assert len(await there.queue()) == 1
                assert (await there.queue())[0]['priority'] == 7
            first, second = [float(each['spark-deadline']) for each in there.wire.headers[:2]]
            assert 0 < second < first <= 20.0
            assert {each['spark-priority'] for each in there.wire.headers[:2]} == {'7'}
            assert len({each['idempotency-key'] for each in there.wire.headers[:2]}) == 1

    run(test())


@pytest.mark.parametrize('timeout_s', [0.0, 2_592_100.0])
def test_what_waits_for_ever_or_longer_than_is_taken_has_no_deadline(
    tmp_path: Path, timeout_s: float
) -> None:
    async def test() -> None:
        async with world(tmp_path) as there, asked(there, 'spark', timeout_s=timeout_s):
            assert 'spark-deadline' not in there.wire.headers[0]
            assert 'spark-priority' not in there.wire.headers[0]
            assert (await there.queue())[0]['left_s'] is None

    run(test())


def test_no_image_host_hears_of_deadlines_and_priorities(tmp_path: Path) -> None:
    async def test() -> None:
        hosted: list[Any] = []
        async with world(tmp_path) as there:
            pass_on = there.wire.handle_async_request

            async def note(request: Any) -> Any:
                if request.url.path == '/v1/image':
                    hosted.append(request.headers.copy())
                return await pass_on(request)

            there.wire.handle_async_request = note  # type: ignore[method-assign]
            async with asked(there, 'heat', priority=7):
                (image,) = hosted
                assert 'spark-deadline' not in image and 'spark-priority' not in image

    run(test())


@pytest.mark.parametrize('announced', [None, ''])
def test_what_was_canceled_in_an_outage_is_withdrawn_after_a_restart(
    path: Path, tmp_path: Path, announced: str | None
) -> None:
    """Before the service's first answer the node does not know whether it can be."""

    async def test() -> None:
        async with world(tmp_path, announced) as there:
            async with asked(there, 'spark', Journal(path)) as (_, _, one):
                pass
            there.wire.down = True
            async with running(there.spark(), Journal(path), feeding=True) as (node, _):
                assert await node.withdraw(one.id) == ''
            there.wire.seen.clear()
            there.wire.down = False
            async with running(there.spark(), Journal(path), feeding=True) as (node, _):
                while await node.recall('withdrawals') != '[]':
                    pass
            left = 0 if announced is None else 1
            assert len(await there.queue()) == left
            assert len(seen(there, 'DELETE')) == 1 - left

    run(test())


@pytest.mark.parametrize('announced', [None, ''])
def test_the_open_status_says_who_is_there(tmp_path: Path, announced: str | None) -> None:
    async def test() -> None:
        async with world(tmp_path, announced) as there, asked(there, 'spark') as (_, record, one):
            said = record.detail(one.id, State.OPEN)
            assert said == ('nobody at the desk' if announced is None else '')

    run(test())
