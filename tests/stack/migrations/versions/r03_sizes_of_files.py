"""The size of every file is filled in."""

from alembic import op

revision = "r03"
down_revision = "r02"


def upgrade() -> None:
    op.execute("UPDATE files SET size_bytes = octet_length(content) WHERE size_bytes IS NULL")
    op.alter_column("files", "size_bytes", server_default="0", nullable=False)


def downgrade() -> None:
    op.alter_column("files", "size_bytes", server_default=None, nullable=True)
    op.execute("UPDATE files SET size_bytes = NULL")
