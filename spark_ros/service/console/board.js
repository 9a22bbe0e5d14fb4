// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// The picture with everything to draw on it: shapes, mouse, keys and tools.

import { Canvas } from './canvas.js';
import { byId } from './dom.js';
import { Drawing } from './drawing.js';
import { Editor } from './editor.js';
import { Handles } from './handles.js';
import { Light } from './light.js';
import { Pointer } from './pointer.js';
import { moved } from './shapes.js';
import { Tools } from './tools.js';

const PAN_PX = 24;

export class Board {
  stage = byId('stage');
  editor = new Editor();
  canvas = new Canvas(
    {
      stage: this.stage, image: byId('image'), overlay: byId('overlay'), tags: byId('tags'),
      tools: byId('tools'),
    },
    this.editor,
  );
  #rules = null;
  #types = [];
  #handles = new Handles(this.canvas, this.editor);
  #light = new Light(this.stage);

  drawing = new Drawing(this.canvas, this.editor, {
    newShape: (type) => this.#newShape(type),
    onChange: (type) => {
      this.stage.classList.toggle('drawing', type !== null);
      this.#tools.show(type);
      this.#updateTools();
    },
    onDrawn: () => this.#rules.onDrawn(),
  });

  pointer = new Pointer(this.stage, this.canvas, this.editor, {
    newShape: () => this.#newShape(this.#types[0]),
    onDrawn: () => this.#rules.onDrawn(),
    drawing: this.drawing,
    handles: this.#handles,
  });

  keys = {
    undo: () => this.drawing.undo() || this.editor.undo(),
    redo: () => this.drawing.redo() || this.editor.redo(),
    pan: (on, again) => this.#space(on, again),
    step: (direction) => this.focused && this.editor.step(direction),
    stepHandle: (direction) => this.focused && this.#handles.step(direction),
    cycle: (direction) => this.pointer.cycle(direction),
    escape: () => this.#backOut(),
    remove: () => this.removeSelected(),
    nudge: (dx, dy) => this.#nudge(dx, dy),
    settle: () => this.editor.settle(),
    draw: () => this.toggleDrawing(this.#types[0]),
    polygon: () => this.toggleDrawing('polygon'),
    dot: () => this.toggleDrawing('dot'),
    finish: () => this.focused && this.#finish(),
    addVertex: () => this.#handles.addVertex(),
    bare: (on) => this.stage.classList.toggle('bare', on),
    fit: () => this.canvas.fit(),
    actualSize: () => this.canvas.showActualSize(),
    zoomIn: () => this.canvas.zoom(1.25),
    zoomOut: () => this.canvas.zoom(0.8),
  };

  #tools = new Tools({
    ...this.keys,
    drawType: (type) => this.toggleDrawing(type),
    finish: () => {
      this.drawing.complete();
      this.focus();
    },
  }, this.#light.button);

  constructor() {
    this.editor.addEventListener('change', () => this.#updateTools());
    byId('draw').addEventListener('click', () => this.toggleDrawing(this.#types[0]));
    for (const id of ['undo', 'redo', 'fit']) {
      byId(id).addEventListener('click', () => {
        this.keys[id]();
        this.focus();
      });
    }
  }

  /**
   * Show the stage for one question. `rules`: `newShape` gives the fields of a new shape, or null;
   * `onDrawn` hears when there is one; `look` is as the canvas has it; `types` can be drawn, of
   * which the first, called `drawName`, needs no tool.
   */
  open(rules) {
    this.#rules = rules;
    this.#types = rules.types;
    this.canvas.look = rules.look;
    this.pointer.clickPlaces = rules.types[0] === 'dot';
    this.drawing.stop();
    this.#tools.offer(rules.types);
    byId('draw').firstChild.data = `${rules.drawName ?? ''} `;
    byId('tools').hidden = false;
    this.stage.hidden = false;
  }

  close() {
    this.pointer.cancel();
    this.drawing.stop();
    this.pointer.setPanning(false);
    this.stage.classList.remove('bare');
    this.#light.close();
    this.stage.hidden = true;
  }

  /** Make what is being drawn a shape, if it can be one, and what was changed a step to undo. */
  settle() {
    this.drawing.complete();
    this.editor.settle();
  }

  get focused() {
    return document.activeElement === this.stage;
  }

  focus() {
    this.stage.focus({ preventScroll: true });
  }

  toggleDrawing(type) {
    if (!this.canvas.ready || !this.#types.includes(type)) return false;
    this.pointer.cancel();
    this.editor.settle();
    if (this.drawing.type === type) this.drawing.stop();
    else this.drawing.start(type);
    this.focus();
    return true;
  }

  /** Remove the last point of what is being drawn, the vertex that is taken, or the shape. */
  removeSelected() {
    this.pointer.cancel();
    if (this.drawing.type !== null) return this.drawing.undo();
    if (this.#handles.removeVertex()) return true;
    if (!this.editor.selected) return false;
    this.editor.remove(this.editor.selectedKey);
    return true;
  }

  #newShape(type) {
    const fields = this.#rules.newShape();
    return fields && { ...fields, type };
  }

  /** Space places a point where the keys aim; else it lets a drag move the image. */
  #space(on, again) {
    if (!on || !this.focused || !this.drawing.byKeys) this.pointer.setPanning(on);
    else if (!again) this.drawing.place(0);
  }

  /** What Enter does to what is being drawn; false where it is for something else. */
  #finish() {
    const { type, byKeys } = this.drawing;
    if (type === null || (type === 'dot' && !byKeys)) return false;
    if (type === 'polygon') this.drawing.complete();
    else if (byKeys) this.drawing.place(0);
    return true;
  }

  #nudge(dx, dy) {
    if (!this.focused || !this.canvas.ready) return false;
    const shape = this.editor.selected;
    if (this.drawing.type !== null) {
      this.drawing.nudge(dx, dy);
    } else if (this.#handles.taken !== null) {
      this.#handles.nudge(dx, dy);
    } else if (shape) {
      const { x, y } = this.canvas.imageReach(1);
      this.editor.preview(shape.key, { vertices: moved(shape.vertices, dx * x, dy * y) });
    } else {
      this.canvas.pan(-dx * PAN_PX, -dy * PAN_PX);
    }
    return true;
  }

  #backOut() {
    if (this.pointer.cancel() || this.#light.dismiss()) return;
    if (this.drawing.type !== null) this.drawing.stop();
    else if (!this.#handles.release()) this.editor.select(null);
  }

  #updateTools() {
    byId('undo').disabled = !this.drawing.canUndo && !this.editor.canUndo;
    byId('redo').disabled = !this.drawing.canRedo && !this.editor.canRedo;
  }
}
