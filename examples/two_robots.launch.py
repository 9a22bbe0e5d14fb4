# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Two robots that ask one service: docs/two-robots.md.

On real robots each runs its own line of this; in a simulation one machine runs both.
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration

ROBOTS = ('r1', 'r2')
LAUNCH = Path(get_package_share_directory('spark_ros')) / 'launch'
CONFIG = LAUNCH.parent / 'config'


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments, then start a node in each robot's namespace."""
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                'params_file',
                default_value=str(CONFIG / 'spark.yaml'),
                description='Parameters of both robots.',
            ),
            DeclareLaunchArgument(
                'server_url',
                default_value='',
                description='Base URL of the service; empty: as in params_file.',
            ),
            DeclareLaunchArgument(
                'token_file',
                default_value='',
                description='File with the API key, mode 0600; empty: as in params_file, and '
                'else the environment variable SPARK_TOKEN.',
            ),
            *[_robot(name) for name in ROBOTS],
        ]
    )


def _robot(name: str) -> IncludeLaunchDescription:
    """Return one robot's node: topics and the id that its answers come back by."""
    return IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(LAUNCH / 'spark.launch.py')),
        launch_arguments={
            'namespace': name,
            'robot_id': name,
            'params_file': LaunchConfiguration('params_file'),
            'server_url': LaunchConfiguration('server_url'),
            'token_file': LaunchConfiguration('token_file'),
        }.items(),
    )
