# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What SparkAI can be asked: boxes and polygons, or an answer in words. Pure."""

from __future__ import annotations

from spark_ros.model import Question, QuestionKind
from spark_ros.wire.spark import EngagementRequest, parse_request
from spark_ros.wire.values import WireError

SOME_IMAGE = 'http://image.invalid/'
KINDS = (QuestionKind.ANNOTATE, QuestionKind.FREE_TEXT)


def spark_refusal(question: Question, program: str) -> str:
    """Return why SparkAI cannot be asked something, or an empty string.

    Its page has a question in words and an answer in words, but no choices, no scale and no
    rule for what is written.
    """
    if question.kind not in KINDS:
        return (
            f'SparkAI has no questions of the kind {question.kind.value}; ask for free text, or '
            'a service that speaks Heat'
        )
    if question.kind is QuestionKind.FREE_TEXT and question.validation:
        return f'SparkAI cannot check that an answer is a {question.validation!r}'
    if not (question.instructions or program):
        return 'give instructions, or a program'
    request = EngagementRequest(
        content_location=(SOME_IMAGE,),
        program_name=program or None,
        instructions=question.instructions or None,
        label_options=question.label_options,
    )
    try:
        parse_request(request.to_json())
    except WireError as error:
        return str(error)
    return ''
