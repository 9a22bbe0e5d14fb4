// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// Puts the console together: parts, keys, buttons, live changes.

import { followQueue } from './api.js';
import { Board } from './board.js';
import { Desk } from './desk.js';
import { askForReason, setUpFlag, showHelp } from './dialogs.js';
import { byId } from './dom.js';
import { ANNOTATE_HELP, AnnotateForm } from './forms/annotate.js';
import { HeatForm } from './forms/heat.js';
import { listenToKeys } from './keys.js';
import { Labels } from './labels.js';
import { Panel } from './panel.js';
import { Picture } from './picture.js';
import { Queue } from './queue.js';
import { showSessions } from './sessions.js';
import { showConnection } from './status.js';

const REFETCH_MS = 20_000;

const board = new Board();
const picture = new Picture(board.canvas, () => desk.updateButtons());
const annotateForm = new AnnotateForm({ board, labels: new Labels(board.editor), picture });
const heatForm = new HeatForm({ board, picture, onSeen: () => desk.updateButtons() });
const desk = new Desk({
  formFor: (question) => (question.api === 'heat' ? heatForm : annotateForm),
  panel: new Panel(),
  queue: new Queue(byId('queue'), byId('queue-empty'), (id) => desk.switchTo(id)),
});

const whenOpen = (action) => (...values) => (desk.current ? action(...values) : false);
const ofForm = (name) => (...values) => {
  const action = desk.form?.keys[name];
  return action ? action(...values) : false;
};
const help = () => showHelp(desk.form?.help ?? ANNOTATE_HELP);

function leaveField() {
  if (desk.current) desk.form.leaveField();
  else document.activeElement.blur();
}

const formKeys = [
  'undo', 'redo', 'pan', 'step', 'escape', 'remove', 'nudge', 'settle', 'digit', 'draw', 'fit',
  'zoomIn', 'zoomOut', 'respond', 'typeLabel', 'upload', 'play', 'stepBack', 'stepOn',
  'previousAttachment', 'nextAttachment',
];
listenToKeys({
  ...Object.fromEntries(formKeys.map((name) => [name, ofForm(name)])),
  submit: whenOpen(() => desk.submit()),
  submitOrOpen: () => (desk.current ? desk.submit() : desk.openNext()),
  leaveField,
  enterField: () => (desk.form?.submitsFromField ? desk.submit() : leaveField()),
  flag: whenOpen(askForReason),
  skip: whenOpen(() => desk.skip()),
  help,
});

const buttons = {
  submit: () => desk.submit(),
  skip: () => desk.skip(),
  flag: askForReason,
  'open-next': () => desk.openNext(),
  'help-button': help,
  'sessions-button': showSessions,
  'log-out': () => desk.logOut(),
};
for (const [id, action] of Object.entries(buttons)) byId(id).addEventListener('click', action);
setUpFlag((reason) => desk.flag(reason));

// A file that misses its place must not replace the page, and the work on it.
for (const kind of ['dragover', 'drop']) addEventListener(kind, (event) => event.preventDefault());

followQueue({
  onChange: () => desk.refresh(),
  onConnected: () => {
    showConnection('live');
    desk.reconnected();
  },
  onLost: () => {
    showConnection('lost');
    desk.refresh();
  },
});
// A connection can die without either side noticing.
setInterval(() => desk.refresh(), REFETCH_MS);
desk.refresh();
