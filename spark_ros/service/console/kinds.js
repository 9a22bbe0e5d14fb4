// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// What the kinds of question are called, and their signs in the queue.

import { asText } from './dom.js';
import { word } from './words.js';

const KINDS = {
  annotate: ['kind.annotate', '▣'],
  'multiple-choice': ['kind.multiple-choice', '☑'],
  'free-text': ['kind.free-text', '¶'],
  rating: ['kind.rating', '★'],
  image: ['kind.image', '▣'],
  video: ['kind.video', '▶'],
  audio: ['kind.audio', '♪'],
  annotations: ['kind.annotations', '◎'],
  'annotations-with-multiple-choice': ['kind.annotations-with-choice', '◎'],
  'annotations-with-free-text': ['kind.annotations-with-text', '◎'],
  'annotations-with-rating': ['kind.annotations-with-rating', '◎'],
};

export const kindName = (kind) => word(KINDS[kind]?.[0] ?? 'queue.question');

/** What stands in a row for a picture that is not there. */
export function signOf({ kind, image }) {
  const video = kind === 'annotate' && /\.(mp4|webm)$/.test(asText(image?.url));
  return KINDS[video ? 'video' : kind]?.[1] ?? '';
}
