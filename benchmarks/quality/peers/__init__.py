"""One way of making a model a file, each with a value `peer`; `benchmarks.quality.peer.find_peer` finds them by name."""
