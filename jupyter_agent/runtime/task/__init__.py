"""Parts of a task of this process: event sink, completion, commands, retry policy, registry."""
