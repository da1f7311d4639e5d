"""Who gets an answer from a running viewer: asked over real sockets."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys

import pytest

from spaxel.errors import ParameterError
from spaxel.viewer.guard import new_token, refusal
from spaxel.viewer.scene import open_scenes
from spaxel.viewer.shown import started


@pytest.fixture(scope="module")
def viewer(scan_run):
    shown = started(open_scenes([scan_run]), patience=None)
    yield shown
    shown.stop()


def _ask(viewer, path=None, **headers):
    host, port, token = _parts(viewer)
    connection = http.client.HTTPConnection(host, port, timeout=20)
    connection.putrequest("GET", f"/{token}/" if path is None else path, skip_host=True)
    for name, value in ({"Host": f"{host}:{port}"} | headers).items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    answer = connection.getresponse()
    found = answer.status, b"" if answer.status == 101 else answer.read()
    connection.close()
    return found


def _parts(viewer):
    host, rest = viewer.url.removeprefix("http://").split(":")
    port, token, _ = rest.split("/")
    return host, int(port), token


def test_with_its_token_it_answers_and_its_page_asks_nobody_else(viewer):
    status, body = _ask(viewer)
    assert status == 200
    assert b"Bokeh" in body
    _, port, token = _parts(viewer)
    text = body.decode()
    assert "cdn" not in text
    for part in text.split('src="')[1:]:
        assert part.startswith(("static/", f"/{token}/static/", f"http://127.0.0.1:{port}/{token}/static/")), part[:80]


@pytest.mark.parametrize(
    "path", ["/", "/ws", "/metadata", "/autoload.js", "/static/js/bokeh.min.js", "/favicon.ico", "/wrong/", "//",
             "/../{token}/", "/%2e%2e/{token}/", "/{token}x/", "/%20{token}/"],
)  # fmt: skip
def test_without_its_token_there_is_no_answer(viewer, path):
    status, body = _ask(viewer, path.format(token=_parts(viewer)[2]))
    assert status in (400, 403)
    assert body == b""


@pytest.mark.parametrize(
    "path", ["static/../../../../etc/passwd", "static/%2e%2e/%2e%2e/%2e%2e/server.py", "static//etc/passwd"]
)
def test_tricks_with_paths_reach_no_file(viewer, path):
    status, body = _ask(viewer, f"/{_parts(viewer)[2]}/{path}")
    assert status in (403, 404)
    assert b"root:" not in body
    assert b"import" not in body


def test_another_name_for_this_computer_gets_no_answer(viewer):
    _, port, _ = _parts(viewer)
    for host in (
        f"evil.example:{port}",
        "evil.example",
        f"127.0.0.1.evil.example:{port}",
        "127.0.0.1",
        "",
        f"0.0.0.0:{port}",
    ):
        assert _ask(viewer, Host=host)[0] in (400, 403), host
    assert _ask(viewer, Host=f"localhost:{port}")[0] == 200


def test_another_page_gets_no_answer(viewer):
    _, port, _ = _parts(viewer)
    for origin in ("http://evil.example", "null", f"https://127.0.0.1:{port}", f"http://127.0.0.1:{port + 1}"):
        assert _ask(viewer, Origin=origin)[0] == 403, origin
    assert _ask(viewer, Origin=f"http://127.0.0.1:{port}")[0] == 200


def test_the_websocket_opens_for_its_own_page_only(viewer):
    _, port, token = _parts(viewer)
    shake = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec_WebSocket_Version": "13"}
    shake |= {"Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec_WebSocket_Protocol": "bokeh, nothing"}

    def opened(path, **origin):
        return _ask(viewer, path, **shake, **origin)[0]

    own = f"http://127.0.0.1:{port}"
    assert opened("/ws", Origin=own) == 403
    assert opened(f"/{token}/ws", Origin="http://evil.example") == 403
    assert opened(f"/{token}/ws") == 403
    assert opened(f"/{token}/ws", Origin=own) == 101


def test_no_other_interface_answers(viewer):
    _, port, _ = _parts(viewer)
    others = ["127.0.0.2"]
    with contextlib.suppress(OSError):
        others += [found[4][0] for found in socket.getaddrinfo(socket.gethostname(), port, socket.AF_INET)]
    for address in {a for a in others if a != "127.0.0.1"}:
        with socket.socket() as asking:
            asking.settimeout(2)
            assert asking.connect_ex((address, port)) != 0, address


def test_what_is_refused_and_why():
    token = new_token()
    good = {"Host": "127.0.0.1:8000"}
    assert refusal(f"/{token}/ws?x=1", good, token=token, port=8000) == ""
    assert "token" in refusal(f"/{token[:-1]}/", good, token=token, port=8000)
    assert "host" in refusal(f"/{token}/", {}, token=token, port=8000)
    assert "page" in refusal(f"/{token}/", good | {"Origin": "http://a"}, token=token, port=8000)
    assert "websocket" in refusal(f"/{token}/ws", good | {"Upgrade": "WebSocket"}, token=token, port=8000)
    assert len({new_token() for _ in range(50)}) == 50
    assert len(token) >= 32


def test_a_port_in_use_is_said(viewer, scan):
    with pytest.raises(ParameterError, match=r"cannot be used.*--port 0"):
        started(open_scenes([scan]), port=_parts(viewer)[1])


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_prints_its_address_and_stops_cleanly(scan, number):
    with subprocess.Popen(
        [sys.executable, "-c", "from spaxel.cli import main; main()", "view", str(scan), "--no-browser"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"},
    ) as process:  # fmt: skip
        line = process.stdout.readline()
        assert line.startswith("viewer: http://127.0.0.1:"), process.communicate()
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "viewer stopped" in out
    assert err == ""


def test_in_a_notebook_it_shows_itself_in_a_frame(viewer):
    assert viewer._repr_html_().startswith(f'<iframe src="{viewer.url}"')


def test_nothing_to_look_at_and_a_cube_for_a_file_are_refused(cli, scan, scan_run, tmp_path):
    assert cli("view")[0] == 2
    code, _, err = cli("view", scan, "--cube", scan)
    assert code == 2
    assert "no other cube belongs to it" in err
    code, _, err = cli("view", tmp_path / "missing.h5")
    assert code == 2
    assert "There is no file" in err
    code, _, err = cli("view", scan_run, scan_run, "--cube", scan)
    assert code == 2
    assert "cannot belong to 2 runs" in err
