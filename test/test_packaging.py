# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The package without ROS, beside ROS, and what a machine that lacks something is told."""

import ast
import fcntl
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from checkout import make_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
IN_THE_SOURCE_DISTRIBUTION = (
    'LICENSE', 'pyproject.toml', 'setup.cfg', 'setup.py', 'spark_ros')

IMPORT_ALL_WITHOUT_ROS = """
import importlib, pkgutil, sys

class NoRos:
    def find_spec(self, name, path=None, target=None):
        top = name.partition('.')[0]
        if top == 'rclpy' or top.endswith(('_msgs', '_interfaces')):
            raise ImportError(f'{name} on a machine without ROS')

sys.meta_path.insert(0, NoRos())
import spark_ros
# Of all installations only this one, so that what its wheel lacks is missed.
spark_ros.__path__ = [sys.argv[1] + '/spark_ros']
for module in pkgutil.walk_packages(spark_ros.__path__, 'spark_ros.'):
    if module.name.split('.')[1] not in ('ros', 'demo') and not module.name.endswith('__main__'):
        importlib.import_module(module.name)
        print(module.name)
"""

WHICH_IS_CURRENT = """
import sys
sys.path.insert(0, 'dev')
import environment
from steps import Paths
paths = Paths.of_this_checkout()
paths.python.parent.mkdir(parents=True)
paths.python.touch()
environment._stamp(paths).write_text(environment._fingerprint(paths, 'jazzy'))
print([distro for distro in ('jazzy', 'kilted') if environment.is_current(paths, distro)])
"""

ALL_IS_CURRENT = """
import sys
sys.path.insert(0, 'dev')
import environment, workspace
from steps import Paths
paths = Paths.of_this_checkout()
for folder in (paths.python.parent, paths.build / 'spark_ros', paths.build / 'vision_msgs'):
    folder.mkdir(parents=True)
for file in (paths.python, paths.root / 'CMakeLists.txt', paths.root / 'package.xml'):
    file.touch()
environment._stamp(paths).write_text(environment._fingerprint(paths, 'jazzy'))
workspace._stamp(paths).write_text(workspace._fingerprint(paths))
"""

WHICH_LEVELS_ARE_CURRENT = """
import sys
sys.path.insert(0, 'dev')
import environment
from steps import Paths
paths = Paths.of_this_checkout()
paths.python.parent.mkdir(parents=True)
paths.python.touch()
def current():
    return environment.is_current(paths, 'jazzy'), environment.is_ready_for_tests(paths)
environment._stamp(paths).write_text(environment._fingerprint(paths, 'jazzy'))
print(*current())
environment._tests_stamp(paths).write_text(environment._tests_fingerprint(paths))
print(*current())
for name in ('tests.txt', 'python.txt'):
    file = paths.dev / 'requirements' / name
    text = file.read_text()
    file.write_text(text + 'another==1.0')
    print(*current())
    file.write_text(text)
"""

SHARE_LIBRARIES = """
import sys
sys.path.insert(0, 'dev')
import environment
from steps import Paths
paths = Paths.of_this_checkout()
for name, content in (('libx.so', b'x'), ('a.libs/libx.so.1', b'x'), ('liby.so.2', b'y')):
    (paths.venv / 'lib' / name).parent.mkdir(parents=True, exist_ok=True)
    (paths.venv / 'lib' / name).write_bytes(content)
environment.share_libraries(paths)
"""

IMPORT_ALL_WITHOUT_TESTS = """
import importlib, pkgutil, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in sys.argv[1:]:
            raise ImportError(f'{name} is for tests only')

sys.meta_path.insert(0, Blocked())
# What is imported only with PostgreSQL.
WITH_POSTGRES = 'spark_ros.service.change_listener', 'spark_ros.service.storage.notify_sender'
import spark_ros
for module in pkgutil.walk_packages(spark_ros.__path__, 'spark_ros.'):
    if not module.name.endswith('__main__') and module.name not in WITH_POSTGRES:
        importlib.import_module(module.name)
        print(module.name)
"""

