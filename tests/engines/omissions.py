"""Pytest plugin: a test that an engine's absence leaves out is never left out quietly.

`@pytest.mark.engine("docker", "redis")`, or a fixture that calls `address_of("docker")`, says what
a test needs. The run ends with the list of what was left out. With `ROLLBOT_REQUIRE_ENGINES=1`
anything left out, for whatever reason, is a failure.
"""

from collections.abc import Generator

import pytest

from tests.engines.found import address_of, required


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "engine(*names): the real engines that the test needs")
    config.addinivalue_line("markers", "long: tells again, otherwise combined, what another tells")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("engine"):
        for name in marker.args:
            address_of(name)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and required() and not hasattr(report, "wasxfail"):
        _turn_into_failure(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if report.skipped and required():
        _turn_into_failure(report)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    left_out = terminalreporter.stats.get("skipped", [])
    if not left_out:
        return
    terminalreporter.section(f"left out: {len(left_out)}")
    for report in left_out:
        terminalreporter.write_line(f"{report.nodeid}: {_reason(report)}")


def _turn_into_failure(report: pytest.TestReport | pytest.CollectReport) -> None:
    reason = _reason(report)
    report.outcome = "failed"
    report.longrepr = f"{reason} (ROLLBOT_REQUIRE_ENGINES=1: nothing may be left out)"


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    if isinstance(report.longrepr, tuple):
        return report.longrepr[2].removeprefix("Skipped: ")
    return str(report.longrepr)
