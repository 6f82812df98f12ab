"""A server that speaks to S3's clients, as a thread of this process."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def object_storage() -> Iterator[str]:
    """A bucket, whose address and keys are in the environment; gives the address of a folder in it."""
    import boto3  # slow
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        for name, value in {"ACCESS_KEY_ID": "k", "SECRET_ACCESS_KEY": "s", "DEFAULT_REGION": "us-east-1"}.items():
            patch.setenv(f"AWS_{name}", value)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")  # nothing else is asked for keys
        boto3.client("s3").create_bucket(Bucket="lab")
        yield "s3://lab/runs"
    server.stop()
