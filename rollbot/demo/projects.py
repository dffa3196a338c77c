"""What Samokoder's api keeps for its users: their projects, in the demo's PostgreSQL."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus

from rollbot.demo.schema import describes_projects

URL_VARIABLE = "DATABASE_URL"
_PATIENCE_S = 3


@dataclass(frozen=True, slots=True)
class Projects:
    """The table as one release's code knows it: it writes the columns that it has heard of."""

    url: str = field(repr=False)
    version: str

    def count(self) -> tuple[HTTPStatus, dict[str, object]]:
        """How many there are, as an answer to a GET."""
        return self._asked("SELECT count(*) FROM projects", HTTPStatus.OK, "count")

    def add(self) -> tuple[HTTPStatus, dict[str, object]]:
        """Save one more, as an answer to a POST: 500 when the schema is not that of this code."""
        columns, values = "owner_id, title, status", "1, 'Landing page', 'active'"
        if describes_projects(self.version):
            columns, values = f"{columns}, description", f"{values}, 'Made in the demo'"
        insert = f"INSERT INTO projects ({columns}) VALUES ({values}) RETURNING id"  # noqa: S608 - ours
        return self._asked(insert, HTTPStatus.CREATED, "id")

    def _asked(self, sql: str, well: HTTPStatus, name: str) -> tuple[HTTPStatus, dict[str, object]]:
        # Imported when it is first asked for: most services of the demo never are.
        import psycopg

        try:
            with psycopg.connect(self.url, connect_timeout=_PATIENCE_S) as connection:
                row = connection.execute(sql.encode()).fetchone()
        except psycopg.Error as error:
            return HTTPStatus.INTERNAL_SERVER_ERROR, {"error": type(error).__name__}
        return well, {name: row[0] if row else None}
