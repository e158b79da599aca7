"""The doorbell: messages that tell workers to look into the store. They carry nothing that can be lost."""

import logging
from collections.abc import Mapping

from celery import Celery
from kombu.exceptions import ChannelError, OperationalError

RUN_TASK = "mgic.work"
MAX_RINGS = 32  # messages waiting in a queue; each wakes a slot, which goes on claiming until nothing is left
TIMEOUT_S = 0.5  # a broker that does not answer must not hold anybody up

log = logging.getLogger(__name__)


def celery_app(broker_url: str) -> Celery:
    """The application that workers and ringers share; the backend knows its one task by name only."""
    app = Celery("mgic", broker=broker_url)
    app.conf.update(
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        task_default_queue="cpu",
        worker_prefetch_multiplier=1,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        worker_soft_shutdown_timeout=20,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
    )
    return app


class Bell:
    """Rings the workers of a queue."""

    def __init__(self, broker_url: str) -> None:
        self._app = celery_app(broker_url)
        quick = {"socket_timeout": TIMEOUT_S, "socket_connect_timeout": TIMEOUT_S}
        self._app.conf.update(broker_transport_options=quick, broker_connection_timeout=TIMEOUT_S)

    def ring(self, waiting: Mapping[str, int]) -> bool:
        """Send each queue as many messages as it has runs waiting, less those under way; False without a broker."""
        try:
            with self._app.connection_for_write() as connection:
                connection.ensure_connection(max_retries=1, timeout=TIMEOUT_S)
                channel = connection.default_channel
                for queue, runs in waiting.items():
                    try:
                        under_way = channel.queue_declare(queue, passive=True).message_count
                    except ChannelError:  # a queue with no message in it does not exist
                        under_way = 0
                    for _ in range(min(runs, MAX_RINGS) - under_way):
                        self._app.send_task(RUN_TASK, queue=queue, connection=connection, retry=False)
        except (OperationalError, OSError, *self._app.connection_for_write().connection_errors) as error:
            log.warning("no broker, the workers are not told: %s", error)
            return False
        return True
