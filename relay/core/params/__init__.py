"""What a configuration changes of a request on its way to a target: parameters, system prompts, tools.

Layers are applied in the order below, each on what those before it left, and always on a copy. Of two that fill in the
same name the first one wins, of two that override it the last one.

    model      providers.NAME.model_params, then model_routing.model_params: of each the first entry that matches
    rules      model_routing.payload_transformation.rules: all that match
    global     model_routing.global_params
    provider   providers.NAME.params

Pure: a configuration, a request and a target in, a request and a receipt out.
"""

from relay.core.params.changes import UNCHANGED, LayerChange, Receipt
from relay.core.params.parameters import Parameters, Prepared

__all__ = ["UNCHANGED", "LayerChange", "Parameters", "Prepared", "Receipt"]
