# SPDX-License-Identifier: GPL-2.0-or-later
"""Waiting for a state instead of for a time."""

import time


class TimedOut(AssertionError):
    pass


def wait_until(condition, what, seconds=5.0):
    """Calls `condition` until it returns something true and returns that. `what` completes the sentence "waited
    for ..." of the failure."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise TimedOut(f"waited {seconds:g} s for {what}")
        time.sleep(0.005)
