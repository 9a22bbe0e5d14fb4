# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""An audit from the camera to the service, to a person, and back into the log of decisions."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from chromium import chromium, log_in
from diagnostic_msgs.msg import DiagnosticArray
from front import Front
from person import Person
from playwright.sync_api import expect
from robot import RELIABLE, Robot, detection
from services import Service

from spark_ros.calibration.decision_files import read_log
from spark_ros.calibration.drives import drives_of
from spark_ros.cli.spark import main
from spark_ros.model import State
from spark_ros.msg import Correction

pytestmark = pytest.mark.slow('starts nodes twice, and a browser')

# With more digits than a time that is stored beside it may have by chance.
SURE, DOUBTED = 0.80859375, 0.30859375
UNTOLD = (str(SURE), str(DOUBTED), 'score', 'doubt', 'audit')


def stored(service: Service) -> str:
    """Return what the service keeps in rows."""
    with closing(sqlite3.connect(service.data / 'service.db')) as db:
        return '\n'.join(line for line in db.iterdump() if line.startswith('INSERT'))


def shown(person: Person) -> list[dict[str, Any]]:
    """Take each question, and return it as the console shows it."""
    return [person.take(each['id']) for each in person.queue()]


def lines(path: Path, kind: str) -> list[dict[str, Any]]:
    """Return the lines of one kind."""
    found = map(json.loads, path.read_text().splitlines()) if path.exists() else iter(())
    return [each for each in found if each['kind'] == kind]


def said(kind: str, question: dict[str, Any]) -> dict[str, Any]:
    """Return an answer that says that there is nothing on the frame."""
    return {'shapes': []} if kind == 'spark' else {'response': []}


@pytest.mark.parametrize('kind', ['spark', 'heat'])
def test_an_audit_is_asked_blind_and_its_answer_is_logged(
    robot: Robot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, capsys: Any
) -> None:
    service, log = Service(tmp_path / 'service', kind), tmp_path / 'log' / 'decisions.jsonl'
    monkeypatch.setenv('SPARK_TOKEN', service.key)
    service.start()
    robot.listen('front')
    given = {
        'server__url': service.url, 'server__kind': kind, 'heat__detection_as': 'label',
        'front__audit_rate': 1.0, 'front__image__crop': True, 'decisions__path': str(log),
        'decisions__promise': 0.05,
    }  # fmt: skip
    node = robot.start(**given, drive_id='monday')
    person, front = Person(service), Front(robot)
    front.see('cat', SURE)
    front.see('dog', DOUBTED)
    robot.until(lambda: len(person.queue()) == 2)
    questions = shown(person)
    for told in (stored(service), json.dumps(questions)):
        assert [word for word in UNTOLD if word in told] == []
    for question in questions:
        person.answer(question, **said(kind, question))
    robot.until(lambda: len(robot.resolutions) == 2)
    scores = sorted(each.corrections[0].original.score for each in robot.resolutions)
    assert scores == [DOUBTED, SURE]
    robot.until(lambda: len(lines(log, 'answer')) == 2)
    robot.executor.remove_node(node)
    node.close()
    heard: list[DiagnosticArray] = []
    robot.hear(DiagnosticArray, '/diagnostics', heard, RELIABLE)
    robot.start(**given, drive_id='tuesday')
    said_of = '50.0% of the errors of 1 drive(s) went unasked'
    robot.until(lambda: any(each.message == said_of for all in heard for each in all.status))
    person.close()
    service.stop()
    drive, _ = drives_of(read_log([log]))
    assert (drive.id, drive.audits, len(drive.errors)) == ('monday', 2, 2)
    sure, doubted = drive.frames
    assert (sure.asked, doubted.asked, doubted.detections[0].score) == (False, True, DOUBTED)
    assert main(['decisions', str(log)]) == 0
    assert '2 of 2 audits answered: 2 nothing there' in capsys.readouterr().out
    assert main(['calibrate', str(log), '--into', str(tmp_path / 'made')]) == 1
    assert 'drives' in capsys.readouterr().out


