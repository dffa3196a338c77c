"""What every test may ask for; the engines themselves are in `tests/engines` and `tests/stack`."""

from hypothesis import HealthCheck, settings

# The same examples on every machine, slow or not: what fails where changes land fails here, too.
settings.register_profile(
    "rollbot", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("rollbot")

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
