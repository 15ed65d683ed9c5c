"""init --kubernetes: writes the objects of a herd in Kubernetes, as a directory for kustomize."""
from __future__ import annotations

import dataclasses
import os
import pathlib
import shutil
import string
import tempfile

from . import graphs, kubernetes_files, kubernetes_pods
from .show import safe
from .trouble import BAD_USAGE, Trouble

DEFAULT_NODES = 3
DEFAULT_DIRECTORY = "herd-kubernetes"
# The form of a tag as the project's scripts/image makes it. A cluster pulls it from a registry, so most herds need
# --image.
DEFAULT_IMAGE = "localhost/herd:latest"
DEFAULT_NAMESPACE = "herd"


@dataclasses.dataclass(frozen=True)
class Plan:
    graph: graphs.Graph  # of the names n0, n1, …
    graph_name: str
    image: str
    namespace: str
    tls: bool            # for clients and for the HTTP pages

    @property
    def names(self) -> list[str]:
        return [pod_name(name) for name in self.graph]


def pod_name(name: str) -> str:
    """The name of the pod, and of the node in it: the StatefulSet `herd` numbers its pods from 0."""
    return f"herd-{name.removeprefix('n')}"


def write(plan: Plan, output: str) -> int:
    directory = pathlib.Path(output)
    _create(directory, files_of(plan))
    count = len(plan.names)
    print(f"Wrote {safe(output)}: {count} {'node' if count == 1 else 'nodes'}, links: {plan.graph_name}, in the"
          f" namespace {plan.namespace}")
    certificate = f"put tls.crt and tls.key into {safe(output)}/tls, " if plan.tls else ""
    print(f"Next: {certificate}run scripts/herd keygen --all --config {safe(output)}/herd.toml, then kubectl apply -k"
          f" {safe(output)}; docs/KUBERNETES.md shows every step")
    return 0


def files_of(plan: Plan) -> dict[str, str]:
    """The text of each file, by its name in the directory."""
    count = len(plan.names)
    values = {
        "image": plan.image,
        "namespace": plan.namespace,
        "count": str(count),
        "what": "1 node" if count == 1 else f"{count} nodes, links: {plan.graph_name}",
        "clients": kubernetes_files.CLIENTS_TLS if plan.tls else kubernetes_files.CLIENTS_PLAIN,
        "http_tls": kubernetes_files.HTTP_TLS if plan.tls else "",
        "scheme": "HTTPS" if plan.tls else "HTTP",
        "monitor_scheme": "https" if plan.tls else "http",
        "monitor_tls": kubernetes_files.MONITOR_TLS if plan.tls else "",
        "secrets": "".join(f"      - keys/{name}.secret\n" for name in plan.names),
        "tls_mount": kubernetes_pods.TLS_MOUNT if plan.tls else "",
        "tls_volume": kubernetes_pods.TLS_VOLUME if plan.tls else "",
        "tls_secrets": kubernetes_files.TLS_SECRETS if plan.tls else "",
        "nodes": "".join(_node(name, peers) for name, peers in plan.graph.items()),
    }
    return {name: string.Template(text).substitute(values) for name, text in kubernetes_files.FILES.items()}


def _node(name: str, peers: list[str]) -> str:
    linked = ", ".join(f'"{pod_name(peer)}"' for peer in peers)
    return string.Template(kubernetes_files.NODE).substitute(name=pod_name(name), peers=linked)


def _create(directory: pathlib.Path, files: dict[str, str]) -> None:
    """Never writes into an existing directory, and leaves no half of one."""
    if os.path.lexists(directory):
        raise Trouble(f"{safe(str(directory))} exists already: remove it, or write another directory with --output",
                      BAD_USAGE)
    made = None
    try:
        made = pathlib.Path(tempfile.mkdtemp(prefix=".herd-", dir=directory.absolute().parent))
        for name, text in files.items():
            private = name in kubernetes_files.PRIVATE
            with open(os.open(made / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o644), "w",
                      encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        made.rename(directory)
    except OSError as error:
        if made:
            shutil.rmtree(made, ignore_errors=True)
        raise Trouble(f"{safe(str(directory))} cannot be written ({error.strerror}): free disk space, or write another"
                      " directory with --output") from None
