"""The verbs of the command line; each calls one public function and prints what it gives."""

from contextvars import ContextVar

typed: ContextVar[list[str]] = ContextVar("typed")  # what stood after `spaxel`, for run.json
warned: ContextVar[set[str]] = ContextVar("warned")  # warnings that this command has printed: each is printed once
