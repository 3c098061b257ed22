"""What runs beside user code: tasks, handles, views. Never imports `journal` or `server`."""
