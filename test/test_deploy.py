# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What deploy/ starts are commands that there are, with variables that are read."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml
from checkout import ROOT

from spark_ros.cli.service_arguments import service_parser

DEPLOY = ROOT / 'deploy'
VARIABLE = re.compile(r'\$\{(\w+):\?\}')
READ = {'SPARK_SERVICE_DATABASE', 'SPARK_SERVICE_IMAGES'}


def of_unit() -> Sequence[str]:
    [line] = re.findall('^ExecStart=(.*)$', (DEPLOY / 'spark-service.service').read_text(), re.M)
    return shlex.split(line)[1:]


def of_image() -> Sequence[str]:
    [words] = re.findall(r'^CMD (\[.*\])$', (DEPLOY / 'Containerfile').read_text(), re.M)
    found: list[str] = yaml.safe_load(words)
    return found


def of_compose() -> Sequence[str]:
    services = yaml.safe_load((DEPLOY / 'compose.yaml').read_text())['services']
    assert services['spark']['environment'].keys() >= READ
    return [VARIABLE.sub('x', word) for word in services['spark']['command']]


def of_kubernetes() -> Sequence[str]:
    deployment = next(yaml.safe_load_all((DEPLOY / 'kubernetes.yaml').read_text()))
    [container] = deployment['spec']['template']['spec']['containers']
    assert {each['name'] for each in container['env']} >= READ
    found: list[str] = container['args']
    return found


@pytest.mark.parametrize('command', [of_unit, of_image, of_compose, of_kubernetes])
def test_the_commands_are_there(command: type[Sequence[str]]) -> None:
    options = service_parser().parse_args([*command()])
    assert options.command == 'serve' and options.data == Path('/var/lib/spark')


def test_the_example_has_every_variable() -> None:
    text = ''.join((DEPLOY / name).read_text() for name in ('compose.yaml', 'Caddyfile'))
    wanted = {*VARIABLE.findall(text), *re.findall(r'\{\$(\w+)', text)}
    given = re.findall(r'^(\w+)=$', (DEPLOY / 'example.env').read_text(), re.M)
    assert wanted == {*given} and len(given) == len({*given})
