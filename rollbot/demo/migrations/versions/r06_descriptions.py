"""Projects are described and tagged. Code from before cannot write a project any more."""

from alembic import op

revision = "r06"
down_revision = "r05"


def upgrade() -> None:
    op.execute("ALTER TABLE projects ADD COLUMN description text")
    op.execute("UPDATE projects SET description = title")
    op.execute("ALTER TABLE projects ALTER COLUMN description SET NOT NULL")
    op.execute(
        "CREATE TABLE project_tags (project_id integer REFERENCES projects, tag text,"
        " PRIMARY KEY (project_id, tag))"
    )
    op.execute("INSERT INTO project_tags SELECT id, 'new' FROM projects WHERE status = 'draft'")


def downgrade() -> None:
    op.execute("DROP TABLE project_tags")
    op.execute("ALTER TABLE projects DROP COLUMN description")
