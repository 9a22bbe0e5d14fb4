// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// The picture that is likely to be shown next: fetched and decoded while this one is worked on.

import { asText, ownPath } from './dom.js';

const NO_PICTURE = /\.(mp4|webm|mp3|wav|ogg|oga|ogv|m4a)$/;

export class NextPicture {
  // For as long as it is held, the browser keeps what it decoded.
  #image = null;
  #url = null;

  /** `question`: one with an `image`, or nothing. */
  fetch(question) {
    const url = ownPath(question?.image?.url);
    if (url === this.#url) return;
    this.#url = url;
    this.#image = null;
    if (!url || NO_PICTURE.test(asText(url))) return;
    this.#image = new Image();
    this.#image.src = url;
    this.#image.decode().catch(() => {});
  }
}
