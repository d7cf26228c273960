"""Takes the server's ports, or says in a sentence why they cannot be had."""

import socket


class StartError(Exception):
    """The server cannot start; the message says why and what to do."""


def address(host: str, port: int) -> str:
    """Writes host and port as gRPC and URLs do: IPv6 in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def bind(host: str, port: int, option: str) -> socket.socket:
    """Takes a port, without listening yet.

    Args:
      host: a name or an address of this machine.
      port: 0 takes any that is free.
      option: what a person would change.

    Raises:
      StartError: it is taken, or the host is not this machine.
    """
    try:
        family, kind, number, _, place = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        taken = socket.socket(family, kind, number)
    except OSError as error:
        raise StartError(f"{host!r} is no address of this machine: give another --host.") from error
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind(place)
    except OSError as error:
        taken.close()
        raise StartError(
            f"{address(host, port)} cannot be taken ({error.strerror}): give another {option}."
        ) from error
    return taken


def check_free(host: str, port: int, option: str) -> None:
    """Checks that a port can be taken, for gRPC, which takes it itself and gives no reasons.

    Raises:
      StartError: as `bind`.
    """
    bind(host, port, option).close()
