"""The threads of a process that work the queue: Huey's workers, and further ones while all of these are busy.
sync/jobs/crew.py says which message each may take."""

from __future__ import annotations

import logging
import threading
from datetime import datetime

from huey.consumer import Consumer, Worker

from sync.jobs import queue
from sync.jobs.crew import Crew

WAITING = 8  # threads that wait for a message: more are started and ended as they are needed
PICK_UP = 0.25  # seconds between looks at the queue where no named pipe can ring

log = logging.getLogger("rollcall.queue")


class Listener(Worker):
    """Takes what the crew lets it. With nothing to do, it sleeps until any process puts a message into the queue."""

    workers: Workers

    def loop(self, now: datetime | None = None) -> None:
        crew = self.workers.crew
        try:
            message = crew.take(self.huey.dequeue)
        except Exception:
            log.exception("the queue can't be read")
            message = None
        if message is None:
            self.sleep()
            return
        try:
            self.workers.start_another()
            self.huey.execute(message, now)
        finally:
            crew.done()

    def sleep(self) -> None:
        most = self.workers.crew.seconds_until_room()
        if queue.bell.is_heard:
            queue.bell.wait(min(queue.bell.look_seconds, most))
        else:
            self.stop_flag.wait(min(PICK_UP, most))


class Workers(Consumer):
    """Huey's workers and schedule in this process, with the signal handlers of serve.py."""

    worker_class = Listener

    def __init__(self, crew: Crew):
        self.crew = crew
        self._further: list[threading.Thread] = []
        self._counting = threading.Lock()
        super().__init__(queue.queue, workers=min(WAITING, crew.workers))

    def _create_worker(self) -> Listener:
        listener = super()._create_worker()
        listener.workers = self
        return listener

    def start_another(self) -> None:
        """Start a further thread if none waits for a message and the crew may have more."""
        with self._counting:
            if self._waiting() > 0 or self.workers + len(self._further) >= self.crew.workers:
                return
            thread = threading.Thread(target=self._work_while_needed, name="Further worker", daemon=True)
            self._further.append(thread)
        thread.start()

    def _work_while_needed(self) -> None:
        listener = self._create_worker()
        while not (self.stop_flag.is_set() or self._is_left_out()):
            listener.loop()

    def _is_left_out(self) -> bool:
        """Whether enough other threads wait for a message, so that this further one ends."""
        with self._counting:
            if self._waiting() <= self.workers:
                return False
            self._further.remove(threading.current_thread())
            return True

    def _waiting(self) -> int:
        return self.workers + len(self._further) - self.crew.busy

    def stop(self, graceful: bool = False) -> None:
        """Let each finish its work, if `graceful`, and wake those that sleep."""
        self.stop_flag.set()
        queue.bell.ring(self.crew.workers)
        super().stop(graceful)
        for thread in list(self._further) if graceful else ():
            thread.join()

    def _set_signal_handlers(self) -> None:
        """Keep our handlers: Huey's would restart the program on SIGHUP."""
