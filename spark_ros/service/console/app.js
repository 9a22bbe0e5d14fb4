// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// Puts the console together: parts, keys, buttons, live changes.

import { followQueue } from './api.js';
import { Board } from './board.js';
import { Closer } from './closer.js';
import { Controller } from './controller.js';
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
const picture = new Picture(board.canvas, () => controller.updateButtons());
const annotateForm = new AnnotateForm({ board, labels: new Labels(board), picture });
const heatForm = new HeatForm({ board, picture, onSeen: () => controller.updateButtons() });
const controller = new Controller({
  formFor: (question) => (question.api === 'heat' ? heatForm : annotateForm),
  panel: new Panel(),
  queue: new Queue(byId('queue'), byId('queue-rest'), (id) => controller.switchTo(id)),
});

const closer = new Closer();

const whenOpen = (action) => (...values) => (controller.current ? action(...values) : false);
const ofForm = (name) => (...values) => {
  const action = controller.form?.keys[name];
  return action ? action(...values) : false;
};
const help = () => showHelp(controller.form?.help ?? ANNOTATE_HELP);

function leaveField() {
  if (controller.current) controller.form.leaveField();
  else document.activeElement.blur();
}

const formKeys = [
  'undo', 'redo', 'pan', 'step', 'escape', 'remove', 'nudge', 'settle', 'digit', 'draw', 'fit',
  'zoomIn', 'zoomOut', 'respond', 'typeLabel', 'upload', 'play', 'stepBack', 'stepOn',
  'previousAttachment', 'nextAttachment', 'stepHandle', 'cycle', 'polygon', 'dot', 'addVertex',
  'bare', 'actualSize',
];
listenToKeys({
  ...Object.fromEntries(formKeys.map((name) => [name, ofForm(name)])),
  submit: whenOpen(() => controller.submit()),
  submitOrOpen: () => {
    if (ofForm('finish')()) return;
    if (controller.current) controller.submit();
    else controller.openNext();
  },
  leaveField,
  enterField: () => (controller.form?.submitsFromField ? controller.submit() : leaveField()),
  flag: whenOpen(askForReason),
  skip: whenOpen(() => controller.skip()),
  closer: whenOpen(() => closer.open()),
  help,
});

const buttons = {
  submit: () => controller.submit(),
  skip: () => controller.skip(),
  flag: askForReason,
  'open-next': () => controller.openNext(),
  'help-button': help,
  'sessions-button': showSessions,
  'log-out': () => controller.logOut(),
};
for (const [id, action] of Object.entries(buttons)) byId(id).addEventListener('click', action);
setUpFlag((reason) => controller.flag(reason));

// A file that misses its place must not replace the page, and the work on it.
for (const kind of ['dragover', 'drop']) addEventListener(kind, (event) => event.preventDefault());

followQueue({
  onChange: (change) => controller.apply(change),
  onConnected: () => {
    showConnection({ stream: 'live' });
    controller.reconnected();
  },
  onLost: () => {
    showConnection({ stream: 'lost' });
    controller.refresh();
  },
});
// A connection can die without either side noticing.
setInterval(() => controller.refresh(), REFETCH_MS);
controller.refresh();
