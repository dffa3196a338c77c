"""The last login: the other branch."""

import sqlalchemy as sa
from alembic import op

revision = "r07b"
down_revision = "r06"


def upgrade() -> None:
    op.add_column("users", sa.Column("last_login_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("users", "last_login_at")
