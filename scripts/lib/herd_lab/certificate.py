"""A self-signed certificate for TLS, which openssl makes when it is needed."""
from __future__ import annotations

import pathlib
import subprocess

from herd_ctl.trouble import Trouble

LONG_AGO = "2020-01-01 00:00:00"


def write_certificate(directory: pathlib.Path, name: str = "node", subject: str = "localhost",
                      expired: bool = False) -> None:
    """Writes NAME.pem and NAME.key: a certificate for 127.0.0.1, valid for a day from now or from 2020."""
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
               "-days", "1", "-subj", f"/CN={subject}", "-addext", "subjectAltName=IP:127.0.0.1",
               "-keyout", f"{name}.key", "-out", f"{name}.pem"]
    try:
        subprocess.run((["faketime", LONG_AGO] if expired else []) + command, cwd=directory, check=True,
                       capture_output=True, umask=0o077)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Trouble(f"openssl cannot make a certificate: {error}") from None