def test_nothing_on_the_screen_tells_what_the_detector_thinks(
    robot: Robot, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('SPARK_TOKEN', service.key)
    service.start()
    robot.listen('front')
    robot.start(server__url=service.url, front__audit_rate=1.0)
    person, front = Person(service), Front(robot)
    front.see('dog', DOUBTED)
    robot.until(person.queue)
    person.close()
    with chromium() as browser:
        page = browser.new_page()
        log_in(page, service.command('login-link'))
        expect(page.get_by_test_id('question')).to_have_count(1)
        page.keyboard.press('Enter')
        expect(page.get_by_test_id('tag')).to_contain_text('dog')
        expect(page.get_by_test_id('prior')).to_contain_text('dog')
        expect(page.get_by_test_id('metadata')).to_contain_text('stamp')
        assert [word for word in ('%', '0.31', '?') if word in page.inner_text('main')] == []
        expect(page.locator('.doubted')).to_have_count(0)


def test_an_answer_after_a_restart_belongs_to_its_own_drive(
    robot: Robot, service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An audit survives it, and a frame without detections is one, too."""
    monkeypatch.setenv('SPARK_TOKEN', service.key)
    log = tmp_path / 'decisions.jsonl'
    given = {
        'server__url': service.url, 'front__audit_rate': 1.0, 'decisions__path': str(log),
    }  # fmt: skip
    node = robot.start(**given, drive_id='monday')
    front = Front(robot)
    front.see_nothing()
    robot.until(lambda: lines(log, 'frame'))
    robot.executor.remove_node(node)
    node.close()
    service.start()
    robot.listen('front')
    robot.start(**given, drive_id='tuesday')
    person = Person(service)
    robot.until(person.queue)
    (question,) = shown(person)
    person.answer(question, shapes=[])
    robot.until(lambda: lines(log, 'answer'))
    person.close()
    monday, tuesday = drives_of(read_log([log]))
    assert (monday.id, tuesday.id) == ('monday', 'tuesday')
    assert len(monday.errors) == 1 and not tuesday.frames
    (answer,) = lines(log, 'answer')
    assert (answer['drive'], answer['state']) == ('monday', State.CLOSED.value)


@pytest.mark.parametrize('kind', ['spark', 'heat'])
def test_the_service_numbers_boxes_anew_and_the_robot_finds_its_own(
    robot: Robot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Also after a restart: the detector sorts by score, the service gets them from the left."""
    service, log = Service(tmp_path / 'service', kind), tmp_path / 'decisions.jsonl'
    monkeypatch.setenv('SPARK_TOKEN', service.key)
    given = {
        'server__url': service.url, 'server__kind': kind, 'front__audit_rate': 1.0,
        'decisions__path': str(log), 'drive_id': 'monday',
    }  # fmt: skip
    node = robot.start(**given)
    right, left, middle = ((x, 20.0, 60.0, 60.0) for x in (240.0, 20.0, 120.0))
    Front(robot).see_all(
        detection('cat', right, 0.9), detection('cat', left, 0.8), detection('cat', middle, 0.7)
    )
    robot.until(lambda: lines(log, 'frame'))
    robot.executor.remove_node(node)
    node.close()
    service.start()
    robot.listen('front')
    robot.start(**given)
    person = Person(service)
    robot.until(person.queue)
    (question,) = shown(person)
    if kind == 'spark':
        corners = [each['vertices'] for each in question['priors']]
        told = [each['metadata'] for each in question['priors']]
        assert told == [{'id': '0'}, {'id': '1'}, {'id': '2'}]
        assert [each[0]['x'] for each in corners] == sorted(each[0]['x'] for each in corners)
        person.answer(question, shapes=[{'prior': 2, 'label': 'cat', 'vertices': corners[2]}])
    else:
        box = {'x': 240, 'y': 20, 'x2': 300, 'y2': 80, 'response': ['cat']}
        person.answer(question, response=[box])
    robot.until(lambda: robot.resolutions and lines(log, 'answer'))
    person.close()
    service.stop()
    (resolution,) = robot.resolutions
    removed = Correction.KIND_REMOVED
    assert [(each.original.id, each.kind) for each in resolution.corrections] == [
        ('0', Correction.KIND_CONFIRMED), ('1', removed), ('2', removed)
    ]  # fmt: skip
    (monday,) = drives_of(read_log([log]))
    assert [error.prior for error in monday.errors[0]] == ['1', '2']
