"""How microscopes name their files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore_core._suggest import did_you_mean
from polystore_core.errors import InvalidOption
from polystore_core.paths._pattern import PathPattern

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

__all__ = ["PRESETS", "detect_preset", "preset_text"]

PRESETS = {
    "opera-phenix": (
        "r{row:02d}c{column:02d}f{field:02d}[p{z:02d}]-ch{channel:d}sk{t:d}fk{_fk:d=1}fl{_fl:d=1}.{_ext=tiff}"
    ),
    "cellvoyager": (
        "[{plate}_]{well}_T{t:04d}F{field:03d}L{_timeline:02d=1}A{_action:02d=1}Z{z:02d}C{channel:02d}.{_ext=tif}"
    ),
    "micro-manager": ("img_channel{channel:03d}_position{position:03d}_time{t:09d}_z{z:03d}.{_ext=tif}"),
    "micro-manager-1.4": "[Pos{position:d}/]img_{t:09d}_{channel}_{z:03d}.{_ext=tif}",
    "cellomics": "{plate}_{well}f{field:02d}d{channel:d}.{_ext=tif}",
    "imagexpress": (
        "[TimePoint_{t:d}/][ZStep_{z:d}/][{plate}_]{well}[_s{site:d}][_w{channel:d}][{_guid:guid}][_z{z:d}]"
        "[_t{t:d}].{_ext=tif}"
    ),
    "ome-tiff": "{image}[_S{series:d}][_C{channel:d}][_Z{z:d}][_T[P]{t:d}].ome.tif[f]",
}
"""Patterns by name, the most particular first.

opera-phenix
    Revvity (PerkinElmer) Harmony exports of Opera Phenix and Operetta: ``r01c01f01p01-ch1sk1fk1fl1.tiff``.
    Row, column, field, plane and channel count from 1; ``sk`` is the time point.
cellvoyager
    Yokogawa CV7000 and CV8000: ``Plate_A01_T0001F001L01A01Z01C01.tif``. The time line (L) and action (A)
    say how a channel was acquired and are no coordinates.
micro-manager
    Micro-Manager 2 separate image files: ``img_channel000_position000_time000000000_z000.tif``.
micro-manager-1.4
    Micro-Manager 1.4 separate image files: ``Pos0/img_000000000_DAPI_000.tif``.
cellomics
    Thermo Fisher (Cellomics) ArrayScan: ``AS_09125_050116030001_D03f00d0.tif``, field and channel from 0.
imagexpress
    Molecular Devices MetaXpress: ``TimePoint_1/ZStep_1/Plate_A01_s1_w1<GUID>.tif``; folders, plate, site,
    wavelength and GUID may be missing; ``_z`` and ``_t`` behind them are understood. Thumbnails do not fit.
ome-tiff
    One OME-TIFF per series, channel, plane or time point, as in the sample data of the OME project and in
    bfconvert output: ``tubhiswt_C0_TP0.ome.tif``.

Where the last part is ``.{_ext}`` any extension fits, because processed planes keep the name of their source.
"""

_OTHER_NAMES = {
    "opera": "opera-phenix",
    "operetta": "opera-phenix",
    "phenix": "opera-phenix",
    "harmony": "opera-phenix",
    "metaxpress": "imagexpress",
    "cv7000": "cellvoyager",
    "cv8000": "cellvoyager",
    "yokogawa": "cellvoyager",
    "micromanager": "micro-manager",
    "arrayscan": "cellomics",
    "ome": "ome-tiff",
}


def preset_text(name: str) -> str:
    """Text of the preset's pattern; ``_``, blanks and letter case in the name do not matter."""
    if not isinstance(name, str):
        raise InvalidOption(f"the name of a preset is text such as 'imagexpress', not {type(name).__name__}")
    key = name.strip().lower().replace("_", "-").replace(" ", "-")
    text = PRESETS.get(_OTHER_NAMES.get(key, key))
    if text is None:
        guess = did_you_mean(key, [*PRESETS, *_OTHER_NAMES])
        raise InvalidOption(
            f"no preset {name!r}; presets: {', '.join(sorted(PRESETS))}.{guess} "
            "A pattern of your own has fields in braces: '{well}_s{site:d}_w{channel:d}.tif'"
        )
    return text


def detect_preset(paths: Iterable[str | os.PathLike[str]]) -> PathPattern:
    """Find the preset that fits every path; of several, the one that tells most about the first path."""
    from polystore_core.paths._algebra import check_several, normalize_path

    check_several(paths)
    names = [normalize_path(path) for path in paths]
    if not names:
        raise InvalidOption("no paths were given, so no preset can be found for them")
    patterns = {preset: PathPattern(text) for preset, text in PRESETS.items()}
    counts = {preset: sum(map(pattern.fits, names)) for preset, pattern in patterns.items()}
    fitting = [pattern for preset, pattern in patterns.items() if counts[preset] == len(names)]
    if fitting:
        return max(fitting, key=lambda pattern: len(pattern.parse(names[0])))
    closest = max(counts, key=counts.__getitem__)
    partly = ""
    if counts[closest]:
        misfit = next(name for name in names if not patterns[closest].fits(name))
        partly = f"{closest!r} fits {counts[closest]} of them but not {misfit!r}. "
    examples = "\n".join(f"  {preset}: {patterns[preset].example}" for preset in sorted(patterns))
    raise InvalidOption(
        f"no preset fits all of the {len(names)} paths, of which {names[0]!r} is the first. {partly}"
        f"Write a pattern such as '{{well}}_s{{site:d}}_w{{channel:d}}.tif'. "
        f"Presets and names that fit them:\n{examples}"
    )
