// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// The form of a SparkAI question: correct the shapes on an image, answer in words.

import { CANVAS_HELP, TOUCH_HELP } from '../canvas_help.js';
import { colourOf } from '../colours.js';
import { byId, say } from '../dom.js';
import { isDoubted, scoreOf } from '../shapes.js';
import { word } from '../words.js';

const MARKS = { changed: ' ✎', added: ' +' };
const STATUS = { changed: 'shape.changed', added: 'shape.added' };

export const ANNOTATE_HELP = [
  [['A'], word('help.accept')],
  [['X'], word('help.reject')],
  [['1', '…', '9'], word('help.digits')],
  [['L'], word('help.label')],
  [['Tab'], word('help.step')],
  [[word('help.drag-key')], word('help.drag')],
  [['N'], word('help.draw')],
  [['Del'], word('help.delete')],
  [['←', '↑', '→', '↓'], word('help.nudge')],
  [['Ctrl', 'Z'], word('help.undo')],
  [['Esc'], word('help.escape')],
  [['I'], word('help.reference')],
  [['R'], word('help.response')],
  [[word('help.wheel-key')], word('help.wheel')],
];

export class AnnotateForm {
  #board;
  #labels;
  #picture;
  #review;
  #response = byId('response');
  #open = false;
  /** What an answer that says nothing lacks; '' where it does say something. */
  #askedFor = '';
  /** Whether it has to be meant that there is nothing, and whether that was said. */
  #asksTwice = false;
  #asked = false;

  help = [...TOUCH_HELP, ...ANNOTATE_HELP, ...CANVAS_HELP];
  submitsFromField = false;

  constructor({ board, labels, picture, review }) {
    this.#board = board;
    this.#labels = labels;
    this.#picture = picture;
    this.#review = review;
    this.keys = {
      ...board.keys,
      ...review.keys,
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
    if (!this.#silent) return '';
    return this.#askedFor || (this.#asksTwice && !this.#asked ? word('annotate.nothing') : '');
  }

  get #silent() {
    return !this.#board.editor.shapes.length && !this.#words;
  }

  showProblem() {
    if (this.#askedFor) this.#response.focus();
    else this.#asked = true;
    this.#update();
  }

  /** `draft` is what `keep` gave. */
  show(question, draft) {
    this.#open = true;
    const video = question.content_type === 'video';
    const priors = question.priors.length > 0;
    this.#askedFor = priors ? '' : askedFor(video, question.label_options);
    this.#asksTwice = !priors;
    this.#asked = false;
    this.#board.open({
      newShape: () => ({ label: this.#labels.active }),
      onDrawn: () => {
        // Which label it got, and how to give it another one.
        byId('label-section').scrollIntoView({ block: 'nearest' });
        this.#labels.typeIfNeeded();
      },
      look: {
        colourOf: (shape) => colourOf(shape.label),
        doubted: (shape) => this.#doubted(shape),
        words: (shape) => [shape.label || word('shape.unlabelled'), this.#markOf(shape)],
        shown: () => true,
      },
      drawName: video ? null : word('annotate.new-box'),
      types: video ? [] : ['bounding_box', 'polygon', 'dot'],
    });
    // On a video, only shapes that the robot named can be had, to be relabelled or removed.
    for (const id of ['tools', 'label-section']) byId(id).hidden = video && !priors;
    byId('response-section').hidden = false;
    this.#picture.show(question.image, { video });
    this.#labels.show(question);
    // What it lists is of the image before; the editor tells of this one's shapes at once.
    this.#review.clear();
    this.#board.editor.load(question.priors, draft?.edits);
    this.#review.show();
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
    this.#review.clear();
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
    const open = !shape.accepted && this.#board.editor.status(shape) === 'untouched';
    return open && isDoubted(shape.metadata);
  }

  #markOf(shape) {
    const mark = MARKS[this.#board.editor.status(shape)] ?? (shape.accepted ? ' ✓' : undefined);
    return mark ?? scoreText(shape.metadata) + (this.#doubted(shape) ? ' ?' : '');
  }

  #update() {
    const { selected, selectedGhost } = this.#board.editor;
    say(byId('selection'), selected ? this.#describe(selected) : describeGhost(selectedGhost));
    byId('delete').disabled = !selected;
    if (!this.#silent) this.#asked = false;
    const problem = this.#silent && (this.#askedFor || (this.#asked && word('annotate.nothing')));
    say(byId('summary'), problem || this.#summary());
  }

  #describe(shape) {
    const { editor } = this.#board;
    const words = [editor.describe(shape), shape.label || word('shape.unlabelled')];
    const status = editor.status(shape);
    if (status !== 'untouched') return [...words, word(STATUS[status])].join(' · ');
    const score = scoreText(shape.metadata).trim();
    if (score) words.push(score);
    if (shape.accepted) words.push(word('shape.accepted'));
    else if (isDoubted(shape.metadata)) words.push(word('shape.doubted'));
    return words.join(' · ');
  }

  #summary() {
    const { accepted, untouched, changed, added, removed } = this.#board.editor.counts();
    const words = [];
    if (accepted) words.push(word('summary.confirmed', { n: accepted }));
    if (untouched) words.push(word('summary.unchanged', { n: untouched }));
    if (changed) words.push(word('summary.changed', { n: changed }));
    if (added) words.push(word('summary.added', { n: added }));
    if (removed) words.push(word('summary.removed', { n: removed }));
    if (this.#words) words.push(word('summary.text'));
    return words.join(' · ') || word('summary.none');
  }
}

function describeGhost(ghost) {
  if (!ghost) return word('shape.none');
  return `${ghost.label || word('shape.unlabelled')} · ${word('shape.removed')}`;
}

/** Without boxes to confirm or labels to look for, silence would be no answer. */
function askedFor(video, labels) {
  if (video) return word('annotate.video');
  return labels.length ? '' : word('annotate.silent');
}

/** The score belongs to what the detector said; a corrected shape has none. */
function scoreText(metadata) {
  const score = scoreOf(metadata);
  return score === null ? '' : ` ${word('shape.score', { n: Math.round(score * 100) })}`;
}
