"""What an ENVI header declares about the stored numbers: no data, gains, offsets, the scale of reflectance."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from spaxel.readers.parts.stored import Stored, numbers_of, usable_scale


def declared_values(path: Path, header: dict[str, str], n_channels: int) -> tuple[Stored, list[str]]:
    """What the header at `path` declares, and a sentence for each field that cannot be used.

    `data gain values` and `data offset values` (or `data reflectance gain values` …) are one number or one for each
    channel; values are divided by `reflectance scale factor` where there are no gains (a header with both says the same
    thing twice).
    """
    left_out: list[str] = []

    def field(name: str, size: int, *, zero: bool = False) -> Any:
        if not header.get(name, "").strip():
            return None
        found = usable_scale(_numbers(header[name]), size, zero=zero)
        if found is None:
            wanted = "1" if size == 1 else f"1 or {size}"
            left_out.append(
                f"{path.name}: {name} = {header[name][:40]!r} is left out, since it is not {wanted} usable numbers. "
                "Correct the header."
            )
        return found

    kind = "data" if header.get("data gain values", "").strip() else "data reflectance"  # gains to radiance go before
    gain, offset = field(f"{kind} gain values", n_channels), field(f"{kind} offset values", n_channels, zero=True)
    if offset is None and gain is None:
        kind, offset = "data", field("data offset values", n_channels, zero=True)
    divisor = field("reflectance scale factor", 1)
    used = [n for n, v in ((f"{kind} gain values", gain), (f"{kind} offset values", offset)) if v is not None]
    if gain is None and divisor is not None:
        gain, used = 1 / divisor, ["reflectance scale factor", *used]
    no_data = _numbers(header.get("data ignore value", ""))
    if header.get("data ignore value", "").strip().lower() not in ("", "none", "n/a", "null") and not no_data:
        left_out.append(
            f"{path.name}: data ignore value = {header['data ignore value'][:40]!r} is no number. Option no_data decides."
        )
    used = [*(["data ignore value"] if no_data else []), *used]
    return Stored(no_data, None, gain, offset, None, f"{', '.join(used)} in {path.name}" if used else ""), left_out


def _numbers(text: str) -> tuple[float, ...]:
    return numbers_of([part for part in re.split(r"[,;\s]+", text.strip(" ,;{}")) if part])
