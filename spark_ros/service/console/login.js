// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// The words of the pages of who is not logged in; without this they are in English.

import { fillWords } from './words.js';

fillWords();
