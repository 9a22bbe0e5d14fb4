// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// The two dialogs: why a question is flagged, and the keys.

import { byId, el } from './dom.js';
import { FIRST_HELP, LAST_HELP } from './keys.js';

/** Show the keys, with those of the current form. */
export function showHelp(own) {
  const pressed = (keys) => keys.flatMap((key, at) => (at ? [' ', el('kbd', {}, key)] : [el('kbd', {}, key)]));
  const all = [...FIRST_HELP, ...own, ...LAST_HELP];
  byId('key-list').replaceChildren(...all.map(([keys, meaning]) =>
    el('div', {}, el('dt', {}, ...pressed(keys)), el('dd', {}, meaning))));
  byId('help').showModal();
}

/** `onFlag(reason)` is called with a reason that is not empty. */
export function setUpFlag(onFlag) {
  const dialog = byId('flag-dialog');
  const reason = byId('reason');
  for (const button of byId('reasons').querySelectorAll('button')) {
    button.addEventListener('click', () => {
      reason.value = button.textContent.trim();
      reason.focus();
    });
  }
  byId('flag-cancel').addEventListener('click', () => dialog.close());
  dialog.querySelector('form').addEventListener('submit', (event) => {
    const text = reason.value.trim();
    if (text) onFlag(text);
    else event.preventDefault();
  });
  reason.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      dialog.querySelector('form').requestSubmit();
    }
  });
}

export function askForReason() {
  byId('reason').value = '';
  byId('flag-dialog').showModal();
  byId('reason').focus();
}

export function closeFlag() {
  byId('flag-dialog').close();
}
