// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// What can lie on the stage under the shapes. Each medium has its `element`, `size()` in its own
// pixels (null while unknown), whether it `scales` by itself or must be transformed, and whether it
// is so `tall` that only its width is fitted.

export function imageMedium(image) {
  return {
    element: image,
    scales: true,
    tall: false,
    size: () => (image.complete && image.naturalWidth > 0
      ? { width: image.naturalWidth, height: image.naturalHeight }
      : null),
  };
}

export function videoMedium(video) {
  return {
    element: video,
    scales: true,
    tall: false,
    size: () => (video.videoWidth > 0
      ? { width: video.videoWidth, height: video.videoHeight }
      : null),
  };
}

/** A frame is laid out at a size of its own, so that its pixels mean the same on every screen. */
export function frameMedium(frame, size, tall) {
  return { element: frame, scales: false, tall, size: () => size };
}
