"""Tests scripts/herd init --kubernetes: herd-node accepts the configuration of each pod with the files that the init
container copies, the objects keep to the rules of docs/KUBERNETES.md, and kubectl understands them. No cluster is
needed: kubectl checks the fields of StatefulSet and Services without one, the other kinds are checked here."""
import json
import pathlib
import shutil
import stat
import subprocess
import tomllib
from typing import Any

import pytest

from herd_fixture import BINARY
from kubernetes_files import Object, made, objects, pod_of, run, start_pod, written, yaml


@pytest.mark.parametrize("words", [(), ("--nodes", "1"), ("--nodes", "4", "--graph", "full", "--tls")])
def test_herd_node_accepts_the_files_of_each_pod_and_no_pod_has_the_key_of_another(
        tmp_path: pathlib.Path, words: tuple[str, ...]) -> None:
    directory = made(tmp_path, *words)
    nodes = tomllib.loads((directory / "herd.toml").read_text())["node"]
    names = [node["name"] for node in nodes]
    assert names == [f"herd-{i}" for i in range(int(words[1]) if words else 3)]
    for name in names:
        config = start_pod(directory, name, tmp_path / name)
        ran = subprocess.run([BINARY, "--config", config, "--check", name], capture_output=True, text=True, timeout=30,
                             check=False)
        assert (ran.returncode, ran.stderr) == (0, ""), ran.stderr
        files = [path for path in (tmp_path / name / "run").rglob("*") if path.is_file()]
        assert {path.name for path in files if path.suffix == ".secret"} == {f"{name}.secret"}
        assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in files)


