"""The stages of a run, one a file; each is what ``stage.Stage`` asks for."""
