# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What is in the database: one writer, many readers, and what each table is for."""
