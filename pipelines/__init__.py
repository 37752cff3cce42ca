"""The pipeline files that come with lipdata; a package only so that they are installed with it."""
