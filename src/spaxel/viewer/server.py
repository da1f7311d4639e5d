"""The server of a viewer: on this computer only, behind a token; it ends when the last window has been closed for a while."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from typing import Any

from spaxel.errors import ParameterError
from spaxel.viewer.guard import guarded, new_token
from spaxel.viewer.scene import Scene

HOST = "127.0.0.1"
PATIENCE = 60.0  # seconds after the last window was closed
WATCH = 2.0  # seconds between two looks


class Viewer:
    """A running viewer: `url` to open, `stop()` to end it.

    It answers on the loop of the thread that made it; `serve` runs that loop.
    """

    def __init__(
        self, scenes: Sequence[Scene], *, editable: bool = False, port: int = 0, patience: float | None = PATIENCE
    ):
        from tornado.ioloop import IOLoop

        self.token, self.loop = new_token(), IOLoop.current()
        self._server, self._http, self.port = _listening(scenes, self.token, editable=editable, port=port)
        self.url = f"http://{HOST}:{self.port}/{self.token}/"
        self._patience, self._seen, self._idle, self._stopped = patience, False, 0.0, False
        self.forsaken = False

    def serve(self, started: Callable[[], Any] | None = None) -> None:
        """Answer until `stop`, or until the last window has been closed for a while. started : called once it listens"""
        from tornado.ioloop import PeriodicCallback

        self._server.start()
        watch = PeriodicCallback(self._look, WATCH * 1000)
        watch.start()
        if started:
            self.loop.add_callback(started)
        try:
            self.loop.start()
        finally:
            watch.stop()
            self._server.stop()
            self.loop.run_sync(self._http.close_all_connections)

    def stop(self) -> None:
        """End it, from any thread, and from a signal."""
        if not self._stopped:
            self._stopped = True
            self.loop.add_callback(self.loop.stop)

    def _look(self) -> None:
        """Whether somebody looks; if nobody has for a while, the end."""
        n = sum(session.connection_count > 0 for session in self._server.get_sessions())
        self._seen, self._idle = self._seen or n > 0, 0.0 if n else self._idle + WATCH
        if self._patience is not None and self._seen and self._idle >= self._patience:
            self.forsaken = True
            self.stop()


def _listening(scenes: Sequence[Scene], token: str, *, editable: bool, port: int) -> tuple[Any, Any, int]:
    """Bokeh's server for these scenes, bound to this computer, its HTTP part, its port. ParameterError if that is in use."""
    from bokeh.application import Application
    from bokeh.application.handlers.function import FunctionHandler
    from bokeh.server.server import BaseServer
    from bokeh.server.tornado import BokehTornado
    from tornado.httpserver import HTTPServer
    from tornado.ioloop import IOLoop

    from spaxel.viewer.application import window
    from spaxel.viewer.panes import loaded

    try:
        listening = socket.create_server((HOST, port), backlog=128)
    except (OSError, OverflowError) as error:
        raise ParameterError(
            f"Port {port} of this computer cannot be used: {error}. Try --port 0, any free one."
        ) from error

    loaded()  # so that the first window waits for no module
    listening.setblocking(False)
    port = listening.getsockname()[1]

    def make(document: Any) -> None:
        window(document, scenes, editable=editable)

    application = BokehTornado(
        {"/": Application(FunctionHandler(make))}, prefix=token, use_index=False,
        extra_websocket_origins=[f"{HOST}:{port}", f"localhost:{port}"], unused_session_lifetime_milliseconds=10_000,
        check_unused_sessions_milliseconds=2_000, absolute_url=f"http://{HOST}:{port}", include_headers=[], include_cookies=[],
    )  # fmt: skip
    http = HTTPServer(guarded(application, token=token, port=port))
    http.add_sockets([listening])
    return BaseServer(IOLoop.current(), application, http), http, port
