"""The size of every file is filled in."""

from alembic import op

revision = "r03"
down_revision = "r02"


def upgrade() -> None:
    op.execute("ALTER TABLE files ADD COLUMN size_bytes bigint NOT NULL DEFAULT 0")
    op.execute("UPDATE files SET size_bytes = octet_length(content)")


def downgrade() -> None:
    op.execute("ALTER TABLE files DROP COLUMN size_bytes")
