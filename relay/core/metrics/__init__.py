"""What the process counts of its calls, as numbers by labels. Pure; `relay.web.metrics` writes them out.

series   counters and histograms, bounded in the number of their label sets
labels   what may stand in a label: names of the configuration and of the code, never what a client chose
calls    what is counted of each call, from its record
"""

from relay.core.metrics.calls import CallCounter, CallTallies
from relay.core.metrics.labels import ModelLabels
from relay.core.metrics.series import Counter, Histogram, Series

__all__ = ["CallCounter", "CallTallies", "Counter", "Histogram", "ModelLabels", "Series"]
