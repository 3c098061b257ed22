"""What runs beside user code: tasks, their context, handles and views. Never imports `journal` or `server`."""
