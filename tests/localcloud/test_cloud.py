"""A service that is not modelled is refused by name; stock moto answers with a 500, which clients retry."""

import pytest
from botocore.exceptions import ClientError
from moto.moto_server.werkzeug_app import create_backend_app

from tests.localcloud.conftest import MakeClient


@pytest.mark.parametrize(
    ("service", "operation", "code", "status"),
    [
        ("pricing", "describe_services", "UnknownOperationException", 400),
    ],
)
def test_refuses_a_service_that_is_not_modelled_by_name(
    client: MakeClient, service: str, operation: str, code: str, status: int
) -> None:
    with pytest.raises(ClientError) as caught:
        getattr(client(service), operation)()

    answer = caught.value.response
    assert answer["Error"]["Code"] == code
    assert service in answer["Error"]["Message"]
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == status


def test_stock_moto_answers_500_without_a_message() -> None:
    with pytest.raises(AttributeError):
        create_backend_app(None)  # type: ignore[arg-type]
