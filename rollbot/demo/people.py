"""Who takes part in the demo."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """One person of the demo. `id` is also the OS login by which the terminal knows them."""

    id: str
    name: str


ANNA = Actor("anna", "Анна Соколова")
DMITRY = Actor("dmitry", "Дмитрий Орлов")
IGOR = Actor("igor", "Игорь Белов")
OLGA = Actor("olga", "Ольга Миронова")
BORIS = Actor("boris", "Борис Крылов")

CAST = (ANNA, DMITRY, IGOR, OLGA, BORIS)
