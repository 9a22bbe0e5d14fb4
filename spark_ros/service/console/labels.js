// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// The labels of a question: their buttons, number keys and colours.

import { byId, clipped, el, say } from './dom.js';

const COLOURS = [
  '#6ec1ff', '#ffb566', '#86e08a', '#ff93a8', '#c8a8ff', '#ffe070', '#66e0d2', '#f49ad9', '#b9d870',
  '#b4c2d6',
];
const LONGEST_BUTTON = 80;
const MOST_SEEN = 50;

export class Labels {
  #editor;
  #buttons = [];
  #list = byId('labels');
  #field = byId('label-text');

  names = [];
  /** What the next drawn box is called. */
  active = '';

  constructor(editor) {
    this.#editor = editor;
    editor.addEventListener('change', () => this.#mark());
    this.#field.addEventListener('change', () => this.give(this.#field.value.trim()));
  }

  show(question) {
    const options = question.label_options ?? [];
    const seen = new Set(question.priors.map((prior) => prior.label).filter(Boolean));
    this.names = options.length ? [...options] : [...seen].slice(0, MOST_SEEN);
    this.active = this.names[0] ?? '';
    this.#field.hidden = options.length > 0;
    this.#buttons = this.names.map((name, index) => this.#makeButton(name, index));
    this.#list.replaceChildren(...this.#buttons);
    this.#mark();
  }

  colourOf(label) {
    const at = this.names.indexOf(label);
    return COLOURS[at < 0 ? COLOURS.length - 1 : at % (COLOURS.length - 1)];
  }

  /** Label the selected shape; with none selected, the next new box. */
  give(label) {
    this.active = label;
    const { selectedKey } = this.#editor;
    if (selectedKey !== null) this.#editor.relabel(selectedKey, label);
    this.#mark();
  }

  giveNumber(index) {
    if (index >= this.names.length) return false;
    this.give(this.names[index]);
    return true;
  }

  type() {
    if (this.#field.hidden) return false;
    this.#field.focus();
    this.#field.select();
    return true;
  }

  /** Make a label that is still being typed count. */
  finishTyping() {
    this.#field.blur();
  }

  /** Ask for a label where there is none to choose from. */
  typeIfNeeded() {
    if (!this.active) this.type();
  }

  #makeButton(name, index) {
    const button = el(
      'button',
      { type: 'button', class: 'label', title: clipped(name, 500), 'data-testid': 'label' },
      el('span', { class: 'swatch', 'aria-hidden': 'true' }),
      el('bdi', {}, clipped(name, LONGEST_BUTTON)),
    );
    if (index < 9) button.append(el('kbd', {}, String(index + 1)));
    button.style.setProperty('--label', this.colourOf(name));
    button.addEventListener('click', () => this.give(name));
    return button;
  }

  #mark() {
    const shape = this.#editor.selected;
    const current = shape ? shape.label : this.active;
    this.#buttons.forEach((button, index) =>
      button.setAttribute('aria-pressed', String(this.names[index] === current)));
    if (document.activeElement !== this.#field) this.#field.value = current;
    say(byId('labels-title'), shape ? 'Label' : 'Label of the next box');
  }
}
