"""What spaxel.reporting gives, for type checkers."""

from spaxel.reporting.whole_page import render as render
from spaxel.reporting.whole_page import report as report

PAGE: str
