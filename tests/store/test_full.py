"""A full disk is one line, whatever library notices it; the older thing is kept, and nothing is half-written."""

import errno
import os

import pytest
from safetensors import SafetensorError
from tests.store.test_staging import text_of, write_folder, yes

from spaxel.errors import ReadError, WriteError
from spaxel.store.full import reason
from spaxel.store.writing import replacing

WORDS = [
    OSError(errno.ENOSPC, "No space left on device"),
    OSError(errno.EDQUOT, "Disk quota exceeded"),
    OSError(errno.EFBIG, "File too large"),
    OSError(errno.EROFS, "Read-only file system"),
    SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
    RuntimeError("Problems closing file (file write failed: errno = 28, error message = 'No space left on device')"),
]


@pytest.mark.parametrize("error", WORDS, ids=repr)
@pytest.mark.parametrize("wrapped", [False, True])
def test_every_library_says_it_in_one_way(tmp_path, error, wrapped):
    path = tmp_path / "run"
    write_folder(path, "old")

    def body():
        with replacing(path, overwrite=True, owned=yes) as new:
            write_folder(new, "half")
            if wrapped:
                raise RuntimeError("codec failed") from error
            raise error

    with pytest.raises(WriteError, match=r"run cannot be written: .*MiB are free.*as it was"):
        body()
    assert text_of(path) == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["run"]


def test_other_errors_are_not_called_a_full_disk(tmp_path, monkeypatch):
    assert reason(ValueError("a bug"), tmp_path) == ""
    assert reason(FileNotFoundError(errno.ENOENT, "No such file"), tmp_path) == ""
    assert reason(PermissionError(errno.EACCES, "Permission denied", "/elsewhere/input.h5"), tmp_path) == ""
    assert reason(PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "out")), tmp_path)
    monkeypatch.setattr("spaxel.store.full._free", lambda folder: 0)
    assert "full" in reason(RuntimeError("HDF5 says something of its own"), tmp_path)


def test_errors_of_ours_stay_what_they_are(tmp_path):
    with pytest.raises(ReadError, match="broken"), replacing(tmp_path / "a", owned=yes):
        raise ReadError("broken")


@pytest.mark.skipif(os.name != "posix", reason="limits of POSIX")
@pytest.mark.parametrize(
    "command",
    ["segment {scan} -o {run} --overwrite", "cut {run} 2", "convert {scan} {out}.zarr", "export {run} -o {out} --to fits,csv",
     "report {run}", "predict {run} {scan} -o {out}", "export {run} -o {out}.tif", "figure {run} -o {out}.png"],
)  # fmt: skip
def test_files_that_may_not_become_large(cli, scan, own_run, tmp_path, command):
    """With a limit of the system on the size of a file, as on a full disk: exit 2, one line, all as it was."""
    import resource

    before = {path: path.read_bytes() for path in own_run.rglob("*") if path.is_file()}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (600, hard))
    try:
        code, out, err = cli(*(p.format(scan=scan, run=own_run, out=tmp_path / "out") for p in command.split()))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (code, out) == (2, ""), err
    assert "cannot be written" in err.splitlines()[-1]
    assert "Traceback" not in err
    assert {path: path.read_bytes() for path in own_run.rglob("*") if path.is_file()} == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["run"]
