// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// The keys for marks that do not lie on the stage.

export function markKeys(editor, focused) {
  return {
    undo: () => editor.undo(),
    redo: () => editor.redo(),
    step: (direction) => focused() && editor.step(direction),
    escape: () => editor.select(null),
    remove: () => (editor.selected ? editor.remove(editor.selectedKey) : false),
  };
}
