"""LitServe: an API an address, typed by pydantic, one worker, its fast queue on."""

# LitServe reads the types of a request from the signature, where they must be no texts

import sys
from typing import Any

import litserve

from benchmarks.serving.peers.graph import answers, encode, session
from benchmarks.serving.peers.typed import Prediction, Predictions, Record, Records, told


class One(litserve.LitAPI):
    """One record."""

    def setup(self, device: str) -> None:
        del device
        self.session = session()

    def decode_request(self, request: Record) -> Any:
        return request

    def predict(self, record: Any) -> Any:
        return told(answers(self.session, encode([list(vars(record).values())]))[0])

    def encode_response(self, output: Any) -> Prediction:
        return output


class Many(litserve.LitAPI):
    """Many records."""

    def setup(self, device: str) -> None:
        del device
        self.session = session()

    def decode_request(self, request: Records) -> Any:
        return request

    def predict(self, records: Any) -> Any:
        cells = encode([list(vars(record).values()) for record in records.rows])
        return Predictions(rows=[told(answer) for answer in answers(self.session, cells)])

    def encode_response(self, output: Any) -> Predictions:
        return output


if __name__ == "__main__":
    apis = [One(api_path="/one"), Many(api_path="/many")]
    server = litserve.LitServer(apis, accelerator="cpu", workers_per_device=1, fast_queue=True)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="warning")
