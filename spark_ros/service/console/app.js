// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// Puts the console together: parts, keys, buttons, live changes.

import { followQueue } from './api.js';
import { autosave } from './autosave.js';
import { Board } from './board.js';
import { Closer } from './closer.js';
import { Controller } from './controller.js';
import { flagReasons, ReasonDialog, showHelp, skipReasons } from './dialogs.js';
import { Filmstrip } from './filmstrip.js';
import { Filter } from './filter.js';
import { byId } from './dom.js';
import { ANNOTATE_HELP, AnnotateForm } from './forms/annotate.js';
import { HeatForm } from './forms/heat.js';
import { setUpDrawers } from './drawers.js';
import { SeveralImagesForm } from './forms/several_images.js';
import { listenToKeys } from './keys.js';
import { Labels } from './labels.js';
import { Notifications } from './notifications.js';
import { Panel } from './panel.js';
import { Picture } from './picture.js';
import { Queue } from './queue.js';
import { Review } from './review.js';
import { showSessions } from './sessions.js';
import { showConnection } from './status.js';
import { fillWords } from './words.js';

const REFETCH_MS = 20_000;

fillWords();
setUpDrawers();

const board = new Board();
const picture = new Picture(board.canvas, () => controller.updateButtons());
const annotateForm = new AnnotateForm({
  board, labels: new Labels(board), picture, review: new Review(board),
});
const heatForm = new HeatForm({ board, picture, onSeen: () => controller.updateButtons() });
const panel = new Panel();
const severalImagesForm = new SeveralImagesForm(annotateForm, new Filmstrip(byId('filmstrip')));

function formFor(question) {
  if (question.api === 'heat') return heatForm;
  return question.images ? severalImagesForm : annotateForm;
}

const controller = new Controller({
  filter: new Filter(byId('queue-filter'), () => controller.refresh()),
  formFor,
  notifications: new Notifications(byId('notify')),
  panel,
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

const flagDialog = new ReasonDialog(
  { dialog: 'flag-dialog', field: 'reason', reasons: 'reasons', cancel: 'flag-cancel' },
  (reason) => controller.flag(reason),
);
const skipDialog = new ReasonDialog(
  { dialog: 'skip-dialog', field: 'skip-reason', reasons: 'skip-reasons', cancel: 'skip-cancel' },
  (reason) => controller.skip(reason),
);
const flag = () => flagDialog.ask(flagReasons(controller.current));
const skip = () => skipDialog.ask(skipReasons());

/** Of the shapes; where nothing was done to them, of the answer that was given before. */
function undo() {
  const begun = controller.current && board.editor.canUndo;
  return (!begun && controller.undoSent()) || ofForm('undo')();
}

const formKeys = [
  'redo', 'pan', 'step', 'escape', 'remove', 'nudge', 'settle', 'digit', 'draw', 'fit',
  'zoomIn', 'zoomOut', 'respond', 'typeLabel', 'upload', 'play', 'stepBack', 'stepOn',
  'previousAttachment', 'nextAttachment', 'stepHandle', 'cycle', 'polygon', 'dot', 'addVertex',
  'bare', 'actualSize', 'accept', 'reject',
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
  flag: whenOpen(flag),
  skip: whenOpen(skip),
  undo,
  undoSent: () => controller.undoSent(),
  reference: whenOpen(() => panel.references.next()),
  closer: whenOpen(() => closer.open()),
  help,
});

const buttons = {
  submit: () => controller.submit(),
  skip,
  flag,
  'open-next': () => controller.openNext(),
  'help-button': help,
  'sessions-button': showSessions,
  'log-out': () => controller.logOut(),
};
for (const [id, action] of Object.entries(buttons)) byId(id).addEventListener('click', action);
autosave(() => controller.keepDraft());

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
