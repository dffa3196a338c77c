"""Invoices: one of two branches."""

import sqlalchemy as sa
from alembic import op

revision = "r07a"
down_revision = "r06"


def upgrade() -> None:
    op.create_table(
        "invoices",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("user_id", sa.Integer, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("amount_cents", sa.Integer, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("invoices")
