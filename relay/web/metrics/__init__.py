"""`GET /metrics`: what the process counts and what it is like at this moment, for Prometheus.

gauges     what is looked at when somebody asks
families   numbers of ours in prometheus_client's form
accept     which text format a scraper asks for
process    what the operating system knows of the process
handler    the route
"""

from relay.web.metrics.gauges import Watched
from relay.web.metrics.handler import MetricsHandler

__all__ = ["MetricsHandler", "Watched"]
