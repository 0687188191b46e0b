"""What a service is told when it starts: where it listens, what it bears, whom it lets in."""

import ipaddress
import os
import ssl
from dataclasses import dataclass, field
from pathlib import Path

from qcompress.errors import QcompressError

SHORTEST_TOKEN = 16
"""Characters of a token: fewer can be guessed."""


@dataclass(frozen=True)
class Limits:
    """What a service bears.

    request_bytes: of one request, unpacked; rows: of one request; queue: requests under way at the same time; deadline:
    seconds within which the computation of a request must have begun; drain: seconds that requests under way have when
    the service ends. Whatever is beyond gets an error, at once.
    """

    request_bytes: int = 16 * 1024 * 1024
    rows: int = 1_000_000
    queue: int = 128
    deadline: float = 30.0
    drain: float = 10.0


@dataclass(frozen=True)
class Security:
    """Who may ask: certificate and key (PEM) for TLS, a file with the token; or that there shall be none."""

    certificate: Path | None = None
    key: Path | None = None
    token_file: Path | None = None
    without_tls: bool = False
    without_token: bool = False

    def check(self, host: str) -> None:
        """Raises QcompressError for half a choice, files that are none, and a choice that `host` leaves open."""
        if (self.certificate is None) != (self.key is None):
            raise QcompressError("TLS takes both: --certificate FILE and --key FILE")
        for given, waived, names in (
            (self.certificate, self.without_tls, ("--certificate with --key", "--insecure-no-tls")),
            (self.token_file, self.without_token, ("--token-file", "--insecure-no-token")),
        ):
            if given is not None and waived:
                raise QcompressError(f"{names[0]} and {names[1]} exclude each other")
            if given is None and not waived and not is_local(host):
                raise QcompressError(
                    f"--host {host}: others can reach it; give {names[0]}, or say {names[1]} if the network is safe"
                )
        self.check_certificate()
        self.token()

    def check_certificate(self) -> None:
        """Raises QcompressError if certificate and key are none or do not belong together."""
        if self.certificate is None or self.key is None:
            return
        for option, path in (("--certificate", self.certificate), ("--key", self.key)):
            if not path.is_file():
                raise QcompressError(f"{option} {path}: no such file")
        try:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate, self.key, password=lambda: "")
        except (ssl.SSLError, ValueError) as fault:
            raise QcompressError(
                f"--certificate {self.certificate}, --key {self.key}: no pair of PEM files without a password ({fault})"
            ) from None

    def token(self) -> bytes | None:
        """The token, None if there is none; raises QcompressError, without saying it, if it is none."""
        if self.token_file is None:
            return None
        try:
            token = self.token_file.read_bytes().strip()
        except OSError as fault:
            raise QcompressError(f"--token-file {self.token_file}: {fault.strerror}") from None
        if len(token) < SHORTEST_TOKEN or not token.isascii() or len(token.split()) != 1:
            raise QcompressError(
                f"--token-file {self.token_file}: holds no token: {SHORTEST_TOKEN} or more ASCII characters, no spaces"
            )
        return token


@dataclass(frozen=True)
class Options:
    """All that a service is told besides its candidates.

    port, grpc_port: 0 for any that is free; threads: that share the rows of one request; workers: requests that are
    computed at the same time, 0 for as many as there are processors; replacing: whether clients may have models loaded
    again and unloaded.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    grpc_port: int = 8001
    threads: int = 1
    workers: int = 0
    replacing: bool = False
    limits: Limits = field(default_factory=Limits)
    security: Security = field(default_factory=Security)

    @property
    def processors(self) -> int:
        """Requests that are computed at the same time."""
        return self.workers or os.cpu_count() or 1


def is_local(host: str) -> bool:
    """Whether only this machine can reach what listens on `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
