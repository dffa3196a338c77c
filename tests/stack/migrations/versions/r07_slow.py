"""The way back takes twenty seconds with the table locked: time to kill it."""

import sqlalchemy as sa
from alembic import op

revision = "r07s"
down_revision = "r06"


def upgrade() -> None:
    op.add_column("projects", sa.Column("colour", sa.Text))


def downgrade() -> None:
    op.drop_column("projects", "colour")
    op.execute("SELECT pg_sleep(20)")
