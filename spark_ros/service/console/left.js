// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// How long the asker of a question still waits.

import { say } from './dom.js';
import { ageText } from './times.js';
import { word } from './words.js';

const SOON_S = 10;

/** `seconds`: until the deadline; Infinity where there is none. */
export function showLeft(element, seconds) {
  element.hidden = seconds === Infinity;
  if (element.hidden) return;
  say(element, word('queue.left', { time: ageText(seconds) }));
  element.dataset.left = seconds < SOON_S ? 'soon' : 'later';
}

/** Show as a bar how much is left of the `whole` time, both in seconds, that the asker waits. */
export function showPatience(element, seconds, whole) {
  element.hidden = seconds === Infinity;
  if (element.hidden) return;
  const part = Math.min(1, Math.max(0, seconds / whole)) || 0;
  element.firstChild.style.setProperty('--patience', part.toFixed(3));
  const soon = seconds < SOON_S || part < 0.2;
  element.dataset.left = soon ? 'soon' : part < 0.5 ? 'halfway' : 'later';
}
