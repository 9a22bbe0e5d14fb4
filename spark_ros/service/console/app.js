// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// Puts the console together: parts, keys, buttons, live changes.

import { followQueue } from './api.js';
import { Canvas } from './canvas.js';
import { Desk } from './desk.js';
import { askForReason, setUpFlag, setUpHelp, showHelp } from './dialogs.js';
import { byId } from './dom.js';
import { Editor } from './editor.js';
import { listenToKeys } from './keys.js';
import { Labels } from './labels.js';
import { Panel } from './panel.js';
import { Picture } from './picture.js';
import { Pointer } from './pointer.js';
import { Queue } from './queue.js';
import { moved } from './shapes.js';
import { showConnection } from './status.js';

const REFETCH_MS = 20_000;

const stage = byId('stage');
const editor = new Editor();
const labels = new Labels(editor);
const canvas = new Canvas(
  { stage, image: byId('image'), overlay: byId('overlay'), tags: byId('tags') },
  editor,
  (label) => labels.colourOf(label),
);
const pointer = new Pointer(stage, canvas, editor, {
  newLabel: () => labels.active,
  onDrawing: (on) => byId('draw').setAttribute('aria-pressed', String(on)),
  onDrawn: () => labels.typeIfNeeded(),
});
const desk = new Desk({
  editor,
  labels,
  panel: new Panel(editor),
  picture: new Picture(canvas, () => desk.updateButtons()),
  pointer,
  queue: new Queue(byId('queue'), byId('queue-empty'), (id) => desk.switchTo(id)),
  stage,
});

const onStage = () => desk.current !== null && document.activeElement === stage;
const whenOpen = (action) => (...values) => (desk.current ? action(...values) : false);

function toggleDrawing() {
  if (!canvas.ready) return;
  pointer.setDrawing(!pointer.drawing);
  stage.focus({ preventScroll: true });
}

function removeSelected() {
  pointer.cancel();
  if (!desk.current || !editor.selected) return false;
  editor.remove(editor.selectedKey);
  return true;
}

function nudge(dx, dy) {
  const shape = editor.selected;
  if (!shape || !onStage() || !canvas.ready) return false;
  const pixel = canvas.imageReach(1);
  editor.preview(shape.key, moved(shape.vertices, dx * pixel.x, dy * pixel.y));
  return true;
}

function backOut() {
  if (pointer.cancel()) return;
  if (pointer.drawing) pointer.setDrawing(false);
  else editor.select(null);
}

listenToKeys({
  submit: whenOpen(() => desk.submit()),
  submitOrOpen: () => (desk.current ? desk.submit() : desk.openNext()),
  leaveField: () => (desk.current ? stage.focus() : document.activeElement.blur()),
  undo: whenOpen(() => editor.undo()),
  redo: whenOpen(() => editor.redo()),
  pan: (on) => pointer.setPanning(on && desk.current !== null),
  step: (direction) => onStage() && editor.step(direction),
  escape: whenOpen(backOut),
  remove: removeSelected,
  nudge,
  settle: () => editor.settle(),
  label: whenOpen((index) => labels.giveNumber(index)),
  draw: whenOpen(toggleDrawing),
  fit: whenOpen(() => canvas.fit()),
  zoomIn: whenOpen(() => canvas.zoom(1.25)),
  zoomOut: whenOpen(() => canvas.zoom(0.8)),
  flag: whenOpen(askForReason),
  skip: whenOpen(() => desk.skip()),
  respond: whenOpen(() => byId('response').focus()),
  typeLabel: whenOpen(() => labels.type()),
  help: showHelp,
});

const buttons = {
  submit: () => desk.submit(),
  skip: () => desk.skip(),
  flag: askForReason,
  delete: removeSelected,
  draw: toggleDrawing,
  undo: () => editor.undo(),
  redo: () => editor.redo(),
  fit: () => canvas.fit(),
  'open-next': () => desk.openNext(),
};
for (const [id, action] of Object.entries(buttons)) byId(id).addEventListener('click', action);
setUpHelp();
setUpFlag((reason) => desk.flag(reason));

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
