# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The Gazebo world is valid SDF 1.9, and what names things in it elsewhere names what is there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from spark_ros.demo.warehouse.run import ASKING
from spark_ros.demo.warehouse.scene import LABELS, Scene

ROOT = Path(__file__).resolve().parent.parent
WORLD = ROOT / 'worlds' / 'warehouse.sdf'
PACKAGES = 'sdformat-sdf libsdformat-dev ignition-tools'
# Systems of Fortress that Harmonic has too; the names of Fortress are taken by both.
SYSTEMS = {
    'Physics', 'UserCommands', 'SceneBroadcaster', 'Sensors', 'VelocityControl', 'PosePublisher',
}  # fmt: skip


def missing(what: str) -> None:
    """Skip loudly; on the machine of all checks, fail."""
    reason = f'THE WORLD IS NOT CHECKED: {what} is missing (apt-get install {PACKAGES})'
    if os.environ.get('CI'):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope='module')
def descriptions() -> Path:
    """The folder with libsdformat's descriptions of the elements of SDF 1.9."""
    found = sorted(Path('/usr/share').glob('sdformat*/1.9'))
    if not found:
        missing('the description of SDF 1.9')
    return found[-1]


@pytest.fixture(scope='module')
def world() -> ElementTree.Element:
    return ElementTree.parse(WORLD).getroot()


@cache
def described(folder: Path, file: str) -> ElementTree.Element:
    return ElementTree.parse(folder / file).getroot()


def complaints(
    element: ElementTree.Element, description: ElementTree.Element, folder: Path, path: str = ''
) -> list[str]:
    """Name what stands in an element and not in its description."""
    path = f'{path}/{element.tag}'
    allowed = {one.get('name') for one in description.findall('attribute')}
    found = [f'{path}@{name}' for name in set(element.keys()) - allowed]
    if description.find("element[@copy_data='true']") is not None:
        return found
    children = {one.get('name'): one for one in description.findall('element')}
    for include in description.findall('include'):
        # Debian leaves one of them out.
        if (folder / include.get('filename', '')).is_file():
            one = described(folder, include.get('filename', ''))
            children[one.get('name')] = one
    for child in element:
        if child.tag in children:
            found += complaints(child, children[child.tag], folder, path)
        else:
            found.append(f'{path}/{child.tag}')
    return found


@pytest.mark.slow('starts its command')
def test_the_parser_of_fortress_takes_it():
    if not shutil.which('ign'):
        missing('ign')
    checked = subprocess.run(
        ['ign', 'sdf', '--check', str(WORLD)], capture_output=True, text=True, check=False)
    said = checked.stdout + checked.stderr
    assert checked.returncode == 0 and 'Valid.' in said, said
    assert not re.search('Warning|Error', said), said


def test_every_element_and_attribute_is_one_of_sdf_1_9(world, descriptions):
    """The parser itself passes over names that it does not know."""
    assert world.get('version') == '1.9'
    assert complaints(world, described(descriptions, 'root.sdf'), descriptions) == []


def test_a_misspelt_element_would_be_found(descriptions):
    text = WORLD.read_text(encoding='utf-8')
    for right, wrong in (('horizontal_fov', 'horizontal_view'), ('diffuse', 'difuse'),
                         ('type="directional"', 'kind="directional"')):
        broken = ElementTree.fromstring(text.replace(right, wrong))
        assert complaints(broken, described(descriptions, 'root.sdf'), descriptions)


def test_its_systems_have_names_that_fortress_and_harmonic_take(world):
    plugins = list(world.iter('plugin'))
    names = {plugin.get('name', '').removeprefix('ignition::gazebo::systems::')
             for plugin in plugins}
    assert names == SYSTEMS
    for plugin in plugins:
        system = plugin.get('name', '').rpartition('::')[2]
        file = re.sub('(?<!^)(?=[A-Z])', '-', system).lower()
        assert plugin.get('filename') == f'ignition-gazebo-{file}-system'


def test_nothing_falls(world):
    """`<gravity>false</gravity>` in a link does nothing before gz-sim 8.6 and ign-gazebo 6.17."""
    (gravity,) = world.findall('./world/gravity')
    assert gravity.text.split() == ['0', '0', '0']
    assert not list(world.iterfind('.//link/gravity'))


def test_nothing_is_fetched_from_elsewhere(world):
    assert not {'include', 'uri', 'mesh', 'script'} & {element.tag for element in world.iter()}
    assert 'http' not in WORLD.read_text(encoding='utf-8')


def test_every_light_says_whether_it_casts_shadows(world):
    lights = list(world.iter('light'))
    assert lights and all(light.findtext('cast_shadows') == 'true' for light in lights)


def test_the_bridge_brings_what_the_world_publishes(world):
    text = (ROOT / 'config' / 'gazebo_bridge.yaml').read_text(encoding='utf-8')
    bridged = {entry['gz_topic_name']: entry for entry in yaml.safe_load(text)}
    image = world.findtext(".//sensor[@name='camera']/topic")
    info = f'{image.rpartition("/")[0]}/camera_info'
    robot = world.find(".//model[@name='robot']")
    assert robot.find("plugin[@name='ignition::gazebo::systems::PosePublisher']") is not None
    assert set(bridged) == {'/clock', f'/{image}', f'/{info}', '/model/robot/pose'}
    for entry in bridged.values():
        assert entry['direction'] == 'GZ_TO_ROS'
        assert set(entry) == {
            'ros_topic_name', 'gz_topic_name', 'ros_type_name', 'gz_type_name', 'direction'}
    ros = {entry['ros_topic_name'] for entry in bridged.values()}
    assert ros == {'/clock', 'camera/image_raw', 'camera/camera_info', 'robot/pose'}


def test_the_node_asks_in_gazebo_as_it_does_without():
    text = (ROOT / 'config' / 'gazebo.yaml').read_text(encoding='utf-8')
    camera = yaml.safe_load(text)['/**']['ros__parameters']['camera']
    assert {name: yaml.safe_load(value) for name, value in ASKING.items()}.items() \
        <= camera.items()


def test_there_is_enough_of_every_kind():
    scene = Scene.load(WORLD)
    labels = [scene.label(model) for model in range(len(scene.models))]
    assert all(labels.count(label) >= 5 for label in LABELS)
    assert labels.count('') > 5
