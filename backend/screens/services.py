"""The incident service as routes get it, by the dependency name ``services``."""

import msgspec
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from backend.finding import Finding
from backend.incidents.service import Incidents
from backend.sensing.rules import RuleBook


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """Made once in ``backend.app`` from the pipeline."""

    incidents: Incidents
    rules: RuleBook
    finding: Finding


Services = NamedDependency[SkipValidation[Parts]]
