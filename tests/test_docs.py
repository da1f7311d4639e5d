"""What the documentation says runs: every Python block of the pages for users, and the example in every public docstring.

The blocks of a page are run one after the other, as in a notebook, in a folder that holds the files that the pages name.
Nothing may be skipped: whoever adds a block that cannot run has to mend it.
"""

from __future__ import annotations

import ast
import doctest
import importlib.util
import inspect
import re
import shlex
import shutil
import tomllib
import warnings
from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path
from types import CodeType
from typing import Any

import numpy as np
import pytest

import spaxel
from spaxel.cli import main
from spaxel.readers import readers

ROOT = Path(__file__).parents[1]
FOLDERS = ["docs/methods", "docs/howto", "docs/fields"]
PAGES = ["README.md", "docs/api.md", *(f"{f}/{p.name}" for f in FOLDERS for p in sorted((ROOT / f).glob("*.md")))]
WITHOUT_PYTHON = {"docs/howto/long_fits.md", "docs/howto/big-cubes.md"}
PUBLIC = sorted(name for name in spaxel.__all__ if name != "__version__")
FENCE = re.compile(r"^```(\w*)[ ]*\n(.*?)^```[ ]*$", re.DOTALL | re.MULTILINE)
OTHER_LANGUAGES = {"console", "toml", "text", ""}


def blocks(text: str) -> list[tuple[int, str]]:
    """Line and code of each Python block of a page."""
    return [(text[: m.start(2)].count("\n"), m[2]) for m in FENCE.finditer(text) if m[1] == "python"]


@pytest.fixture(scope="module")
def small_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small files of the names that the pages use."""
    import h5py

    made = tmp_path_factory.mktemp("small_files")

    for name, seed in (("altarpiece", 1), ("detail", 2)):
        cube = spaxel.simulate("maxrf", height=32, width=24, channels=380, seed=seed).load()
        with h5py.File(made / f"{name}.h5", "w") as file:
            file["energy"] = cube["channel"].values
            file["energy"].attrs["units"] = "keV"
            file["spectra"] = cube["spectra"].values
    mixtures = spaxel.simulate("mixture", n_components=4, per_component=8, n_channels=60, seed=1)
    rows = np.vstack([mixtures["channel"].values, mixtures["spectra"].values[:, 0]])
    np.savetxt(made / "mixtures.csv", rows, delimiter=",", fmt="%.6g")
    return made


@pytest.fixture
def folder(small_files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of a page, with copies of them."""
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(small_files, tmp_path, dirs_exist_ok=True))


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_every_python_block_runs(page: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / page).read_text()
    found, namespace = blocks(text), {"__name__": "__main__"}
    assert bool(found) != (page in WITHOUT_PYTHON), f"{page} holds {len(found)} Python blocks"
    for line, code in found:
        exec(compile("\n" * line + code, str(ROOT / page), "exec"), namespace)
        for expression, value in shown(code):
            assert eval(expression, namespace) == value, f"{page}, block at line {line}: not {value!r}"


def shown(code: str) -> list[tuple[CodeType, Any]]:
    """Lines of the form `expression  # value`, where the comment is a value and not words."""
    found = []
    for expression, comment in re.findall(r"^(\S.*?)  # (.+)$", code, re.MULTILINE):
        try:
            found.append((compile(expression, "shown", "eval"), ast.literal_eval(comment)))
        except (SyntaxError, ValueError):
            continue
    return found


def test_shown_values_are_compared() -> None:
    assert [value for _, value in shown("1 + 1  # 2\nx = 3  # 3\nx  # three of them\n")] == [2]
    assert sum(len(shown(code)) for _, code in blocks((ROOT / "docs/api.md").read_text())) >= 15


@pytest.mark.parametrize("page", PAGES)
def test_no_block_is_hidden_from_the_test(page: str) -> None:
    text = (ROOT / page).read_text()
    fences = re.findall(r"^[ >\t]*(?:```+|~~~+).*$", text, re.MULTILINE)
    languages = [m[1] for m in FENCE.finditer(text)]
    assert len(fences) == 2 * len(languages), f"{page}: a fence is indented, quoted or left open"
    assert set(languages) <= OTHER_LANGUAGES | {"python"}
    assert languages.count("python") == len(blocks(text)) == len(re.findall(r"^```python$", text, re.MULTILINE))
    for _, code in blocks(text):
        lines = [line for line in code.splitlines() if line.strip() and not line.lstrip().startswith("#")]
        assert len(lines) > 0
        assert "..." not in code, f"{page}: an ellipsis is no example"


