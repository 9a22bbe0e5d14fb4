// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// Spans of a text: select them with the mouse, or word by word with the arrow keys.

import { asText, byId, clipped, el } from '../dom.js';
import { Editor } from '../editor.js';
import { word } from '../words.js';
import { markKeys } from './mark_keys.js';

const LONGEST_WORDS = 60;

export class TextSpans {
  #question;
  #mayAdd;
  #onAdded;
  #shown = 0;
  #text = '';
  #dragged = false;
  #paper = el('div', {
    class: 'paper spans', dir: 'auto', tabindex: '0', role: 'document', 'data-testid': 'text',
    'aria-label': word('mark.text'),
  });

  seen = true;
  editor = new Editor();
  how = word('mark.span');
  help = [
    [['←', '→'], word('mark.help-word')],
    [['N'], word('mark.help-span')],
    [['Tab'], word('mark.help-next')],
    [['Del'], word('mark.help-delete')],
    [['Ctrl', 'Z'], word('mark.help-undo')],
  ];

  constructor(question, { mayAdd, onAdded }) {
    this.#question = question;
    this.#mayAdd = mayAdd;
    this.#onAdded = onAdded;
    this.keys = {
      ...markKeys(this.editor, () => document.activeElement === this.#paper),
      draw: () => this.#mark(),
      nudge: (dx, dy) => this.#extend(dx),
    };
    this.editor.addEventListener('change', () => this.#draw());
    this.#paper.addEventListener('pointerdown', () => {
      this.#dragged = false;
      // Wherever the mouse is let go. Not later: the click that follows may redraw the text.
      addEventListener('pointerup', () => (this.#dragged = this.#mark()), { once: true });
    });
    this.#paper.addEventListener('click', (event) => this.#click(event));
    byId('viewer').replaceChildren(el('div', { class: 'attachments' }, this.#paper));
    byId('viewer').hidden = false;
  }

  show(index) {
    this.#shown = index;
    this.#text = asText(this.#question.attachments[index].text);
    this.#draw();
  }

  reveal(shape) {
    this.#paper.querySelector(`[data-mark="${shape.key}"]`)?.scrollIntoView({ block: 'nearest' });
  }

  focus() {
    this.#paper.focus({ preventScroll: true });
  }

  clear() {
    getSelection().removeAllRanges();
  }

  /** Characters as the API counts them, not the halves that a script sees of rarer ones. */
  placeOf({ attachment, from, to }) {
    const text = asText(this.#question.attachments[attachment].text);
    const start = [...text.slice(0, from)].length;
    return { start, end: start + [...text.slice(from, to)].length };
  }

  describe({ attachment, from, to }) {
    const text = asText(this.#question.attachments[attachment].text);
    return clipped(text.slice(from, to), LONGEST_WORDS);
  }

  #extend(dx) {
    if (!dx || document.activeElement !== this.#paper) return false;
    const selection = getSelection();
    if (!this.#paper.contains(selection.focusNode)) selection.collapse(this.#paper, 0);
    const way = dx > 0 ? 'forward' : 'backward';
    // With Shift the keys ask for ten times as much.
    if (Math.abs(dx) === 1) {
      if (way === 'forward') selection.collapseToEnd();
      else selection.collapseToStart();
    }
    selection.modify('extend', way, 'word');
    return true;
  }

  #mark() {
    const span = this.#selected();
    if (!span) return false;
    getSelection().removeAllRanges();
    if (!this.#mayAdd()) return true;
    this.editor.add({ type: 'span', attachment: this.#shown, response: null, ...span });
    this.#onAdded();
    return true;
  }

  #selected() {
    const selection = getSelection();
    if (!selection.rangeCount || selection.isCollapsed) return null;
    const range = selection.getRangeAt(0).cloneRange();
    if (!range.intersectsNode(this.#paper)) return null;
    if (!this.#paper.contains(range.startContainer)) range.setStart(this.#paper, 0);
    if (!this.#paper.contains(range.endContainer)) {
      range.setEnd(this.#paper, this.#paper.childNodes.length);
    }
    const before = document.createRange();
    before.selectNodeContents(this.#paper);
    before.setEnd(range.startContainer, range.startOffset);
    const from = before.toString().length;
    const words = range.toString();
    // A double click also takes the space after the word.
    const left = words.length - words.trimStart().length;
    const right = words.trimEnd().length;
    return left < right ? { from: from + left, to: from + right } : { from, to: from + words.length };
  }

  #click({ target }) {
    if (this.#dragged) return;
    const key = target.closest('mark')?.dataset.mark;
    this.editor.select(key === undefined ? null : Number(key));
  }

  /** Marks may overlap: the text is cut at every end, and each piece carries its shortest mark. */
  #draw() {
    const marks = this.editor.shapes.filter(({ attachment }) => attachment === this.#shown);
    const cuts = [0, this.#text.length, ...marks.flatMap(({ from, to }) => [from, to])];
    const ends = [...new Set(cuts)].sort((a, b) => a - b);
    this.#paper.replaceChildren(...ends.slice(1).map((end, at) => this.#piece(ends[at], end, marks)));
  }

  #piece(from, to, marks) {
    const text = this.#text.slice(from, to);
    const over = marks.filter((mark) => mark.from <= from && mark.to >= to);
    if (!over.length) return document.createTextNode(text);
    over.sort((a, b) => (a.to - a.from) - (b.to - b.from));
    const piece = el('mark', { 'data-mark': over[0].key, 'data-testid': 'span' }, text);
    piece.classList.toggle('selected', over.some(({ key }) => key === this.editor.selectedKey));
    return piece;
  }
}
