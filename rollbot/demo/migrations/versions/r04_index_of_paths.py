"""Files are looked up by path: an index that is built while the service runs."""

from alembic import op

revision = "r04"
down_revision = "r03"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("CREATE INDEX CONCURRENTLY ix_files_path ON files (project_id, path)")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY ix_files_path")
