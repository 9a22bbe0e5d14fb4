// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// What the kinds of question are called, and their signs in the queue.

import { asText } from './dom.js';

const KINDS = {
  annotate: ['Boxes', '▣'],
  'multiple-choice': ['Multiple choice', '☑'],
  'free-text': ['Free text', '¶'],
  rating: ['Rating', '★'],
  image: ['Image wanted', '▣'],
  video: ['Video wanted', '▶'],
  audio: ['Audio wanted', '♪'],
  annotations: ['Annotations', '◎'],
  'annotations-with-multiple-choice': ['Annotations, each with a choice', '◎'],
  'annotations-with-free-text': ['Annotations, each with a text', '◎'],
  'annotations-with-rating': ['Annotations, each with a rating', '◎'],
};

export const kindName = (kind) => KINDS[kind]?.[0] ?? 'Question';

/** What stands in a row for a picture that is not there. */
export function signOf({ kind, image }) {
  const video = kind === 'annotate' && /\.(mp4|webm)$/.test(asText(image?.url));
  return KINDS[video ? 'video' : kind]?.[1] ?? '';
}
