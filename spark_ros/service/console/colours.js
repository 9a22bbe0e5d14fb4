// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// The colour of a label: the same in every question, so that it can be learned.

/** Each has a contrast of 3 to white and to the dark surface, and of 4.5 to the text of a tag. */
export const COLOURS = [
  '#f7537b', '#f8593c', '#db7310', '#be8409', '#a29014', '#7c9a05', '#0da62f', '#16a27b',
  '#00a09a', '#0c9db3', '#0a99d3', '#3d8eff', '#8081fd', '#af70f9', '#d263d9', '#ea58ae',
];
const NO_LABEL = '#8392a8';

/** The colour by a hash of the label (FNV-1a). */
export function colourOf(label) {
  if (!label) return NO_LABEL;
  let hash = 0x811c9dc5;
  for (let at = 0; at < label.length; at += 1) {
    hash = Math.imul(hash ^ label.charCodeAt(at), 0x01000193);
  }
  // The low bits alone would tell apart only the last letters.
  return COLOURS[((hash ^ (hash >>> 15)) >>> 0) % COLOURS.length];
}
