"""Ray Serve: FastAPI before one replica, its throughput switch on, without a line a request in the log."""

# FastAPI reads the types of a request from a class that Ray has copied, where they must be no texts

import os
import signal
import sys

# Read when Ray is imported: one event loop for requests and the user's code.
os.environ["RAY_SERVE_THROUGHPUT_OPTIMIZED"] = "1"

import ray
from fastapi import FastAPI
from ray import serve

from benchmarks.serving.peers.fields import HOME
from benchmarks.serving.peers.graph import answers, encode, session
from benchmarks.serving.peers.typed import Prediction, Predictions, Record, Records, told

app = FastAPI()
QUIET = {"enable_access_log": False}


@serve.deployment(num_replicas=1, max_ongoing_requests=100, logging_config=QUIET, ray_actor_options={"num_cpus": 0.5})
@serve.ingress(app)
class Screening:
    """The model behind two addresses."""

    def __init__(self) -> None:
        self.session = session()

    @app.post("/one")
    async def one(self, record: Record) -> Prediction:
        return told(answers(self.session, encode([list(vars(record).values())]))[0])

    @app.post("/many")
    async def many(self, records: Records) -> Predictions:
        cells = encode([list(vars(record).values()) for record in records.rows])
        return Predictions(rows=[told(answer) for answer in answers(self.session, cells)])


if __name__ == "__main__":
    known = {name: os.environ[name] for name in (HOME, "PYTHONPATH")}
    ray.init(
        address="local",
        num_cpus=2,
        include_dashboard=False,
        object_store_memory=200_000_000,
        _node_ip_address="127.0.0.1",
        log_to_driver=False,
        runtime_env={"env_vars": known},
    )
    serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[1])})
    serve.run(Screening.bind(), route_prefix="/")
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    ray.shutdown()
