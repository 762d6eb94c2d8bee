"""EMR: moto looks for the region in the host name alone, and so keeps every cluster of a server in us-east-1."""

from moto.core.responses import BaseResponse
from moto.emr.responses import ElasticMapReduceResponse

from localcloud import patching


def close() -> None:
    """Let EMR read the region where every other service reads it: in the request's signature."""
    patching.replace(ElasticMapReduceResponse, "get_region_from_url", BaseResponse.get_region_from_url)
