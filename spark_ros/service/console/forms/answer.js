// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// The form for one prompt: a whole question, or the one about each annotation. Every form has an
// `element` for the panel and perhaps a `wide` one for the middle, its `value` in the API's shape,
// the `problem` that keeps it from being sent ('' for none; `problemOf` for any value), `keys`,
// `help`, `focus` and `clear`;
// `submitsFromField`: Enter in its field sends the answer.

import { Choices } from './choices.js';
import { Media } from './media.js';
import { Rating } from './rating.js';
import { Text } from './text.js';

const FORMS = {
  'multiple-choice': Choices,
  'free-text': Text,
  rating: Rating,
  image: Media,
  video: Media,
  audio: Media,
};

/** `onChange()` is called after every change by the operator, `onDone()` when a field is left. */
export function answerFor(prompt, { onChange, onDone = () => {}, questionId, room }) {
  const Form = FORMS[prompt.kind];
  if (!Form) throw new Error(`no form for ${prompt.kind}`);
  return new Form(prompt, { onChange, onDone, questionId, room });
}
