# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Check whether the service is there and takes the token. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from spark_ros.escalation.backends.backend import at_the_desk
from spark_ros.escalation.backends.contact import Contact, Trouble
from spark_ros.escalation.health.check import (
    CheckResult,
    Level,
    Problem,
    ago,
    check_running,
    warning,
)
from spark_ros.escalation.health.snapshot import Snapshot


def check_service(kind: str, url: str, snapshot: Snapshot, now: float) -> CheckResult:
    """Check whether the service is there and takes the token."""
    service, images = snapshot.service, snapshot.images
    problems = [
        *check_running(snapshot, now),
        *_trouble(service, '', 'server.url', 'SPARK_TOKEN or server.token_file'),
    ]
    if images is not service:
        problems += _trouble(
            images, 'for images: ', 'image_host.url',
            'SPARK_IMAGE_TOKEN or image_host.token_file',
        )  # fmt: skip
    if not service.trouble:
        problems += _desk(snapshot)
    there = snapshot.operators
    newest = max(service, images, key=lambda each: each.error_at or 0.0)
    return CheckResult(
        'service',
        'reached' if service.tried else 'nothing was asked of it yet',
        tuple(problems),
        {
            'kind': kind,
            'URL': url,
            'reachable': _answer(service, service.trouble is not Trouble.UNREACHABLE),
            'authorised': _answer(
                service, service.trouble is Trouble.NONE, service.trouble is Trouble.UNAUTHORISED
            ),
            'seconds since it answered well': ago(service.reached_at, now),
            'last error': newest.error or 'none',
            'seconds since the last error': ago(newest.error_at, now),
            **({} if there is None else {'operators': str(there or at_the_desk(there))}),
        },
    )


def _desk(snapshot: Snapshot) -> Iterator[Problem]:
    if snapshot.operators == 0 and snapshot.standing.open:
        yield warning(
            'nobody',
            f'{at_the_desk(0)}, and {snapshot.standing.open} question(s) wait there; open the '
            "service's console",
        )


def _trouble(contact: Contact, where: str, url: str, token: str) -> Iterator[Problem]:
    words = {
        Trouble.UNREACHABLE:
            f'it cannot be reached ({contact.error}); questions are kept; check the network '
            f'and {url}',
        Trouble.UNAUTHORISED:
            f'it does not accept the token ({contact.error}); questions are kept; set {token} to '
            'a valid key and restart the node',
        Trouble.STRANGE:
            f'something else answers ({contact.error}); questions are kept; check {url}, '
            'server.kind, and whether a proxy or a login page is in between',
        Trouble.BUSY:
            f'it answers, but cannot serve just now ({contact.error}); questions are kept and '
            "sent again; look at the service's log",
    }  # fmt: skip
    if trouble := contact.trouble:
        level = Level.WARN if trouble is Trouble.BUSY else Level.ERROR
        yield Problem(level, where + trouble.value, where + words[trouble])


def _answer(contact: Contact, yes: bool, no: bool = True) -> str:
    if not contact.tried:
        return 'not known yet'
    return 'yes' if yes else 'no' if no else 'not known'
