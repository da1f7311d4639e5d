"""Where the real data lie, and what is skipped without them."""

import contextlib
import io
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("same every time", derandomize=True, deadline=None)
settings.load_profile("same every time")

REAL = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session", autouse=True)
def no_power_cuts():
    """What tests write need not survive a loss of power: waiting for the disk would cost a tenth of a second a run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


@pytest.fixture(scope="session")
def real() -> Path:
    """The folder of real cubes."""
    return REAL


@pytest.fixture(scope="module")
def small_is_large():
    """Maps of more than 1,000 pixels are large, in chunks of 32, with overviews down to 8 pixels."""
    import spaxel.cube.smaller
    import spaxel.cube.stored
    import spaxel.figures.reduce
    import spaxel.store.guarded
    import spaxel.store.overviews

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spaxel.cube.smaller, "LARGE", 1000)
        for module in (spaxel.cube.stored, spaxel.store.guarded, spaxel.store.overviews, spaxel.figures.reduce):
            patch.setattr(module, "CHUNK", 32)
        patch.setattr(spaxel.store.overviews, "COARSEST", 8)
        patch.setattr(spaxel.store.overviews, "FEW", 32)
        patch.setattr(spaxel.store.overviews, "HELD", 2**10)
        yield


@pytest.fixture(scope="session")
def patient():
    """Commands in this process do not say after a minute how far they are: machines are slow, and tests read stderr."""
    import spaxel.commands.console

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spaxel.commands.console, "MINUTE", 3600.0)
        yield


@pytest.fixture
def cli(capsys, patient):
    """Run a command line in this process: (exit code, stdout, stderr)."""
    from spaxel.cli import main

    def run(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        try:
            main([str(argument) for argument in arguments])
            code = 0
        except SystemExit as end:
            code = end.code or 0
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture(scope="session")
def call(patient):
    """As `cli`, for fixtures that live longer than one test."""
    from spaxel.cli import main

    def run(*arguments: object) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                main([str(argument) for argument in arguments])
                code = 0
            except SystemExit as end:
                code = end.code or 0
        return code, out.getvalue(), err.getvalue()

    return run


@pytest.fixture(scope="session")
def scan(tmp_path_factory) -> Path:
    """A small cube with truth, on disk. Not to be changed."""
    from spaxel.readers.native import write_cube
    from spaxel.testing import tiny_cube

    return write_cube(tiny_cube(20, 17), tmp_path_factory.mktemp("scan") / "scan.zarr")


@pytest.fixture(scope="session")
def scan_run(scan) -> Path:
    """A run of that cube. Not to be changed."""
    from spaxel.cli import main

    main(["segment", "--method=kmeans", str(scan), "-o", str(scan.parent / "run"), "--n-clusters", "3", "--seed", "7"])
    return scan.parent / "run"


@pytest.fixture
def own_run(scan_run, tmp_path) -> Path:
    """A copy of that run, to be changed."""
    return Path(shutil.copytree(scan_run, tmp_path / "run"))


@pytest.fixture(scope="session")
def s3_server():
    """The address of a server that answers as S3 does, for this session."""
    moto = pytest.importorskip("moto.server", reason="moto is not installed")
    pytest.importorskip("s3fs", reason="s3fs is not installed")
    server = moto.ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3_server, monkeypatch, tmp_path_factory) -> str:
    """The address of an empty bucket, which the environment says how to open."""
    import s3fs

    for name, value in {
        "ACCESS_KEY_ID": "user-of-test",
        "SECRET_ACCESS_KEY": "secret-of-test",
        "REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server)
    name = tmp_path_factory.mktemp("bucket").name
    s3fs.S3FileSystem.clear_instance_cache()
    s3fs.S3FileSystem().mkdir(name)
    return f"s3://{name}"


def pytest_collection_modifyitems(items):
    if not REAL.is_dir():
        skip = pytest.mark.skip(reason=f"the real data are not at {REAL}")
        for item in items:
            if "real_data" in item.keywords:
                item.add_marker(skip)
