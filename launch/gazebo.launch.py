# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A robot in a Gazebo hall, a detector that errs, the spark node and a service: and a score.

Needs ros_gz (Humble with Fortress, Jazzy with Harmonic). After one loop the scores of the
detector alone and of the detector with the answers are printed and plotted, and everything ends.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import (
    DeclareLaunchArgument,
    ExecuteProcess,
    GroupAction,
    IncludeLaunchDescription,
    OpaqueFunction,
    SetLaunchConfiguration,
    Shutdown,
)
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

HERE = Path(__file__).resolve().parent
CONFIG = HERE.parent / 'config'
WORLDS = HERE.parent / 'worlds'
ROS_HOME = Path(os.environ.get('ROS_HOME') or Path.home() / '.ros')


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments, then start the simulation and all that looks at it."""
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                'world',
                default_value=str(WORLDS / 'warehouse.sdf'),
                description='World file; the true boxes are computed from it.',
            ),
            DeclareLaunchArgument(
                'headless',
                default_value='false',
                choices=['true', 'false'],
                description="Run without Gazebo's window, as on a server (needs EGL).",
            ),
            DeclareLaunchArgument(
                'operator',
                default_value='scripted',
                description='Who answers: scripted (knows the true boxes), or me (you, in the '
                'console).',
            ),
            DeclareLaunchArgument(
                'operator_delay',
                default_value='1.0',
                description='Seconds that the scripted operator waits before each answer.',
            ),
            DeclareLaunchArgument(
                'seconds',
                default_value='51.0',
                description='Simulated seconds to score, one loop takes 50.3; 0: until Ctrl-C.',
            ),
            DeclareLaunchArgument(
                'output',
                default_value='demo_output/gazebo',
                description='Folder for the plot of the scores.',
            ),
            DeclareLaunchArgument(
                'params_file',
                default_value=str(CONFIG / 'gazebo.yaml'),
                description='Parameters of the spark node.',
            ),
            DeclareLaunchArgument(
                'bridge_config',
                default_value=str(CONFIG / 'gazebo_bridge.yaml'),
                description='The topics that ros_gz_bridge passes to ROS.',
            ),
            DeclareLaunchArgument(
                'port', default_value='8080', description='Port of the service, on 127.0.0.1.'
            ),
            DeclareLaunchArgument(
                'data',
                default_value=str(ROS_HOME / 'spark_ros' / 'gazebo'),
                description='Directory of the service: its database, its images and the API key.',
            ),
            DeclareLaunchArgument(
                'log_level',
                default_value='info',
                choices=['debug', 'info', 'warn', 'error', 'fatal'],
                description='Lowest severity of the messages of the spark node that are shown.',
            ),
            OpaqueFunction(function=_start),
        ]
    )


def _start(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Return Gazebo, its bridge, the demo's nodes, the spark node and the service."""
    world = LaunchConfiguration('world').perform(context)
    headless = LaunchConfiguration('headless').perform(context) == 'true'
    truth_file = _empty_truth_file()
    operator = LaunchConfiguration('operator').perform(context)
    knowing = f'scripted:{truth_file}' if operator == 'scripted' else operator
    return [
        # For its window and its server Gazebo takes five seconds each to end.
        SetLaunchConfiguration('sigterm_timeout', '12'),
        _gazebo(f'-r {"-s --headless-rendering " if headless else ""}"{world}"'),
        Node(
            package='ros_gz_bridge',
            executable='parameter_bridge',
            parameters=[{'config_file': LaunchConfiguration('bridge_config')}],
            output='screen',
        ),
        _demo_node('detector_node'),
        _demo_node('truth_node', world=world, truth_file=truth_file),
        _demo_node(
            'evaluator',
            output=os.path.abspath(LaunchConfiguration('output').perform(context)),
            seconds=float(LaunchConfiguration('seconds').perform(context)),
            title='A loop in Gazebo',
            on_exit=Shutdown(reason='the run has been scored'),
        ),
        IncludeLaunchDescription(
            PythonLaunchDescriptionSource(str(HERE / 'sandbox.launch.py')),
            launch_arguments={
                'params_file': LaunchConfiguration('params_file'),
                'operator': knowing,
                'operator_delay': LaunchConfiguration('operator_delay'),
                'port': LaunchConfiguration('port'),
                'data': LaunchConfiguration('data'),
                'use_sim_time': 'true',
                'log_level': LaunchConfiguration('log_level'),
            }.items(),
        ),
    ]


def _gazebo(arguments: str) -> GroupAction:
    """Return Gazebo in the place of the shell that its launch file starts.

    A signal would end the shell alone, and the next run would hear two simulations.
    """
    share = FindPackageShare('ros_gz_sim')
    return GroupAction(
        [
            SetLaunchConfiguration('launch-prefix', 'exec'),
            SetLaunchConfiguration('launch-prefix-filter', ''),
            IncludeLaunchDescription(
                PythonLaunchDescriptionSource(
                    PathJoinSubstitution([share, 'launch', 'gz_sim.launch.py'])
                ),
                launch_arguments={'gz_args': arguments, 'on_exit_shutdown': 'true'}.items(),
            ),
        ]
    )


def _demo_node(
    module: str, on_exit: Shutdown | None = None, **parameters: object
) -> ExecuteProcess:
    """Return a node of the demo, in simulated time."""
    given = {'use_sim_time': True, **parameters}
    # As JSON, which is YAML: a path stays a text, whatever it looks like.
    assigned = [f'{name}:={json.dumps(value)}' for name, value in given.items()]
    words = [word for assignment in assigned for word in ('-p', assignment)]
    return ExecuteProcess(
        cmd=[sys.executable, '-m', f'spark_ros.demo.warehouse.{module}', '--ros-args', *words],
        name=module,
        output='screen',
        on_exit=on_exit,
    )


def _empty_truth_file() -> str:
    """Make the file through which the node of the truth tells the operator."""
    path = Path(tempfile.mkdtemp(prefix='spark_gazebo_')) / 'truth.json'
    path.write_text('{"images": []}\n', encoding='utf-8')
    return str(path)
