# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""`spark-service forget`: tell what would be deleted, or delete it."""

from __future__ import annotations

import argparse
import asyncio
import time
from contextlib import closing

from spark_ros.service.errors import ApiError
from spark_ros.service.forget import forget
from spark_ros.service.media.image_store import ImageStore, image_files
from spark_ros.service.settings import Settings
from spark_ros.service.storage import deletion, keys, removals
from spark_ros.service.storage.deletion import Amount, Selection
from spark_ros.service.storage.store import Store

REPORT_EVERY_S = 5.0


class ForgetError(RuntimeError):
    """Nothing, or not all, could be deleted; the message tells the user why."""


def forget_command(store: Store, settings: Settings, options: argparse.Namespace) -> None:
    """Carry out the command and print what it did.

    Raises:
        ForgetError: what is to be deleted is not said, or not where the options say.
        KeyProblem: there is no such key.
    """
    if options.key is None and options.robot is None and options.before is None:
        raise ForgetError('say what to forget: --key NAME, --robot ID, --before DATE, or several')
    key = None if options.key is None else store.read_now(keys.require, options.key)
    what = Selection(options.before, key, options.robot)
    _expect_place(store, settings)
    if not options.yes:
        print(f'would delete {_text(store.read_now(deletion.amount, what))}')
        print('nothing was deleted; give --yes to delete it')
    else:
        print(f'deleted {_text(_delete(store, settings, what))}', flush=True)
    if key is not None:
        kept = store.read_now(deletion.kept_for_others, key)
        if kept:
            print(f'{kept} images of this key stay: questions of other keys name them')
    print('backups are not touched: delete those that must not keep it, and make a new one')


def _delete(store: Store, settings: Settings, what: Selection) -> Amount:
    told = time.monotonic()

    def report(done: Amount) -> None:
        nonlocal told
        if time.monotonic() - told >= REPORT_EVERY_S:
            told = time.monotonic()
            print(f'deleted so far: {_text(done)}', flush=True)

    with closing(ImageStore(image_files(settings))) as images:
        try:
            return asyncio.run(forget(store, images, what, report))
        except ApiError as error:
            raise ForgetError(
                f'{error.message}; files are left, which a running service deletes within the '
                'hour, or this command when it is repeated'
            ) from None


def _expect_place(store: Store, settings: Settings) -> None:
    """Check that the images are where the options say: elsewhere they would stay for good."""
    place = store.read_now(removals.last_place)
    if place is not None and place != settings.images:
        raise ForgetError(
            f'the service keeps its images in {place or "its data directory"}; give the same '
            '--images'
        )
    if not settings.images and not (settings.data / 'images').is_dir():
        raise ForgetError(f'{settings.data} has no images; give the --data of the service')


def _text(amount: Amount) -> str:
    return (
        f'{amount.questions} questions ({amount.open} of them open), {amount.images} images '
        f'({amount.bytes} bytes)'
    )
