"""The way back drops an index at once, and then fails as soon as there is a project."""

from alembic import op

revision = "r07h"
down_revision = "r06"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("CREATE INDEX CONCURRENTLY ix_projects_title ON projects (title)")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY ix_projects_title")
    op.execute("ALTER TABLE projects ADD CONSTRAINT empty CHECK (id < 0)")
