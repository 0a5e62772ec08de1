"""Starts MLServer in a folder with its settings: one process, nothing beside HTTP."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

if __name__ == "__main__":
    folder, port = Path(tempfile.mkdtemp()), int(sys.argv[1])
    model = {"name": "screening", "implementation": "benchmarks.serving.peers.mlserver_model.Screening"}
    settings = {
        "host": "127.0.0.1",
        "http_port": port,
        "grpc_port": port + 1,
        "metrics_port": port + 2,
        "parallel_workers": 0,
        "debug": False,
    }
    (folder / "model-settings.json").write_text(json.dumps(model))
    (folder / "settings.json").write_text(json.dumps(settings))
    program = Path(sys.executable).with_name("mlserver")
    os.execv(program, [str(program), "start", str(folder)])
