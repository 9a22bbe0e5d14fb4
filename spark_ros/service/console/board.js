// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// The picture with everything to draw on it: shapes, mouse, keys and tools.

import { Canvas } from './canvas.js';
import { byId } from './dom.js';
import { Editor } from './editor.js';
import { Pointer } from './pointer.js';
import { moved } from './shapes.js';

export class Board {
  stage = byId('stage');
  editor = new Editor();
  canvas = new Canvas(
    { stage: this.stage, image: byId('image'), overlay: byId('overlay'), tags: byId('tags') },
    this.editor,
  );
  #rules = null;

  pointer = new Pointer(this.stage, this.canvas, this.editor, {
    newShape: () => this.#rules.newShape(),
    onDrawing: (on) => byId('draw').setAttribute('aria-pressed', String(on)),
    onDrawn: () => this.#rules.onDrawn(),
  });

  keys = {
    undo: () => this.editor.undo(),
    redo: () => this.editor.redo(),
    pan: (on) => this.pointer.setPanning(on),
    step: (direction) => this.focused && this.editor.step(direction),
    escape: () => this.#backOut(),
    remove: () => this.removeSelected(),
    nudge: (dx, dy) => this.#nudge(dx, dy),
    settle: () => this.editor.settle(),
    draw: () => this.toggleDrawing(),
    fit: () => this.canvas.fit(),
    zoomIn: () => this.canvas.zoom(1.25),
    zoomOut: () => this.canvas.zoom(0.8),
  };

  constructor() {
    this.editor.addEventListener('change', () => this.#updateTools());
    byId('draw').addEventListener('click', () => this.toggleDrawing());
    for (const id of ['undo', 'redo', 'fit']) {
      byId(id).addEventListener('click', () => {
        this.keys[id]();
        this.focus();
      });
    }
  }

  /**
   * Show the stage for one question. `rules`: `newShape` and `onDrawn` as the pointer has them,
   * `look` as the canvas has it, `drawName` (null where nothing can be drawn), and whether a click
   * `clickPlaces` a shape.
   */
  open(rules) {
    this.#rules = rules;
    this.canvas.look = rules.look;
    this.pointer.clickPlaces = rules.clickPlaces;
    this.pointer.setDrawing(false);
    byId('draw').firstChild.data = `${rules.drawName ?? ''} `;
    byId('tools').hidden = false;
    for (const id of ['draw', 'fit']) byId(id).hidden = rules.drawName === null;
    this.stage.hidden = false;
  }

  close() {
    this.pointer.cancel();
    this.pointer.setPanning(false);
    this.stage.hidden = true;
  }

  get focused() {
    return document.activeElement === this.stage;
  }

  focus() {
    this.stage.focus({ preventScroll: true });
  }

  toggleDrawing() {
    if (!this.canvas.ready) return;
    this.pointer.setDrawing(!this.pointer.drawing);
    this.focus();
  }

  removeSelected() {
    this.pointer.cancel();
    if (!this.editor.selected) return false;
    this.editor.remove(this.editor.selectedKey);
    return true;
  }

  #nudge(dx, dy) {
    const shape = this.editor.selected;
    if (!shape || !this.focused || !this.canvas.ready) return false;
    const pixel = this.canvas.imageReach(1);
    this.editor.preview(shape.key, { vertices: moved(shape.vertices, dx * pixel.x, dy * pixel.y) });
    return true;
  }

  #backOut() {
    if (this.pointer.cancel()) return;
    if (this.pointer.drawing) this.pointer.setDrawing(false);
    else this.editor.select(null);
  }

  #updateTools() {
    byId('undo').disabled = !this.editor.canUndo;
    byId('redo').disabled = !this.editor.canRedo;
  }
}
