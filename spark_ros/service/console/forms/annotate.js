// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// The form of a SparkAI question: correct the shapes on an image, answer in words.

import { CANVAS_HELP } from '../canvas_help.js';
import { byId, counted, say } from '../dom.js';
import { isDoubted, scoreOf } from '../shapes.js';

const MARKS = { changed: ' ✎', added: ' +' };

export const ANNOTATE_HELP = [
  [['1', '…', '9'], 'Give the selected shape that label; with none selected, the next new box'],
  [['Tab'], 'Next shape, after the last one on to the panel; with Shift the other way'],
  [['Drag'], 'Move or resize a shape, or draw a new box'],
  [['N'], 'Draw the next box even on top of another shape'],
  [['Del'], 'Delete the selected shape'],
  [['←', '↑', '→', '↓'], 'Nudge it by a pixel, with Shift by ten'],
  [['Ctrl', 'Z'], 'Undo; Ctrl Shift Z: redo'],
  [['Esc'], 'Stop the drag, else deselect'],
  [['L'], 'Type a label; of many, a part of one and Enter'],
  [['R'], 'Write a response'],
  [['Wheel'], 'Zoom; drag with Space held to move the image; 0 fits it again'],
];

export class AnnotateForm {
  #board;
  #labels;
  #picture;
  #response = byId('response');
  #open = false;
  /** What an answer that says nothing lacks; '' where it does say something. */
  #askedFor = '';

  help = [...ANNOTATE_HELP, ...CANVAS_HELP];
  submitsFromField = false;

  constructor({ board, labels, picture }) {
    this.#board = board;
    this.#labels = labels;
    this.#picture = picture;
    this.keys = {
      ...board.keys,
      digit: (index) => labels.giveNumber(index),
      respond: () => this.#response.focus(),
      typeLabel: () => labels.type(),
    };
    board.editor.addEventListener('change', () => this.#open && this.#update());
    this.#response.addEventListener('input', () => this.#update());
    byId('delete').addEventListener('click', () => board.removeSelected());
  }

  get seen() {
    return this.#picture.seen;
  }

  get problem() {
    const silent = !this.#board.editor.shapes.length && !this.#words;
    return silent ? this.#askedFor : '';
  }

  showProblem() {
    this.#update();
    this.#response.focus();
  }

  /** `draft` is what `keep` gave. */
  show(question, draft) {
    this.#open = true;
    const video = question.content_type === 'video';
    const priors = question.priors.length > 0;
    this.#askedFor = priors ? '' : askedFor(video, question.label_options);
    this.#board.open({
      newShape: () => ({ label: this.#labels.active }),
      onDrawn: () => this.#labels.typeIfNeeded(),
      look: {
        colourOf: (shape) => this.#labels.colourOf(shape.label),
        doubted: (shape) => this.#doubted(shape),
        words: (shape) => [shape.label || 'no label', this.#markOf(shape)],
        shown: () => true,
      },
      drawName: video ? null : 'New box',
      types: video ? [] : ['bounding_box', 'polygon', 'dot'],
    });
    // On a video, only shapes that the robot named can be had, to be relabelled or removed.
    for (const id of ['tools', 'label-section']) byId(id).hidden = video && !priors;
    byId('response-section').hidden = false;
    this.#picture.show(question.image, { video });
    this.#labels.show(question);
    this.#board.editor.load(question.priors, draft?.edits);
    this.#response.value = draft?.response ?? '';
    this.#update();
  }

  focus() {
    this.#board.focus();
  }

  leaveField() {
    this.#board.focus();
  }

  /** What was done, for when the question goes back to the queue; null for nothing. */
  keep() {
    const { editor } = this.#board;
    if (!editor.canUndo && !this.#words) return null;
    return { edits: editor.keep(), response: this.#words };
  }

  clear() {
    this.#open = false;
    this.#board.close();
    this.#picture.clear();
    for (const id of ['label-section', 'response-section']) byId(id).hidden = true;
  }

  settle() {
    this.#labels.finishTyping();
    this.#board.settle();
  }

  answer() {
    return { shapes: this.#board.editor.answer(), response: this.#words, flags: [] };
  }

  get #words() {
    return this.#response.value.trim();
  }

  #doubted(shape) {
    return isDoubted(shape.metadata) && this.#board.editor.status(shape) === 'untouched';
  }

  #markOf(shape) {
    const mark = MARKS[this.#board.editor.status(shape)];
    return mark ?? scoreText(shape.metadata) + (this.#doubted(shape) ? ' ?' : '');
  }

  #update() {
    const shape = this.#board.editor.selected;
    say(byId('selection'), shape ? this.#describe(shape) : 'Nothing selected');
    byId('delete').disabled = !shape;
    say(byId('summary'), this.problem || this.#summary());
  }

  #describe(shape) {
    const { editor } = this.#board;
    const words = [editor.describe(shape), shape.label || 'no label'];
    const status = editor.status(shape);
    if (status !== 'untouched') return [...words, status].join(' · ');
    const score = scoreText(shape.metadata).trim();
    if (score) words.push(score);
    if (isDoubted(shape.metadata)) words.push('doubted');
    return words.join(' · ');
  }

  #summary() {
    const { untouched, changed, added, removed } = this.#board.editor.counts();
    const words = [];
    if (untouched) words.push(`${untouched} confirmed`);
    if (changed) words.push(`${changed} changed`);
    if (added) words.push(`${added} added`);
    if (removed) words.push(`${removed} removed`);
    return words.join(' · ') || counted(0, 'shape');
  }
}

/** Without boxes to confirm or labels to look for, silence would be no answer. */
function askedFor(video, labels) {
  if (video) return 'Answer in words, or flag the question.';
  return labels.length ? '' : 'Draw a box, answer in words, or flag the question.';
}

/** The score belongs to what the detector said; a corrected shape has none. */
function scoreText(metadata) {
  const score = scoreOf(metadata);
  return score === null ? '' : ` ${Math.round(score * 100)} %`;
}
