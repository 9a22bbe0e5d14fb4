// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// What can lie on the stage under the shapes. Each medium has its `element` and its `size()` in its
// own pixels, null while that is unknown.

export function imageMedium(image) {
  return {
    element: image,
    size: () => (image.complete && image.naturalWidth > 0
      ? { width: image.naturalWidth, height: image.naturalHeight }
      : null),
  };
}

export function videoMedium(video) {
  return {
    element: video,
    size: () => (video.videoWidth > 0
      ? { width: video.videoWidth, height: video.videoHeight }
      : null),
  };
}
