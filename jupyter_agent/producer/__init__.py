"""Producer: write-ahead spool and forwarder of a process that runs tasks."""