# Asked for by packages whose parts that need it are not used here: colcon's tests of Python,
# linters of generated code, catkin's changelogs, and all of scikit-image but its photographs.
LEFT_OUT = {
    'imageio', 'lazy-loader', 'networkx', 'pytest-cov', 'pytest-repeat', 'pytest-rerunfailures',
    'ros-ament-cmake-cppcheck', 'ros-ament-cmake-cpplint', 'ros-ament-cmake-flake8',
    'ros-ament-cmake-pep257', 'ros-ament-cmake-uncrustify', 'scipy', 'tifffile',
}
LEFT_TO_TESTS = {'docutils', 'pytest', 'python-dateutil'}

IMPORT_BOTH = """
import sys
sys.path[:0] = sys.argv[1:]
import spark_ros
from spark_ros.msg import Resolution
from spark_ros.action import Engage
from spark_ros import geometry
Resolution()
print(spark_ros.__file__)
"""


def python(*arguments: str, cwd: Path) -> str:
    """Run this Python away from the checkout; return what it printed."""
    process = subprocess.run(
        [sys.executable, *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout


def package_files() -> set[str]:
    """Return the files of the package, from the root of the checkout."""
    return {
        str(file.relative_to(ROOT)) for file in (ROOT / 'spark_ros').rglob('*')
        if file.is_file() and '__pycache__' not in file.parts}


def listed(*names: str) -> dict[str, str]:
    """Return the versions that lists of the environment name for this Python."""
    requirements = [
        Requirement(line) for name in names
        for line in (ROOT / 'dev' / 'requirements' / name).read_text().splitlines()
        if line and not line.startswith('#')]
    for requirement in requirements:
        assert re.fullmatch(r'==[\w.]+', str(requirement.specifier)), requirement
    of_this_python = [
        (canonicalize_name(requirement.name), str(requirement.specifier)[2:])
        for requirement in requirements
        if requirement.marker is None or requirement.marker.evaluate()]
    assert len(dict(of_this_python)) == len(of_this_python), 'a package stands there twice'
    return dict(of_this_python)


def lacking(versions: dict[str, str]) -> set[str]:
    """Return what the packages of a list ask for and the list does not have, or not so new."""
    wanted = [
        requirement for name in versions
        for requirement in map(Requirement, metadata.requires(name) or [])
        if requirement.marker is None or requirement.marker.evaluate({'extra': ''})]
    return {
        name for name, one in ((canonicalize_name(one.name), one) for one in wanted)
        if name not in versions or not one.specifier.contains(versions[name])}


@pytest.fixture(scope='module')
def ros_list() -> str:
    """Return the list of the distribution that is installed."""
    (name,) = (
        file.name for file in (ROOT / 'dev' / 'requirements').glob('ros-*.txt')
        if listed(file.name)['ros-rclpy'] == metadata.version('ros-rclpy'))
    return name


@pytest.fixture(scope='module')
def wheel(tmp_path_factory) -> Path:
    """Build the wheel from a copy: setuptools leaves its traces beside the sources."""
    directory = tmp_path_factory.mktemp('wheel')
    source = directory / 'source'
    for name in IN_THE_SOURCE_DISTRIBUTION:
        if (ROOT / name).is_dir():
            shutil.copytree(
                ROOT / name, source / name, ignore=shutil.ignore_patterns('__pycache__'))
        else:
            source.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, source)
    python('-m', 'pip', 'wheel', '--quiet', '--no-index', '--no-build-isolation', '--no-deps',
           '--wheel-dir', str(directory), str(source), cwd=directory)
    (built,) = directory.glob('*.whl')
    return built


@pytest.fixture(scope='module')
def pip_installed(wheel) -> Path:
    """Install the wheel by itself and return the directory to put on the path."""
    target = wheel.parent / 'target'
    python('-m', 'pip', 'install', '--quiet', '--no-index', '--no-deps', '--target', str(target),
           str(wheel), cwd=wheel.parent)
    return target


@pytest.fixture(scope='module')
def colcon_installed() -> Path:
    """Return the directory from which the generated messages are imported."""
    spec = importlib.util.find_spec('spark_ros.msg')
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent.parent.parent


@pytest.mark.slow('builds a wheel')
def test_wheel_holds_all_of_the_package_and_nothing_else(wheel):
    packed = {
        name for name in zipfile.ZipFile(wheel).namelist()
        if '.dist-info/' not in name and not name.endswith('/')}
    assert packed == package_files()


@pytest.mark.slow('builds a source distribution')
def test_source_distribution_holds_all_of_the_package(wheel):
    source = wheel.parent / 'source'
    build = 'import sys; from setuptools import build_meta; build_meta.build_sdist(sys.argv[1])'
    python('-c', build, str(wheel.parent), cwd=source)
    (built,) = wheel.parent.glob('*.tar.gz')
    with tarfile.open(built) as archive:
        packed = {name.partition('/')[2] for name in archive.getnames()}
    assert packed >= package_files() | {'LICENSE', 'pyproject.toml', 'setup.cfg', 'setup.py'}


@pytest.mark.slow('installs a wheel')
def test_clients_service_and_commands_import_without_ros(pip_installed, tmp_path):
    script = tmp_path / 'script.py'
    script.write_text(f'import sys; sys.path.insert(0, sys.argv[1])\n{IMPORT_ALL_WITHOUT_ROS}')
    imported = python(str(script), str(pip_installed), cwd=tmp_path).split()
    assert {'spark_ros.clients', 'spark_ros.service', 'spark_ros.cli'} <= set(imported)


def test_nothing_that_runs_imports_what_only_tests_have(tmp_path):
    for_tests = listed('tests.txt')
    blocked = [
        module for module, owners in metadata.packages_distributions().items()
        if {canonicalize_name(owner) for owner in owners} <= for_tests.keys()]
    assert {'boto3', 'hypothesis', 'playwright', 'pytest'} <= set(blocked)
    script = tmp_path / 'script.py'
    script.write_text(IMPORT_ALL_WITHOUT_TESTS)
    imported = python(str(script), *blocked, cwd=tmp_path).split()
    assert {'spark_ros.demo.camera', 'spark_ros.ros.node', 'spark_ros.service'} <= set(imported)


def test_the_lists_hold_all_that_their_packages_need(ros_list):
    """Pip installs these lists and nothing else."""
    to_run, with_tests = (ros_list, 'python.txt'), (ros_list, 'python.txt', 'tests.txt')
    assert lacking(listed(*to_run)) == LEFT_OUT | LEFT_TO_TESTS
    assert lacking(listed(*with_tests)) == LEFT_OUT


@pytest.mark.parametrize('target', ['env', 'demo', 'service', 'bench', 'docs', 'test', 'lint'])
def test_only_tests_and_checks_bring_what_they_need(target):
    shown = subprocess.run(
        ['make', '--dry-run', target], cwd=ROOT, env=make_environment(), capture_output=True,
        text=True, check=True)
    bootstrap, *_ = shown.stdout.splitlines()
    assert 'dev/bootstrap.py' in bootstrap
    assert ('--for tests' in bootstrap) == (target in ('test', 'lint', 'bench'))


@pytest.mark.slow('installs a wheel')
@pytest.mark.parametrize('first', ['pip', 'colcon'])
def test_neither_installation_hides_the_messages(first, pip_installed, colcon_installed, tmp_path):
    order = [pip_installed, colcon_installed]
    if first == 'colcon':
        order.reverse()
    script = tmp_path / 'script.py'
    script.write_text(IMPORT_BOTH)
    used = python(str(script), *map(str, order), cwd=tmp_path).strip()
    assert Path(used).is_relative_to(order[0])


@pytest.fixture
def checkout(tmp_path) -> Path:
    """A checkout that holds only what the bootstrap itself needs."""
    shutil.copytree(ROOT / 'dev', tmp_path / 'dev', ignore=shutil.ignore_patterns('__pycache__'))
    return tmp_path


def bootstrap(checkout: Path, *command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the bootstrap under the Python that this environment was made from."""
    # Pip's own settings would lead it to another index than the one a test names.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith('PIP_')}
    base_python = getattr(sys, '_base_executable', sys.executable)
    return subprocess.run(
        [base_python, *(command or ('dev/bootstrap.py',))], cwd=checkout, text=True,
        env=inherited | environ, capture_output=True, check=False)


def path_without(checkout: Path, absent: str) -> str:
    """Return a PATH on which only one of the tools is missing."""
    directory = checkout / 'bin'
    directory.mkdir()
    for tool in {'g++', 'make'} - {absent}:
        (directory / tool).symlink_to(shutil.which(tool) or '/bin/true')
    return str(directory)


@pytest.mark.parametrize('tool', ['g++', 'make'])
def test_a_missing_tool_is_one_clear_line(checkout, tool):
    process = bootstrap(checkout, PATH=path_without(checkout, tool))
    assert process.returncode == 1
    assert process.stderr == (
        f'spark_ros: this machine lacks {tool}; on Debian or Ubuntu: sudo apt install {tool}\n')


def test_an_unsupported_python_is_one_clear_line(checkout):
    pretend = ('import runpy, sys; sys.version_info = (3, 9, 18); '
               'runpy.run_path("dev/bootstrap.py", run_name="__main__")')
    process = bootstrap(checkout, '-c', pretend)
    assert process.returncode == 1
    assert process.stderr.count('\n') == 1
    assert 'Python 3.9 cannot be used' in process.stderr
    assert 'Python 3.10 to 3.14' in process.stderr


def test_an_old_python_can_parse_the_bootstrap_to_say_so():
    ast.parse((ROOT / 'dev' / 'bootstrap.py').read_text(), feature_version=(3, 7))


def test_an_unknown_distribution_is_one_clear_line(checkout):
    process = bootstrap(checkout, 'dev/bootstrap.py', '--distro', 'foxy')
    assert process.returncode == 1
    assert process.stderr.count('\n') == 1
    assert 'ROS_DISTRO=foxy' in process.stderr and 'ROS_DISTRO=jazzy' in process.stderr


def test_an_environment_is_current_for_the_distribution_it_was_made_for_only(checkout):
    process = bootstrap(checkout, '-c', WHICH_IS_CURRENT)
    assert process.stdout == "['jazzy']\n", process.stderr


def test_a_change_for_tests_is_no_reason_to_make_the_environment_anew(checkout):
    process = bootstrap(checkout, '-c', WHICH_LEVELS_ARE_CURRENT)
    just_made, with_tests, other_tests, other_packages = process.stdout.splitlines()
    assert just_made == 'True False', process.stderr
    assert with_tests == 'True True'
    assert other_tests == 'True False'
    assert other_packages == 'False True'


def test_what_is_up_to_date_waits_for_no_other_make(checkout):
    bootstrap(checkout, '-c', ALL_IS_CURRENT).check_returncode()
    with (checkout / 'build' / '.bootstrap.lock').open('w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with subprocess.Popen(
            [sys.executable, 'dev/bootstrap.py'], cwd=checkout, stdout=subprocess.PIPE,
        ) as process:  # fmt: skip
            told = process.stdout.readline()
            fcntl.flock(lock, fcntl.LOCK_UN)
    assert (told, process.returncode) == (b'', 0)


def test_a_library_that_several_wheels_bring_is_on_the_disk_once(checkout):
    bootstrap(checkout, '-c', SHARE_LIBRARIES).check_returncode()
    lib = checkout / '.venv' / 'lib'
    assert (lib / 'libx.so').samefile(lib / 'a.libs' / 'libx.so.1')
    assert (lib / 'a.libs' / 'libx.so.1').read_bytes() == b'x'
    assert (lib / 'liby.so.2').read_bytes() == b'y'


@pytest.mark.slow('makes environments')
def test_no_network_is_one_clear_line_and_not_taken_as_installed(checkout):
    # Nothing listens on port 9 of this machine: the index refuses the connection.
    process = bootstrap(
        checkout, PIP_INDEX_URL='http://127.0.0.1:9/simple', PIP_CONFIG_FILE=os.devnull)
    assert process.returncode == 1
    assert process.stderr.count('\n') == 1
    assert 'the package index cannot be reached' in process.stderr
    assert not (checkout / '.venv' / '.environment-stamp').exists()
