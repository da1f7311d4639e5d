"""An mkdocs hook that shows the notebooks in docs/tutorials as pages, with what they showed when they ran."""

import json
from html import escape
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

MARK = "<!-- output {} -->"
Outputs = list[str]
_shown: dict[str, Outputs] = {}  # page -> its outputs as HTML, put in after Markdown has done its work


class Notebook(File):
    """A notebook that mkdocs takes for a page."""

    def is_documentation_page(self) -> bool:
        """Yes: it has words to read."""
        return True


def on_files(files: Files, config: Any) -> Files:
    """Called by mkdocs with all files: notebooks become pages."""
    for file in [file for file in files if file.src_uri.endswith(".ipynb")]:
        files.remove(file)
        files.append(Notebook(file.src_uri, config.docs_dir, config.site_dir, config.use_directory_urls))
    return files


def on_page_read_source(page: Any, config: Any) -> str | None:
    """Called by mkdocs for the text of a page: a notebook as Markdown, with a mark for each output."""
    if not page.file.src_uri.endswith(".ipynb"):
        return None
    text, _shown[page.file.src_uri] = as_markdown(Path(page.file.abs_src_path).read_text("utf-8"))
    return text


def on_page_content(html: str, page: Any, **_: Any) -> str:
    """Called by mkdocs for the HTML of a page: marks become outputs."""
    for number, output in enumerate(_shown.get(page.file.src_uri, ())):
        html = html.replace(MARK.format(number), output)
    return html


def as_markdown(notebook: str) -> tuple[str, Outputs]:
    """A notebook (JSON) as Markdown, and its outputs as HTML in the order of their marks."""
    parts, outputs = [], []
    for cell in json.loads(notebook)["cells"]:
        source = "".join(cell["source"])
        parts.append(source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```")
        for output in cell.get("outputs", ()):
            if shown := as_html(output):
                parts.append(f"<div>{MARK.format(len(outputs))}</div>")
                outputs.append(shown)
    return "\n\n".join(parts) + "\n", outputs


def as_html(output: dict[str, Any]) -> str:
    """One output: pictures, tables and results as they are, all else as text; nothing for warnings."""
    data = output.get("data", {})
    if "image/png" in data:
        return f'<img src="data:image/png;base64,{"".join(data["image/png"]).strip()}" alt="what the cell draws">'
    if "text/html" in data:
        return "".join(data["text/html"])
    text = "".join(data.get("text/plain", output.get("text", "") if output.get("name") == "stdout" else ""))
    return f'<pre class="output">{escape(text)}</pre>' if text else ""
