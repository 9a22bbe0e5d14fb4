// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// The question that is open: claimed, shown, answered or given back, on to the next.

import { NextPicture } from './ahead.js';
import * as api from './api.js';
import { byId } from './dom.js';
import { Later } from './later.js';
import { Lease } from './lease.js';
import { checkExpected, forgetExpected, isWaiting, mediaOf } from './media.js';
import { OneByOne } from './one_by_one.js';
import { OneThing } from './one_thing.js';
import { notify, showConnection, showCounts, showIdle, showSignedOut } from './status.js';
import { UndoSent } from './undo_sent.js';
import { UnfinishedWork } from './unfinished.js';
import { word } from './words.js';

const CHECK_AGAIN_MS = 2000;
const MOST_SKIPPED = 1000;
// How often a queue that is filtered is read at most.
const READ_AGAIN_MS = 1000;

export class Controller {
  #parts;
  #lease;
  #doing = new OneThing(() => this.updateButtons());
  #signedOut = false;
  /** The question that was last lost to somebody else, and what was said of it. */
  #lost = null;
  #skipped = new Set();
  #work = new UnfinishedWork();
  #sent = new UndoSent({
    // The next question may be on its way already.
    onUndo: (id) => this.#doing.whenFree(() => this.#takeBack(id)),
    onSent: (id) => this.#work.remove(id),
  });
  #answered = 0;
  #reached = true;
  #fetching = new OneByOne(() => this.#fetch());
  #readAgain = new Later(() => this.refresh(), READ_AGAIN_MS);
  #checkAgain = new Later(() => this.#noticed(this.#parts.queue.questions)
    .catch((error) => this.#sayUnreached(error)), CHECK_AGAIN_MS);
  #ahead = new NextPicture();

  current = null;
  /** The form of the current question, or null. */
  form = null;

  /** `parts`: panel, queue, filter, notifications, and `formFor`: the form that fits a question. */
  constructor(parts) {
    this.#parts = parts;
    this.#lease = new Lease({
      onLost: (reason) => {
        this.#work.closeOffer();
        this.keepDraft();
        this.#lost = { question: this.current, said: word('notice.lost', { reason }) };
        notify(this.#lost.said, true);
        // Where something else is being done, that goes on when it has ended.
        this.#once(() => {});
      },
      onAbsent: () => {
        this.keepDraft();
        this.#close();
        notify(word('notice.absent'), true);
        this.refresh();
      },
    });
  }

  /** Fetch the queue; the promise is for a fetch that started after this call. */
  refresh() {
    return this.#fetching.run();
  }

  /** Show what the service tells of the queue, without being asked. */
  async apply(change) {
    const { filter, queue } = this.#parts;
    if (filter.active) {
      // Changes are told of the whole queue.
      this.#readAgain.run();
      return;
    }
    if (!change.order || !queue.apply(change, this.current?.id)) {
      this.refresh();
      return;
    }
    // What is being fetched may be older than this; and whether calls arrive again is to be seen.
    if (this.#fetching.running || !this.#reached) this.refresh();
    else await this.#noticed(queue.questions).catch((error) => this.#sayUnreached(error));
  }

  reconnected() {
    this.#lease.beat();
    this.refresh();
  }

  get submittable() {
    return this.current !== null && !this.#doing.busy && this.form.seen && !this.current.excluded;
  }

  submit() {
    this.form?.settle();
    if (!this.submittable) return;
    if (this.form.problem) {
      this.form.showProblem();
      return;
    }
    const body = this.form.answer();
    this.#once(() => this.#finish((id) => api.answer(id, body), ''));
  }

  /** Keep what is being done to the question that is open, in case the page ends. */
  keepDraft() {
    this.#work.keep(this.current, this.form);
  }

  /** Take the last answer back if it is not sent yet; false where there is none. */
  undoSent() {
    return this.#sent.undo();
  }

  flag(reason) {
    const send = (id) => api.flag(id, reason);
    if (this.current) this.#once(() => this.#finish(send, word('notice.flagged')));
  }

  /** Leave the question to somebody else, perhaps with a reason. */
  skip(reason) {
    if (!this.current) return;
    this.#once(async () => {
      const { id } = this.current;
      this.keepDraft();
      try {
        await api.skip(id, reason);
      } catch (error) {
        if (this.#noticeSignedOut(error)) return;
        if (error.status !== 404 && error.status !== 409) {
          this.#sayFailed(word('skip.failed', { why: error.message }), error);
          return;
        }
      }
      this.#lease.stop();
      this.#skipped.add(id);
      await this.#goOn();
    });
  }

  /** Open the next question; what was skipped comes after all others. */
  openNext() {
    this.#skipped.clear();
    this.#once(() => this.#goOn(true));
  }

  switchTo(id) {
    if (this.current?.id === id) {
      this.form.focus();
      return;
    }
    this.#once(async () => {
      const before = this.current;
      this.keepDraft();
      if (await this.#open(() => api.claim(id))) {
        if (before) await api.release(before.id).catch(() => {});
      } else if (before) {
        this.form?.focus();
      } else {
        // Enter is to open the next, and not to press this row again.
        document.activeElement.blur();
      }
      this.refresh();
    });
  }

  /** Give the question back and log out; what follows is the page of who is not logged in. */
  logOut() {
    this.#once(async () => {
      await this.#lease.release();
      try {
        await api.logOut();
      } catch (error) {
        if (error.status !== 401) {
          this.#sayFailed(word('notice.not-logged-out', { why: error.message }), error);
          return;
        }
      }
      this.current = null;
      this.#work.clear();
      location.replace('/');
    });
  }

  updateButtons() {
    byId('submit').disabled = !this.submittable;
    for (const id of ['flag', 'skip']) byId(id).disabled = this.#doing.busy || !this.current;
  }

  async #fetch() {
    const askedAt = performance.now();
    try {
      const found = await api.getQueue(this.#parts.filter.value);
      const { questions, answered } = found;
      this.#work.setOperator(found.operator);
      this.#sent.apply(found.held, askedAt);
      this.#signedOut = false;
      this.#answered = answered;
      this.#showReached(true);
      this.#parts.queue.show(found, this.current?.id);
      await this.#noticed(questions);
    } catch (error) {
      this.#sayUnreached(error);
    }
  }

  #showReached(reached) {
    this.#reached = reached;
    showConnection({ reached });
  }

  #sayUnreached(error) {
    // A mistake of our own is for the browser's log.
    if (error.status === undefined) throw error;
    if (error.status === 0) this.#showReached(false);
    this.#noticeSignedOut(error);
  }

  async #noticed(questions) {
    const { filter, notifications, queue } = this.#parts;
    showCounts(queue.waiting, this.#answered);
    notifications.tell(queue.freeCount);
    filter.notice(questions);
    this.#lookAhead();
    if (this.current) await this.#checkCurrent(questions);
    else if (!this.#signedOut) this.#showIdle();
  }

  /** Find out what changed about the question that is open: whether it is still ours, its files. */
  async #checkCurrent(questions) {
    const { current } = this;
    if (!this.#doing.busy && !questions.some(({ id, mine }) => mine && id === current.id)) {
      // It may be ours though it is not listed: not with every change that is told.
      const now = performance.now();
      if (now - (current.checkedAt ?? -Infinity) >= CHECK_AGAIN_MS) {
        current.checkedAt = now;
        await this.#lease.beat();
      } else {
        this.#checkAgain.run();
      }
    }
    if (this.current === current) await this.#lookForFiles(current);
  }

  /** Show what has come of the question's files since it was opened. */
  async #lookForFiles(question) {
    const files = mediaOf(question);
    if (!files.some(isWaiting)) return;
    const fresh = mediaOf(await api.getQuestion(question.id));
    // What is here stays so: readings may arrive in another order than they were asked for.
    files.forEach((file, at) => isWaiting(file) && Object.assign(file, fresh[at]));
    checkExpected();
  }

  /** Do one thing at a time about the current question; go on if it is no longer ours. */
  #once(action) {
    this.#doing.run(async () => {
      await action();
      if (this.current && this.current === this.#lost?.question) {
        notify(this.#lost.said, true);
        this.#skipped.add(this.current.id);
        await this.#goOn();
      }
    });
  }

  /** Show a question that `claim` gets from the service, if it gets one; says why when that fails. */
  async #open(claim) {
    let question;
    try {
      question = await claim();
      // A question that was told of can be opened before the queue was read.
      if (!this.#work.operatorKnown) await this.refresh();
    } catch (error) {
      if (!this.#noticeSignedOut(error)) {
        this.#sayFailed(word('notice.not-opened', { why: error.message }), error, false);
      }
      return false;
    }
    if (question.id !== null) this.#show(question);
    return question.id !== null;
  }

  #show(question) {
    const { formFor, panel, queue } = this.#parts;
    this.form?.clear();
    forgetExpected();
    this.current = question;
    this.#lease.hold(question);
    this.form = formFor(question);
    byId('idle').hidden = true;
    panel.show(question);
    this.#work.show(question, this.form, () => this.current === question);
    queue.mark(question.id);
    this.form.focus();
    // What was told of its files before it was open here was told in vain.
    this.#lookForFiles(question).catch((error) => this.#sayUnreached(error));
    this.#lookAhead();
  }

  /** Fetch the picture of what would be opened next, without claiming it. */
  #lookAhead() {
    this.#ahead.fetch(this.#parts.queue.next(new Set([...this.#skipped, this.current?.id])));
  }

  /** Bring back a question whose answer is not sent yet, with what was drawn. */
  #takeBack(id) {
    this.#once(async () => {
      const before = this.current;
      this.keepDraft();
      this.#work.adopt(id);
      if (await this.#open(() => api.undo(id))) {
        this.#skipped.delete(id);
        if (before) await api.release(before.id).catch(() => {});
      }
      this.#sent.drop(id);
      this.refresh();
    });
  }

  #close() {
    const { panel, queue } = this.#parts;
    this.current = null;
    this.form?.clear();
    forgetExpected();
    this.form = null;
    for (const id of ['flag-dialog', 'skip-dialog']) byId(id).close();
    this.#work.closeOffer();
    panel.hide();
    queue.mark(null);
    byId('idle').hidden = false;
    if (!this.#signedOut) this.#showIdle();
    this.updateButtons();
  }

  #showIdle() {
    const { queue } = this.#parts;
    showIdle(queue.freeCount, queue.excluded, queue.free().length > 0, queue.check);
  }

  /** Open the first question that this operator may have, as the service finds it. */
  async #goOn(again = false) {
    const skipped = [...this.#skipped].slice(-MOST_SKIPPED);
    const next = () => api.claimNext(this.#parts.filter.value, skipped, again);
    if (!this.#signedOut && await this.#open(next)) return;
    this.#close();
    // What the queue shows may be older than that there is nothing.
    this.refresh();
  }

  /** Send the outcome; on failure everything stays as it is, so that no work is lost. */
  async #finish(send, said) {
    const { id } = this.current;
    const before = this.#answered;
    try {
      this.keepDraft();
      const { held_s: held } = await send(id);
      if (held) this.#sent.hold(id, held);
      else this.#work.finish(id);
      // The queue may have been fetched meanwhile, with this one counted.
      this.#answered = Math.max(this.#answered, before + 1);
      showCounts(this.#parts.queue.waiting, this.#answered);
      notify(said);
    } catch (error) {
      if (this.#noticeSignedOut(error)) return;
      if (error.status !== 404 && error.status !== 409) {
        this.#sayFailed(word('notice.not-sent', { why: error.message }), error);
        return;
      }
      notify(word('notice.not-taken', { why: error.message }), true);
    }
    this.#lease.stop();
    this.#skipped.add(id);
    await this.#goOn();
  }

  #sayFailed(text, error, lasting = true) {
    notify(text, lasting);
    // Whether this is so for other calls, too.
    if (error.status === 0) this.refresh();
  }

  #noticeSignedOut(error) {
    if (error.status !== 401) return false;
    this.#signedOut = true;
    this.#lease.stop();
    this.#parts.queue.show(
      { questions: [], waiting: 0, all: 0, excluded: 0, check: false }, null,
    );
    this.#close();
    showSignedOut();
    return true;
  }
}
