// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// How long the asker of a question still waits.

import { ageText, say } from './dom.js';

const SOON_S = 10;

/** `seconds`: until the deadline; Infinity where there is none. */
export function showLeft(element, seconds) {
  element.hidden = seconds === Infinity;
  if (element.hidden) return;
  say(element, `${ageText(seconds)} left`);
  element.dataset.left = seconds < SOON_S ? 'soon' : 'later';
}
