"""One self-contained page on a lexicon: what was found, how sure it is, and how it was done."""

from napari_lexicon.analysis.report.findings import Findings, ReportSettings, gathered
from napari_lexicon.analysis.report.page import report_page

__all__ = ["Findings", "ReportSettings", "gathered", "report_page"]
