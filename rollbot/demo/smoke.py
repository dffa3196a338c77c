"""The demo's stand-in for the customer's smoke-test.sh: every page must answer 200.

`python -m rollbot.demo.smoke URL...` prints a line per page; exit code 1 if one is not well.
"""

from __future__ import annotations

import sys
import urllib.error
import urllib.request

_PATIENCE_S = 5
_WELL = 200


def main() -> None:
    """Ask each page once."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    failures = 0
    for url in sys.argv[1:]:
        try:
            with opener.open(url, timeout=_PATIENCE_S) as answer:
                status = answer.status
        except urllib.error.HTTPError as error:
            status = error.code
            error.close()
        except urllib.error.URLError as error:
            status = error.reason
        failures += status != _WELL
        sys.stdout.write(f"{'ok  ' if status == _WELL else 'FAIL'} {url} {status}\n")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
