"""The log of events goes, and says that it cannot come back."""

from alembic import op

revision = "r07i"
down_revision = "r06"


def upgrade() -> None:
    op.drop_table("events")


def downgrade() -> None:
    raise NotImplementedError("the events are gone")
