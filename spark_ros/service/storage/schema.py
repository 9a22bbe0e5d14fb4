# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The tables. They know jobs, questions and answers, not which API they came by.

What is changed here needs a file in `migrations/versions`, for databases that are there already.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    literal_column,
)

from spark_ros.service.storage.change_order import TransactionId

NEVER = 1e15
# The tenant of what programs show; no key's tenant looks like it.
PROGRAMS = 'programs'

metadata = MetaData()

meta = Table(
    'meta',
    metadata,
    Column('name', String(64), primary_key=True),
    Column('value', Text, nullable=False),
)

keys = Table(
    'keys',
    metadata,
    Column('id', Integer, primary_key=True),
    Column('name', String(200), nullable=False, unique=True),
    Column('hash', String(64), nullable=False, unique=True),
    # What the key's image URLs show instead of its name.
    Column('tenant', String(64), nullable=False, unique=True),
    Column('api', String(16), nullable=False),
    Column('test', Integer, nullable=False),
    Column('program', String(500)),
    # In the clear: webhooks are signed with it.
    Column('webhook_secret', String(128), nullable=False),
    Column('created', Float, nullable=False),
    Column('revoked', Float),
    # The highest priority that its questions may have.
    Column('max_priority', Integer, nullable=False),
    # When an operator last took one of its questions: keys take turns.
    Column('served', Float, nullable=False),
    # Creates and uploads a minute; null for no limit.
    Column('rate', Integer),
)

programs = Table(
    'programs',
    metadata,
    Column('name', String(500), primary_key=True),
    Column('instructions', Text, nullable=False),
    Column('label_options', Text, nullable=False),
    Column('reference_images', Text, nullable=False),
    # For how long an operator can take an answer back, in seconds, and why one may flag, as JSON.
    Column('grace_s', Float, nullable=False),
    Column('flag_reasons', Text, nullable=False),
    # Which answered questions are shown to another operator; see `spark.programs`.
    Column('second_opinion_share', Float, nullable=False),
    Column('second_opinion_change', Float),
    Column('second_opinion_wait', Integer, nullable=False),
    Column('known_answers_share', Float, nullable=False),
    Column('updated', Float, nullable=False),
)

images = Table(
    'images',
    metadata,
    Column('id', String(64), primary_key=True),
    Column('tenant', String(64), nullable=False),
    Column('name', String(80), nullable=False),
    Column('content_type', String(64), nullable=False),
    Column('size', Integer, nullable=False),
    Column('tag', Text),
    Column('sha256', String(64), nullable=False),
    # Upright, in pixels; null for video and audio.
    Column('width', Integer),
    Column('height', Integer),
    Column('created', Float, nullable=False),
)

# What the rows of the queue show; apart, so that nobody reads it along with an image's facts.
thumbnails = Table(
    'thumbnails',
    metadata,
    Column('image_id', String(64), ForeignKey('images.id'), primary_key=True),
    Column('content', LargeBinary, nullable=False),
)

# Files on the disk or in the bucket that are to be deleted; their rows are gone already.
file_removals = Table(
    'file_removals',
    metadata,
    Column('tenant', String(64), nullable=False),
    Column('name', String(80), nullable=False),
    PrimaryKeyConstraint('tenant', 'name'),
)

jobs = Table(
    'jobs',
    metadata,
    Column('id', Integer, primary_key=True),
    Column('token', String(64), nullable=False, unique=True),
    Column('key_id', Integer, ForeignKey('keys.id'), nullable=False),
    Column('api', String(16), nullable=False),
    Column('name', String(500), nullable=False),
    Column('program', String(500)),
    Column('instructions', Text),
    Column('webhook_url', Text),
    # What else was asked, as JSON that the API's own module reads; what only operators need
    # (it may be megabytes) stands apart, so that lists are cheap.
    Column('request', Text, nullable=False),
    Column('priors', Text, nullable=False),
    # The pseudonyms of operators who must not answer, separated by spaces.
    Column('excluded', Text, nullable=False),
    Column('images', Integer, nullable=False),
    # Which robot asked, of which camera, if the request names them, and the service's URL as the
    # caller knows it.
    Column('robot_id', String(200)),
    Column('camera', String(200)),
    Column('base_url', Text, nullable=False),
    # What the caller calls it: found in the logs of both sides.
    Column('idempotency_key', String(255)),
    Column('created', Float, nullable=False),
    # Since when its answer is known to be right; null where it is not known.
    Column('known', Float),
)
_known = jobs.c.known.is_not(None)
Index('jobs_known', jobs.c.known, sqlite_where=_known, postgresql_where=_known)

