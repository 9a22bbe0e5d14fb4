# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A data directory has one service at a time, however the last one ended."""

from __future__ import annotations

from pathlib import Path

import pytest
from service_harness import served, served_by_process
from serving import command

from spark_ros.cli.service import main


@pytest.mark.parametrize('elsewhere', [False, True])
def test_a_second_one_is_refused_with_the_address_of_the_first(
    tmp_path: Path, elsewhere: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / 'data'
    place = ['--data', str(data)]
    first = [*place, '--database', f'sqlite:///{tmp_path}/a.db'] if elsewhere else place
    with served(data, *first[2:]) as service:
        for name in ('serve', 'try'):
            assert main([name, '--port', '0', *place]) == 1
            said = capsys.readouterr()
            assert said.out == ''
            assert said.err == (
                f'spark-service: a service already runs on {data}, at {service.url}\n'
            )
        # Also where it would want the same port.
        again = main(['serve', '--port', service.url.rpartition(':')[2], *place])
        assert (again, capsys.readouterr().err.count(service.url)) == (1, 1)
        # What changes the data beside a service still works.
        assert main(['key', 'create', 'robot', *first]) == 0
        assert main(['login-link', *first]) == 0
        assert main(['key', 'list', *first]) == 0
        assert main(['backup', str(tmp_path / 'backup'), *first]) == 0
    assert (data / 'service.lock').stat().st_mode & 0o077 == 0


@pytest.mark.slow('kills a service')
def test_after_kill_9_the_next_one_starts_at_once(tmp_path: Path) -> None:
    data = tmp_path / 'data'
    with served_by_process(data) as service:
        service.serving.kill()
    with served(data) as second:
        assert second.url != service.url
        said = command('serve', '--port', '0', '--data', str(data))
        assert second.url in said.stderr and service.url not in said.stderr
        second.serving.stop()
    with served(data):
        pass
