"""Bugs that can be planted in the model, never in the package: a machine that misses one proves nothing."""

from __future__ import annotations

from enum import Enum


class Bug(Enum):
    """What is broken, in a sentence; ``None`` in place of one: nothing."""

    LIVE_GAP = "history is read, then the subscription begins at what is newest by then"
    EARLY_ACK = "a batch is acknowledged when it arrives, before it is committed"
    OFF_BY_ONE = "a resumed subscription begins one event too late"
    DEAF_TO_RETENTION = "a cursor of another epoch, or older than what is kept, is resumed as if it were good"
    DOUBLE_DRAIN = "two drainers take one spool: no lock, and known numbers are not skipped"
    ACK_FREES_ALL = "any ack frees everything that was sent"
    ATTEMPT_IGNORED = "an event of an old attempt is folded into the present one"
    FRAME_REPEATED = "a reader that joins a shared frame gets its last frame again"
    SNAPSHOT_AHEAD = "a snapshot is newer than the cursor that comes with it"
    LOST_UNSAID = "what a journal never got is passed over without a word"
    PREV_UNCHECKED = "a subscriber applies whatever arrives"
