// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// The dialogs: why a question is flagged or skipped, and the keys.

import { byId, el } from './dom.js';
import { FIRST_HELP, LAST_HELP } from './keys.js';
import { word } from './words.js';

const FLAG_REASONS = ['flag.not-made-out', 'flag.unclear', 'flag.missing'];
const SKIP_REASONS = ['skip.unsure', 'skip.knowledge', 'skip.long'];
const NUMBERED = 9;
// What stands on some keys elsewhere.
const KEYS = { Ctrl: 'key.ctrl', Del: 'key.delete' };

/** Show the keys, with those of the current form. */
export function showHelp(own) {
  const caps = (keys) => keys.map((key) => el('kbd', {}, KEYS[key] ? word(KEYS[key]) : key));
  const pressed = (keys) => caps(keys).flatMap((cap, at) => (at ? [' ', cap] : [cap]));
  const all = [...FIRST_HELP, ...own, ...LAST_HELP];
  byId('key-list').replaceChildren(...all.map(([keys, meaning]) =>
    el('div', {}, el('dt', {}, ...pressed(keys)), el('dd', {}, meaning))));
  byId('help').showModal();
}

/** Asks for a reason, in words or by one that is proposed. */
export class ReasonDialog {
  #dialog;
  #field;
  #reasons;

  /** `onReason(text)` hears the reason, which may be empty only where the field is not required. */
  constructor({ dialog, field, reasons, cancel }, onReason) {
    [this.#dialog, this.#field, this.#reasons] = [byId(dialog), byId(field), byId(reasons)];
    const form = this.#dialog.querySelector('form');
    byId(cancel).addEventListener('click', () => this.close());
    form.addEventListener('submit', (event) => {
      const text = this.#field.value.trim();
      if (text || !this.#field.required) onReason(text);
      else event.preventDefault();
    });
    this.#field.addEventListener('keydown', (event) => {
      if (event.isComposing) return;
      if (event.key === 'Enter' && !event.shiftKey) {
        event.preventDefault();
        form.requestSubmit();
      } else if (!this.#field.value && /^[1-9]$/.test(event.key)) {
        const button = this.#reasons.querySelectorAll('button')[Number(event.key) - 1];
        if (!button) return;
        event.preventDefault();
        button.click();
      }
    });
  }

  /** Open it with reasons to choose from. */
  ask(reasons) {
    this.#reasons.replaceChildren(...reasons.map((reason, at) => {
      const button = el('button', { type: 'button' }, el('bdi', {}, reason));
      if (at < NUMBERED) button.append(' ', el('kbd', { 'aria-hidden': 'true' }, String(at + 1)));
      button.addEventListener('click', () => {
        this.#field.value = reason;
        this.#field.focus();
      });
      return button;
    }));
    this.#field.value = '';
    this.#dialog.showModal();
    this.#field.focus();
  }

  close() {
    this.#dialog.close();
  }
}

/** Why this question may be flagged: as its program says, else as ever. */
export function flagReasons(question) {
  const own = question.flag_reasons ?? [];
  return own.length ? own : FLAG_REASONS.map((name) => word(name));
}

export const skipReasons = () => SKIP_REASONS.map((name) => word(name));
