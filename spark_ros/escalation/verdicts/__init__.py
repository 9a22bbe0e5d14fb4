# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Judge how cameras, questions and the service are doing, and say what to do."""
