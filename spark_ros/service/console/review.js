// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// Reviewing the priors: their list, the doubted first, and the buttons that accept and reject.

import { byId, clipped, el, say, setAttributes } from './dom.js';
import { colourOf } from './colours.js';
import { isDoubted, scoreOf } from './shapes.js';
import { word } from './words.js';

const LONGEST_NAME = 80;
const MARKS = { open: '', accepted: '✓', changed: '✎', removed: '✗' };
const WORDS = {
  open: 'review.open', accepted: 'shape.accepted', changed: 'shape.changed',
  removed: 'shape.removed',
};

export class Review {
  #board;
  #editor;
  #order = [];
  #rows = new Map();
  #list = byId('priors');
  #accept = byId('accept');
  #reject = byId('reject');
  #shown = false;

  keys = { accept: () => this.accept(), reject: () => this.reject() };

  constructor(board) {
    this.#board = board;
    this.#editor = board.editor;
    this.#editor.addEventListener('change', () => this.#shown && this.#update());
    for (const [button, action] of [[this.#accept, 'accept'], [this.#reject, 'reject']]) {
      button.addEventListener('click', () => {
        this[action]();
        this.#board.focus();
      });
    }
  }

  /** List the priors that the editor holds. */
  show() {
    this.#order = reviewed(this.#editor.priors);
    this.#rows = new Map(this.#order.map((prior) => [prior.key, this.#makeRow(prior)]));
    this.#list.replaceChildren(...[...this.#rows.values()].map(({ item }) => item));
    this.#shown = this.#order.length > 0;
    this.#setHidden(!this.#shown);
    if (this.#shown) this.#update();
  }

  clear() {
    this.#shown = false;
    this.#setHidden(true);
  }

  /** Accept what is selected and go on; with nothing selected, only go on. */
  accept() {
    if (!this.#shown) return false;
    this.#board.pointer.cancel();
    const { selected, selectedGhost } = this.#editor;
    if (selectedGhost) this.#editor.restore(selectedGhost.key);
    else if (this.#decisionOf(selected) === 'open') {
      this.#editor.accept(selected.key, this.#nextAfter(selected.key));
    } else this.#editor.select(this.#nextAfter(selected?.key));
    this.#reveal();
    return true;
  }

  /** Remove what is selected and go on; with nothing selected, only go on. */
  reject() {
    if (!this.#shown) return false;
    this.#board.pointer.cancel();
    const { selected, selectedKey } = this.#editor;
    const next = this.#nextAfter(selectedKey);
    if (selected) this.#editor.remove(selectedKey, next);
    else this.#editor.select(next);
    this.#reveal();
    return true;
  }

  #setHidden(hidden) {
    for (const id of ['review-section', 'review-bar', 'review-left']) byId(id).hidden = hidden;
  }

  #decisionOf(shape) {
    return shape && this.#editor.decisions().get(shape.key);
  }

  /** The key of the first that is open behind this one, else before it; null for none. */
  #nextAfter(key) {
    const decisions = this.#editor.decisions();
    const at = this.#order.findIndex((prior) => prior.key === key);
    const round = [...this.#order.slice(at + 1), ...this.#order.slice(0, Math.max(at, 0))];
    return round.find((prior) => decisions.get(prior.key) === 'open')?.key ?? null;
  }

  #reveal() {
    const { selected } = this.#editor;
    if (selected) this.#board.canvas.reveal(selected);
    this.#rows.get(this.#editor.selectedKey)?.item.scrollIntoView({ block: 'nearest' });
  }

  #makeRow(prior) {
    const name = el('bdi', {});
    const mark = el('span', { class: 'decision', 'aria-hidden': 'true' });
    const said = el('span', { class: 'unseen' });
    const button = el('button', { type: 'button', class: 'prior', 'data-testid': 'prior' },
      el('span', { class: 'swatch', 'aria-hidden': 'true' }), name,
      el('span', { class: 'score' }, scoreText(prior)), mark, said);
    button.addEventListener('click', () => {
      this.#editor.select(prior.key);
      this.#reveal();
      this.#board.focus();
    });
    return { item: el('li', {}, button), button, name, mark, said };
  }

  #update() {
    const decisions = this.#editor.decisions();
    const shapes = new Map(this.#editor.shapes.map((shape) => [shape.key, shape]));
    for (const prior of this.#order) {
      const decision = decisions.get(prior.key);
      const { label } = shapes.get(prior.key) ?? prior;
      this.#updateRow(this.#rows.get(prior.key), { prior, label, decision });
    }
    const left = [...decisions.values()].filter((decision) => decision === 'open').length;
    this.#updateBar(left);
  }

  #updateRow({ button, name, mark, said }, { prior, label, decision }) {
    say(name, clipped(label, LONGEST_NAME) || word('shape.unlabelled'));
    say(mark, MARKS[decision]);
    say(said, word(WORDS[decision]));
    button.style.setProperty('--label', colourOf(label));
    const doubted = isDoubted(prior.metadata) && decision === 'open';
    button.classList.toggle('doubted', doubted);
    setAttributes(button, {
      'data-decision': decision, 'aria-pressed': String(prior.key === this.#editor.selectedKey),
    });
  }

  #updateBar(left) {
    const { selected, selectedGhost } = this.#editor;
    say(byId('review-left'), left ? word('review.left', { n: left }) : word('review.done'));
    const what = selectedGhost ? 'review.restore' : selected ? 'review.accept' : 'review.start';
    say(this.#accept.firstElementChild, word(what));
    this.#accept.disabled = !selected && !selectedGhost && left === 0;
    this.#reject.disabled = !selected;
  }
}

/** In the order of reviewing: the doubted first, then by score, the lowest first. */
export function reviewed(priors) {
  const rank = ({ metadata }) => [isDoubted(metadata) ? 0 : 1, scoreOf(metadata) ?? 1];
  return priors.map((prior) => [rank(prior), prior])
    .sort(([[a, low]], [[b, lower]]) => a - b || low - lower)
    .map(([, prior]) => prior);
}

function scoreText({ metadata }) {
  const score = scoreOf(metadata);
  const text = score === null ? '' : word('shape.score', { n: Math.round(score * 100) });
  return isDoubted(metadata) ? `${text} ?` : text;
}
