"""vocnlp: mining the voice of the customer in Chinese."""

from importlib.metadata import PackageNotFoundError, version

from .bundle import Bundle
from .codeframe import Codeframe
from .errors import VocnlpError
from .records import Feedback, Prediction, Tag
from .tagger import Tagger

try:
    __version__ = version("vocnlp")
except PackageNotFoundError:  # read from a checkout that was not installed
    __version__ = "0+unknown"

__all__ = ["Bundle", "Codeframe", "Feedback", "Prediction", "Tag", "Tagger", "VocnlpError", "__version__"]
