// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// The labels of a question: their buttons, number keys and colours, and a field. Where a question
// says which labels there are, the field finds one among many, those given last first.

import { colourOf } from './colours.js';
import { byId, clipped, el, say } from './dom.js';
import { word } from './words.js';

const LONGEST_BUTTON = 80;
const MOST_SEEN = 50;
const MOST_RECENT = 20;
const STEPS = { ArrowDown: 1, ArrowUp: -1 };
const NUMBERED = 9;

export class Labels {
  #board;
  #editor;
  #fixed = false;
  #buttons = [];
  #list = byId('labels');
  #field = byId('label-text');
  /** The labels given last, the newest first; of all questions. */
  #recent = [];
  /** The label that Enter gives while one is being looked for, or null. */
  #aimed = null;

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
    this.#field.addEventListener('focus', () => this.#filter());
    this.#field.addEventListener('input', () => this.#filter());
    this.#field.addEventListener('keydown', (event) => {
      if (event.isComposing || !this.#fixed) return;
      if (event.key === 'Enter') this.#giveFound();
      if (!(event.key in STEPS)) return;
      event.preventDefault();
      this.#step(STEPS[event.key]);
    });
    const section = byId('label-section');
    section.addEventListener('focusout', ({ relatedTarget }) => {
      if (!section.contains(relatedTarget)) this.#stopFinding();
    });
  }

  show(question) {
    const options = question.label_options ?? [];
    const seen = new Set(question.priors.map((prior) => prior.label).filter(Boolean));
    this.names = options.length ? [...new Set(options)] : [...seen].slice(0, MOST_SEEN);
    this.active = this.names[0] ?? '';
    this.#fixed = options.length > 0;
    this.#field.hidden = this.#fixed && options.length <= NUMBERED;
    this.#field.ariaLabel = word(this.#fixed ? 'labels.find' : 'labels.type');
    this.#field.placeholder = `${this.#field.ariaLabel} (L)`;
    this.#field.value = '';
    this.#buttons = this.names.map((name, index) => this.#makeButton(name, index));
    this.#list.replaceChildren(...this.#buttons);
    this.#mark();
  }

  /** Label the selected shape; with none selected, the next new box. */
  give(label) {
    this.active = label;
    this.#recent = [label, ...this.#recent.filter((name) => name !== label)].slice(0, MOST_RECENT);
    const { selected } = this.#editor;
    if (selected) this.#editor.relabel(selected.key, label);
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
      {
        type: 'button', class: 'label', id: `label-${index}`, title: clipped(name, 500),
        'data-testid': 'label',
      },
      el('span', { class: 'swatch', 'aria-hidden': 'true' }),
      el('bdi', {}, clipped(name, LONGEST_BUTTON)),
    );
    if (index < NUMBERED) button.append(el('kbd', {}, String(index + 1)));
    button.style.setProperty('--label', colourOf(name));
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
    say(byId('labels-title'), shape
      ? word('labels.of', { shape: this.#editor.describe(shape) }) : word('labels.of-next'));
  }

  /** The labels that have in them what is typed, the likeliest first. */
  get #found() {
    return ranked(this.names, this.#field.value.trim(), this.#recent);
  }

  /** Show what is found in its order; Enter gives the first, once something was typed. */
  #filter() {
    if (!this.#fixed) return;
    const found = this.#found;
    const button = new Map(this.names.map((name, index) => [name, this.#buttons[index]]));
    for (const each of this.#buttons) each.hidden = true;
    for (const name of found) button.get(name).hidden = false;
    this.#list.append(...found.map((name) => button.get(name)));
    this.#aimAt(this.#field.value.trim() ? found[0] ?? null : null);
  }

  #step(direction) {
    const found = this.#found;
    const at = found.indexOf(this.#aimed);
    const start = direction > 0 ? 0 : found.length - 1;
    this.#aimAt(found[at < 0 ? start : at + direction] ?? this.#aimed);
  }

  #aimAt(name) {
    this.#aimed = name;
    this.#buttons.forEach((button, index) =>
      button.classList.toggle('aimed', this.names[index] === name));
    const button = this.#buttons[this.names.indexOf(name)];
    if (!button) {
      this.#field.removeAttribute('aria-activedescendant');
      return;
    }
    button.scrollIntoView({ block: 'nearest' });
    this.#field.setAttribute('aria-activedescendant', button.id);
  }

  #giveFound() {
    if (this.#aimed !== null) this.give(this.#aimed);
    this.#stopFinding();
  }

  #stopFinding() {
    if (!this.#fixed) return;
    this.#field.value = '';
    for (const button of this.#buttons) button.hidden = false;
    this.#list.append(...this.#buttons);
    this.#aimAt(null);
  }
}

/**
 * The names that have `typed` in them: the very name first, then those that start with it; of
 * equals, those given last first.
 */
export function ranked(names, typed, recent) {
  const text = typed.toLowerCase();
  const rank = (name) => {
    const lower = name.toLowerCase();
    if (!text) return 0;
    if (name === typed) return 0;
    return lower === text ? 1 : lower.startsWith(text) ? 2 : 3;
  };
  const age = (name) => (recent.includes(name) ? recent.indexOf(name) : recent.length);
  return names.filter((name) => name.toLowerCase().includes(text))
    .map((name) => [rank(name), age(name), name])
    .sort(([a, old], [b, older]) => a - b || old - older)
    .map(([, , name]) => name);
}
