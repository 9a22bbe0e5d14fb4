// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// Answering in words, with a number or with an address.

import { el, say } from '../dom.js';
import { word } from '../words.js';

const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;

export class Text {
  #validation;
  #field;
  #hint = el('p', { class: 'hint', 'data-testid': 'hint', role: 'status' });

  wide = null;
  help = [[['R'], word('text.help')]];
  keys = { respond: () => this.focus() };

  constructor(prompt, { onChange, onDone }) {
    this.#validation = prompt.validation;
    this.submitsFromField = this.#validation !== '';
    const common = { 'data-testid': 'text-answer', dir: 'auto', 'aria-label': word('panel.answer') };
    this.#field = this.#validation
      ? el('input', { ...common, type: 'text', autocomplete: 'off', spellcheck: 'false',
        inputmode: this.#validation === 'number' ? 'decimal' : 'url',
        placeholder: this.#validation === 'number' ? word('text.number') : 'https://…' })
      : el('textarea', { ...common, rows: '5', placeholder: word('text.yours') });
    this.#field.addEventListener('input', () => {
      this.#show();
      onChange();
    });
    this.#field.addEventListener('change', onDone);
    this.element = el('div', { class: 'answer' }, this.#field, this.#hint);
  }

  get value() {
    return this.#validation ? this.#field.value.trim() : this.#field.value;
  }

  set value(text) {
    // Setting the very same text would move the caret.
    if (this.value !== (text ?? '')) this.#field.value = text ?? '';
    this.#show();
  }

  get problem() {
    return this.problemOf(this.value);
  }

  problemOf(text) {
    if (!text?.trim()) {
      return this.#validation === 'number' ? word('text.enter-number') : word('text.write');
    }
    if (this.#validation === 'number' && !NUMBER.test(text)) {
      return word('text.no-digits');
    }
    if (this.#validation === 'url' && !isAddress(text)) {
      return word('text.no-address');
    }
    return '';
  }

  get words() {
    return this.value;
  }

  focus() {
    this.#field.focus({ preventScroll: true });
  }

  clear() {}

  #show() {
    const problem = this.value.trim() ? this.problem : '';
    say(this.#hint, problem);
    this.#field.setAttribute('aria-invalid', String(problem !== ''));
  }
}

function isAddress(text) {
  if (!/^https?:\/\/\S+$/i.test(text)) return false;
  try {
    return new URL(text).hostname !== '';
  } catch {
    return false;
  }
}
