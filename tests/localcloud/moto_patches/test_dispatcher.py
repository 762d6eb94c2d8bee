"""What moto's dispatcher does for every request, and the local cloud's does once."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from moto import backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from localcloud.moto_patches import dispatcher

HOST = "s3.eu-west-1.amazonaws.com"


def listings_for_two_requests(monkeypatch: pytest.MonkeyPatch) -> int:
    """Return how often moto's folder is listed to find the service of two requests, after a first one."""
    application = DomainDispatcherApplication(create_backend_app)
    assert application.get_backend_for_host(HOST) == "s3"
    listed: list[str | Path] = []
    stock: Callable[[str | Path], list[str]] = os.listdir

    def listdir(folder: str | Path) -> list[str]:
        listed.append(folder)
        return stock(folder)

    monkeypatch.setattr(os, "listdir", listdir)
    assert [application.get_backend_for_host(HOST) for _ in range(2)] == ["s3", "s3"]
    return len(listed)


def test_services_are_listed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    stock = list(backends.list_of_moto_modules())
    dispatcher.apply(monkeypatch.setattr)

    assert list(backends.list_of_moto_modules()) == stock
    assert listings_for_two_requests(monkeypatch) == 0


def test_stock_moto_lists_services_for_each_request(monkeypatch: pytest.MonkeyPatch) -> None:
    assert listings_for_two_requests(monkeypatch) == 2
