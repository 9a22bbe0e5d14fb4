# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Put a question in Heat's words, and read Heat's answer as one to that question. Pure.

Heat has no priors: they are drawn on the frame, and the answer is a list of rectangles that is
matched to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import Enum
from typing import Any

from spark_ros.escalation.backends.matching import corrections_by_matching
from spark_ros.escalation.question.escalation import Escalation, FrameMatch
from spark_ros.geometry import GeometryError, ImageSize, PixelBox, normalize
from spark_ros.model import (
    Annotation,
    Answer,
    Correction,
    CorrectionKind,
    Question,
    QuestionKind,
    State,
    box_annotation,
)
from spark_ros.policy import certainty
from spark_ros.wire.heat import (
    WHICH_LABEL,
    Choices,
    HeatObject,
    HeatRequest,
    Prompt,
    Scale,
    box_request,
    parse_heat_request,
)
from spark_ros.wire.values import WireError, expect_number, parse_time

STATES = {
    'pending': State.OPEN,
    'complete': State.CLOSED,
    'flagged': State.FLAGGED,
    'aborted': State.CANCELED,
}
NOT_THERE = 'none of these'
DEFAULT_INSTRUCTION = 'Mark every object in the image.'


class DetectionAs(str, Enum):
    """How doubted detections become a Heat question."""

    RECTANGLES = 'rectangles'
    LABEL = 'label'


def heat_request(asked: Escalation, image_url: str, detection_as: DetectionAs) -> HeatRequest:
    """Put a question in Heat's words.

    Args:
        asked: what is asked.
        image_url: of the frame, with the priors drawn on it.
        detection_as: for questions about boxes: all boxes anew as rectangles, or one question
            for the label of the least certain one.
    """
    question = asked.question
    instruction = question.instructions or asked.program or DEFAULT_INSTRUCTION
    if question.kind is not QuestionKind.ANNOTATE:
        prompt = _prompt(question, instruction)
        return HeatRequest(prompt.kind, prompt, 'image', (image_url,))
    doubted = least_certain(asked.priors)
    if detection_as is DetectionAs.LABEL and doubted is not None:
        options = (*_labels(asked), NOT_THERE)
        words = f'{instruction} {WHICH_LABEL} (the box "{doubted.label}")'
        prompt = Prompt('multiple-choice', words, Choices(options, most=1))
        return HeatRequest('multiple-choice', prompt, 'image', (image_url,))
    return box_request(instruction, (image_url,), _labels(asked))


def heat_refusal(question: Question, program: str, detection_as: DetectionAs) -> str:
    """Return why Heat cannot be asked something, or an empty string; its page says so."""
    if question.kind is not QuestionKind.ANNOTATE and not question.instructions:
        return 'give instructions: what is asked'
    size = ImageSize(1, 1)
    asked = Escalation('', '', 0, '', FrameMatch.EXACT, size, size, question, (), 0.0, program)
    request = heat_request(asked, 'http://image.invalid/', detection_as)
    try:
        parse_heat_request(request.type, request.to_json())
    except WireError as error:
        return str(error)
    return ''


def heat_answer(said: HeatObject, asked: Escalation, detection_as: DetectionAs) -> Answer:
    """Read Heat's answer as one to the question that was asked.

    Raises:
        WireError: the response is not of the shape that was asked for.
    """
    state = STATES[said.status]
    answer = Answer(
        state=state,
        feedback=said.feedback,
        corrections=_unmentioned(asked.priors),
        image_url=_first_attachment(said),
        created=parse_time(said.extra.get('date_created')),
        closed=parse_time(said.extra.get('date_closed')),
    )
    if state is not State.CLOSED:
        return answer
    kind, response = asked.question.kind, said.response
    if kind is QuestionKind.FREE_TEXT:
        return replace(answer, response=_text(response))
    if kind is QuestionKind.RATING:
        rating = expect_number(response, 'the rating')
        return replace(answer, rating=rating, response=f'{rating:g}')
    if kind is QuestionKind.MULTIPLE_CHOICE:
        chosen = _chosen(response)
        return replace(answer, answers=chosen, response=', '.join(chosen))
    if detection_as is DetectionAs.LABEL and least_certain(asked.priors) is not None:
        chosen = _chosen(response)
        corrections = _relabelled(asked.priors, chosen)
        return replace(answer, response=', '.join(chosen), corrections=corrections)
    final = _rectangles(response, asked.image_size)
    return replace(answer, corrections=corrections_by_matching(asked.priors, final))


