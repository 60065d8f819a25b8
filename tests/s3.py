"""An S3 server for tests: moto on a free loopback port, once per process.

    from tests.s3 import s3_bucket  # noqa: F401 - a fixture

    def test_something(s3_bucket):
        store, root = s3_bucket.open("some/prefix")

Nothing is imported from moto or s3fs before the first test asks for a bucket.
"""

import importlib
import itertools
import os
from dataclasses import dataclass
from functools import cache

import pytest

KEY = "AKIATESTTESTTESTTEST"
SECRET = "canary-secret-Zm9vYmFyYmF6"
_numbers = itertools.count()


@dataclass(frozen=True)
class Bucket:
    """An empty bucket on the test server."""

    name: str
    endpoint_url: str

    @property
    def options(self):
        return {"key": KEY, "secret": SECRET, "endpoint_url": self.endpoint_url}

    def url(self, path):
        return f"s3://{self.name}/{path}"

    def open(self, path="", **keywords):
        open_store = importlib.import_module("lakestore.storage.fsspec_store").open_store
        return open_store(self.url(path), storage_options=self.options, **keywords)


@cache
def server_url():
    """Endpoint of the one server of this process, started on first use and stopped with the process."""
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")
    server = importlib.import_module("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    return f"http://{host}:{port}"


@pytest.fixture
def s3_bucket():
    """A fresh, empty bucket."""
    pytest.importorskip("s3fs")
    pytest.importorskip("moto.server")
    bucket = Bucket(name=f"bucket-{os.getpid()}-{next(_numbers)}", endpoint_url=server_url())
    filesystem = importlib.import_module("fsspec").filesystem("s3", use_listings_cache=False, **bucket.options)
    filesystem.mkdir(bucket.name)
    return bucket
