"""What our own code logged: a library's late word of something else may fall into any test."""

import logging

import pytest


def ours(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """The records of the packages' own loggers."""
    return [record for record in caplog.records if record.name.partition(".")[0] == "merger"]
