# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A drawn answer shows at a glance what the person changed."""

from __future__ import annotations

import itertools
import math
from typing import Any

import cv2
import numpy as np
import pytest
from samples import doubted, escalation

from spark_ros.drawing.canvas import ink_on
from spark_ros.drawing.marks import DOUBTED, PAPER, STYLES
from spark_ros.drawing.marks import WHITE as PRIOR
from spark_ros.escalation.pictures.annotated import MAX_BYTES, MAX_MARKS, annotated_picture
from spark_ros.escalation.pictures.encoding import EncodingError, encode_pixels
from spark_ros.escalation.question.escalation import EncodedImage, Resolved
from spark_ros.escalation.question.outgoing_image import OutgoingImage, Region
from spark_ros.geometry import Box, ImageSize, Vertex
from spark_ros.model import (
    Annotation,
    AnnotationType,
    Answer,
    Correction,
    CorrectionKind,
    State,
    box_annotation,
)

COLOURS = {kind: style.colour for kind, style in STYLES.items()}
VGA, FULL_HD = ImageSize(640, 480), ImageSize(1920, 1080)
# Thin coloured lines lose some of their colour in a JPEG.
NEAR = 75
WAS, NOW = Box(0.1, 0.3, 0.4, 0.7), Box(0.5, 0.35, 0.9, 0.8)


def frame(size: ImageSize = VGA, ground: int = 128) -> EncodedImage:
    return encode_pixels(np.full((size.height, size.width, 3), ground, np.uint8))


def shape(label: str, box: Box = WAS, **more: Any) -> Annotation:
    return box_annotation(label, box, **{'id': '0', **more})


def resolved(*corrections: Correction, **more: Any) -> Resolved:
    priors = tuple(c.original for c in corrections if c.original)
    asked = {'priors': priors, **more.pop('asked', {})}
    answer = Answer(**{'state': State.CLOSED, 'corrections': corrections, **more})
    return Resolved(escalation(**asked), 'token', answer)


def draw(answer: Resolved, image: EncodedImage | None = None, **more: Any) -> np.ndarray:
    """Draw and decode again: BGR (H, W, 3)."""
    picture = annotated_picture(image or frame(), answer, **more)
    decoded = cv2.imdecode(np.frombuffer(picture.data, np.uint8), cv2.IMREAD_COLOR)
    assert (decoded.shape[1], decoded.shape[0]) == picture.size
    return decoded