@pytest.mark.parametrize("name", PUBLIC)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_public_docstring_has_an_example_that_runs(name: str, folder: Path) -> None:
    docstring = inspect.getdoc(getattr(spaxel, name)) or ""
    test = doctest.DocTestParser().get_doctest(docstring, {}, name, None, 0)
    assert len(test.examples) >= 2, f"spaxel.{name} shows no example"
    assert any(e.want for e in test.examples), f"the example of spaxel.{name} shows no answer"
    assert not any(doctest.SKIP in e.options for e in test.examples)
    said: list[str] = []
    result = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS).run(test, out=said.append)
    assert result.failed == 0, "".join(said)
    assert result.attempted == len(test.examples)


def test_the_page_of_functions_lists_the_public_names() -> None:
    text = (ROOT / "docs/api.md").read_text()
    assert sorted(re.findall(r"^### (\w+)$", text, re.MULTILINE)) == PUBLIC


@pytest.mark.parametrize("name", [name for name in PUBLIC if inspect.isfunction(getattr(spaxel, name))])
def test_the_page_of_functions_knows_every_parameter(name: str) -> None:
    text = (ROOT / "docs/api.md").read_text()
    shown = re.search(rf"^`{name}\((.*?)\)`", text, re.MULTILINE)
    assert shown, name
    names = re.findall(r"(?:^|, )\*{0,2}(\w+)", re.sub(r"=\([^)]*\)", "=x", shown[1]))
    actual = list(inspect.signature(getattr(spaxel, name)).parameters)
    assert set(names) <= set(actual), name
    assert names[0] == actual[0]


def test_the_tables_of_parameters_are_made_from_the_declarations() -> None:
    hook = _module(ROOT / "docs/parameters.py")
    text = (ROOT / "docs/api.md").read_text()
    methods = [name for name in PUBLIC if hasattr(getattr(spaxel, name), "fit")]
    assert sorted(hook.MARK.findall(text)) == methods
    page = hook.on_page_markdown(text)
    for name in methods:
        for parameter in getattr(spaxel, name)().get_params():
            assert f"| `{parameter}` |" in page
    assert '| `n_clusters` | auto | int, "auto" |' in page


def test_the_errors_that_are_explained_are_raised_somewhere() -> None:
    raised = [text for text in _messages() if len(text) < 600]
    quotes = re.findall(r'\*\*"(.+?)"\*\*', (ROOT / "docs/errors.md").read_text(), re.DOTALL)
    parts = [part for quote in quotes for part in quote.split("…") if len(_words(part)) > 1]
    assert len(parts) > 40
    lost = [part for part in parts if not any(_says(text, part) for text in raised)]
    assert lost == ["Unknown option: --n-cluster. Did you mean --n-clusters?"]  # that one is said by cyclopts


def test_the_table_of_formats_is_made_from_the_readers() -> None:
    page = _module(ROOT / "docs/formats_page.py")
    text = page.PAGE.read_text("utf-8")
    assert page.with_table(text) == text, "docs/formats.md is not what the readers say; try: make formats"
    own = [reader for reader in readers().values() if reader.open.__module__.startswith("spaxel.")]
    assert [reader.name for reader in own if not reader.formats] == []


