"""The producing side: what a process that runs tasks needs. Never imports `journal` or `server`."""
