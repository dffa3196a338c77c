"""Users get a handle, made from their address."""

from alembic import op

revision = "r05"
down_revision = "r04"


def upgrade() -> None:
    op.execute("ALTER TABLE users ADD COLUMN handle text")
    op.execute("UPDATE users SET handle = split_part(email, '@', 1)")


def downgrade() -> None:
    op.execute("ALTER TABLE users DROP COLUMN handle")
