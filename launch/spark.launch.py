# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The spark node alone, beside a perception stack that runs already.

Include it in a bringup of your own: namespaces that are pushed and remappings that are set around
it count for it, too.
"""

import os
from pathlib import Path

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import DeclareLaunchArgument, EmitEvent, LogInfo, OpaqueFunction
from launch.events import matches_action
from launch.events.process import ProcessExited, ShutdownProcess
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

CONFIG = Path(__file__).resolve().parent.parent / 'config'
# The exit code of a node that would end like this each time: a wrong parameter, no API key.
SET_UP_WRONGLY = 2
PROFILE_VARIABLES = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments, then start the node."""
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                'namespace',
                default_value='',
                description="The node's namespace; its topics and the camera's lie under it.",
            ),
            DeclareLaunchArgument('name', default_value='spark', description="The node's name."),
            DeclareLaunchArgument(
                'params_file',
                default_value=str(CONFIG / 'spark.yaml'),
                description='Parameters of the node; the default shows all of them.',
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
            DeclareLaunchArgument(
                'robot_id',
                default_value='',
                description='Name of the robot; empty: as in params_file.',
            ),
            DeclareLaunchArgument(
                'use_sim_time',
                default_value='false',
                choices=['true', 'false'],
                description='Take the time from /clock.',
            ),
            DeclareLaunchArgument(
                'log_level',
                default_value='info',
                choices=['debug', 'info', 'warn', 'error', 'fatal'],
                description='Lowest severity of the messages that are shown.',
            ),
            DeclareLaunchArgument(
                'respawn',
                default_value='true',
                choices=['true', 'false'],
                description='Restart the node when it ends, unless its settings are wrong.',
            ),
            DeclareLaunchArgument(
                'respawn_delay',
                default_value='2.0',
                description='Seconds before the node is restarted.',
            ),
            DeclareLaunchArgument(
                'fastdds_profile',
                default_value='',
                description='Fast DDS profile for the node, such as the installed '
                'config/fastdds_udp_receiver.xml; one that the environment sets already stays.',
            ),
            OpaqueFunction(function=_start),
        ]
    )


def _start(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Return the node; only what was given goes over the parameter file.

    Raises:
        FileNotFoundError: there is no such file, of which launch_ros would only warn.
    """
    params_file = LaunchConfiguration('params_file').perform(context)
    if not os.path.isfile(params_file):
        raise FileNotFoundError(f'params_file: there is no file {params_file}')
    given = {
        'server.url': LaunchConfiguration('server_url').perform(context),
        'server.token_file': LaunchConfiguration('token_file').perform(context),
        'robot_id': LaunchConfiguration('robot_id').perform(context),
    }
    profile = LaunchConfiguration('fastdds_profile').perform(context)
    environment = {
        name: profile
        for name in PROFILE_VARIABLES
        if profile and not any(os.environ.get(variable) for variable in PROFILE_VARIABLES)
    }
    return [
        Node(
            package='spark_ros',
            executable='spark_node',
            name=LaunchConfiguration('name'),
            namespace=LaunchConfiguration('namespace'),
            parameters=[
                params_file,
                {
                    'use_sim_time': ParameterValue(
                        LaunchConfiguration('use_sim_time'), value_type=bool
                    ),
                    # Typed, so that the robot 7 is not read as a number.
                    **{
                        name: ParameterValue(value, value_type=str)
                        for name, value in given.items()
                        if value
                    },
                },
            ],
            ros_arguments=['--log-level', LaunchConfiguration('log_level')],
            additional_env=environment,
            output='screen',
            respawn=LaunchConfiguration('respawn'),
            respawn_delay=float(LaunchConfiguration('respawn_delay').perform(context)),
            on_exit=_leave_what_is_set_up_wrongly,
        )
    ]


def _leave_what_is_set_up_wrongly(
    event: ProcessExited, context: LaunchContext
) -> list[LaunchDescriptionEntity] | None:
    """Take back the order to start the node again where it would only end again."""
    if event.returncode != SET_UP_WRONGLY:
        return None
    return [
        LogInfo(msg=f'{event.process_name} is set up wrongly and is not started again'),
        EmitEvent(event=ShutdownProcess(process_matcher=matches_action(event.action))),
    ]
