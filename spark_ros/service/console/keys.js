// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// Which key does what, and the list of them for the help.

import { word } from './words.js';

const TYPING = 'textarea, input:not([type="range"]), select, [contenteditable]';
const PRESSABLE = 'button, a, summary, video, audio';
// Space takes these; Enter goes on to submit.
const CHOICE = '[role="radio"], [role="checkbox"]';
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const LETTERS = {
  a: 'accept', x: 'reject', i: 'reference', z: 'undoSent',
  n: 'draw', f: 'flag', s: 'skip', r: 'respond', l: 'typeLabel', u: 'upload', p: 'play',
  '[': 'previousAttachment', ']': 'nextAttachment', ',': 'stepBack', '.': 'stepOn',
  g: 'polygon', d: 'dot', e: 'addVertex', o: 'actualSize', m: 'closer',
  '?': 'help', 0: 'fit', '+': 'zoomIn', '=': 'zoomIn', '-': 'zoomOut',
};

/** With Shift the other way round. */
const STEPS = { v: 'stepHandle', c: 'cycle' };

/** The help around what a form has of its own. */
export const FIRST_HELP = [
  [['Enter'], word('keys.submit')],
  [['Ctrl', 'Enter'], word('keys.submit-typing')],
];
export const LAST_HELP = [
  [['F'], word('keys.flag')],
  [['S'], word('keys.skip')],
  [['Z'], word('keys.undoSent')],
  [['M'], word('canvas.help.closer')],
  [['?'], word('keys.these')],
];

/** Send key presses to `actions`; an action that returns false leaves the key to the browser. */
export function listenToKeys(actions) {
  addEventListener('keydown', (event) => {
    if (event.isComposing || document.querySelector('dialog[open]')) return;
    const [name, ...values] = actionOf(event) ?? [];
    if (name && actions[name](...values) !== false) event.preventDefault();
  });
  addEventListener('keyup', (event) => {
    if (event.key === ' ') actions.pan(false);
    if (event.key.toLowerCase() === 'h') actions.bare(false);
    if (event.key in ARROWS) actions.settle();
  });
  addEventListener('blur', () => {
    actions.pan(false);
    actions.bare(false);
  });
}

function actionOf(event) {
  const { key, shiftKey, target } = event;
  const typing = target instanceof Element && target.closest(TYPING) !== null;
  const command = event.ctrlKey || event.metaKey;
  if (key === 'Enter' && command) return event.repeat ? null : ['submit'];
  if (typing) {
    if (key === 'Escape') return ['leaveField'];
    return key === 'Enter' && target.matches('input') ? ['enterField'] : null;
  }
  if (command || event.altKey) return event.altKey ? null : historyAction(key, shiftKey);
  const pressable = target instanceof Element && target.closest(PRESSABLE) !== null;
  // A held Enter must not answer the questions that follow.
  if (key === 'Enter') {
    const follows = pressable && !target.closest(CHOICE);
    return event.repeat || follows ? null : ['submitOrOpen'];
  }
  if (key === ' ') return pressable ? null : ['pan', true, event.repeat];
  if (key === 'Tab') return ['step', shiftKey ? -1 : 1];
  if (key === 'Escape') return ['escape'];
  if (key === 'Delete' || key === 'Backspace') return ['remove'];
  if (key in ARROWS) return ['nudge', ...ARROWS[key].map((n) => n * (shiftKey ? 10 : 1))];
  // By position too: on some layouts the digits need Shift.
  const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event.code)?.[1] ?? /^[1-9]$/.exec(key)?.[0];
  if (digit && !shiftKey) return ['digit', Number(digit) - 1];
  const letter = key.toLowerCase();
  if (letter === 'h') return ['bare', true];
  if (letter in STEPS) return [STEPS[letter], shiftKey ? -1 : 1];
  return event.repeat || !(letter in LETTERS) ? null : [LETTERS[letter]];
}

function historyAction(key, shiftKey) {
  const letter = key.toLowerCase();
  if (letter === 'z') return [shiftKey ? 'redo' : 'undo'];
  return letter === 'y' ? ['redo'] : null;
}
