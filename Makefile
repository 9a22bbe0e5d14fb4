# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0

PYTHON ?= python3
ROS_DISTRO ?= jazzy
# More processes than processors: much of a test is waiting. What a file's tests share, one has.
ARGS ?= -n 4 --dist loadfile --no-loadscope-reorder --max-worker-restart 0

demo_arguments = $(if $(IMAGES),--images "$(IMAGES)") $(if $(OPERATOR),--operator "$(OPERATOR)") \
	$(if $(BACKEND),--backend "$(BACKEND)") $(if $(SCENE),--scene "$(SCENE)") \
	$(if $(CALIBRATE),--calibrate) $(if $(WORKERS),--workers "$(WORKERS)")

# A ROS that is sourced in this shell would mix into the environment in .venv.
unexport AMENT_PREFIX_PATH CMAKE_PREFIX_PATH COLCON_PREFIX_PATH LD_LIBRARY_PATH PYTHONHOME
unexport PYTHONPATH RMW_IMPLEMENTATION _ROS_WHEELS_BOOTSTRAP_COMPLETE
# Images of containers set it; .venv comes uncompiled, and a start of the service would take 4 s.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help env env-tests demo test test-all lint docs bench service clean

help:
	@echo 'make demo      one robot, one camera, one operator: questions asked and answered'
	@echo '                 IMAGES=<folder or video>  your own pictures'
	@echo '                 OPERATOR=me               you answer, in a browser'
	@echo '                 BACKEND=heat              over the Heat API'
	@echo '                 SCENE=warehouse           a loop through a simulated hall, scored'
	@echo '                 SCENE=warehouse CALIBRATE=1'
	@echo '                                           the same, with thresholds calibrated first'
	@echo '                 WORKERS=2                 two processes of the service, on PostgreSQL'
	@echo 'make test      the tests to run after each change   ARGS="-k geometry"  some of them'
	@echo 'make test-all  these and the slow ones: kills, chaos, whole demos, other ways to install'
	@echo 'make lint      ruff and mypy'
	@echo 'make docs      the site of docs/ (build/docs/html), and the tables in it'
	@echo 'make bench     what a frame costs the robot, a question the service, and what operators'
	@echo '               wait for   QUICK=1  shortly'
	@echo 'make service   the resolution service alone, with a key and the console (./spark-data)'
	@echo 'make env       only bring .venv up to date: ROS 2 from PyPI, this package built into it'
	@echo 'make env-tests and what make test and make lint add to it'
	@echo 'make clean     remove everything that was made, except ./spark-data'
	@echo
	@echo 'PYTHON=$(PYTHON)  ROS_DISTRO=$(ROS_DISTRO)'

env:
	@$(PYTHON) dev/bootstrap.py --distro $(ROS_DISTRO)

env-tests:
	@$(PYTHON) dev/bootstrap.py --distro $(ROS_DISTRO) --for tests

demo: env
	@.venv/bin/python -m spark_ros.demo $(demo_arguments)

# Not `python -m pytest`: that would import the package from here and not as it is installed.
test: env-tests
	@.venv/bin/pytest -m 'not slow' -o faulthandler_timeout=180 $(ARGS)

test-all: env-tests
	@.venv/bin/pytest $(ARGS)

lint: env-tests
	@.venv/bin/python -m ruff check .
	@.venv/bin/python -m mypy

docs: env
	@.venv/bin/python dev/parameter_reference.py
	@.venv/bin/python dev/command_reference.py
	@.venv/bin/python dev/interface_reference.py
	@.venv/bin/python dev/documentation.py

# With the tests' packages: the console is measured in a browser.
bench: env-tests
	@.venv/bin/python benchmarks/run.py $(if $(QUICK),--quick)
	@.venv/bin/python benchmarks/decisions.py $(if $(QUICK),--quick)
	@.venv/bin/python benchmarks/floor.py $(if $(QUICK),--quick)
	@.venv/bin/python benchmarks/console.py $(if $(QUICK),--quick)

service: env
	@.venv/bin/spark-service try --data ./spark-data

clean:
	rm -rf .venv build demo_output dist install log *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
