"""Tests `[http] auth = "token"`: who reads the pages of a node, how scripts/herd status shows a token, and what a
reload changes."""
import http.client
import json
import os
import subprocess

import pytest

from herd_control import SCRIPT, Control, MakeControl
from herd_fixture import Node, wait_for


@pytest.fixture(name="guarded")
def guarded_herd(make_control: MakeControl) -> Control:
    """One node with pages that need a token. It does not run yet."""
    control = make_control(1)
    control.herd.settings = {**control.herd.settings, "http": {"auth": "token"}}
    control.herd.write_config()
    return control


def new_token(control: Control, name: str) -> str:
    return control.new_token(name, "--tell", "", "--see", "")


def get(node: Node, path: str, token: str | None = None) -> tuple[int, http.client.HTTPMessage, str]:
    connection = http.client.HTTPConnection("127.0.0.1", node.http_port, timeout=10)
    try:
        connection.request("GET", path, headers={} if token is None else {"Authorization": f"Bearer {token}"})
        response = connection.getresponse()
        return response.status, response.headers, response.read().decode()
    finally:
        connection.close()


def test_only_a_valid_token_reads_the_pages_and_a_reload_revokes_it(guarded: Control) -> None:
    token = new_token(guarded, "prometheus")
    guarded.run("up")
    node = guarded.herd["n0"]
    assert [get(node, path)[0] for path in ("/livez", "/healthz", "/readyz")] == [200, 200, 200]
    for path in ("/metrics", "/status.json", "/nowhere"):
        for wrong in (None, "wrong", token[:-1]):
            status, headers, body = get(node, path, wrong)
            assert status == 401 and headers["WWW-Authenticate"].startswith("Bearer realm="), (path, body)
            assert "scripts/herd token new" in json.loads(body)["detail"]
    assert get(node, "/metrics", token)[0] == 200
    second = new_token(guarded, "second")
    guarded.run("token", "revoke", "prometheus")
    guarded.run("reload")
    wait_for(lambda: get(node, "/metrics", second)[0] == 200, "the tokens are read again")
    assert get(node, "/metrics", token)[0] == 401
    log = "".join(file.read_text() for file in (guarded.herd.state_dir / "logs").glob("*.log"))
    assert "event=http_token_refused from=127.0.0.1" in log and token not in log and second not in log


def test_wrong_tokens_are_bounded_and_do_not_lock_out_a_right_one(guarded: Control) -> None:
    token = new_token(guarded, "prometheus")
    guarded.run("up")
    node = guarded.herd["n0"]
    answers = []
    for _ in range(40):
        answers.append(get(node, "/metrics", "guess")[0])
        assert get(node, "/metrics", token)[0] == 200
    assert answers[:10] == [401] * 10 and 429 in answers


def test_status_uses_the_token_of_the_environment_and_says_when_it_lacks_one(guarded: Control) -> None:
    token = new_token(guarded, "operator")
    guarded.run("up")

    def status(**environment: str) -> tuple[dict[str, object], str]:
        given = {key: value for key, value in (guarded.environment | environment).items()
                 if value or key != "HERD_TOKEN"}
        done = subprocess.run([SCRIPT, "status", "--json", "--config", guarded.herd.config_path], text=True, env=given,
                              capture_output=True, check=False, timeout=60)
        [row] = json.loads(done.stdout)["nodes"]
        return row, done.stderr

    os.environ.pop("HERD_TOKEN", None)
    row, errors = status(HERD_TOKEN="")
    assert (row["state"], row["digest"]) == ("up", None) and "want a token: put one into $HERD_TOKEN" in errors
    row, errors = status(HERD_TOKEN="wrong")
    assert row["digest"] is None and "refuse the token in $HERD_TOKEN" in errors
    row, errors = status(HERD_TOKEN=token)
    assert row["digest"] is not None and not errors
