"""Rows of the table of formats (docs/formats.md) for files of instruments."""

from __future__ import annotations

from spaxel.readers.parts.reader import Format

FORMATS = (
    Format("Bruker Esprit", ".bcf, .spx", "no", "in the file", "-"),
    Format("Renishaw WiRE", ".wdf", "no", "in the file", "-"),
    Format("HyperSpy", ".hspy", "above 256 MiB", "in the file", "-"),
    Format("HyperSpy in Zarr, a folder or a zip", ".zspy", "yes", "in the file", "-"),
    Format("EMD (Berkeley, Velox)", ".emd", "sparse counts; others above 256 MiB", "in the file", "-"),
    Format("JEOL Analysis Station", ".pts, .eds", "sparse counts", "in the file", "-"),
    Format("Gatan Digital Micrograph", ".dm3, .dm4", "above 256 MiB", "in the file", "-"),
    Format("FEI TIA", ".ser, .emi", "above 256 MiB", "in the file", "-"),
    Format("EDAX", ".spd, .spc", "above 256 MiB", "in the file (.spc beside .spd)", "-"),
    Format("Phenom", ".elid", "no", "in the file", "-"),
    Format(
        "Panta Rhei",
        ".prz",
        "above 256 MiB, if it is not compressed",
        "in the file; files of before 24.03 have none that is safe to read",
        "-",
    ),
    Format("Digital Surf", ".sur, .pro", "no", "in the file", "-"),
    Format("TriVista", ".tvf", "no", "in the file", "-"),
    Format("Horiba LabSpec 6", ".xml", "no", "in the file", "-"),
    Format("Delmic Odemis", ".h5", "no", "in the file", "-"),
    Format(
        "ripple (Lispix, INCA, DTSA-II, PyMca)",
        ".rpl with .raw",
        "yes",
        "depth-scale, or ev-per-chan",
        "-",
    ),
    Format("EMSA/MAS", ".msa", "no", "in the file", "-"),
    Format("Hamamatsu streak images", ".img", "no", "in the file", "-"),
    Format("Semper", ".unf", "no", "none; numbered", "-"),
    Format("Quadstar mass spectra", ".sac", "no", "in the file", "-"),
)
