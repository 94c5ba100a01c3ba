"""Streams: blocks of samples in, onsets and events out, while they happen.

The thread that reads a source puts blocks into a `Buffer`; `listen` takes them out and yields a
`StreamUpdate` for each patch. After a gap, where the buffer dropped samples, it starts again.
"""

from __future__ import annotations

from yamkit.listening.buffer import Block, Buffer
from yamkit.listening.clock import Clock, Delays
from yamkit.listening.stream import listen
from yamkit.listening.updates import Onset, StreamUpdate

__all__ = ["Block", "Buffer", "Clock", "Delays", "Onset", "StreamUpdate", "listen"]
