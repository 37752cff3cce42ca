"""The built-in sample corpus: a portrait that says GRID sentences. Needs the extra [demo]."""
