"""Users, projects, files."""

from alembic import op

revision = "r01"
down_revision = None


def upgrade() -> None:
    op.execute("CREATE TABLE users (id serial PRIMARY KEY, email text NOT NULL UNIQUE)")
    op.execute(
        "CREATE TABLE projects (id serial PRIMARY KEY,"
        " owner_id integer NOT NULL REFERENCES users, title text NOT NULL)"
    )
    op.execute(
        "CREATE TABLE files (id bigserial PRIMARY KEY,"
        " project_id integer NOT NULL REFERENCES projects, path text NOT NULL,"
        " content text NOT NULL)"
    )


def downgrade() -> None:
    op.execute("DROP TABLE files")
    op.execute("DROP TABLE projects")
    op.execute("DROP TABLE users")
