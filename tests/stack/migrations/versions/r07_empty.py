"""A column whose way back nobody wrote."""

import sqlalchemy as sa
from alembic import op

revision = "r07e"
down_revision = "r06"


def upgrade() -> None:
    op.add_column("users", sa.Column("avatar_url", sa.Text))


def downgrade() -> None:
    pass
