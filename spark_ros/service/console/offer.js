// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// Unfinished work from before a reload is offered, not imposed.

import { byId, say } from './dom.js';
import { ageText } from './times.js';
import { word } from './words.js';

/** Ask whether to go on with work of `seconds` ago; without an answer it is used: nothing is lost. */
export function offerDraft(seconds) {
  const dialog = byId('draft-offer');
  say(byId('draft-age'), word('draft.offer', { age: ageText(seconds) }));
  dialog.returnValue = 'use';
  dialog.showModal();
  byId('draft-use').focus();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue !== 'anew'), { once: true });
  });
}

export function closeOffer() {
  byId('draft-offer').close();
}
