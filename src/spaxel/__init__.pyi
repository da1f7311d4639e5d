"""Public names, for editors and type checkers; at run time they are loaded on first use."""

from spaxel import plot as plot
from spaxel.cube import check_cube as check_cube
from spaxel.cube import make_cube as make_cube
from spaxel.cube.executing import executing as executing
from spaxel.errors import SpaxelError as SpaxelError
from spaxel.exporting import export as export
from spaxel.methods.consensus.estimator import Segment as Segment
from spaxel.methods.dgc.estimator import DeepGlobalClustering as DeepGlobalClustering
from spaxel.methods.dsc.estimator import DeepSpectralClustering as DeepSpectralClustering
from spaxel.methods.ebgmcr.estimator import EnergyMCR as EnergyMCR
from spaxel.methods.kmeans.estimator import KMeans as KMeans
from spaxel.methods.learned.estimator import LearnedMetric as LearnedMetric
from spaxel.methods.library.estimator import LibraryUnmixing as LibraryUnmixing
from spaxel.methods.mcr.estimator import MCR as MCR
from spaxel.methods.rare.find import find_rare as find_rare
from spaxel.methods.registry import load as load
from spaxel.metrics import score as score
from spaxel.pace import progress as progress
from spaxel.partners.hyperspy import from_hyperspy as from_hyperspy
from spaxel.partners.hyperspy import to_hyperspy as to_hyperspy
from spaxel.plot import figure as figure
from spaxel.preprocess import absorbance as absorbance
from spaxel.preprocess import align as align
from spaxel.preprocess import baseline as baseline
from spaxel.preprocess import continuum_removal as continuum_removal
from spaxel.preprocess import crop as crop
from spaxel.preprocess import derivative as derivative
from spaxel.preprocess import despike as despike
from spaxel.preprocess import destripe as destripe
from spaxel.preprocess import emsc as emsc
from spaxel.preprocess import mask_channels as mask_channels
from spaxel.preprocess import mask_pixels as mask_pixels
from spaxel.preprocess import msc as msc
from spaxel.preprocess import normalise as normalise
from spaxel.preprocess import rebin as rebin
from spaxel.preprocess import scale as scale
from spaxel.preprocess import smooth as smooth
from spaxel.preprocess import voronoi as voronoi
from spaxel.readers import open_cube as open_cube
from spaxel.readers.native import convert as convert
from spaxel.readers.native import write_cube as write_cube
from spaxel.reporting import report as report
from spaxel.results.calibration import calibrate as calibrate
from spaxel.results.cut import cut as cut
from spaxel.results.interpretation import interpret as interpret
from spaxel.results.line_maps import line_maps as line_maps
from spaxel.synth import simulate as simulate
from spaxel.viewer.shown import view as view
from spaxel.workflow.comparing import compare as compare
from spaxel.workflow.matching import match as match

__version__: str
__all__: list[str]
