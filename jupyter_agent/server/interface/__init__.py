"""The description of the HTTP interface: what each handler declares, and the document made of that."""