questions = Table(
    'questions',
    metadata,
    Column('id', Integer, primary_key=True),
    Column('job_id', Integer, ForeignKey('jobs.id'), nullable=False, index=True),
    Column('key_id', Integer, ForeignKey('keys.id'), nullable=False),
    Column('kind', String(32), nullable=False),
    Column('position', Integer, nullable=False),
    Column('image_location', Text, nullable=False),
    Column('prior_count', Integer, nullable=False),
    Column('priority', Integer, nullable=False),
    # When nobody waits for the answer any more; NEVER, so that it sorts as the last.
    Column('deadline', Float, nullable=False),
    # Whether the job has `excluded` operators.
    Column('excludes', Integer, nullable=False),
    Column('state', String(16), nullable=False),
    # Grows with every state change of this question.
    Column('sequence', Integer, nullable=False),
    Column('created', Float, nullable=False),
    Column('closed', Float),
    Column('lease_owner', String(64)),
    # NEVER while an answer is held back; see `held_answers`.
    Column('lease_until', Float),
    Column('answered_by', String(64)),
    Column('answer', Text),
    Column('flags', Text),
    Column('feedback', Text),
    Index('questions_by_operator', 'answered_by', 'closed'),
    Index('questions_by_key', 'key_id', 'id'),
    Index('questions_by_key_and_state', 'key_id', 'state', 'id'),
    sqlite_autoincrement=True,
)

# Literal, since a database uses a partial index only where it sees that the query implies it.
WAITING = questions.c.state.in_([literal_column("'open'"), literal_column("'assigned'")])
HAS_DEADLINE = WAITING & (questions.c.deadline < literal_column(str(NEVER)))
for _name, _columns, _when in (
    (
        'waiting',
        ('priority', 'key_id', 'deadline', 'id', 'excludes', 'job_id', 'state', 'position'),
        WAITING,
    ),
    ('deadlines', ('deadline',), HAS_DEADLINE),
    ('leases', ('lease_until',), questions.c.lease_until.is_not(None)),
):
    Index(
        f'questions_{_name}', *(questions.c[each] for each in _columns), sqlite_where=_when,
        postgresql_where=_when,
    )  # fmt: skip
# Answers that operators can still take back, to questions that are assigned to them.
held_answers = Table(
    'held_answers',
    metadata,
    Column('question_id', Integer, ForeignKey('questions.id'), primary_key=True),
    Column('operator', String(64), nullable=False, index=True),
    # When it closes the question.
    Column('due', Float, nullable=False, index=True),
    Column('answer', Text, nullable=False),
    Column('flags', Text, nullable=False),
    Column('feedback', Text),
)

# Questions that were answered already, shown to an operator who has not answered them: one row for
# each image and check. The question itself does not change by it.
checks = Table(
    'checks',
    metadata,
    Column('id', Integer, primary_key=True),
    Column('question_id', Integer, ForeignKey('questions.id'), nullable=False, index=True),
    # As of the question.
    Column('key_id', Integer, nullable=False),
    # `second`: a second opinion; `known`: the question's own answer is known to be right.
    Column('kind', String(16), nullable=False),
    # As of a question: open, assigned or closed; or `returned` to who has a known answer.
    Column('state', String(16), nullable=False),
    Column('created', Float, nullable=False),
    # Who has it, answered it, or gave it back as a known answer; null while it is open.
    Column('operator', String(64)),
    Column('claimed', Float),
    Column('lease_until', Float),
    Column('answered', Float),
    # As of a question; null until it is closed.
    Column('answer', Text),
    Column('flags', Text),
    Column('feedback', Text),
    # From 0 to 1 with the question's own answer.
    Column('agreement', Float),
    Index('checks_by_operator', 'operator', 'kind', 'claimed'),
    sqlite_autoincrement=True,
)
for _name, *_of in (('open', 'key_id', 'id'), ('assigned', 'lease_until')):
    _given = checks.c.state == literal_column(f"'{_name}'")
    Index(
        f'checks_{_name}', *(checks.c[each] for each in _of), sqlite_where=_given,
        postgresql_where=_given,
    )  # fmt: skip

# Mistakes that operators found in their answers afterwards; the answers stay as they are.
corrections = Table(
    'corrections',
    metadata,
    Column('id', Integer, primary_key=True),
    Column('question_id', Integer, ForeignKey('questions.id'), nullable=False, index=True),
    Column('note', Text, nullable=False),
    Column('noted', Float, nullable=False),
)

# Who skipped the questions of a job, the last time, and why.
skips = Table(
    'skips',
    metadata,
    Column('job_id', Integer, ForeignKey('jobs.id'), nullable=False),
    Column('operator', String(64), nullable=False),
    Column('reason', Text, nullable=False),
    Column('skipped', Float, nullable=False, index=True),
    PrimaryKeyConstraint('job_id', 'operator'),
)

