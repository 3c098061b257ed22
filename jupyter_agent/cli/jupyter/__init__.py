"""A Jupyter server and a kernel session, for `demo` and `serve`."""
