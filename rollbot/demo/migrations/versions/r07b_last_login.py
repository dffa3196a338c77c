"""When a user was last there. Written beside r07a, by another team: nobody merged the two."""

from alembic import op

revision = "r07b"
down_revision = "r06"


def upgrade() -> None:
    op.execute("ALTER TABLE users ADD COLUMN last_login_at timestamptz")


def downgrade() -> None:
    op.execute("ALTER TABLE users DROP COLUMN last_login_at")
