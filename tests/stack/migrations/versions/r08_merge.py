"""The two branches meet."""

revision = "r08"
down_revision = ("r07a", "r07b")


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
