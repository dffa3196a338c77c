"""What every test may ask for; the engines themselves are in `tests/engines` and `tests/stack`."""

pytest_plugins = [
    "pytester",
    "tests.engines.omissions",
    "tests.engines.postgres_server",
    "tests.engines.redis_server",
    "tests.servers.telegram_fixture",
    "tests.stack.database_fixtures",
    "tests.stack.fixtures",
    "tests.stack.rollbot_fixtures",
    "tests.stack.rollbot_image",
]
