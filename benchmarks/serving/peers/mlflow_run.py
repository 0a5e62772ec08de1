"""Writes the folder of a model and serves it by `mlflow models serve`, as MLflow's documentation shows."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import mlflow

if __name__ == "__main__":
    folder = Path(tempfile.mkdtemp())
    mlflow.set_tracking_uri((folder / "runs").as_uri())
    code = Path(__file__).with_name("mlflow_model.py")
    mlflow.pyfunc.save_model(folder / "model", python_model=code, pip_requirements=["onnxruntime"])
    serve = ["models", "serve", "--model-uri", str(folder / "model"), "--env-manager", "local"]
    command = ["-m", "mlflow", *serve, "--host", "127.0.0.1", "--port", sys.argv[1], "--workers", "1"]
    # It starts uvicorn by its name.
    os.environ["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    os.execv(sys.executable, [sys.executable, *command])
