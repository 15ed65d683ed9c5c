"""Tests nodes as Kubernetes runs them: on hosts of their own, with equal ports and the files of scripts/herd init
--kubernetes. A pod of which no name server knows the name yet, and one that comes back with another address, delay no
other pod. Hosts are network namespaces, which need root."""
import http.client
import pathlib
import subprocess
from collections.abc import Iterator

import pytest

from herd_fixture import BINARY, wait_for
from herd_lab.endpoint import Endpoint
from kubernetes_files import made, start_pod
from many_hosts import ManyHosts, NetHost
from talk import now

CLIENTS, HTTP = 12140, 12440


class Pods:
    """The pods herd-0, herd-1, …, one on each host."""

    def __init__(self, network: ManyHosts, place: pathlib.Path):
        self.hosts = network.hosts
        self.place = place
        self.directory = made(place, "--nodes", str(len(self.hosts)), "--graph", "full")
        self.running: dict[int, subprocess.Popen[bytes]] = {}
        self.name_all()

    def name_all(self, *absent: int) -> None:
        """Every pod finds all others by name, except those that are absent."""
        names = {f"herd-{i}.herd-nodes": host.host.address for i, host in enumerate(self.hosts) if i not in absent}
        for host in self.hosts:
            host.set_names(names)

    def start(self, i: int, run: str) -> None:
        """Starts pod i with fresh files, and the volume of its earlier runs."""
        config = start_pod(self.directory, f"herd-{i}", self.place / run)
        text = config.read_text().replace("/var/lib/herd/state", str(self.place / f"volume-{i}"))
        config.write_text(text.replace('"embedded"', '"google"'))  # a node that reads no places starts faster
        with open(self.place / f"{run}.log", "wb") as log:
            self.running[i] = subprocess.Popen([*self.hosts[i].enter, BINARY, "--config", config, f"herd-{i}"],
                                               stderr=log)

    def stop(self, i: int) -> None:
        process = self.running.pop(i)
        process.terminate()
        assert process.wait(10) == 0

    def status(self, i: int, path: str) -> int:
        """The status of a page; 0 if the pod does not answer."""
        try:
            connection = http.client.HTTPConnection("pod", timeout=5)
            connection.sock = Endpoint(HTTP, self.hosts[i].host.namespace).connect(5)
            connection.request("GET", path)
            return connection.getresponse().status
        except OSError:
            return 0

    def wait_ready(self, *pods: int) -> None:
        wait_for(lambda: all(self.status(pod, "/readyz") == 200 for pod in pods), f"the pods {pods} are ready", 20)


def knows(host: NetHost, client: str) -> bool:
    return host.say(CLIENTS, f"WHATSAT {client} 1 0").startswith("AT ")


@pytest.fixture
def pods(tmp_path: pathlib.Path) -> Iterator[Pods]:
    network = ManyHosts.connect(3)
    try:
        pods = Pods(network, tmp_path)
        yield pods
        for i in list(pods.running):
            pods.stop(i)
    finally:
        for process in pods.running.values() if "pods" in locals() else ():
            process.kill()
            process.wait()
        for log in sorted(tmp_path.glob("*.log")):
            print(f"----- {log.name}\n{log.read_text()[-3000:]}")
        network.close()


def test_pods_start_without_a_peer_that_has_no_name_yet_and_find_it_at_each_of_its_addresses(pods: Pods) -> None:
    pods.name_all(2)
    pods.start(0, "run-0")
    pods.start(1, "run-1")
    pods.wait_ready(0, 1)
    assert [pods.status(i, path) for i in (0, 1) for path in ("/livez", "/healthz", "/metrics")] == [200, 200, 401] * 2
    pods.hosts[0].say(CLIENTS, f"IAMAT kiwi +1+2 {now()}")
    wait_for(lambda: knows(pods.hosts[1], "kiwi"), "herd-1 knows kiwi")
    pods.name_all()
    pods.start(2, "run-2")
    wait_for(lambda: knows(pods.hosts[2], "kiwi"), "herd-2 knows kiwi", 20)
    pods.wait_ready(2)
    pods.stop(2)
    pods.hosts[2].host.move(42)
    pods.name_all()
    pods.start(2, "run-3")
    pods.wait_ready(2)
    pods.hosts[2].say(CLIENTS, f"IAMAT plum +1+2 {now()}")
    wait_for(lambda: knows(pods.hosts[0], "plum") and knows(pods.hosts[1], "plum"), "plum from the new address", 20)
    assert knows(pods.hosts[2], "kiwi")
