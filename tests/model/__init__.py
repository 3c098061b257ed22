"""The delivery path as a state machine: every run is 50 steps of normal life and trouble, without any I/O.

The production code runs as it is: the protocol's sides, the WebSocket handler, writer, feed, registry,
liveness, holder, drafts, the journal in memory, ingestion, the forwarder. What it would get from the world
is modelled, as little as possible:

* `loop`      an event loop without sockets or a clock: it runs what is ready, time passes by a rule
* `wires`     one connection as two queues of frames that can be cut anywhere, or be slow
* `spools`    a spool as records in segments: numbers, base, what is freed on ack, what a full one drops
* `holding`   the holder without its thread; folders, locks and files of a user as one object
* `servers`   a server without Tornado's network; `producers`, `subscribers`: the other ends
* `oracle`    what was emitted and committed, and what therefore has to be everywhere
* `world`     all of them; `machine`: the rules; `bugs`: switches that plant a known bug
* `test_model` makes the runs, `test_bugs` has each planted bug found, `test_found` is what was found so far

``pytest tests/model`` makes 2,000 runs. ``MODEL_RUNS=50000`` makes more, ``MODEL_SEED=7`` others; what
fails is printed as the steps that lead there, and runs again when pasted into a test.
"""
