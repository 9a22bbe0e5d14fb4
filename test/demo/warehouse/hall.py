# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Small worlds for tests: a camera at a height of 1 m in the middle that looks along x."""

from __future__ import annotations

from pathlib import Path

from spark_ros.demo.warehouse.scene import Scene

WIDTH, HEIGHT = 320, 240
# tan(0.7854) is 1: the focal length is half the width.
FOCAL_PX = WIDTH / 2
RED, BLUE, GREY = '0.8 0.1 0.1', '0.1 0.3 0.8', '0.5 0.5 0.5'


def model(name: str, geometry: str, pose: str, colour: str = RED) -> str:
    """Return a model with one visual."""
    return f"""
    <model name="{name}"><static>true</static><pose>{pose}</pose><link name="link">
      <visual name="body"><geometry>{geometry}</geometry><material>
        <ambient>{colour} 1</ambient><diffuse>{colour} 1</diffuse></material></visual>
    </link></model>"""


def box(*size: float) -> str:
    return f'<box><size>{" ".join(map(str, size))}</size></box>'


def cylinder(radius: float, length: float) -> str:
    return f'<cylinder><radius>{radius}</radius><length>{length}</length></cylinder>'


def sphere(radius: float) -> str:
    return f'<sphere><radius>{radius}</radius></sphere>'


PLANE = '<plane><normal>0 0 1</normal><size>9 9</size></plane>'
FLOOR = model('floor', PLANE, '0 0 0 0 0 0', GREY)


def text(*models: str, sensor_pose: str = '0 0 1 0 0 0', turn: str = '0 0 0.5') -> str:
    """Return a world with models."""
    return f"""<sdf version="1.9"><world name="test">
    <scene><ambient>0.5 0.5 0.5 1</ambient><background>0.7 0.8 0.9 1</background></scene>
    <light name="sun" type="directional"><diffuse>0.5 0.5 0.5 1</diffuse>
      <direction>0 0 -1</direction></light>
    <model name="robot"><pose>0 0 0 0 0 0</pose><link name="base">
      <sensor name="camera" type="camera"><pose>{sensor_pose}</pose><update_rate>2</update_rate>
        <camera><horizontal_fov>1.5707963</horizontal_fov>
          <image><width>{WIDTH}</width><height>{HEIGHT}</height></image>
          <clip><near>0.05</near></clip><noise><stddev>0.01</stddev></noise></camera></sensor>
      </link>
      <plugin filename="x" name="ignition::gazebo::systems::VelocityControl">
        <initial_linear>1 0 0</initial_linear><initial_angular>{turn}</initial_angular></plugin>
    </model>{''.join(models)}</world></sdf>"""


def scene(folder: Path, *models: str, **more: str) -> Scene:
    """Read a world with models."""
    path = folder / 'hall.sdf'
    path.write_text(text(*models, **more), encoding='utf-8')
    return Scene.load(path)