def shows(
    picture: np.ndarray, at: tuple[float, float], colour: Any, size: ImageSize = VGA
) -> bool:
    """Whether there is a colour within a few pixels of a place, in fractions of the frame."""
    x, y = round(at[0] * size.width), round(at[1] * size.height)
    reach = max(3, size.width // 250)
    near = picture[max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1]
    return bool((np.abs(near.astype(int) - colour).max(axis=2) <= NEAR).any())


def kinds(picture: np.ndarray, at: tuple[float, float], size: ImageSize = VGA) -> set[Any]:
    return {kind for kind, colour in COLOURS.items() if shows(picture, at, colour, size)}


@pytest.mark.parametrize('size', [VGA, FULL_HD])
@pytest.mark.parametrize('ground', [0, 128, 255])
@pytest.mark.parametrize('kind', list(CorrectionKind))
def test_each_kind_has_its_colour_on_any_ground(
    kind: CorrectionKind, ground: int, size: ImageSize
) -> None:
    gone, new = kind is CorrectionKind.REMOVED, kind is CorrectionKind.ADDED
    correction = Correction(
        kind, None if new else shape('cat'), None if gone else shape('cat')
    )
    picture = draw(resolved(correction), frame(size, ground))
    middle_of_left_side = (WAS.x0 + 0.002, (WAS.y0 + WAS.y1) / 2)
    assert shows(picture, middle_of_left_side, COLOURS[kind], size)
    nothing_there = picture[round(0.9 * size.height) : size.height]
    assert np.abs(nothing_there.astype(int) - ground).max() <= 4
    center = ((WAS.x0 + WAS.x1) / 2, (WAS.y0 + WAS.y1) / 2)
    assert shows(picture, center, COLOURS[kind], size) == gone or not np.ptp(COLOURS[kind])
    # The label's ground is the same colour.
    assert shows(picture, (WAS.x0 + 0.006, WAS.y0 - 0.02), COLOURS[kind], size)


def test_where_a_moved_box_was_is_dashed() -> None:
    picture = draw(resolved(Correction(CorrectionKind.MODIFIED, shape('cat'), shape('cat', NOW))))
    side = picture[round(WAS.y0 * 480) : round(WAS.y1 * 480), round(WAS.x0 * 640)]
    light = (side.min(axis=1) > 190).astype(int)
    dashes = int((np.diff(light) == 1).sum())
    assert dashes >= 5 and 0.3 < light.mean() < 0.8
    solid = picture[round(NOW.y0 * 480) + 5 : round(NOW.y1 * 480) - 5, round(NOW.x0 * 640)]
    assert (np.abs(solid.astype(int) - COLOURS[CorrectionKind.MODIFIED]).max(axis=1) < NEAR).all()


def test_priors_that_nobody_speaks_of_are_dashed_white() -> None:
    flagged = resolved(state=State.FLAGGED, feedback='too dark', asked={'priors': (doubted(),)})
    picture = draw(flagged, frame(ground=60))
    assert shows(picture, (0.25, 0.25), PRIOR)
    assert np.ptp(picture[:476].astype(int), axis=2).max() < 20


def test_polygons_and_dots_are_drawn_where_they_are() -> None:
    triangle = Annotation(
        'roof', AnnotationType.POLYGON, (Vertex(0.2, 0.2), Vertex(0.6, 0.2), Vertex(0.4, 0.6))
    )
    dot = Annotation('nose', AnnotationType.DOT, (Vertex(0.8, 0.8),))
    added = COLOURS[CorrectionKind.ADDED]
    picture = draw(
        resolved(*(Correction(CorrectionKind.ADDED, None, each) for each in (triangle, dot)))
    )
    assert shows(picture, (0.3, 0.4), added) and shows(picture, (0.5, 0.4), added)
    assert not shows(picture, (0.22, 0.5), added) and not shows(picture, (0.4, 0.4), added)
    assert shows(picture, (0.8, 0.8), added)


def test_a_rotated_box_has_its_true_outline() -> None:
    prior = shape('leaf', Box(0.2, 0.2, 0.6, 0.6))
    diamond = [Vertex(0.4, 0.2), Vertex(0.6, 0.4), Vertex(0.4, 0.6), Vertex(0.2, 0.4)]
    confirmed = COLOURS[CorrectionKind.CONFIRMED]
    answer = resolved(Correction(CorrectionKind.CONFIRMED, prior, prior))
    picture = draw(answer, outlines={'0': diamond})
    assert shows(picture, (0.3, 0.3), confirmed) and not shows(picture, (0.598, 0.598), confirmed)
    picture = draw(answer)
    assert shows(picture, (0.598, 0.598), confirmed) and not shows(picture, (0.3, 0.3), confirmed)


def test_on_a_part_of_the_frame_shapes_are_where_they_belong() -> None:
    """The journal's image may be a part of the frame; annotations speak of the whole."""
    outgoing = OutgoingImage(
        ImageSize(1280, 960), Region(320, 240, 640, 480), VGA
    )
    inside = shape('cat', Box(0.5, 0.5, 0.6, 0.6))
    outside = shape('dog', Box(0.05, 0.05, 0.2, 0.2), id='1')
    picture = draw(
        resolved(
            Correction(CorrectionKind.CONFIRMED, inside, inside),
            Correction(CorrectionKind.REMOVED, outside, None),
            asked={'outgoing': outgoing},
        )
    )
    assert shows(picture, (0.502, 0.6), COLOURS[CorrectionKind.CONFIRMED])
    image = picture[:480].astype(int)
    assert (np.abs(image - COLOURS[CorrectionKind.REMOVED]).max(axis=2) > NEAR).all()


def test_the_colours_are_told_apart_by_colour_blind_people() -> None:
    """By Viénot, Brettel and Mollon's reduction (1999) of linear RGB to two cones."""
    protan = [[0.11238, 0.88762, 0.0], [0.11238, 0.88762, 0.0], [0.00401, -0.00401, 1.0]]
    deutan = [[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]]
    colours = [*COLOURS.values(), PRIOR, DOUBTED.colour]
    for matrix in (np.eye(3), np.array(protan), np.array(deutan)):
        seen = []
        for blue, green, red in colours:
            linear = (np.array([red, green, blue]) / 255.0) ** 2.2
            rgb = np.clip(matrix @ linear, 0, 1) ** (1 / 2.2)
            lab = cv2.cvtColor(rgb.astype(np.float32).reshape(1, 1, 3), cv2.COLOR_RGB2LAB)
            seen.append(lab.ravel())
        for a, b in itertools.combinations(seen, 2):
            assert np.linalg.norm(a - b) > 15


@pytest.mark.parametrize('colour', [*COLOURS.values(), PRIOR, DOUBTED.colour, PAPER])
def test_labels_can_be_read_on_their_ground(colour: Any) -> None:
    def luminance(bgr: Any) -> float:
        channels = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
                    for c in (value / 255 for value in bgr)]  # fmt: skip
        return 0.0722 * channels[0] + 0.7152 * channels[1] + 0.2126 * channels[2]

    light, dark = sorted((luminance(colour), luminance(ink_on(colour))), reverse=True)
    assert (light + 0.05) / (dark + 0.05) > 3.0