def test_the_objects_fit_each_other_and_the_configuration(tmp_path: pathlib.Path) -> None:
    directory = written(tmp_path, "--nodes", "5", "--namespace", "fleet", "--image", "registry.example/herd:1")
    found = objects(directory)
    assert set(found) == {"Namespace/fleet", "Service/herd-nodes", "Service/herd", "StatefulSet/herd",
                          "PodDisruptionBudget/herd", "NetworkPolicy/herd"}
    entries = tomllib.loads((directory / "herd.toml").read_text())["node"]
    pods = found["StatefulSet/herd"]["spec"]
    assert pods["replicas"] == len(entries) == 5 and pods["podManagementPolicy"] == "Parallel"
    headless = found["Service/herd-nodes"]["spec"]
    assert pods["serviceName"] == "herd-nodes" and headless["clusterIP"] == "None"
    assert headless["publishNotReadyAddresses"]
    node, = pods["template"]["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in node["ports"]}
    for entry in entries:
        assert entry["bus_public"] == f"tcp://{entry['name']}.herd-nodes:{ports['bus']}"
        assert {name: int(entry[name].rpartition(":")[2]) for name in ports} == ports
    for service in (headless, found["Service/herd"]["spec"]):
        assert all(port["port"] == ports[port["targetPort"]] for port in service["ports"])
    labels = pods["template"]["metadata"]["labels"]
    selectors = [pods["selector"]["matchLabels"], headless["selector"], found["Service/herd"]["spec"]["selector"],
                 found["PodDisruptionBudget/herd"]["spec"]["selector"]["matchLabels"],
                 found["NetworkPolicy/herd"]["spec"]["podSelector"]["matchLabels"]]
    assert all(selector == labels for selector in selectors)
    assert found["PodDisruptionBudget/herd"]["spec"]["maxUnavailable"] == 1
    images = {one["image"] for part in ("containers", "initContainers") for one in pods["template"]["spec"][part]}
    assert images == {"registry.example/herd:1"}
    state = pods["volumeClaimTemplates"][0]["metadata"]["name"]
    mount = next(mount for mount in node["volumeMounts"] if mount["name"] == state)
    config = tomllib.loads((directory / "herd.toml").read_text())
    assert pathlib.PurePath(config["herd"]["state_dir"]).parent == pathlib.PurePath(mount["mountPath"])


def test_the_pods_have_no_privileges_and_probes_that_a_full_disk_does_not_fail(tmp_path: pathlib.Path) -> None:
    for words, scheme in (((), "HTTP"), (("--tls",), "HTTPS")):
        (tmp_path / scheme).mkdir()
        pod = pod_of(written(tmp_path / scheme, *words))
        security = pod["securityContext"]
        assert security["runAsNonRoot"] and security["runAsUser"] > 0
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        for container in pod["containers"] + pod["initContainers"]:
            assert container["securityContext"] == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                                    "capabilities": {"drop": ["ALL"]}}
            assert container["resources"]["requests"] and container["resources"]["limits"]["memory"]
        node, = pod["containers"]
        probes = {name: node[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")}
        assert {name: probe["path"] for name, probe in probes.items()} == {
            "startup": "/livez", "liveness": "/livez", "readiness": "/readyz"}
        assert {probe["scheme"] for probe in probes.values()} == {scheme}
        assert pod["terminationGracePeriodSeconds"] > 5  # the longest time of a clean stop


def test_the_network_policy_lets_only_nodes_to_the_bus_and_only_labelled_pods_to_the_rest(
        tmp_path: pathlib.Path) -> None:
    policy = objects(written(tmp_path, "--nodes", "1"))["NetworkPolicy/herd"]["spec"]
    nodes = [{"podSelector": policy["podSelector"]}]
    clients = [{kind: {"matchLabels": {"herd-client": "true"}}} for kind in ("podSelector", "namespaceSelector")]
    assert set(policy) == {"podSelector", "policyTypes", "ingress", "egress"}
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert policy["ingress"] == [{"from": nodes, "ports": [{"port": "bus"}]},
                                 {"from": clients, "ports": [{"port": "clients"}, {"port": "http"}]}]
    assert policy["egress"] == [{"to": nodes, "ports": [{"port": "bus"}]},
                                {"ports": [{"port": 53, "protocol": name} for name in ("UDP", "TCP")]}]


def test_secrets_are_private_files_and_in_no_config_map(tmp_path: pathlib.Path) -> None:
    directory = made(tmp_path)
    rules = yaml.safe_load((directory / "kustomization.yaml").read_text())
    assert [entry["files"] for entry in rules["configMapGenerator"]] == [["herd.toml"]]
    secrets = {entry["name"]: entry["files"] for entry in rules["secretGenerator"]}
    assert secrets == {"herd-keys": ["keys/public.toml"] + [f"keys/herd-{i}.secret" for i in range(3)],
                       "herd-tokens": ["tokens.toml"]}
    assert set((directory / ".gitignore").read_text().splitlines()[1:]) == {"keys/", "tls/", "tokens.toml"}
    for name in ("tokens.toml", "keys/herd-0.secret"):
        assert stat.S_IMODE((directory / name).stat().st_mode) == 0o600
    assert stat.S_IMODE((directory / "herd.toml").stat().st_mode) == 0o644
    token = run(tmp_path, "token", "new", "prometheus", "--tell", "", "--see", "", "--config", "k8s/herd.toml")
    assert token and 'name = "prometheus"' in (directory / "tokens.toml").read_text()


def kubectl(*words: str) -> str:
    ran = subprocess.run(["kubectl", *words], capture_output=True, text=True, timeout=30, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def lost(given: Any, read: Any, place: str = "") -> list[str]:
    """The fields that kubectl, which knows all fields of a kind, has dropped or changed."""
    if isinstance(given, dict) and isinstance(read, dict):
        return [field for key, value in given.items()
                for field in (lost(value, read[key], f"{place}.{key}") if key in read else [f"{place}.{key}"])]
    if isinstance(given, list) and isinstance(read, list) and len(given) <= len(read):
        return [field for i, value in enumerate(given) for field in lost(value, read[i], f"{place}[{i}]")]
    return [] if given == read else [place]


@pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not installed")
def test_kubectl_knows_every_field_and_gives_secrets_to_the_pods_by_their_hashed_names(tmp_path: pathlib.Path) -> None:
    directory = made(tmp_path, "--tls")
    rendered = list(yaml.safe_load_all(kubectl("kustomize", str(directory))))
    by_kind: dict[str, list[Object]] = {}
    for thing in rendered:
        by_kind.setdefault(thing["kind"], []).append(thing)
        assert thing["kind"] == "Namespace" or thing["metadata"]["namespace"] == "herd"
    pods, = by_kind["StatefulSet"]
    names = {thing["metadata"]["name"] for kind in ("ConfigMap", "Secret") for thing in by_kind[kind]}
    volumes = pods["spec"]["template"]["spec"]["volumes"]
    used = {volume.get("secret", {}).get("secretName") or volume.get("configMap", {}).get("name")
            for volume in volumes} - {None}
    assert used == names and len(names) == 4 and all(name.startswith("herd-") for name in names)
    # These commands need no server. Each reads the object into the types of its kind and prints it again.
    for thing, words in [(pods, ["set", "env", "A=b"]),
                         *((service, ["set", "selector", "app.kubernetes.io/name=herd"])
                           for service in by_kind["Service"])]:
        file = tmp_path / "object.json"
        for broken in (False, True):
            if broken:
                thing["spec"]["no-such-field"] = 1
            file.write_text(json.dumps(thing))
            read = json.loads(kubectl(words[0], words[1], "--local", "-o", "json", "-f", str(file), *words[2:]))
            assert lost(thing, read) == ([".spec.no-such-field"] if broken else [])


def test_nothing_is_overwritten_and_no_half_is_left(tmp_path: pathlib.Path) -> None:
    (tmp_path / "herd-kubernetes").mkdir()
    assert "herd-kubernetes exists already" in run(tmp_path, "init", "--kubernetes", status=2)
    assert not list((tmp_path / "herd-kubernetes").iterdir())
    (tmp_path / "link").symlink_to("nowhere")
    assert "exists already" in run(tmp_path, "init", "--kubernetes", "--output", "link", status=2)
    assert "cannot be written (No such file or directory)" in run(tmp_path, "init", "--kubernetes", "--output", "no/x",
                                                                  status=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["herd-kubernetes", "link"]


@pytest.mark.parametrize("words", [
    ["--nodes", "0"], ["--nodes", "65"], ["--hosts", "a.test"], ["--image", ""], ["--image", "a b"], ["--image", "$x"],
    ["--image", "x" * 256], ["--namespace", ""], ["--namespace", "Herd"], ["--namespace", "-a"],
    ["--namespace", "a" * 64], ["--namespace", "a\nb"], ["--output", "-"]])
def test_a_wrong_command_line_gives_one_line_and_writes_nothing(tmp_path: pathlib.Path, words: list[str]) -> None:
    error = run(tmp_path, "init", "--kubernetes", *words, status=2)
    assert error.startswith("scripts/herd: ") and error.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("words", [["--image", "a"], ["--namespace", "a"], ["--tls"]])
def test_options_for_kubernetes_need_it(tmp_path: pathlib.Path, words: list[str]) -> None:
    assert "add --kubernetes" in run(tmp_path, "init", "--nodes", "3", *words, status=2)
    assert not list(tmp_path.iterdir())
