"""How a worker ends: it says that it will, answers on for a while, and only then lets go of those who are connected."""

from __future__ import annotations

import asyncio
import signal
import threading
from types import FrameType


class Leaving:
    """Whether this process is about to end.

    From SIGTERM on it is: `/readyz` says so, and every answer is the last one of its connection. So many seconds later
    the server is told of the signal, and closes. Whoever spreads requests over several servers has seen by then that
    this one is not ready, and nobody sends a request into a connection that is being closed.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.begun = False

    def watch(self) -> None:
        """Stand before the server's own handler of SIGTERM, to which the signal is handed on.

        To be called in the loop of the server, which has its handler by then. Where there is none, as in a process that
        only imports the service, everything stays as it is.
        """
        server = signal.getsignal(signal.SIGTERM)
        if not callable(server) or threading.current_thread() is not threading.main_thread():
            return
        loop = asyncio.get_running_loop()

        def leave(number: int, frame: FrameType | None) -> None:
            # A second one, of a process manager that tells every process, does not begin anew.
            if not self.begun:
                self.begun = True
                loop.call_soon_threadsafe(loop.call_later, self.seconds, server, number, frame)

        signal.signal(signal.SIGTERM, leave)