def test_the_answer_is_below_the_image() -> None:
    plain, spoken, flagged = (
        draw(resolved(**said))
        for said in (
            {}, {'response': 'word ' * 60}, {'state': State.FLAGGED, 'feedback': 'too dark'},
        )
    )  # fmt: skip
    assert all((picture[:476] == plain[:476]).all() for picture in (spoken, flagged))
    assert 480 < plain.shape[0] < flagged.shape[0] < spoken.shape[0] < 640


@pytest.mark.parametrize(
    'size', [(1, 1), (16, 900), (900, 16), (160, 120), (4000, 3000), (5, 5000)]
)
def test_every_size_gives_a_picture_of_moderate_size(size: tuple[int, int]) -> None:
    answer = resolved(
        Correction(CorrectionKind.MODIFIED, shape('cat'), shape('dog', NOW)), response='x y ' * 90
    )
    picture = draw(answer, frame(ImageSize(*size)))
    assert 640 <= max(picture.shape[:2]) <= 3000


BAD_TEXTS = ['', '\x00\x1b[2J', '猫' * 300, 'W' * 100_000, '\ud800', 'a\n' * 5000, '%s %n {0}']


@pytest.mark.parametrize('text', BAD_TEXTS)
def test_no_text_spoils_the_picture(text: str) -> None:
    answer = resolved(
        Correction(CorrectionKind.MODIFIED, shape(text), shape(text + 'x', NOW)),
        response=text, feedback=text, answers=(text, text), flags=(text,), rating=math.nan,
        asked={'camera': 'front'},
    )  # fmt: skip
    assert 480 < draw(answer).shape[0] < 800


def test_shapes_that_are_nowhere_are_left_out() -> None:
    nowhere = [
        Annotation('cat', AnnotationType.POLYGON, vertices)
        for vertices in (
            (),
            (Vertex(math.nan, 0.5), Vertex(0.1, 0.1), Vertex(0.2, 0.9)),
            (Vertex(0.5, math.inf), Vertex(0.1, 0.1), Vertex(0.2, 0.9)),
            (Vertex(7.0, 7.0), Vertex(8.0, 7.0), Vertex(8.0, 8.0)),
        )
    ]
    answer = resolved(*(Correction(CorrectionKind.ADDED, None, each) for each in nowhere))
    picture = draw(answer)
    assert np.abs(picture[:476].astype(int) - 128).max() <= 4


def test_what_was_changed_is_drawn_first_when_there_is_too_much() -> None:
    many = [
        Correction(CorrectionKind.CONFIRMED, prior, prior)
        for prior in (shape(f'cat {n}', id=str(n)) for n in range(MAX_MARKS * 2))
    ]
    new = shape('dog', NOW, id='')
    picture = draw(resolved(*many, Correction(CorrectionKind.ADDED, None, new)))
    assert shows(picture, (NOW.x0 + 0.002, 0.6), COLOURS[CorrectionKind.ADDED])


def test_a_shape_with_very_many_vertices_is_drawn() -> None:
    circle = tuple(
        Vertex(0.5 + 0.3 * math.cos(t), 0.5 + 0.3 * math.sin(t))
        for t in np.linspace(0, 2 * math.pi, 50_000)
    )
    prior = Annotation('wheel', AnnotationType.POLYGON, circle, id='0')
    picture = draw(resolved(Correction(CorrectionKind.REMOVED, prior, None)))
    assert shows(picture, (0.5, 0.5), COLOURS[CorrectionKind.REMOVED])
    assert kinds(picture, (0.5, 0.2)) or kinds(picture, (0.52, 0.2))


def test_what_is_no_image_is_refused() -> None:
    with pytest.raises(EncodingError):
        annotated_picture(EncodedImage(b'no image', VGA), resolved())


@pytest.mark.parametrize('size', [ImageSize(4000, 3000), ImageSize(3000, 4000), VGA])
def test_a_picture_of_any_frame_passes_over_a_best_effort_topic(size: ImageSize) -> None:
    """Noise is the hardest to compress: these frames have 9 MB and 0.3 MB as JPEG."""
    noise = np.random.default_rng(1).integers(0, 256, (size.height, size.width, 3), np.uint8)
    confirmed = Correction(CorrectionKind.CONFIRMED, shape('cat'), shape('cat'))
    picture = annotated_picture(encode_pixels(noise), resolved(confirmed))
    assert len(picture.data) <= MAX_BYTES
    decoded = cv2.imdecode(np.frombuffer(picture.data, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None and decoded.shape[1::-1] == picture.size
    assert len(picture.data) > MAX_BYTES / 3, 'no smaller than it must be'
