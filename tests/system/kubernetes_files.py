"""A herd in Kubernetes without a cluster: the files of scripts/herd init --kubernetes, and what a pod makes of them."""
from __future__ import annotations

import importlib
import os
import pathlib
import shutil
import subprocess
from typing import Any

from herd_control import SCRIPT
from herd_fixture import BINARY
from herd_lab.certificate import write_certificate

Object = dict[str, Any]
yaml: Any = importlib.import_module("yaml")  # it has no types
FILES = ["namespace.yaml", "networkpolicy.yaml", "poddisruptionbudget.yaml", "services.yaml", "statefulset.yaml"]


def run(place: pathlib.Path, *words: str, status: int = 0) -> str:
    """Runs scripts/herd in the directory; returns its output, or its error text if there is one."""
    ran = subprocess.run([SCRIPT, *words], cwd=place, capture_output=True, text=True, timeout=60, check=False,
                         env=os.environ | {"HERD_BIN": BINARY})
    assert ran.returncode == status, f"{words}: status {ran.returncode}\n{ran.stdout}\n{ran.stderr}"
    return ran.stderr or ran.stdout


def written(place: pathlib.Path, *words: str) -> pathlib.Path:
    """A directory of init --kubernetes, without keys."""
    run(place, "init", "--kubernetes", "--output", "k8s", *words)
    return place / "k8s"


def made(place: pathlib.Path, *words: str) -> pathlib.Path:
    """The same with keys, and with a certificate if it needs one."""
    directory = written(place, *words)
    if "--tls" in words:
        (directory / "tls").mkdir()
        write_certificate(place)
        (place / "node.pem").rename(directory / "tls/tls.crt")
        (place / "node.key").rename(directory / "tls/tls.key")
    run(place, "keygen", "--all", "--config", "k8s/herd.toml")
    return directory


def objects(directory: pathlib.Path) -> dict[str, Object]:
    """The objects of all files, by kind and name."""
    found = [thing for name in FILES for thing in yaml.safe_load_all((directory / name).read_text())]
    return {f"{thing['kind']}/{thing['metadata']['name']}": thing for thing in found}


def pod_of(directory: pathlib.Path) -> Object:
    template: Object = objects(directory)["StatefulSet/herd"]["spec"]["template"]["spec"]
    return template


def start_pod(directory: pathlib.Path, name: str, place: pathlib.Path) -> pathlib.Path:
    """Runs the script of the init container for this pod, below `place`; returns the configuration that it makes."""
    init, = pod_of(directory)["initContainers"]
    mounted, copied = place / "mnt", place / "run"
    mounted.mkdir(parents=True)
    copied.mkdir()
    sources = {"config": directory, "tokens": directory, "keys": directory / "keys", "tls": directory / "tls"}
    for mount in init["volumeMounts"]:
        if mount["mountPath"] == "/run/herd":
            continue
        target = mounted / pathlib.PurePath(mount["mountPath"]).relative_to("/mnt/herd")
        part = mount.get("subPath") or mount.get("subPathExpr", "").replace("$(POD_NAME)", name)
        if part:
            shutil.copy(sources[mount["name"]] / part, target)
            target.chmod(0o644)
        else:
            shutil.copytree(sources[mount["name"]], target)
    shell, flags, script = init["command"]
    script = script.replace("/mnt/herd", str(mounted)).replace("/run/herd", str(copied))
    for _ in range(2):  # Kubernetes may run an init container again
        subprocess.run([shell, flags, script], env={"PATH": "/usr/bin:/bin", "POD_NAME": name}, check=True, timeout=30)
    return copied / "herd.toml"
