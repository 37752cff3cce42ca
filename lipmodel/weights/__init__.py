"""The weights that ship, one ``.safetensors`` and one model card a model, and how weights get into networks.

Nothing here runs code out of a file.
"""

from lipmodel.weights.read import put_weights, read_weights
from lipmodel.weights.shipped import shipped_weights

__all__ = ["put_weights", "read_weights", "shipped_weights"]
