"""Who a person is: one person, several accounts, roles by the runbook."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

Platform: TypeAlias = Literal["slack", "telegram", "console", "shell"]
Language: TypeAlias = Literal["ru", "en"]
RoleId: TypeAlias = str
PersonId: TypeAlias = str


class Identity(BaseModel):
    """An account that a platform has authenticated. Never a display name.

    `workspace` is Slack's team id; empty elsewhere. For `shell` and `console` the user is the
    OS login.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    platform: Platform
    workspace: str = ""
    user: str


class Scenario(StrEnum):
    """What is rolled back: named services, all of them, or everything with data and config."""

    SERVICE = "service"
    ALL = "all"
    FULL = "full"
    DATABASE = "db"
    CONFIG = "config"
    RESTORE = "restore"
