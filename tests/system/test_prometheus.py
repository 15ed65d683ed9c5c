"""Metrics, alerts and dashboard with the tools of Prometheus: promtool accepts what a node sends and what conf/
contains, every metric that is named there exists, and a real Prometheus scrapes a herd and answers the dashboard.

Debian's package prometheus has both programs (scripts/deps --dev). Without it, the tests that need one are skipped.
"""
from __future__ import annotations

import contextlib
import json
import pathlib
import re
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from herd_fixture import REPOSITORY, Herd, Ports, herds_that_end, line, wait_for

CONF = REPOSITORY / "conf"
DASHBOARD = CONF / "grafana/herd.json"
ALERTS = CONF / "prometheus/alerts.yml"
NAME = re.compile(r"\b(?:herd|process)_[a-z_]*[a-z]\b(?!_)")
DESCRIBED = [CONF / "prometheus/prometheus.yml", ALERTS, CONF / "prometheus/alerts_test.yml", DASHBOARD,
             REPOSITORY / "docs/MONITORING.md", REPOSITORY / "docs/RUNBOOK.md"]


def tool(name: str) -> str:
    """The path of a program of Prometheus."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed: scripts/deps --dev")
    return path


@pytest.fixture(name="herd", scope="module")
def two_nodes() -> Iterator[Herd]:
    with herds_that_end() as make_herd:
        herd = make_herd(line(2), log_level="info")
        herd.wait_linked()
        wait_for(lambda: all("herd_places_cached" in node.get("/metrics")[1] for node in herd), "places are loaded")
        reports = "".join(f"IAMAT c{i} +34.05-118.24 5\n" for i in range(20))
        herd["n0"].say(f"{reports}WHATSAT c0 10 2\nNEAR c0 5 3\nfoo\n")
        herd.wait_converged(20)
        yield herd


def names_in(metrics: str) -> set[str]:
    """The names of the families of a scrape, and those of the samples of histograms."""
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", metrics, re.M))
    parts = {f"{name}_{part}" for name, kind in types.items() if kind == "histogram"
             for part in ("bucket", "sum", "count")}
    return set(types) | parts


def test_promtool_accepts_the_metrics_of_a_node(herd: Herd) -> None:
    checked = subprocess.run([tool("promtool"), "check", "metrics"], input=herd["n0"].get("/metrics")[1],
                             capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def test_every_metric_that_is_named_exists(herd: Herd) -> None:
    known = names_in(herd["n0"].get("/metrics")[1])
    for path in DESCRIBED:
        named = set(NAME.findall(path.read_text(encoding="utf-8")))
        assert named - known == set(), path


def test_the_counters_of_a_herd_are_right(herd: Herd) -> None:
    metrics = herd["n0"].get("/metrics")[1].splitlines()
    assert 'herd_commands_total{command="iamat",result="answered"} 20' in metrics
    assert 'herd_commands_total{command="unknown",result="invalid"} 1' in metrics
    assert 'herd_updates_total{source="client",outcome="stored"} 20' in metrics
    assert "herd_command_duration_seconds_count 23" in metrics
    assert "herd_propagation_seconds_count 20" in herd["n1"].get("/metrics")[1].splitlines()
    assert 'herd_link_up{peer="n1"} 1' in metrics


def test_promtool_accepts_configuration_and_rules_and_their_tests_pass() -> None:
    for words in (["check", "config", "prometheus.yml"], ["check", "rules", "alerts.yml"],
                  ["test", "rules", "alerts_test.yml"]):
        checked = subprocess.run([tool("promtool"), *words], cwd=CONF / "prometheus", capture_output=True, text=True,
                                 check=False)
        assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_alert_has_a_test_and_a_section_in_the_runbook() -> None:
    rules = ALERTS.read_text(encoding="utf-8")
    alerts = re.findall(r"- alert: (\w+)", rules)
    assert alerts and len(alerts) == len(set(alerts))
    assert re.findall(r"runbook_url: docs/RUNBOOK.md#(\w+)", rules) == [name.lower() for name in alerts]
    assert re.findall(r"^## (\w+)$", (REPOSITORY / "docs/RUNBOOK.md").read_text(encoding="utf-8"), re.M) == alerts
    tested = set(re.findall(r'alertname="(\w+)"', (CONF / "prometheus/alerts_test.yml").read_text(encoding="utf-8")))
    assert tested == set(alerts)


class Prometheus:
    """A real Prometheus. `port` is that of its HTTP interface."""

    def __init__(self, process: subprocess.Popen[str], port: int):
        self.process = process
        self.port = port

    def get(self, path: str, **query: str) -> Any:
        url = f"http://127.0.0.1:{self.port}{path}?{urllib.parse.urlencode(query)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as refused:
            if refused.code == 503:  # it is starting
                raise
            return pytest.fail(f"{query}: {refused.read().decode()}")

    def values(self, query: str) -> list[float]:
        return [float(sample["value"][1]) for sample in self.get("/api/v1/query", query=query)["result"]]


@pytest.fixture(name="prometheus")
def scraping(herd: Herd, tmp_path: pathlib.Path) -> Iterator[Prometheus]:
    program = tool("prometheus")
    targets = ", ".join(f'"127.0.0.1:{node.http_port}"' for node in herd)
    (tmp_path / "prometheus.yml").write_text(
        "global: {scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 500ms}\n"
        f"rule_files: [{ALERTS}]\n"
        f"scrape_configs: [{{job_name: herd, static_configs: [{{targets: [{targets}]}}]}}]\n", encoding="utf-8")
    with contextlib.closing(Ports.claim()) as ports:
        port = ports.take()
        process = subprocess.Popen([program, f"--config.file={tmp_path}/prometheus.yml",
                                    f"--storage.tsdb.path={tmp_path}/data", "--log.level=warn",
                                    f"--web.listen-address=127.0.0.1:{port}"], stderr=subprocess.PIPE, text=True)
        try:
            yield Prometheus(process, port)
        finally:
            process.kill()
            print(process.communicate()[1])


def queries_of_dashboard() -> list[str]:
    """The queries of all panels, for the job `herd`, with the variables of Grafana replaced."""
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    queries = [target["expr"] for panel in panels for target in panel.get("targets", [])]
    for variable, value in {"$job": "herd", "$instance": ".*", "$__rate_interval": "5s"}.items():
        queries = [query.replace(variable, value) for query in queries]
    return queries


def test_a_real_prometheus_scrapes_the_herd_and_answers_the_dashboard(herd: Herd, prometheus: Prometheus) -> None:
    def scraped() -> bool:
        assert prometheus.process.poll() is None, "Prometheus has ended"
        try:
            return prometheus.values("count(herd_build_info and count_over_time(herd_build_info[1m]) >= 4)") == [2.0]
        except OSError:
            return False
    wait_for(scraped, "both nodes are scraped four times", 30)
    herd["n0"].say("PING\n")
    queries = queries_of_dashboard()
    assert len(queries) > 30
    for query in queries:
        assert prometheus.values(query), query
    assert prometheus.values('sum(herd_updates_total{source="client",outcome="stored"})') == [20.0]
    assert prometheus.values("sum(herd_link_up)") == [2.0]
    targets = prometheus.get("/api/v1/targets")["activeTargets"]
    assert [(target["health"], target["lastError"]) for target in targets] == [("up", "")] * 2
    wait_for(lambda: all(rule["health"] == "ok" for group in prometheus.get("/api/v1/rules")["groups"]
                         for rule in group["rules"]), "every rule is evaluated without an error")
    assert prometheus.get("/api/v1/alerts")["alerts"] == []
