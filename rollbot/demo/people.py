"""Who takes part in the demo."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """One person of the demo. `id` is also the OS login by which the terminal knows them.

    `role` is the one they hold in the shipped runbook; empty for an outsider.
    """

    id: str
    name: str
    role: str = ""


ANNA = Actor("anna", "Анна Соколова", "devops_oncall")
DMITRY = Actor("dmitry", "Дмитрий Орлов", "devops_lead")
VERA = Actor("vera", "Вера Лебедева", "database_team")
IGOR = Actor("igor", "Игорь Белов", "incident_commander")
OLGA = Actor("olga", "Ольга Миронова", "cto")
BORIS = Actor("boris", "Борис Крылов")

CAST = (ANNA, DMITRY, VERA, IGOR, OLGA, BORIS)
