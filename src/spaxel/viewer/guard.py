"""Who gets an answer: only this computer, at this address, with the token of this viewer, and no other web page.

A web page elsewhere could try to reach a server on this computer: by its address (another Origin), or by a name of its own
that it lets point here (DNS rebinding, another Host). Both are refused before anything of the application is asked, and so is
every path that does not begin with the token, scripts and styles too.
"""

from __future__ import annotations

import hmac
import secrets
from typing import Any

TOKEN_BYTES = 24  # 192 bits, as 32 letters


def new_token() -> str:
    """A token that nobody can guess, safe in an address."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def refusal(path: str, headers: Any, *, token: str, port: int) -> str:
    """Why a request gets no answer, or "". path : with its query     headers : get(name) -> text or None"""
    first = path.split("?", 1)[0].lstrip("/").split("/", 1)[0]
    if not hmac.compare_digest(first.encode(), token.encode()):
        return "the token is missing or wrong"
    hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
    if (headers.get("Host") or "") not in hosts:
        return "another host is asked for"
    origin = headers.get("Origin")
    if origin is not None and origin not in {f"http://{host}" for host in hosts}:
        return "another page asks"
    if (headers.get("Upgrade") or "").lower() == "websocket" and origin is None:
        return "a websocket without an origin"
    return ""


def guarded(application: Any, *, token: str, port: int) -> Any:
    """A tornado application behind the guard, to be given to an HTTPServer."""
    from tornado.httputil import HTTPMessageDelegate, HTTPServerConnectionDelegate, ResponseStartLine

    class Refuse(HTTPMessageDelegate):
        """Answers 403 without a body, and says nothing else."""

        def __init__(self, connection: Any):
            self.connection = connection

        def finish(self) -> None:
            from tornado.httputil import HTTPHeaders

            self.connection.write_headers(
                ResponseStartLine("HTTP/1.1", 403, "Forbidden"),
                HTTPHeaders({"Content-Length": "0", "Connection": "close"}),
            )
            self.connection.finish()

    class Ask(HTTPMessageDelegate):
        """Waits for the head of a request, then lets it in or refuses it."""

        def __init__(self, server: Any, connection: Any):
            self.server, self.connection = server, connection
            self.chosen: Any = None

        def headers_received(self, start_line: Any, headers: Any) -> Any:
            why = refusal(start_line.path, headers, token=token, port=port)
            self.chosen = Refuse(self.connection) if why else application.start_request(self.server, self.connection)
            return self.chosen.headers_received(start_line, headers)

        def data_received(self, chunk: bytes) -> Any:
            return self.chosen.data_received(chunk)

        def finish(self) -> None:
            self.chosen.finish()

        def on_connection_close(self) -> None:
            if self.chosen is not None:
                self.chosen.on_connection_close()

    class Gate(HTTPServerConnectionDelegate):
        def start_request(self, server_conn: Any, request_conn: Any) -> Any:
            return Ask(server_conn, request_conn)

        def on_close(self, server_conn: Any) -> None:
            application.on_close(server_conn)

    return Gate()
