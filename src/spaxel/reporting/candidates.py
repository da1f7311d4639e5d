"""What the peaks of the components may be: elements or emission lines, as candidates with what speaks for each."""

from __future__ import annotations

import math

from spaxel.figures.maps import component_names, component_rgb
from spaxel.lines.candidates import Candidate
from spaxel.reporting.html import Markup, fill, show, swatch
from spaxel.reporting.matches import matches
from spaxel.reporting.page import Page
from spaxel.results.interpretation import Interpretation

MORE = 1.3  # times the mean of the cube, from which a component is said to have more
DIGITS = {"keV": 3, "eV": 0, "Angstrom": 1, "nm": 2, "um": 4}
WORDS = {
    "elements": ("What may they be made of?", "elements", "element"),
    "gas": ("Which lines do they show?", "emission lines", "line"),
}


def marks(found: Interpretation) -> list[tuple[float, str]]:
    """Places and names for the figure of the spectra, the clearest first: all that the table lists, each line once.

    One that no other line supports in any component is followed by a question mark, as in the table.
    """
    best: dict[str, Candidate] = {}
    held = {_line(c) for own in found.candidates for c in own if c.support}
    for candidate in (c for own in found.candidates for c in own):
        text = _line(candidate) + ("" if _line(candidate) in held else "?")
        if text not in best or candidate.sigma > best[text].sigma:
            best[text] = candidate
    ordered = sorted(best.items(), key=lambda pair: -pair[1].sigma)
    return [(candidate.known, text) for text, candidate in ordered]


def candidates(page: Page, found: Interpretation) -> Markup:
    """Candidates of each component, and the evidence behind a click, then the matches of a library, where they were kept."""
    return _of_lines(page, found) + matches(page)


def _of_lines(page: Page, found: Interpretation) -> Markup:
    """The candidates for peaks; nothing where nothing is known of such lines."""
    if not found.kind:
        return Markup("")
    head, many, one = WORDS[found.kind]
    if not any(found.candidates):
        return fill("candidates", head=head, sentence=found.sentence, rows=[])
    unit, value = "Å" if found.units == "Angstrom" else found.units, page.result["component_spectra"].attrs.get("units")
    header = ["", "component", one, f"peak ({unit})", f"table ({unit})", f"off ({unit})",
              f"height ({value})" if value else "height", "standard errors", "×", "supported by", ""]  # fmt: skip
    known = {"head": head, "many": many, "sentence": found.sentence, "header": header}
    return fill("candidates", rows=_summary(page, found), evidence=_evidence(page, found), **known)


def _summary(page: Page, found: Interpretation) -> list[list]:
    rows = []
    named = zip(component_names(page.result), component_rgb(page.result, page.colors), found.candidates, strict=True)
    for name, color, own in named:
        much = sorted((c for c in own if more(c)), key=lambda c: -c.times if math.isfinite(c.times) else -math.inf)
        rest = [c for c in own if not more(c)]
        rows.append([swatch(color), _short(name), _listed(much, times=True), _listed(rest, times=False)])
    return rows


def more(candidate: Candidate) -> bool:
    """Whether a component has more of it than the mean of the cube."""
    return not candidate.times < MORE  # what the mean does not show is more


def _listed(own: list[Candidate], *, times: bool) -> str:
    """Names, with their times; one without another line to support it is followed by a question mark."""
    said = []
    for c in own:
        doubt = "" if c.support else "?"
        factor = f" ×{c.times:.1f}" if times and math.isfinite(c.times) else ""
        said.append(f"{c.name}{doubt}{factor}".replace(" ", "\u00a0"))
    return ", ".join(said) or "–"


def _evidence(page: Page, found: Interpretation) -> list[list]:
    """Rows of the table behind a click: where the peak is, how clear, which other lines support it."""
    digits, rows = DIGITS.get(found.units, 4), []
    named = zip(component_names(page.result), component_rgb(page.result, page.colors), found.candidates, strict=True)
    for name, color, own in named:
        for c in own:
            times = f"{c.times:.1f}" if math.isfinite(c.times) else "–"
            rows.append(
                [swatch(color), _short(name), _line(c), f"{c.position:.{digits}f}", f"{c.known:.{digits}f}",
                 f"{c.off:+.{digits}f}", show(round(c.height, 9)), f"{c.sigma:.0f}", times, ", ".join(c.support) or "?", c.note]
            )  # fmt: skip
    return rows


def _short(name: str) -> Markup:
    return Markup('<span class="key">{}</span>').format(name)


def _line(candidate: Candidate) -> str:
    return f"{candidate.name} {candidate.line}".strip()
