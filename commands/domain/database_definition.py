"""The runbook's words about an environment's database, its migrations and its maintenance page."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from commands.domain.procedure import Model, Name, Seconds

Identifier = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_$]{0,47}$")]
"""A database's or table's name; short enough for `_restored_RB_12345` behind it (63 bytes)."""

TableName = Annotated[str, Field(pattern=r"^([A-Za-z_][A-Za-z0-9_$]*\.)?[A-Za-z_][A-Za-z0-9_$]*$")]


class Maintenance(Model):
    """How the proxy shows the maintenance page (503 with Retry-After; the health path excepted).

    `file` is written when it is entered and emptied when it is left: a dynamic configuration
    file of Traefik's file provider, or a snippet that nginx includes. `public_url` is asked from
    outside: what users see. `reload` makes nginx read it (Traefik watches). `page_url`: where
    Traefik gets the page from; "" = its own plain 503. `entry_points`: Traefik's; none = all.
    """

    proxy: Literal["traefik", "nginx"] = "traefik"
    file: str
    public_url: str
    health_path: str = Field(default="/health", pattern=r"^/[A-Za-z0-9/_.-]*$")
    retry_after_s: int = Field(default=120, ge=1, le=86_400)
    page_url: str = ""
    reload: tuple[str, ...] = ()
    entry_points: tuple[str, ...] = ()
    seen_within_s: Seconds = 15


class Migrations(Model):
    """Alembic in a service's image: whose, how it is called, which variable names the database."""

    service: Name = "api"
    command: tuple[str, ...] = Field(default=("alembic",), min_length=1)
    python: tuple[str, ...] = Field(default=("python",), min_length=1)
    config: str = "alembic.ini"
    url_variable: str = Field(default="DATABASE_URL", pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")


class Database(Model):
    """One environment's PostgreSQL database, 15 or newer.

    `server`: `compose` is a service of the project (its client tools run in its own container),
    `managed` is reached by the address in ROLLBOT_DATABASE_URL_<ENV>. A server of its own for
    proofs and rehearsals: ROLLBOT_SCRATCH_URL_<ENV>. `dependants` are stopped while it changes.
    `clone`: a copy to swap back is made where there is `room` for certain; `always` where the
    team knows of the room that a managed server does not tell, as where storage grows by itself.
    `disk_gib`: how large such a server's disk is; what its databases and WAL leave of it is room.
    """

    name: Identifier
    server: Literal["compose", "managed"] = "compose"
    service: Name = "db"
    user: str = ""
    dependants: tuple[Name, ...] = Field(default=("api", "worker"), min_length=1)
    critical_tables: tuple[TableName, ...] = ()
    backups: str = ""
    keep_days: int = Field(default=30, ge=1, le=3_650)
    clone: Literal["room", "always", "never"] = "room"
    disk_gib: float | None = Field(default=None, gt=0, le=1_000_000)
    keep_at_least: int = Field(default=5, ge=1, le=1_000)
    max_age_h: float = Field(default=26, gt=0)
    lock_timeout_s: Seconds = 5
    drain_s: Seconds = 10
    backup_timeout_s: Seconds = 3_600
    rehearsal_timeout_s: Seconds = 1_800
    rehearsal_cpus: float = Field(default=1, gt=0, le=1_024)
    migrate_timeout_s: Seconds = 600
    after_restore: Literal["upgrade_head", "nothing"] = "upgrade_head"
    migrations: Migrations = Migrations()
    maintenance: Maintenance | None = None

    @model_validator(mode="after")
    def _has_a_folder(self) -> Self:
        if not self.backups.startswith("/"):
            raise ValueError("backups must be an absolute folder: a rollback begins with a backup")
        return self
