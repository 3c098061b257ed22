"""The Jupyter server extension: holds the journal and lets views, producers and programs reach it."""
