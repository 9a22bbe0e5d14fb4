// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// A telephone number with the tones to send, as instructions; the console places no calls.

import { asText, el } from './dom.js';
import { word } from './words.js';

const TONE_PAUSE_S = 0.5;

export function dialling(given) {
  const [, number, tones] = /^(?:dial:)?([^@]*)@?([^]*)$/.exec(asText(given));
  const list = el('div', { class: 'dial', 'data-testid': 'dial' },
    el('p', {}, word('dial.call'), ' ', el('b', {}, el('bdi', {}, number.trim()))));
  if (tones) {
    list.append(
      el('p', { class: 'muted' }, word('dial.then'), ' ', el('bdi', {}, toneWords(tones))));
  }
  return list;
}

function toneWords(tones) {
  return (tones.match(/w+|[^w]+/gi) ?? []).map((part) => (/^w/i.test(part)
    ? word('dial.wait', { seconds: part.length * TONE_PAUSE_S })
    : word('dial.press', { keys: [...part].join(' ') }))).join(', ');
}
