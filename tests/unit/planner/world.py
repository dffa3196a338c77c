"""Runbooks, facts and requests that the planner's tests start from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from commands.domain.facts import (
    Facts,
    KnownRelease,
    LedgerLine,
    PinFact,
    Proven,
    ReleaseImage,
    RunningRelease,
    ServiceFacts,
)
from commands.domain.people import Scenario
from commands.domain.request import Request
from commands.domain.runbook import (
    Compose,
    EnvironmentDefinition,
    Person,
    RoleDefinition,
    Runbook,
    ServiceDefinition,
)

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
REPOSITORY = "registry:5000/samokoder"
SERVICES = ("api", "worker", "frontend")


def digest(service: str, version: str) -> str:
    """A digest that is stable and readable in a failure."""
    return f"sha256:{service}-{version}"


def proven(days: float = 3, errors: int | None = 1, ended_days_ago: float = 1) -> Proven:
    until = NOW - timedelta(days=ended_days_ago)
    requests = 1000 if errors is not None else None
    return Proven(
        since_at=until - timedelta(days=days), until_at=until, requests=requests, errors=errors
    )


def runbook(services: dict[str, dict[str, Any]] | None = None, **environment: Any) -> Runbook:
    """Samokoder in small: three services and a database, one environment `production`."""
    compose = {"project": "samokoder", "directory": "/opt/samokoder"}
    compose |= environment.pop("compose", {})
    given = services or {}
    definitions = {
        name: ServiceDefinition(
            **{"image": f"{REPOSITORY}-{name}", "health_url": f"http://{name}/health"}
            | given.get(name, {})
        )
        for name in SERVICES
    }
    return Runbook(
        version="1.0",
        environments={
            "production": EnvironmentDefinition(
                title="PRODUCTION", compose=Compose(**compose), **environment
            )
        },
        services={**definitions, "db": ServiceDefinition(image="postgres", stateful=True)},
        people={"anna": Person(name="Анна")},
        roles={"oncall": RoleDefinition(title={"ru": "Дежурный"}, members=("anna",))},
        escalation={},
        digest="r" * 64,
    )


def request(*services: str, version: str | None = "v1.2.3", **more: Any) -> Request:
    named = services or ("api",)
    return Request(
        environment="production",
        scenario=more.pop("scenario", Scenario.SERVICE),
        services=named,
        version=None if more.get("auto") else version,
        **more,
    )


def running(service: str, version: str = "v1.3.0", **more: Any) -> RunningRelease:
    return RunningRelease(
        **{
            "service": service,
            "container_id": f"{service}-1",
            "image_id": f"sha256:id-{service}-{version}",
            "repo_digests": (digest(service, version),),
            "reference": f"{REPOSITORY}-{service}:{version}",
            "version": version,
            "started_at": NOW,
        }
        | more
    )


def image(service: str, version: str = "v1.2.3", **more: Any) -> ReleaseImage:
    return ReleaseImage(
        **{
            "service": service,
            "repository": f"{REPOSITORY}-{service}",
            "version": version,
            "digest": digest(service, version),
            "in_registry": True,
        }
        | more
    )


def known(service: str, version: str, **more: Any) -> KnownRelease:
    return KnownRelease(
        **{
            "service": service,
            "version": version,
            "digest": digest(service, version),
            "sources": ("ledger", "registry"),
        }
        | more
    )


def line(service: str, version: str, **more: Any) -> LedgerLine:
    return LedgerLine(
        **{
            "service": service,
            "version": version,
            "digest": digest(service, version),
            "first_seen_at": NOW - timedelta(days=9),
        }
        | more
    )


def pin(service: str, value: str = "v1.3.0", **more: Any) -> PinFact:
    return PinFact(
        **{
            "service": service,
            "path": ".env",
            "variable": "APP_VERSION",
            "value": value,
            "fingerprint": "e" * 64,
        }
        | more
    )


def service_facts(service: str, **more: Any) -> ServiceFacts:
    """It runs v1.3.0, v1.2.3 is proven and in the registry."""
    given = {
        "service": service,
        "running": running(service),
        "target": image(service),
        "pin": pin(service),
        "releases": (known(service, "v1.3.0"), known(service, "v1.2.3", proven=proven())),
    }
    return ServiceFacts(**given | more)


def facts(*services: ServiceFacts, **more: Any) -> Facts:
    return Facts(
        **{
            "environment": "production",
            "services": services or (service_facts("api"),),
            "sharing_variable": {"APP_VERSION": SERVICES},
            "config_fingerprint": "c" * 64,
            "surveyed_at": NOW,
        }
        | more
    )