def _messages() -> Iterator[str]:
    """Every text in the source, with {} where a value is put in."""
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                yield "".join(v.value if isinstance(v, ast.Constant) else "{}" for v in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def _words(text: str) -> list[str]:
    return [word for word in re.findall(r"[A-Za-z][\w'-]*", text) if len(word) > 2]


def _says(message: str, part: str) -> bool:
    """Whether the words of a part stand in a message in their order: all, or half where values are put in."""
    wanted, said = _words(part), _words(message)
    if len(set(wanted) & set(said)) < 2:
        return False
    same = sum(block.size for block in SequenceMatcher(None, said, wanted, autojunk=False).get_matching_blocks())
    return same == len(wanted) or ("{}" in message and same >= max(2, len(wanted) / 2))


def test_the_page_of_the_house_names_every_room() -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    floors, inside = text.split("Inside `methods/`")[0], text.split("Inside `methods/`")[1].split("`lint-imports`")[0]
    for table, folder in ((floors, "spaxel"), (inside, "spaxel/methods")):
        cells = [line.split("|") for line in table.splitlines() if line.startswith("| ") and "`" in line]
        named = {
            name for cell in cells for name in re.findall(r"`(\w+)/?`", cell[1] + (cell[2] if len(cell) > 4 else ""))
        }
        rooms = {path.stem for path in (ROOT / "src" / folder).iterdir() if path.suffix == ".py" or path.is_dir()}
        rooms = {room for room in rooms if not room.startswith("__")}
        assert named == rooms, f"docs/architecture.md and src/{folder} differ in {named ^ rooms}"


COMMANDS = sorted(
    {
        (str(path.relative_to(ROOT)), line[2:].split(" #")[0].strip())
        for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
        for line in path.read_text().splitlines()
        if line.startswith("$ spaxel ")
        and "…" not in line
        and "://" not in line  # of a machine that is not here
        and line.split()[2] not in ("demo", "doctor", "simulate", "steps", "train-metric")
    }
)


def test_commands_were_found() -> None:
    assert len(COMMANDS) > 20
    assert len({command.split()[1] for _, command in COMMANDS}) >= 7


@pytest.mark.parametrize(("page", "command"), COMMANDS)
@pytest.mark.filterwarnings("ignore:There is no .* to resume from")
def test_every_option_of_a_command_exists(
    page: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        main(shlex.split(command)[1:])
    assert stopped.value.code == 2
    said = capsys.readouterr().err  # all that is wrong with the command is that its files are not here
    assert re.search(r"There is no (file|folder|run)\b|is no run", said), said


def _module(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings():
        spec.loader.exec_module(module)
    return module


def test_every_page_is_on_the_site_and_leads_to_pages() -> None:
    """What `mkdocs build --strict` says, which the suite has no time for."""
    named = re.findall(r"([\w./-]+\.(?:md|ipynb))$", (ROOT / "mkdocs.yml").read_text("utf-8"), re.MULTILINE)
    pages = {
        p.relative_to(ROOT / "docs").as_posix() for end in ("md", "ipynb") for p in (ROOT / "docs").rglob(f"*.{end}")
    }
    assert sorted(pages) == sorted(named)
    for page in sorted(page for page in pages if page.endswith(".md")):
        text = re.sub(r"```.*?```", "", (ROOT / "docs" / page).read_text("utf-8"), flags=re.DOTALL)
        links = [link for link in re.findall(r"\]\(([^)\s#]+)[^)]*\)", text) if "://" not in link]
        assert [link for link in links if not ((ROOT / "docs" / page).parent / link).exists()] == [], page


def test_the_readme_has_no_relative_links() -> None:
    """It is read on PyPI too, where a path leads nowhere; and each address leads to a file of the project."""
    text = (ROOT / "README.md").read_text("utf-8")
    links = re.findall(r"\]\(([^)\s]+)\)|^\[[^\]]+\]:\s*(\S+)|(?:src|href)=[\"']([^\"']+)", text, re.MULTILINE)
    found = ["".join(link) for link in links]
    assert len(found) >= 8
    assert [link for link in found if not link.startswith("https://")] == []
    paths = [re.sub(r"^https://[^/]+/spaxel/spaxel/(?:blob/)?main/", "", link) for link in found]
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_every_reference_of_the_readme_is_defined() -> None:
    text = re.sub(r"```.*?```", "", (ROOT / "README.md").read_text("utf-8"), flags=re.DOTALL)
    used = set(re.findall(r"\]\[([^\]]+)\]", text))
    assert used == set(re.findall(r"^\[([^\]]+)\]:", text, re.MULTILINE))


def test_version_is_one_everywhere() -> None:
    """pyproject.toml, the package and CITATION.cff say the same version."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    cited = re.search(r"^version: (\S+)$", (ROOT / "CITATION.cff").read_text("utf-8"), re.MULTILINE)
    assert cited is not None
    assert (spaxel.__version__, cited[1]) == (declared, declared)
