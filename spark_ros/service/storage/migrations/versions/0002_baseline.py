# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The first schema."""

from alembic import op
from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Text,
    text,
)

revision = '0002'
down_revision = None


def upgrade() -> None:
    """Make the tables and their indexes."""
    waiting = text("state IN ('open', 'assigned')")
    due = text("state IN ('open', 'assigned') AND deadline < 1000000000000000.0")
    leased = text('lease_until IS NOT NULL')
    known = text('known IS NOT NULL')
    postgresql = op.get_bind().dialect.name == 'postgresql'
    xid = '(pg_current_xact_id()::text::bigint)' if postgresql else '0'
    op.create_table(
        'fetches',
        Column('id', Integer, primary_key=True),
        Column('name', String(64), nullable=False),
        Column('tenant', String(64), nullable=False),
        Column('kind', String(8), nullable=False),
        Column('url', Text, nullable=False),
        Column('host', Text, nullable=False),
        Column('state', String(8), nullable=False),
        Column('due', Float),
        Column('taken', Float),
        Column('attempts', Integer, nullable=False),
        Column('size', BigInteger, nullable=False),
        Column('image', String(200)),
        Column('image_id', String(64)),
        Column('error', Text),
        Column('created', Float, nullable=False),
    )
    op.create_index('fetches_by_due', 'fetches', ['due', 'tenant', 'host'])
    op.create_index('fetches_by_name', 'fetches', ['name', 'created'])
    op.create_index('fetches_by_tenant', 'fetches', ['tenant', 'created', 'size'])
    op.create_index('ix_fetches_image_id', 'fetches', ['image_id'])
    op.create_table(
        'file_removals',
        Column('tenant', String(64), nullable=False),
        Column('name', String(80), nullable=False),
        PrimaryKeyConstraint('tenant', 'name'),
    )
    op.create_table(
        'idempotency',
        Column('key_id', Integer, nullable=False),
        Column('scope', String(32), nullable=False),
        Column('name', String(255), nullable=False),
        Column('body_hash', String(64), nullable=False),
        Column('result', Text, nullable=False),
        Column('created', Float, nullable=False),
        PrimaryKeyConstraint('key_id', 'scope', 'name'),
    )
    op.create_index('ix_idempotency_created', 'idempotency', ['created'])
    op.create_table(
        'images',
        Column('id', String(64), primary_key=True),
        Column('tenant', String(64), nullable=False),
        Column('name', String(80), nullable=False),
        Column('content_type', String(64), nullable=False),
        Column('size', Integer, nullable=False),
        Column('tag', Text),
        Column('sha256', String(64), nullable=False),
        Column('width', Integer),
        Column('height', Integer),
        Column('created', Float, nullable=False),
    )
    op.create_table(
        'keys',
        Column('id', Integer, primary_key=True),
        Column('name', String(200), nullable=False, unique=True),
        Column('hash', String(64), nullable=False, unique=True),
        Column('tenant', String(64), nullable=False, unique=True),
        Column('api', String(16), nullable=False),
        Column('test', Integer, nullable=False),
        Column('program', String(500)),
        Column('webhook_secret', String(128), nullable=False),
        Column('created', Float, nullable=False),
        Column('revoked', Float),
        Column('max_priority', Integer, nullable=False),
        Column('served', Float, nullable=False),
        Column('rate', Integer),
    )
    op.create_table(
        'login_tokens',
        Column('hash', String(64), primary_key=True),
        Column('expires', Float, nullable=False),
    )
    op.create_table(
        'meta',
        Column('name', String(64), primary_key=True),
        Column('value', Text, nullable=False),
    )
    op.create_table(
        'processes',
        Column('id', String(16), primary_key=True),
        Column('operators', Text, nullable=False),
        Column('expires', Float, nullable=False),
    )
    op.create_table(
        'programs',
        Column('name', String(500), primary_key=True),
        Column('instructions', Text, nullable=False),
        Column('label_options', Text, nullable=False),
        Column('reference_images', Text, nullable=False),
        Column('grace_s', Float, nullable=False),
        Column('flag_reasons', Text, nullable=False),
        Column('second_opinion_share', Float, nullable=False),
        Column('second_opinion_change', Float),
        Column('second_opinion_wait', Integer, nullable=False),
        Column('known_answers_share', Float, nullable=False),
        Column('updated', Float, nullable=False),
    )
    op.create_table(
        'sessions',
        Column('hash', String(64), primary_key=True),
        Column('id', String(16), nullable=False, unique=True),
        Column('kind', String(16), nullable=False),
        Column('operator', String(64), nullable=False),
        Column('created', Float, nullable=False),
        Column('seen', Float, nullable=False),
        Column('expires', Float, nullable=False),
    )
    op.create_table(
        'jobs',
        Column('id', Integer, primary_key=True),
        Column('token', String(64), nullable=False, unique=True),
        Column('key_id', Integer, ForeignKey('keys.id'), nullable=False),
        Column('api', String(16), nullable=False),
        Column('name', String(500), nullable=False),
        Column('program', String(500)),
        Column('instructions', Text),
        Column('webhook_url', Text),
        Column('request', Text, nullable=False),
        Column('priors', Text, nullable=False),
        Column('excluded', Text, nullable=False),
        Column('images', Integer, nullable=False),
        Column('robot_id', String(200)),
        Column('camera', String(200)),
        Column('base_url', Text, nullable=False),
        Column('idempotency_key', String(255)),
        Column('created', Float, nullable=False),
        Column('known', Float),
    )
    op.create_index(
        'jobs_known', 'jobs', ['known'], sqlite_where=known, postgresql_where=known,
    )  # fmt: skip
    op.create_table(
        'thumbnails',
        Column('image_id', String(64), ForeignKey('images.id'), primary_key=True),
        Column('content', LargeBinary, nullable=False),
    )
    op.create_table(
        'named_files',
        Column('file', String(64), nullable=False),
        Column('created', Float, nullable=False),
        Column('job_id', Integer, ForeignKey('jobs.id'), nullable=False),
        PrimaryKeyConstraint('file', 'created', 'job_id'),
    )
    op.create_index('ix_named_files_job_id', 'named_files', ['job_id'])
    op.create_table(
        'questions',
        Column('id', Integer, primary_key=True),
        Column('job_id', Integer, ForeignKey('jobs.id'), nullable=False),
        Column('key_id', Integer, ForeignKey('keys.id'), nullable=False),
        Column('kind', String(32), nullable=False),
        Column('position', Integer, nullable=False),
        Column('image_location', Text, nullable=False),
        Column('prior_count', Integer, nullable=False),
        Column('priority', Integer, nullable=False),
        Column('deadline', Float, nullable=False),
        Column('excludes', Integer, nullable=False),
        Column('state', String(16), nullable=False),
        Column('sequence', Integer, nullable=False),
        Column('created', Float, nullable=False),
        Column('closed', Float),
        Column('lease_owner', String(64)),
        Column('lease_until', Float),
        Column('answered_by', String(64)),
        Column('answer', Text),
        Column('flags', Text),
        Column('feedback', Text),
        sqlite_autoincrement=True,
    )
    op.create_index('ix_questions_job_id', 'questions', ['job_id'])
    op.create_index('questions_by_operator', 'questions', ['answered_by', 'closed'])
    op.create_index('questions_by_key', 'questions', ['key_id', 'id'])
    op.create_index('questions_by_key_and_state', 'questions', ['key_id', 'state', 'id'])
    op.create_index(
        'questions_deadlines', 'questions', ['deadline'],
        sqlite_where=due, postgresql_where=due,
    )  # fmt: skip
    op.create_index(
        'questions_leases', 'questions', ['lease_until'],
        sqlite_where=leased, postgresql_where=leased,
    )  # fmt: skip
    op.create_index(
        'questions_waiting', 'questions',
        ['priority', 'key_id', 'deadline', 'id', 'excludes', 'job_id', 'state', 'position'],
        sqlite_where=waiting, postgresql_where=waiting,
    )  # fmt: skip
    op.create_table(
        'held_answers',
        Column('question_id', Integer, ForeignKey('questions.id'), primary_key=True),
        Column('operator', String(64), nullable=False),
        Column('due', Float, nullable=False),
        Column('answer', Text, nullable=False),
        Column('flags', Text, nullable=False),
        Column('feedback', Text),
    )
    op.create_index('ix_held_answers_due', 'held_answers', ['due'])
    op.create_index('ix_held_answers_operator', 'held_answers', ['operator'])
    op.create_table(
        'checks',
        Column('id', Integer, primary_key=True),
        Column('question_id', Integer, ForeignKey('questions.id'), nullable=False),
        Column('key_id', Integer, nullable=False),
        Column('kind', String(16), nullable=False),
        Column('state', String(16), nullable=False),
        Column('created', Float, nullable=False),
        Column('operator', String(64)),
        Column('claimed', Float),
        Column('lease_until', Float),
        Column('answered', Float),
        Column('answer', Text),
        Column('flags', Text),
        Column('feedback', Text),
        Column('agreement', Float),
        sqlite_autoincrement=True,
    )
    op.create_index('ix_checks_question_id', 'checks', ['question_id'])
    op.create_index('checks_by_operator', 'checks', ['operator', 'kind', 'claimed'])
    for name, columns in (('open', ['key_id', 'id']), ('assigned', ['lease_until'])):
        when = text(f"state = '{name}'")
        op.create_index(
            f'checks_{name}', 'checks', columns, sqlite_where=when, postgresql_where=when,
        )  # fmt: skip
    op.create_table(
        'corrections',
        Column('id', Integer, primary_key=True),
        Column('question_id', Integer, ForeignKey('questions.id'), nullable=False),
        Column('note', Text, nullable=False),
        Column('noted', Float, nullable=False),
    )
    op.create_index('ix_corrections_question_id', 'corrections', ['question_id'])
    op.create_table(
        'skips',
        Column('job_id', Integer, ForeignKey('jobs.id'), nullable=False),
        Column('operator', String(64), nullable=False),
        Column('reason', Text, nullable=False),
        Column('skipped', Float, nullable=False),
        PrimaryKeyConstraint('job_id', 'operator'),
    )
    op.create_index('ix_skips_skipped', 'skips', ['skipped'])
    op.create_table(
        'changes',
        Column('number', BigInteger().with_variant(Integer, 'sqlite'), primary_key=True),
        Column('xid', BigInteger, nullable=False, server_default=text(xid)),
        Column('question_id', Integer, ForeignKey('questions.id'), nullable=False),
        Column('key_id', Integer, nullable=False),
        Column('sequence', Integer, nullable=False),
        Column('state', String(16), nullable=False),
        Column('at', Float, nullable=False),
        sqlite_autoincrement=True,
    )
    if postgresql:
        op.create_index('changes_by_key_in_order', 'changes', ['key_id', 'xid', 'number'])
        op.create_index('changes_in_order', 'changes', ['xid', 'number'])
    else:
        op.create_index('changes_by_key', 'changes', ['key_id', 'number'])
    op.create_index('ix_changes_at', 'changes', ['at'])
    op.create_index('ix_changes_question_id', 'changes', ['question_id'])
    op.create_table(
        'deliveries',
        Column('question_id', Integer, ForeignKey('questions.id'), primary_key=True),
        Column('key_id', Integer, nullable=False),
        Column('host', Text, nullable=False),
        Column('sequence', Integer, nullable=False),
        Column('changed', Float, nullable=False),
        Column('attempts', Integer, nullable=False),
        Column('due', Float),
        Column('taken', Float),
        Column('error', Text),
    )
    op.create_index('deliveries_by_due', 'deliveries', ['due', 'key_id', 'host', 'question_id'])
    op.create_index('ix_deliveries_changed', 'deliveries', ['changed'])
