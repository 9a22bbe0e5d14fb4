# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What calls to a service tell of it as a whole."""

import pytest

from spark_ros.clients.errors import (
    AuthenticationError,
    ClientError,
    ConnectionFailed,
    CursorGone,
    NotFoundError,
    ProtocolError,
    RateLimitedError,
    RedirectError,
    RefusedError,
    ServerError,
    UnsupportedError,
)
from spark_ros.escalation.backends.contact import Contact, Trouble
from spark_ros.escalation.health.snapshot import Snapshot


@pytest.mark.parametrize(
    ('error', 'trouble'),
    [
        (ConnectionFailed('refused'), Trouble.UNREACHABLE),
        (AuthenticationError(401), Trouble.UNAUTHORISED),
        (AuthenticationError(403), Trouble.UNAUTHORISED),
        (RedirectError(302), Trouble.STRANGE),
        (ProtocolError('no JSON'), Trouble.STRANGE),
        (ServerError(503), Trouble.BUSY),
        (RateLimitedError(429), Trouble.BUSY),
        (RefusedError(422), Trouble.NONE),
        (UnsupportedError(405), Trouble.NONE),
        (CursorGone(410), Trouble.NONE),
        (NotFoundError(404), Trouble.NONE),
    ],
)
def test_a_failed_call(error: ClientError, trouble: Trouble) -> None:
    before = Contact().after(None, 5.0, known_call=False)
    contact = before.after(error, 7.0, known_call=False)
    assert contact.tried and contact.trouble is trouble
    assert (contact.error, contact.error_at) == (str(error), 7.0)
    # Who refuses one question was reached all the same.
    assert contact.reached_at == (5.0 if trouble else 7.0)
    mended = contact.after(None, 9.0, known_call=False)
    assert (mended.trouble, mended.reached_at) == (Trouble.NONE, 9.0)
    assert mended.error == str(error)


def test_a_404_where_every_service_has_the_call_is_anothers() -> None:
    assert Contact().after(NotFoundError(404), 1.0, known_call=True).trouble is Trouble.STRANGE


def test_nothing_is_known_before_the_first_call() -> None:
    assert not Contact().tried and Contact().reached_at is None


@pytest.mark.parametrize(
    ('times', 'p50', 'p95'),
    [((), None, None), ((2.0,), 2.0, 2.0), (tuple(range(1, 101)), 51, 96)],
)
def test_response_times(times: tuple[float, ...], p50: float, p95: float) -> None:
    snapshot = Snapshot(0.0, response_times_s=times)
    assert (snapshot.response_time_s(0.5), snapshot.response_time_s(0.95)) == (p50, p95)
