# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The spark node and a resolution service on this machine: everything but the robot.

Give it a camera on `camera/image_raw` and a detector on `camera/detections`. A scripted operator
answers at once, or a person does, in a browser, with `operator:=me`.
"""

import os
import subprocess
from pathlib import Path

from ament_index_python.packages import get_package_prefix
from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import (
    DeclareLaunchArgument,
    ExecuteProcess,
    GroupAction,
    IncludeLaunchDescription,
    OpaqueFunction,
    RegisterEventHandler,
    Shutdown,
)
from launch.event_handlers import OnProcessIO
from launch.events.process import ProcessIO
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration

HERE = Path(__file__).resolve().parent
CONFIG = HERE.parent / 'config'
ROS_HOME = Path(os.environ.get('ROS_HOME') or Path.home() / '.ros')
KEY_NAME = 'sandbox'


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments, then start the service and the node."""
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                'namespace',
                default_value='',
                description="The node's namespace; its topics and the camera's lie under it.",
            ),
            DeclareLaunchArgument(
                'params_file',
                default_value=str(CONFIG / 'sandbox.yaml'),
                description='Parameters of the node.',
            ),
            DeclareLaunchArgument(
                'operator',
                default_value='scripted',
                description='Who answers: scripted (confirms), scripted:TRUTH.json (corrects '
                'towards those boxes), or me (you, in the console).',
            ),
            DeclareLaunchArgument(
                'operator_delay',
                default_value='2.0',
                description='Seconds that the scripted operator waits before each answer.',
            ),
            DeclareLaunchArgument(
                'port', default_value='8080', description='Port of the service, on 127.0.0.1.'
            ),
            DeclareLaunchArgument(
                'data',
                default_value=str(ROS_HOME / 'spark_ros' / 'sandbox'),
                description='Directory of the service: its database, its images and the API key.',
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
                description='Lowest severity of the messages of the node that are shown.',
            ),
            OpaqueFunction(function=_start),
        ]
    )


def _start(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Return the service and the node, which share an API key through a file."""
    service = str(Path(get_package_prefix('spark_ros')) / 'bin' / 'spark-service')
    data = Path(LaunchConfiguration('data').perform(context)).expanduser()
    token_file = _write_key(service, data)
    operator = LaunchConfiguration('operator').perform(context)
    port = LaunchConfiguration('port').perform(context)
    delay = LaunchConfiguration('operator_delay')
    scripted = [] if operator == 'me' else ['--operator', operator, '--operator-delay', delay]
    serving = ExecuteProcess(
        cmd=[
            service, 'serve', '--port', port, '--data', str(data), *scripted,
            # The node may host its frames itself (`image_host.kind: node`).
            '--allow-fetch-net', '127.0.0.0/8',
        ],
        name='spark_service',
        output='screen',
        on_exit=Shutdown(reason='the resolution service ended'),
    )
    node = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(HERE / 'spark.launch.py')),
        launch_arguments={
            'namespace': LaunchConfiguration('namespace'),
            'params_file': LaunchConfiguration('params_file'),
            'use_sim_time': LaunchConfiguration('use_sim_time'),
            'log_level': LaunchConfiguration('log_level'),
            'server_url': f'http://127.0.0.1:{port}',
            'token_file': str(token_file),
        }.items(),
    )
    return [_once_it_speaks(serving, node, context), serving]


def _once_it_speaks(
    service: ExecuteProcess, entity: LaunchDescriptionEntity, context: LaunchContext
) -> RegisterEventHandler:
    """Return what starts an entity when the service has said where it serves.

    The node would wait for it, but complain meanwhile. Until then the groups around this file have
    ended: their namespaces, remappings and arguments are those of now.
    """
    now = dict(context.launch_configurations)
    as_now = OpaqueFunction(function=lambda later: later.launch_configurations.update(now))
    waiting = [GroupAction([as_now, entity])]

    def on_output(event: ProcessIO) -> list[LaunchDescriptionEntity] | None:
        return [waiting.pop()] if waiting and b'http://' in event.text else None

    return RegisterEventHandler(
        OnProcessIO(target_action=service, on_stdout=on_output, on_stderr=on_output)
    )


def _write_key(service: str, data: Path) -> Path:
    """Have the service make an API key, and keep it in a file that others cannot read.

    The key never stands on a command line or in a parameter: everybody can read those.
    """
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    for action in ('create', 'rotate'):
        made = subprocess.run(
            [service, 'key', action, KEY_NAME, '--data', str(data)],
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode == 0:
            break
    else:
        raise RuntimeError(f'no API key for the sandbox: {made.stderr.strip()}')
    token_file = data / f'{KEY_NAME}.key'
    token_file.unlink(missing_ok=True)
    descriptor = os.open(token_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, 'w', encoding='ascii') as file:
        file.write(made.stdout)
    return token_file
