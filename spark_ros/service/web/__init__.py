# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What every endpoint needs of a request and of an answer."""
