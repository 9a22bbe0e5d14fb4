# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Runs the migrations on the connection, and in the transaction, that Alembic was given."""

from alembic import context

context.configure(connection=context.config.attributes['connection'])
context.run_migrations()
