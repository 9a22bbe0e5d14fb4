# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The scripted operator: answers as a person would, by a truth file or without."""