def least_certain(priors: Sequence[Annotation]) -> Annotation | None:
    """Return the prior with the lowest score, among the doubted ones where there are any."""
    scored = [prior for prior in priors if prior.score is not None]
    scored = [prior for prior in scored if prior.doubted] or scored
    lowest = certainty(scored)
    return next((prior for prior in scored if prior.score == lowest), None)


def _labels(asked: Escalation) -> tuple[str, ...]:
    """The labels to choose from, else those that the detector used."""
    labels = asked.question.label_options or tuple(prior.label for prior in asked.priors)
    return tuple(dict.fromkeys(label for label in labels if label))


def _prompt(question: Question, instruction: str) -> Prompt:
    if question.kind is QuestionKind.MULTIPLE_CHOICE:
        choices = Choices(
            question.choices, least=question.min_answers, most=question.max_answers
        )
        return Prompt('multiple-choice', instruction, choices)
    if question.kind is QuestionKind.RATING:
        scale = Scale(
            question.rating_min,
            question.rating_max,
            question.rating_step,
            question.label_min,
            question.label_max,
        )
        return Prompt('rating', instruction, scale=scale)
    return Prompt('free-text', instruction, validation=question.validation)


def _rectangles(response: Any, image: ImageSize) -> list[Annotation]:
    if not isinstance(response, list):
        raise WireError('the response is not a list of annotations')
    shapes = []
    for item in response:
        try:
            x, y, x2, y2 = (float(item[axis]) for axis in ('x', 'y', 'x2', 'y2'))
            box = normalize(PixelBox((x + x2) / 2, (y + y2) / 2, x2 - x, y2 - y), image)
        except (GeometryError, KeyError, OverflowError, TypeError, ValueError) as error:
            raise WireError(f'an annotation is not a rectangle in the image: {error}') from None
        label = _chosen(item['response'])[0] if item.get('response') else ''
        shapes.append(box_annotation(label, box))
    return shapes


def _relabelled(priors: Sequence[Annotation], chosen: Sequence[str]) -> tuple[Correction, ...]:
    doubted, label = least_certain(priors), chosen[0] if chosen else ''
    corrections = []
    for prior in priors:
        if prior is not doubted or not label:
            corrections.append(Correction(CorrectionKind.UNMENTIONED, prior, prior))
        elif label == NOT_THERE:
            corrections.append(Correction(CorrectionKind.REMOVED, prior, None))
        elif label == prior.label:
            corrections.append(Correction(CorrectionKind.CONFIRMED, prior, prior))
        else:
            relabelled = box_annotation(label, prior.box, id=prior.id)
            corrections.append(Correction(CorrectionKind.MODIFIED, prior, relabelled))
    return tuple(corrections)


def _unmentioned(priors: Sequence[Annotation]) -> tuple[Correction, ...]:
    return tuple(Correction(CorrectionKind.UNMENTIONED, prior, prior) for prior in priors)


def _chosen(response: Any) -> tuple[str, ...]:
    # The page's own example of a retrieved answer has a bare string here.
    items = [response] if isinstance(response, str) else response
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise WireError(f'the answer {response!r} is not a list of choices')
    return tuple(items)


def _text(response: Any) -> str:
    if not isinstance(response, str):
        raise WireError('the response is not a text')
    return response


def _first_attachment(said: HeatObject) -> str:
    attachments = said.extra.get('attachments')
    first = attachments[0] if isinstance(attachments, list) and attachments else ''
    return first if isinstance(first, str) else ''