# Which files the questions of a job, or its answers, name: the id of an image, or `fetches.name`.
named_files = Table(
    'named_files',
    metadata,
    Column('file', String(64), nullable=False),
    # When the job was created: which of several fetches of the file it shows.
    Column('created', Float, nullable=False),
    Column('job_id', Integer, ForeignKey('jobs.id'), nullable=False, index=True),
    PrimaryKeyConstraint('file', 'created', 'job_id'),
)

changes = Table(
    'changes',
    metadata,
    Column('number', BigInteger().with_variant(Integer, 'sqlite'), primary_key=True),
    # The transaction that made it; 0 on SQLite.
    Column('xid', BigInteger, nullable=False, server_default=TransactionId()),
    Column('question_id', Integer, ForeignKey('questions.id'), nullable=False, index=True),
    Column('key_id', Integer, nullable=False),
    Column('sequence', Integer, nullable=False),
    Column('state', String(16), nullable=False),
    Column('at', Float, nullable=False, index=True),
    sqlite_autoincrement=True,
)
# On SQLite the order is that of the numbers, which are indexed.
_key, _xid, _number = changes.c['key_id', 'xid', 'number']
Index('changes_by_key', _key, _number).ddl_if(dialect='sqlite')
Index('changes_by_key_in_order', _key, _xid, _number).ddl_if(dialect='postgresql')
Index('changes_in_order', _xid, _number).ddl_if(dialect='postgresql')


# What is to be pushed to webhooks: one row a question, for its newest state.
deliveries = Table(
    'deliveries',
    metadata,
    Column('question_id', Integer, ForeignKey('questions.id'), primary_key=True),
    Column('key_id', Integer, nullable=False),
    # Where it goes, as host:port: one slow receiver is kept from holding up the others.
    Column('host', Text, nullable=False),
    Column('sequence', Integer, nullable=False),
    Column('changed', Float, nullable=False, index=True),
    Column('attempts', Integer, nullable=False),
    # When the next attempt is; null when it was given up.
    Column('due', Float),
    # Until when a process may be making one; see `storage.attempts`.
    Column('taken', Float),
    Column('error', Text),
    Index('deliveries_by_due', 'due', 'key_id', 'host', 'question_id'),
)

# Copies of pictures that questions name on other hosts: one row for each time one is fetched.
fetches = Table(
    'fetches',
    metadata,
    Column('id', Integer, primary_key=True),
    # A digest of tenant and URL, which itself may be too long for an index.
    Column('name', String(64), nullable=False),
    Column('tenant', String(64), nullable=False),
    Column('kind', String(8), nullable=False),
    Column('url', Text, nullable=False),
    # Where it is, as host:port: one slow host is kept from holding up the others.
    Column('host', Text, nullable=False),
    Column('state', String(8), nullable=False),
    # When the next attempt is; null when there is none.
    Column('due', Float),
    # Until when a process may be making one; see `storage.attempts`.
    Column('taken', Float),
    Column('attempts', Integer, nullable=False),
    # How many bytes came, in all attempts.
    Column('size', BigInteger, nullable=False),
    # The path of the copy's URL, and the id of its row in `images`.
    Column('image', String(200)),
    Column('image_id', String(64), index=True),
    Column('error', Text),
    Column('created', Float, nullable=False),
    Index('fetches_by_name', 'name', 'created'),
    Index('fetches_by_due', 'due', 'tenant', 'host'),
    Index('fetches_by_tenant', 'tenant', 'created', 'size'),
)

idempotency = Table(
    'idempotency',
    metadata,
    Column('key_id', Integer, nullable=False),
    Column('scope', String(32), nullable=False),
    Column('name', String(255), nullable=False),
    Column('body_hash', String(64), nullable=False),
    Column('result', Text, nullable=False),
    Column('created', Float, nullable=False, index=True),
    PrimaryKeyConstraint('key_id', 'scope', 'name'),
)

login_tokens = Table(
    'login_tokens',
    metadata,
    Column('hash', String(64), primary_key=True),
    Column('expires', Float, nullable=False),
)

sessions = Table(
    'sessions',
    metadata,
    Column('hash', String(64), primary_key=True),
    # Names a session in lists; it cannot be used to log in.
    Column('id', String(16), nullable=False, unique=True),
    Column('kind', String(16), nullable=False),
    # Who it is: the owner of leases and of answers. A person may come to have several sessions.
    Column('operator', String(64), nullable=False),
    Column('created', Float, nullable=False),
    Column('seen', Float, nullable=False),
    Column('expires', Float, nullable=False),
)

# The processes that share a PostgreSQL database, each for as long as it renews its row.
processes = Table(
    'processes',
    metadata,
    Column('id', String(16), primary_key=True),
    # The operators who have the console open at this process, separated by spaces.
    Column('operators', Text, nullable=False),
    # By the database's clock.
    Column('expires', Float, nullable=False),
)
