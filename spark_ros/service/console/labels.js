// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// The labels of a question: their buttons, number keys and colours, and a field. Where a question
// says which labels there are, the field finds one among many.

import { byId, clipped, el, say } from './dom.js';

const COLOURS = [
  '#6ec1ff', '#ffb566', '#86e08a', '#ff93a8', '#c8a8ff', '#ffe070', '#66e0d2', '#f49ad9', '#b9d870',
  '#b4c2d6',
];
const LONGEST_BUTTON = 80;
const MOST_SEEN = 50;

const NUMBERED = 9;

export class Labels {
  #board;
  #editor;
  #fixed = false;
  #buttons = [];
  #list = byId('labels');
  #field = byId('label-text');

  names = [];
  /** What the next drawn box is called. */
  active = '';

  constructor(board) {
    this.#board = board;
    this.#editor = board.editor;
    this.#editor.addEventListener('change', () => this.#mark());
    this.#field.addEventListener('change', () => {
      if (!this.#fixed) this.give(this.#field.value.trim());
    });
    this.#field.addEventListener('input', () => this.#filter());
    this.#field.addEventListener('keydown', ({ key, isComposing }) => {
      if (key === 'Enter' && !isComposing) this.#giveFound();
    });
    const section = byId('label-section');
    section.addEventListener('focusout', ({ relatedTarget }) => {
      if (!section.contains(relatedTarget)) this.#stopFinding();
    });
  }

  show(question) {
    const options = question.label_options ?? [];
    const seen = new Set(question.priors.map((prior) => prior.label).filter(Boolean));
    this.names = options.length ? [...options] : [...seen].slice(0, MOST_SEEN);
    this.active = this.names[0] ?? '';
    this.#fixed = options.length > 0;
    this.#field.hidden = this.#fixed && options.length <= NUMBERED;
    this.#field.ariaLabel = this.#fixed ? 'Find a label' : 'Type a label';
    this.#field.placeholder = `${this.#field.ariaLabel} (L)`;
    this.#field.value = '';
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
    if (index < NUMBERED) button.append(el('kbd', {}, String(index + 1)));
    button.style.setProperty('--label', this.colourOf(name));
    // Where buttons take no focus (Safari), the field would lose it to nothing: the list would be
    // whole again, with another label under the mouse, before the mouse button is released.
    button.addEventListener('mousedown', (event) => event.preventDefault());
    button.addEventListener('click', () => {
      // The next Enter is to submit, and not to press this again. Before `give`, because leaving
      // the field makes a label that is being typed count.
      this.#board.focus();
      this.give(name);
    });
    return button;
  }

  #mark() {
    const shape = this.#editor.selected;
    const current = shape ? shape.label : this.active;
    this.#buttons.forEach((button, index) =>
      button.setAttribute('aria-pressed', String(this.names[index] === current)));
    if (!this.#fixed && document.activeElement !== this.#field) this.#field.value = current;
    const which = shape ? this.#editor.describe(shape).toLowerCase() : 'the next box';
    say(byId('labels-title'), `Label of ${which}`);
  }

  get #found() {
    const text = this.#field.value.trim().toLowerCase();
    return this.names.filter((name) => name.toLowerCase().includes(text));
  }

  /** Show the labels that have in them what is typed. */
  #filter() {
    if (!this.#fixed) return;
    const found = new Set(this.#found);
    this.#buttons.forEach((button, index) => (button.hidden = !found.has(this.names[index])));
  }

  #giveFound() {
    const typed = this.#field.value.trim();
    if (this.#fixed && typed && this.#found.length) this.give(nearest(this.#found, typed));
    this.#stopFinding();
  }

  #stopFinding() {
    if (!this.#fixed) return;
    this.#field.value = '';
    this.#filter();
  }
}

/** The name that equals what was typed, else the first that starts with it, else the first. */
function nearest(names, typed) {
  const text = typed.toLowerCase();
  return names.find((name) => name === typed)
    ?? names.find((name) => name.toLowerCase() === text)
    ?? names.find((name) => name.toLowerCase().startsWith(text))
    ?? names[0];
}
