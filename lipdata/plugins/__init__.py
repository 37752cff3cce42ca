"""What other packages register by entry points: face detectors, features, losses.

Takes the name of a group; gives the objects, each loaded on demand, with one line where that fails.
"""

from lipdata.plugins.entry_points import DETECTORS, FEATURES, LOSSES, load_plugin, plugins, plugins_in_use

__all__ = ["DETECTORS", "FEATURES", "LOSSES", "load_plugin", "plugins", "plugins_in_use"]
