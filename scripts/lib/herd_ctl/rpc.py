"""Calls to supervisord over its unix socket. Every wait has a time limit, because a supervisord may be frozen."""
from __future__ import annotations

import http.client
import os
import pathlib
import socket
import xml.parsers.expat
import xmlrpc.client
from typing import Any

CALL_SECONDS = 5.0  # a working supervisord answers within milliseconds, on a loaded machine within a second
_LOST = (OSError, http.client.HTTPException, xmlrpc.client.ProtocolError, xmlrpc.client.ResponseError,
         xml.parsers.expat.ExpatError)


class NoAnswer(Exception):
    """There was no valid answer. `silent`: the socket accepts the call, but no answer comes."""

    def __init__(self, error: Exception):
        super().__init__(str(error))
        self.silent = isinstance(error, (TimeoutError, BlockingIOError))  # the latter: its backlog is full


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: pathlib.Path, seconds: float):
        super().__init__("localhost")
        self._path = path
        self._seconds = seconds

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self._seconds)
        self.sock.connect(os.fsencode(self._path))


class _Transport(xmlrpc.client.Transport):
    """One connection for each call."""

    def __init__(self, path: pathlib.Path, seconds: float):
        super().__init__()
        self._open = _Connection(path, seconds)

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        return self._open

    def request(self, host: Any, handler: str, request_body: Any, verbose: bool = False) -> Any:
        try:
            return self.single_request(host, handler, request_body, verbose)
        except PermissionError:
            raise
        except _LOST as error:
            raise NoAnswer(error) from None
        finally:
            self._open.close()


def supervisor(path: pathlib.Path, seconds: float = CALL_SECONDS) -> Any:
    """The calls of the supervisord with this socket. They raise NoAnswer, PermissionError or xmlrpc.client.Fault."""
    return xmlrpc.client.ServerProxy("http://localhost", transport=_Transport(path, seconds)).supervisor
